"""Everything that Cloudflare's API can do wrong."""

from __future__ import annotations

from typing import Any

import pytest

from support.cloudflare_api import CloudflareApi

from ..dns_bench import APP_ID, BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE, Bench, challenge
from .zone import NAME, TXT_NAME, content, writes

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "401": ({"kind": "status", "status": 401}, BAD_CONFIG, "HTTP status 401"),
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
    "500": ({"kind": "status", "status": 500}, UNREACHABLE, "HTTP status 500"),
    "html": (
        {"kind": "status", "status": 200, "body": "<html>Welcome</html>"},
        UNREACHABLE,
        "is not JSON: '<html>Welcome",
    ),
    "truncated": ({"kind": "truncated"}, UNREACHABLE, "Cloudflare"),
    "closed": ({"kind": "closed"}, UNREACHABLE, "Empty reply"),
    "reset": ({"kind": "reset"}, UNREACHABLE, "Cloudflare"),
    "empty": ({"kind": "empty"}, UNREACHABLE, "HTTP status 200"),
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
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        UNREACHABLE,
        "HTTP status 302",
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


@pytest.mark.parametrize("kind", ["closed", "status"])
def test_a_write_whose_answer_was_lost_is_repeated(
    bench: Bench, api: CloudflareApi, kind: str
) -> None:
    fault = api.fault(kind, "^POST", times=1, after=True)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert len([r for r in api.records("demo.test") if r["name"] == NAME]) == 1
    fault = api.fault(kind, "^DELETE", times=1, after=True)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert [r for r in api.records("demo.test") if r["name"] == NAME] == []


def test_a_call_that_is_repeated_does_not_end_the_run(bench: Bench, api: CloudflareApi) -> None:
    fault = api.fault("closed", "/dns_records", times=1)
    bench.ok("apply", DOMAINS="app.demo.test,two.demo.test")
    assert fault.hits == 1
    for domain in ("app.demo.test", "two.demo.test"):
        assert content(api, domain, "CNAME") == ["gateway.demo.test"]
        assert f'"{APP_ID}:443"' in content(api, f"_dstack-app-address.{domain}", "TXT")


def test_a_short_rate_limit_is_waited_for(bench: Bench, api: CloudflareApi) -> None:
    fault = api.fault("rate_limited", times=1)
    bench.ok("apply", "--only", "txt")
    assert fault.hits == 1


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
