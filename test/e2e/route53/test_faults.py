"""What only Route 53's API can do wrong; see test_dns_contract.py for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from support.route53_api import Route53Api

from ..dns_bench import BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE, Bench
from .zone import TXT_NAME, ZONE, writes

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "throttled": (
        {"kind": "aws", "status": 400, "body": "Throttling"},
        TRY_LATER,
        "HTTP status 400, Throttling: Rate exceeded",
    ),
    "prior request": (
        {"kind": "aws", "status": 400, "body": "PriorRequestNotComplete"},
        TRY_LATER,
        "PriorRequestNotComplete",
    ),
    "denied": (
        {"kind": "aws", "status": 403, "body": "AccessDenied"},
        BAD_CONFIG,
        "ListResourceRecordSets",
    ),
    "expired": (
        {"kind": "aws", "status": 403, "body": "ExpiredToken"},
        BAD_CONFIG,
        "give a new AWS_SESSION_TOKEN",
    ),
    "404": (
        {"kind": "aws", "status": 404, "body": "NoSuchHostedZone"},
        FAILED,
        "HTTP status 404, NoSuchHostedZone",
    ),
    "500": ({"kind": "aws", "status": 500, "body": "InternalError"}, UNREACHABLE, "InternalError"),
    "entities": (
        {
            "kind": "status",
            "status": 200,
            "body": '<!DOCTYPE a [<!ENTITY e "ee">]><ListResourceRecordSetsResponse/>',
        },
        UNREACHABLE,
        "document type",
    ),
    "without entries": (
        {
            "kind": "status",
            "status": 200,
            "body": "<ListResourceRecordSetsResponse><IsTruncated>true</IsTruncated>"
            "</ListResourceRecordSetsResponse>",
        },
        UNREACHABLE,
        "IsTruncated",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_read_means_no_write(bench: Bench, api: Route53Api, name: str) -> None:
    arguments, status, words = FAULTS[name]
    before = api.dump(ZONE)
    api.fault(match="^GET .*/rrset", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []
    assert api.dump(ZONE) == before


@pytest.mark.parametrize("name", ["throttled", "denied", "404"])
def test_a_failed_search_for_the_zone_means_no_write(
    bench: Bench, api: Route53Api, name: str
) -> None:
    arguments, status, words = FAULTS[name]
    api.fault(match="/hostedzonesbyname", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []


def test_a_page_that_repeats(bench: Bench, api: Route53Api) -> None:
    api.fault("repeat_page", "/rrset", times=None)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "came twice" in result.stderr
    assert writes(api) == []


@pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete"])
def test_busy_is_waited_for(bench: Bench, api: Route53Api, code: str) -> None:
    faults = [api.fault("aws", m, status=400, body=code) for m in ("^POST", "/rrset", "byname")]
    bench.ok("apply", "--only", "txt")
    assert [fault.hits for fault in faults] == [1, 1, 1]
    assert len(api.values(ZONE, TXT_NAME, "TXT")) == 2


@pytest.mark.parametrize("action", ["ListResourceRecordSets", "ChangeResourceRecordSets"])
def test_missing_permission(bench: Bench, api: Route53Api, action: str) -> None:
    api.denied = {action}
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == BAD_CONFIG
    assert f"not authorized to perform: route53:{action}" in result.stderr
    assert "let the policy of these credentials allow route53:" in result.stderr
