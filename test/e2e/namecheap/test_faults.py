"""A read that fails ends in no write, and a write without an answer in a look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi

from ..dns_bench import (
    APP_ID,
    BAD_CONFIG,
    FAILED,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    api_bench,
    challenge,
)
from .zone import GET, LIST, NAME, READ_FAULTS, SET, TXT_HOST, ZONE, ZONE_FAULTS, at


@pytest.mark.parametrize("where", [LIST, GET])
@pytest.mark.parametrize("name", READ_FAULTS)
def test_a_failed_read_means_no_write(
    bench: Bench, api: NamecheapApi, name: str, where: str
) -> None:
    expect_no_write(bench, api, where, *READ_FAULTS[name])


@pytest.mark.parametrize("name", ZONE_FAULTS)
def test_a_zone_that_is_not_understood_is_not_written(
    bench: Bench, api: NamecheapApi, name: str
) -> None:
    expect_no_write(bench, api, GET, *ZONE_FAULTS[name])


def expect_no_write(
    bench: Bench, api: NamecheapApi, where: str, arguments: dict[str, Any], status: int, words: str
) -> None:
    before = api.dump(ZONE)
    api.fault(match=where, times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert (api.writes(), api.dump(ZONE)) == (0, before)


@pytest.mark.parametrize("kind", ["no_hosts", "half_zone", "unknown_types"])
@pytest.mark.parametrize("read", [1, 2])
def test_two_reads_that_differ_are_not_written(
    bench: Bench, api: NamecheapApi, kind: str, read: int
) -> None:
    """The second one is right before the write."""
    before = api.dump(ZONE)
    api.fault(kind, GET, skip=read - 1)
    result = bench.run("set-txt", "x.demo.test", "v")
    after = api.dump(ZONE)
    assert [line for line in before if line not in after] == []
    assert result.returncode in (0, TRY_LATER)
    assert [line for line in after if line not in before] == (
        [] if result.returncode else ["x 300 TXT 10 v"]
    )


def test_an_empty_zone_that_nobody_counts(tmp_path: Path, bind: Bind) -> None:
    with NamecheapApi(bind) as api:
        api.fault("no_hosts", GET, times=None)
        api.fault("no_count", "getInfo$", times=None)
        before = api.dump(ZONE)
        result = api_bench(tmp_path, bind, api).run("set-txt", "x.demo.test", "v")
        assert result.returncode == UNREACHABLE
        assert "whether that is so cannot be told" in result.stderr
        assert (api.writes(), api.dump(ZONE)) == (0, before)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 502, "after": True},
        {"kind": "status", "status": 200, "body": "<html>", "after": True},
        {"kind": "truncated"},
        {"kind": "empty"},
        {"kind": "api_error", "body": "5050900 Unknown exceptions", "after": True},
        {"kind": "no_success", "after": True},
        {"kind": "another_domain"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_write_whose_answer_was_lost_is_recognised(
    bench: Bench, bind: Bind, api: NamecheapApi, fault: dict[str, Any]
) -> None:
    before = api.dump(ZONE)
    hit = api.fault(match=SET, times=1, **fault)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert hit.hits == 1
    assert api.writes() == 1
    assert bind.query(NAME, "TXT") == ["v"]
    hit = api.fault(match=SET, times=1, **fault)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert hit.hits == 1
    assert api.dump(ZONE) == before


def test_a_write_that_timed_out_is_recognised(
    bench: Bench, bind: Bind, api: NamecheapApi
) -> None:
    hit = api.fault("hang", SET, after=True)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert (hit.hits, api.writes(), bind.query(NAME, "TXT")) == (1, 1, ["v"])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "closed"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 200, "body": ""},
        {"kind": "api_error", "body": "3050900 Unknown error from Enom"},
        {"kind": "rate_limited", "headers": {"retry-after": "1"}},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_write_that_was_not_done_is_repeated(
    bench: Bench, api: NamecheapApi, fault: dict[str, Any]
) -> None:
    before = api.dump(ZONE)
    hit = api.fault(match=SET, times=1, **fault)
    bench.ok("set-txt", "x.demo.test", "v")
    assert hit.hits == 1
    assert api.writes() == 2
    assert [line for line in api.dump(ZONE) if line not in before] == ["x 300 TXT 10 v"]


def test_a_write_that_may_have_been_done_stays_noted(
    bench: Bench, bind: Bind, api: NamecheapApi
) -> None:
    """Neither the write nor the look afterwards has an answer."""
    before = api.dump(ZONE)
    api.fault("status", GET, times=None, skip=2, status=500)
    api.fault("closed", SET, times=None, after=True)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert "whether it is written cannot be seen" in result.stderr
    assert bench.noted() == ["v"]
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert bench.noted() == []
    assert (bind.query(NAME, "TXT"), api.dump(ZONE)) == ([], before)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("fault", [None, "closed", "no_success"])
def test_a_write_that_was_done_and_may_not_be_looked_at_stays_noted(
    bench: Bench, bind: Bind, api: NamecheapApi, fault: str | None, status: int
) -> None:
    """What was read before the write does not tell that it is not there."""
    before = api.dump(ZONE)
    api.fault("status", GET, times=None, skip=2, status=status)
    if fault is not None:
        api.fault(fault, SET, times=None, after=True)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == (FAILED if status == 404 else BAD_CONFIG)
    assert f"HTTP status {status}" in result.stderr
    assert (bind.query(NAME, "TXT"), bench.noted()) == (["v"], ["v"])
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert (bench.noted(), api.dump(ZONE)) == ([], before)


def test_a_write_that_cannot_be_seen_is_told(bench: Bench, api: NamecheapApi) -> None:
    api.fault("status", GET, times=None, skip=2, status=500)
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == UNREACHABLE
    assert "is written, but not seen" in result.stderr


def test_a_write_that_is_swallowed(bench: Bench, api: NamecheapApi) -> None:
    before = api.dump(ZONE)
    api.fault("swallow", SET, times=None)
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == TRY_LATER
    assert "reads as before" in result.stderr
    assert (api.writes(), api.dump(ZONE)) == (1, before)


def test_no_success(bench: Bench, api: NamecheapApi) -> None:
    before = api.dump(ZONE)
    api.fault("no_success", SET, times=None)
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == FAILED
    assert 'does not say IsSuccess="true"' in result.stderr
    assert (api.writes(), api.dump(ZONE)) == (1, before)


def test_the_rate_limit_is_waited_for(bench: Bench, api: NamecheapApi) -> None:
    fault = api.fault("rate_limited", times=1)
    assert "trying again in 2 s" in bench.run("apply", "--only", "txt").stderr
    assert fault.hits == 1
    assert at(api, TXT_HOST).count(f"TXT {APP_ID}:443") == 1
