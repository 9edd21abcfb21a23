"""Zones that there are twice, or that answer nobody yet."""

from __future__ import annotations

from pathlib import Path

from support.bind import Bind
from support.cloudflare_api import CloudflareApi, CloudflareZone

from ..dns_bench import BAD_CONFIG, api_bench
from .zone import writes


def test_a_zone_in_two_accounts(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("demo.test", account="Second account")]
    with CloudflareApi(bind, zones=zones) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "Test account, Second account" in result.stdout
        assert writes(api) == []


def test_a_zone_that_is_not_active_is_warned_about(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("pending.test", status="pending")]
    with CloudflareApi(zones=zones) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="app.pending.test")
        result = bench.run("plan")
        assert result.returncode == 0
        assert "is pending, not active" in result.stderr
