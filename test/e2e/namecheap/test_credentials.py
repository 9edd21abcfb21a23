"""The user and the address."""

from __future__ import annotations

from support.namecheap_api import NamecheapApi

from ..dns_bench import BAD_CONFIG, Bench


def test_a_wrong_user(bench: Bench, api: NamecheapApi) -> None:
    result = bench.run("apply", NAMECHEAP_USERNAME="somebody")
    assert result.returncode == BAD_CONFIG
    assert "error 1011102" in result.stderr
    assert api.writes() == 0


def test_an_address_that_is_not_whitelisted(bench: Bench, api: NamecheapApi) -> None:
    result = bench.run("apply", NAMECHEAP_CLIENT_IP="192.0.2.10")
    assert result.returncode == BAD_CONFIG
    assert "in NAMECHEAP_CLIENT_IP" in result.stderr
