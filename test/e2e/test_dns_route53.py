"""ingress-dns with Route 53's API, emulated: its rules, and everything it can do wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.route53_api import Route53Api
from support.route53_zone import RecordSet, Zone

from .dns_bench import (
    APP_ID,
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    api_bench,
    challenge,
)

ZONE = "demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"

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
    "429": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}},
        TRY_LATER,
        "HTTP status 429",
    ),
    "401": ({"kind": "status", "status": 401}, BAD_CONFIG, "HTTP status 401"),
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
    "html": (
        {"kind": "status", "status": 200, "body": "<html>Welcome</html>"},
        UNREACHABLE,
        "IsTruncated",
    ),
    "broken html": (
        {"kind": "status", "status": 502, "body": "<html><br>Bad gateway</html>"},
        UNREACHABLE,
        "is not XML",
    ),
    "entities": (
        {
            "kind": "status",
            "status": 200,
            "body": '<!DOCTYPE a [<!ENTITY e "ee">]><ListResourceRecordSetsResponse/>',
        },
        UNREACHABLE,
        "document type",
    ),
    "truncated": ({"kind": "truncated"}, UNREACHABLE, "Route 53"),
    "closed": ({"kind": "closed"}, UNREACHABLE, "Empty reply"),
    "reset": ({"kind": "reset"}, UNREACHABLE, "Route 53"),
    "empty": ({"kind": "empty"}, UNREACHABLE, "HTTP status 200"),
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        UNREACHABLE,
        "HTTP status 302",
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


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = (ZONE, "acme.test")
    with Bind(tmp_path / "bind", zones, records={ZONE: FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[Route53Api]:
    with Route53Api(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: Route53Api) -> Bench:
    return api_bench(tmp_path, bind, api)


def writes(api: Route53Api) -> list[str]:
    return [r.body for r in api.requests("POST")]


def actions(body: str) -> list[tuple[str, str]]:
    """Action and type of each change of a batch."""
    return re.findall(r"<Action>(\w+)</Action>.*?<Type>(\w+)</Type>", body)


# ---- records


def test_applying_makes_the_records_once(bench: Bench, api: Route53Api) -> None:
    before = api.dump(ZONE)
    bench.ok("apply")
    new = [line for line in api.dump(ZONE) if line not in before]
    assert [line for line in before if line not in api.dump(ZONE)] == []
    assert len(new) == 2
    assert api.values(ZONE, "app.demo.test", "CNAME") == ["gateway.demo.test."]
    assert api.values(ZONE, TXT_NAME, "TXT") == [f'"{APP_ID}:443"', '"not an app address"']
    api.forget_requests()
    assert bench.ok("apply") == "No changes.\n"
    assert writes(api) == []


def test_a_set_is_replaced_as_it_was_read_in_one_batch(bench: Bench, api: Route53Api) -> None:
    bench.ok("apply", "--only", "txt")
    (body,) = writes(api)
    assert actions(body) == [("DELETE", "TXT"), ("CREATE", "TXT")]
    assert body.count('"not an app address"') == 2
    assert body.count("<TTL>60</TTL>") == 2


def test_a_challenge(bench: Bench, bind: Bind, api: Route53Api) -> None:
    before = api.dump(ZONE)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert bind.query(NAME, "TXT") == ["v"]
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.dump(ZONE) == before
    assert bench.noted() == []
