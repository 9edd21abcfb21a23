"""CAA records that the API does not list: whether the pin holds is for DNS to say."""

from __future__ import annotations

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi

from ..dns_bench import ACCOUNT, Bench
from ..test_dns_contract import WITH_CAA

APP = "app.demo.test"
BROKEN = f"SET_CAA is true, but the pin of {APP} does not hold by what DNS answers: at {APP}: CAA "


@pytest.mark.parametrize("record", ['0 issue "letsencrypt.org"', '0 issue "pki.goog"'])
def test_records_of_cloudflares_own(
    bench: Bench, bind: Bind, api: CloudflareApi, record: str
) -> None:
    with_uri = ("--account-uri", ACCOUNT)
    bench.ok("apply", *with_uri, **WITH_CAA)
    assert BROKEN not in bench.ok("plan", *with_uri, **WITH_CAA)
    preflight = bench.run("preflight", *with_uri, APP, **WITH_CAA)
    assert preflight.returncode == 0 and BROKEN not in preflight.stderr
    bind.add(f"{APP}.", 60, "CAA", record)
    for command in ("plan", "apply"):
        told = bench.ok(command, *with_uri, **WITH_CAA)
        assert "No changes.\n" in told and f"! {BROKEN}{record}" in told
    preflight = bench.run("preflight", *with_uri, APP, **WITH_CAA)
    assert preflight.returncode == 0 and BROKEN + record in preflight.stderr
    assert BROKEN not in bench.ok("plan", "--only", "alias,txt")
