"""ingress-dns preflight: what an order would run into, seen before the CA is asked."""

from __future__ import annotations

import pytest

from support.bind import Bind

from ..dns_bench import FAILED, USAGE, Bench
from .asking import CHALLENGE, DOMAIN, OTHERS, refusal


def test_everything_that_is_wrong_is_said_at_once(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    bind.add(CHALLENGE + ".", 60, "CNAME", "x.elsewhere.test.")
    bind.add("demo.test.", 60, "CAA", OTHERS)
    told = refusal(bench, **ca)
    assert "x.elsewhere.test" in told and "; and the CA would refuse" in told


def test_one_line_for_each_domain(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    bind.add(DOMAIN + ".", 60, "CAA", OTHERS)
    result = bench.run("preflight", **ca)
    assert result.returncode == FAILED
    lines = result.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [DOMAIN, "*.demo.test"]
    assert "lets only another CA" in lines[0] and "nothing stands" in lines[1]
    assert "orders for 1 of 2 domains would fail" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--only", "caa"], ["nobody.demo.test"], ["--account-uri"], ["--account-uri", "acct/7"]],
)
def test_wrong_usage(bench: Bench, arguments: list[str]) -> None:
    assert bench.run("preflight", *arguments).returncode == USAGE
