"""Challenges at Linode: how long they are waited for, and when one stays noted."""

from __future__ import annotations

from pathlib import Path

from support.bind import Bind
from support.linode_api import LinodeApi

from ..dns_bench import UNREACHABLE, Bench, api_bench, challenge
from .zone import NAME


def test_caches_are_waited_for_as_long_as_the_value_was_served(
    tmp_path: Path, bind: Bind
) -> None:
    """Not as long as was wished for: the provider rounds."""
    with LinodeApi(bind, ttl_steps=(8,)) as api:
        bench = api_bench(tmp_path, bind, api)
        for value in ("v", "w"):
            result = bench.run("auth", **challenge("new.demo.test", value))
            assert result.returncode == 0, result.stderr
            assert ("for caches to drop" in result.stderr) == (value == "w")
            bench.ok("cleanup", **challenge("new.demo.test", value))


def test_a_challenge_whose_write_never_works_stays_noted(
    bench: Bench, bind: Bind, api: LinodeApi
) -> None:
    """Only a plain refusal is proof that nothing was written."""
    fault = api.fault("status", "^POST", times=None, status=500)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert "HTTP status 500" in result.stderr
    assert fault.hits == 3
    assert bench.noted() == ["v"]
    api.clear_faults()
    assert "removed" in bench.ok("cleanup", "--all")
    assert bind.query(NAME, "TXT") == []
    assert bench.noted() == []
