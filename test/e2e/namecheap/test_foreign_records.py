"""Whatever goes wrong: the records of others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi

from ..dns_bench import api_bench
from .zone import GET, READ_FAULTS, SET, ZONE, ZONE_FAULTS

MANY_FOREIGN = 200
OURS = "_acme-challenge.mixed.demo.test"  # where somebody else has one as well
OPERATIONS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "apply": (("apply",), {"DOMAINS": "app.demo.test,*.mixed.demo.test"}),
    "add": (("set-txt", OURS, "v"), {}),
    "remove": (("del-txt", OURS, "v"), {}),
}

# Those of the reads, at the write too; and a write that was done all the same.
ANY_FAULT: dict[str, dict[str, Any]] = {
    **{name: fault for name, (fault, _, _) in (READ_FAULTS | ZONE_FAULTS).items()},
    **{n: f for n, f in NamecheapApi.fault_kinds.items() if f["kind"] != "api_error"},
    **{
        f"{kind}, done": {"kind": kind, "after": True}
        for kind in ("closed", "reset", "status", "no_success")
    },
}
# These are tried until the program gives up; the others as well, in the tests above.
LASTING = {"another_domain", "no_hosts", "no_success", "swallow"}


@pytest.fixture(name="crowded")
def _crowded(bind: Bind) -> Iterator[NamecheapApi]:
    with NamecheapApi(bind) as started:
        started.seed_foreign(ZONE, MANY_FOREIGN)
        yield started


@pytest.mark.parametrize("where", [GET, SET])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_foreign_records_survive_every_fault(
    tmp_path: Path, bind: Bind, crowded: NamecheapApi, operation: str, where: str
) -> None:
    api, bench = crowded, api_bench(tmp_path, bind, crowded)
    arguments, variables = OPERATIONS[operation]
    foreign = api.dump(ZONE)
    for name, fault in ANY_FAULT.items():
        if operation == "remove":
            bench.ok("set-txt", OURS, "v")
        times = None if fault["kind"] in LASTING else 1
        hit = api.fault(match=where, times=times, **fault)
        bench.run(*arguments, **variables, LOG_LEVEL="error")
        assert hit.hits > 0, name
        api.clear_faults()
        assert [line for line in foreign if line not in api.dump(ZONE)] == [], name
        for host in list(api.zone(ZONE).hosts):
            if host.shown() not in foreign:
                api.unseed(ZONE, host)
        assert api.dump(ZONE) == foreign, name
