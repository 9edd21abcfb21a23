"""The key, the user and the address."""

from __future__ import annotations

import pytest

from support.namecheap_api import NamecheapApi

from ..dns_bench import BAD_CONFIG, UNREACHABLE, Bench


def test_the_key_stays_where_it_is(bench: Bench, api: NamecheapApi) -> None:
    """In forms only: bench.run looks for it in all that is said, on every path."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    assert api.key not in repr([r.target for r in api.requests()])
    api.fault("api_error", times=None, body=f"1011102 API Key {api.key} is invalid")
    result = bench.run("apply", LOG_LEVEL="debug")
    assert result.returncode == BAD_CONFIG
    api.clear_faults()
    body = f"<html>you sent {api.key}"
    api.fault("status", times=None, status=200, body=body)
    assert bench.run("apply", LOG_LEVEL="debug").returncode == UNREACHABLE


@pytest.mark.parametrize(
    "variables",
    [{"NAMECHEAP_API_KEY": "0" * 32}, {"NAMECHEAP_USERNAME": "somebody"}],
)
def test_wrong_credentials(bench: Bench, api: NamecheapApi, variables: dict[str, str]) -> None:
    result = bench.run("apply", **variables)
    assert result.returncode == BAD_CONFIG
    assert "error 1011102" in result.stderr
    assert api.writes() == 0


def test_an_address_that_is_not_whitelisted(bench: Bench, api: NamecheapApi) -> None:
    result = bench.run("apply", NAMECHEAP_CLIENT_IP="192.0.2.10")
    assert result.returncode == BAD_CONFIG
    assert "in NAMECHEAP_CLIENT_IP" in result.stderr
