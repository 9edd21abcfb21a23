"""Challenges in Route 53, whose changes are waited for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.route53_api import Route53Api

from ..dns_bench import BAD_CONFIG, TRY_LATER, UNREACHABLE, Bench, api_bench, challenge
from .zone import NAME, ZONE


def test_a_challenge_waits_until_it_is_in_sync(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(bind, polls=2, seconds=None) as api:
        before = api.dump(ZONE)
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query(NAME, "TXT") == ["v"]
        assert len([r for r in api.requests("GET") if "/change/" in r.target]) == 3
        bench.ok("cleanup", **challenge("new.demo.test", "v"))
        assert api.dump(ZONE) == before
        assert bench.noted() == []


def test_a_change_that_stays_pending(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(bind, polls=1000, seconds=None) as api:
        bench = api_bench(tmp_path, bind, api, PROPAGATION_TIMEOUT="2")
        result = bench.run("auth", **challenge("new.demo.test", "v"))
        assert result.returncode == TRY_LATER
        assert re.search("the change C[0-9A-F]+ is still PENDING", result.stderr)
        assert api.values(ZONE, NAME, "TXT") == []
        assert bench.noted() == []


@pytest.mark.parametrize(
    "fault",
    [{"kind": "aws", "status": 400, "body": "Throttling"}, {"kind": "status", "status": 503}],
    ids=["throttled", "down"],
)
def test_looks_that_fail_for_a_while(
    bench: Bench, bind: Bind, api: Route53Api, fault: dict[str, Any]
) -> None:
    """More often than one call is repeated. The value is there by then."""
    failed = api.fault(match="/change/", times=5, **fault)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert failed.hits == 5
    assert bind.query(NAME, "TXT") == ["v"]


def test_looks_that_fail_for_good(tmp_path: Path, bind: Bind, api: Route53Api) -> None:
    bench = api_bench(tmp_path, bind, api, PROPAGATION_TIMEOUT="3")
    api.fault("status", "/change/", times=None, status=503)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE, result.stderr
    assert "HTTP status 503" in result.stderr
    assert api.values(ZONE, NAME, "TXT") == [] and bench.noted() == []


def test_without_permission_to_ask_for_changes_the_value_is_taken_back(
    bench: Bench, api: Route53Api
) -> None:
    api.denied = {"GetChange"}
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == BAD_CONFIG
    assert "route53:GetChange because no identity-based policy" in result.stderr
    assert api.values(ZONE, NAME, "TXT") == []
    assert bench.noted() == []
