"""Challenges at Cloudflare, from their coming to their going."""

from __future__ import annotations

from pathlib import Path

from support.bind import Bind
from support.cloudflare_api import CloudflareApi

from ..dns_bench import BAD_CONFIG, FAILED, UNREACHABLE, Bench, api_bench, challenge
from .zone import NAME


def test_a_challenge_comes_and_goes(bench: Bench, bind: Bind, api: CloudflareApi) -> None:
    before = api.records("demo.test")
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert bind.query(NAME, "TXT") == ["v"]
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.records("demo.test") == before
    assert bench.noted() == []


def test_a_challenge_delegated_by_cname(tmp_path: Path, bind: Bind) -> None:
    """The account holds acme.test only; demo.test is somewhere else."""
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query("new.acme.test", "TXT") == ["v"]
        assert [r.target.split("/")[-1] for r in api.requests("POST")] == ["dns_records"]


def test_a_failed_challenge_write_is_told(bench: Bench, bind: Bind, api: CloudflareApi) -> None:
    refusal = {"success": False, "errors": [{"code": 1004, "message": "DNS Validation Error"}]}
    api.fault("status", "^POST", times=None, status=400, body=refusal)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "error 1004: DNS Validation Error" in result.stderr
    assert bench.noted() == []


def test_a_refused_repetition_of_a_write_that_was_done(
    bench: Bench, bind: Bind, api: CloudflareApi
) -> None:
    """The value is there, whatever the second answer says: it has to be known for the cleanup."""
    refusal = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}
    api.fault("closed", "^POST", times=1, after=True)
    api.fault("status", "^POST", times=None, status=403, body=refusal)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == BAD_CONFIG
    assert bench.noted() == ["v"]
    bench.ok("cleanup", "--all")
    assert bind.query(NAME, "TXT") == []
    assert bench.noted() == []


def test_a_challenge_that_may_have_been_written_stays_noted(
    bench: Bench, bind: Bind, api: CloudflareApi
) -> None:
    api.fault("status", "^POST", times=None, after=True, status=500)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    # the repetition is answered "exists": it is known to be there, unless every answer is lost
    assert result.returncode == UNREACHABLE
    assert bench.noted() == ["v"]
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert bind.query(NAME, "TXT") == []
    assert bench.noted() == []
