"""What only Cloudflare's API can do wrong; see test_dns_contract.py for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from support.cloudflare_api import CloudflareApi

from ..dns_bench import BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE, Bench
from .zone import TXT_NAME, writes

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "403": (
        {
            "kind": "status",
            "status": 403,
            "body": {
                "success": False,
                "errors": [{"code": 9109, "message": "Invalid access token"}],
            },
        },
        BAD_CONFIG,
        "error 9109: Invalid access token",
    ),
    "429": (
        {"kind": "rate_limited", "headers": {"retry-after": "3600"}},
        TRY_LATER,
        "wait 3600 seconds",
    ),
    "no-success": (
        {"kind": "status", "status": 200, "body": {"success": False, "errors": []}},
        FAILED,
        "HTTP status 200",
    ),
    "no-result": (
        {"kind": "status", "status": 200, "body": {"success": True, "result": None}},
        UNREACHABLE,
        "lacks result",
    ),
    "half a listing": (
        {
            "kind": "status",
            "status": 200,
            "body": {"success": True, "result": [], "result_info": {"total_count": 3}},
        },
        TRY_LATER,
        "not whole",
    ),
}


@pytest.mark.parametrize("where", ["/zones\\?", "/dns_records\\?"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_read_means_no_write(
    bench: Bench, api: CloudflareApi, name: str, where: str
) -> None:
    arguments, status, words = FAULTS[name]
    before = api.records("demo.test")
    api.fault(match=f"^GET .*{where}", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []
    assert api.records("demo.test") == before


@pytest.mark.parametrize("kind", ["repeat_page", "unknown_types"])
def test_a_listing_that_makes_no_sense(bench: Bench, api: CloudflareApi, kind: str) -> None:
    api.fault(kind, "/dns_records", times=None)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode != 0
    assert "Cloudflare" in result.stderr
    assert writes(api) == []


def test_a_lost_page_means_no_write(bench: Bench, api: CloudflareApi) -> None:
    for number in range(12):
        api.seed("demo.test", "TXT", TXT_NAME, f'"text {number}"')
    lost = {"success": True, "result": [], "result_info": {"total_count": 13}}
    api.fault("status", "page=2", times=None, status=200, body=lost)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "not whole" in result.stderr
    assert writes(api) == []


def test_a_record_on_two_pages_means_no_write(bench: Bench, api: CloudflareApi) -> None:
    """It was pushed there, and another one past what was read: the count is right all the same."""
    for number in range(9):
        api.seed("demo.test", "TXT", TXT_NAME, f'"text {number}"')
    total = sum(record["name"] == TXT_NAME for record in api.records("demo.test"))
    assert total == 2 * api.page_limit
    page = [r for r in api.records("demo.test") if r["name"] == TXT_NAME][api.page_limit - 1 : -1]
    pushed = {"success": True, "result": page, "result_info": {"total_count": total}}
    api.fault("status", "page=2", times=None, status=200, body=pushed)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert f"the record {page[0]['id']} of {TXT_NAME} came twice" in result.stderr
    assert writes(api) == []


def test_an_api_that_hangs(bench: Bench, api: CloudflareApi) -> None:
    """With life's own clock once; for every provider see the property tests."""
    api.fault("hang", times=None)
    result = bench.run("apply")
    assert result.returncode == TRY_LATER
    assert "timed out" in result.stderr
