"""Zones that there are twice, or that answer nobody yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi, CloudflareZone

from ..dns_bench import BAD_CONFIG, api_bench, challenge
from .zone import writes


def test_a_zone_in_two_accounts(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("demo.test", account="Second account")]
    with CloudflareApi(bind, zones=zones) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "Test account, Second account" in result.stdout
        assert writes(api) == []


@pytest.mark.parametrize("status", ["moved", "deactivated", "pending"])
def test_an_old_zone_in_another_account(tmp_path: Path, bind: Bind, status: str) -> None:
    zones = [CloudflareZone("demo.test", account="Second account", status=status)]
    with CloudflareApi(bind, zones=zones) as api:
        for _ in range(2):
            result = api_bench(tmp_path, bind, api).run("apply")
            assert result.returncode == 0, result.stderr
            assert "not active" not in result.stderr
            api._zones.reverse()  # whichever is listed first
        assert writes(api) != []
        assert not any(zones[0].id in request.target for request in api.requests())


def test_a_zone_that_is_not_active_is_warned_about(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("pending.test", status="pending")]
    with CloudflareApi(zones=zones) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="app.pending.test")
        result = bench.run("plan")
        assert result.returncode == 0
        assert "is pending, not active" in result.stderr


IDN = "xn--mnchen-3ya.test"


def test_a_zone_that_is_shown_in_unicode(tmp_path: Path) -> None:
    """Records as well: a value must not be left there because it was not recognised."""
    domain = f"app.xn--bcher-kva.{IDN}"
    name = f"_acme-challenge.{domain}"
    request = challenge(domain, "the-value")
    with (
        Bind(tmp_path / "bind", (IDN,)) as bind,
        CloudflareApi(bind, unicode_names=True) as api,
    ):
        bench = api_bench(
            tmp_path, bind, api, DOMAINS=domain, GATEWAY_DOMAIN=f"gateway.{IDN}"
        )
        assert "Applied: 2 added" in bench.ok("apply")
        assert bind.query(domain, "CNAME") == [f"gateway.{IDN}."]
        assert bench.ok("apply") == "No changes.\n"
        bench.ok("auth", **request)
        assert bind.query(name, "TXT") == ["the-value"] and bench.noted() == ["the-value"]
        bench.ok("cleanup", **request)
        assert bind.query(name, "TXT") == [] and bench.noted() == []
