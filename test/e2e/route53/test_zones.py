"""Which hosted zone a name belongs to."""

from __future__ import annotations

from pathlib import Path

from support.bind import Bind
from support.route53_api import Route53Api
from support.route53_zone import Zone

from ..dns_bench import BAD_CONFIG, api_bench
from .zone import TXT_NAME, ZONE, writes


def test_private_zones_are_passed_over(tmp_path: Path, bind: Bind) -> None:
    zones = [Zone(ZONE, private=True), Zone("app.demo.test", private=True)]
    with Route53Api(bind, zones=zones, page_limit=1) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == 0, result.stderr
        assert "the zone app.demo.test is a private one" in result.stderr
        assert len(api.values(ZONE, TXT_NAME, "TXT")) == 2


def test_a_zone_twice(tmp_path: Path, bind: Bind) -> None:
    second = Zone(ZONE)
    with Route53Api(bind, zones=[second], page_limit=1) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "the account has the public zone demo.test 2 times" in result.stdout
        assert second.id in result.stdout
        assert writes(api) == []
