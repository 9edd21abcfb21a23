"""Which hosted zone a name belongs to."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

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


# ---- the same name twice

OURS = Zone(ZONE, delegation_set=["ns9.elsewhere.test", "ns1.demo.test"])
OTHER = Zone(ZONE)


def zone_written(tmp_path: Path, bind: Bind, zones: list[Zone], **extra: str) -> tuple[str, str]:
    """The id of the zone that was written to, and what was said."""
    with Route53Api(zones=copy.deepcopy(zones), page_limit=1, polls=0) as api:
        result = api_bench(tmp_path, bind, api).run("set-txt", f"odd.{ZONE}", "v", **extra)
        assert result.returncode == 0, result.stderr
        (path,) = {r.target for r in api.requests("POST")}
    return path.split("/")[3], result.stderr


@pytest.mark.parametrize("zones", [[OURS, OTHER], [OTHER, OURS]], ids=["first", "last"])
def test_the_one_that_dns_names(tmp_path: Path, bind: Bind, zones: list[Zone]) -> None:
    assert zone_written(tmp_path, bind, zones)[0] == OURS.id
    written, said = zone_written(tmp_path, bind, zones, AWS_HOSTED_ZONE_ID=OTHER.id)
    assert written == OURS.id
    assert f"AWS_HOSTED_ZONE_ID is {OTHER.id}, but DNS names the name servers of" in said


def test_the_one_that_is_set(tmp_path: Path, bind: Bind) -> None:
    """Name servers with names of one's own, say."""
    wanted = {"AWS_HOSTED_ZONE_ID": OTHER.id}
    third = Zone(ZONE)
    assert zone_written(tmp_path, bind, [OTHER, third], **wanted)[0] == OTHER.id
    assert zone_written(tmp_path, bind, [third, OTHER], **wanted)[0] == OTHER.id
    both = Zone(ZONE, delegation_set=["NS1.demo.test"])
    assert zone_written(tmp_path, bind, [both, OURS, OTHER], **wanted)[0] == OTHER.id


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ([OTHER, Zone(ZONE)], "DNS names the name servers of none of them"),
        ([OURS, Zone(ZONE, delegation_set=["ns1.demo.test"])], "servers of several of them"),
    ],
)
def test_nothing_tells_which(tmp_path: Path, bind: Bind, zones: list[Zone], words: str) -> None:
    with Route53Api(zones=copy.deepcopy(zones), page_limit=1) as api:
        for extra in ({}, {"AWS_HOSTED_ZONE_ID": "Z0"}):
            result = api_bench(tmp_path, bind, api).run("apply", **extra)
            assert result.returncode == BAD_CONFIG
            assert "the account has the public zone demo.test 2 times" in result.stdout
            assert words in result.stdout and "AWS_HOSTED_ZONE_ID" in result.stdout
            assert all(zone.id in result.stdout for zone in zones)
        assert writes(api) == []


def test_their_servers_may_not_be_asked_for(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(zones=copy.deepcopy([OURS, OTHER]), polls=0) as api:
        api.denied = {"GetHostedZone"}
        bench = api_bench(tmp_path, bind, api)
        result = bench.run("set-txt", f"odd.{ZONE}", "v")
        assert result.returncode == BAD_CONFIG, result.stderr
        assert "2 times, and which one the world sees cannot be told" in result.stderr
        assert "GetHostedZone" in result.stderr and "AWS_HOSTED_ZONE_ID" in result.stderr
        bench.ok("set-txt", f"odd.{ZONE}", "v", AWS_HOSTED_ZONE_ID=OURS.id)
        (path,) = {r.target for r in api.requests("POST")}
        assert OURS.id in path
