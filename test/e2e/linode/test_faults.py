"""What only Linode's API and other writers there can do wrong; see test_dns_contract.py."""

from __future__ import annotations

from typing import Any

import pytest

from support.linode_api import LinodeApi
from support.linode_records import Record

from ..dns_bench import APP_ID, BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE, Bench, challenge
from .zone import APP, NAME, TXT_NAME, aliases, at, says, writes

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "401": (
        {"kind": "status", "status": 401, "body": says("Invalid Token")},
        BAD_CONFIG,
        "HTTP status 401, Invalid Token; check LINODE_API_TOKEN",
    ),
    "400": (
        {"kind": "status", "status": 400, "body": says("Cannot filter on x", "X-Filter")},
        FAILED,
        "HTTP status 400, X-Filter: Cannot filter on x",
    ),
    "busy": ({"kind": "busy"}, TRY_LATER, "HTTP status 400, Linode busy."),
    "errors under 200": (
        {"kind": "status", "status": 200, "body": says("odd")},
        FAILED,
        "HTTP status 200, odd",
    ),
    "no-data": (
        {"kind": "status", "status": 200, "body": {"page": 1, "pages": 1, "results": 0}},
        UNREACHABLE,
        "lacks data",
    ),
    "half a listing": (
        {
            "kind": "status",
            "status": 200,
            "body": {"data": [], "page": 1, "pages": 1, "results": 3},
        },
        TRY_LATER,
        "not whole",
    ),
    "a page that repeats": ({"kind": "repeat_page"}, TRY_LATER, "not whole"),
    "unknown types": ({"kind": "unknown_types"}, UNREACHABLE, "Linode: "),
}


@pytest.mark.parametrize("after", [True, False])
def test_a_write_that_failed_is_made_once(bench: Bench, api: LinodeApi, after: bool) -> None:
    """The API would make the record twice, so that it is looked for before the repetition."""
    fault = api.fault("status", "^POST", times=1, after=after)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert at(api, NAME, "TXT") == ["v"]
    fault = api.fault("status", "^DELETE", times=1, after=after)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert at(api, NAME, "TXT") == []


def test_an_answer_that_shows_another_record_leads_to_no_write_there(
    bench: Bench, api: LinodeApi
) -> None:
    """What is written next, the TTL, goes to the record that was made, by an id of a listing."""
    another = api.seed("demo.test", Record("TXT", "", "somebody else's"), "another.demo.test")
    shown = {"id": another, "type": "TXT", "name": "another", "target": "somebody else's"}
    before = [record for record in api.records("demo.test") if record["id"] == another]
    fault = api.fault("status", "^POST", times=1, status=200, body=shown, after=True)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert [record for record in api.records("demo.test") if record["id"] == another] == before
    assert at(api, NAME, "TXT") == ["v"]
    assert len(api.requests("PUT")) == 1


def test_a_write_that_cannot_be_looked_for_is_not_repeated(bench: Bench, api: LinodeApi) -> None:
    lost = api.fault("closed", "^POST", times=None, after=True)
    api.fault("closed", "^GET", times=None, skip=7)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert (lost.hits, at(api, NAME, "TXT"), bench.noted()) == (1, ["v"], ["v"])
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert (at(api, NAME, "TXT"), bench.noted()) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_busy_api_is_waited_for(bench: Bench, api: LinodeApi, method: str) -> None:
    fault = api.fault("busy", f"^{method}", times=1)
    bench.ok("apply", "--only", "txt")
    assert fault.hits == 1
    assert at(api, TXT_NAME, "TXT").count(f"{APP_ID}:443") == 1


@pytest.mark.parametrize(("kind", "method"), [("CNAME", "PUT"), ("A", "DELETE")])
def test_a_record_that_is_gone_meanwhile(
    bench: Bench, api: LinodeApi, kind: str, method: str
) -> None:
    record_id = api.seed("demo.test", Record(kind, "", "192.0.2.1"), APP)
    fault = api.fault(
        "meanwhile", f"^{method}", call=lambda: api.remove("demo.test", record_id)
    )
    bench.ok("apply", "--only", "alias")
    assert fault.hits == 1
    assert aliases(api, APP) == {"A": [], "AAAA": [], "CNAME": ["gateway.demo.test"]}


def test_a_record_that_somebody_else_made_meanwhile(bench: Bench, api: LinodeApi) -> None:
    """Its refusal is a conflict with itself."""
    conflict = says("Record conflict - CNAMES must be unique", "name")
    fault = api.fault("status", "^POST", times=1, status=400, body=conflict, after=True)
    bench.ok("apply", "--only", "alias")
    assert fault.hits == 1
    assert at(api, APP, "CNAME") == ["gateway.demo.test"]


def test_what_was_done_before_a_refusal_is_not_denied(bench: Bench, api: LinodeApi) -> None:
    api.seed("demo.test", Record("A", "", "192.0.2.1"), APP)
    api.seed("demo.test", Record("AAAA", "", "2001:db8::1"), APP)
    fault = api.fault("status", "^POST", times=None, status=400, body=says("not today", ""))
    result = bench.run("apply", "--only", "alias")
    # The new record, and each of the old ones again.
    assert (fault.hits, result.returncode) == (3, FAILED)
    assert at(api, APP, "A") == at(api, APP, "AAAA") == []
    assert "Applied: 0 added, 0 changed, 0 removed; of what failed, a part may" in result.stdout


@pytest.mark.parametrize("where", ["/domains\\?", "/records\\?"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_read_means_no_write(
    bench: Bench, api: LinodeApi, name: str, where: str
) -> None:
    arguments, status, words = FAULTS[name]
    before = api.records("demo.test")
    api.fault(match=f"^GET .*{where}", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []
    assert api.records("demo.test") == before


@pytest.mark.parametrize("fault", ["lost", "shrinking", "added"])
def test_pages_that_do_not_fit_each_other_mean_no_write(
    bench: Bench, api: LinodeApi, fault: str
) -> None:
    for number in range(12):
        api.seed_value("demo.test", "TXT", TXT_NAME, f'"text {number}"')
    total = len(api.records("demo.test"))
    pages = -(-total // api.page_limit)
    body = {"data": [], "page": 2, "pages": pages, "results": total}
    if fault == "added":
        name = "meanwhile.demo.test"
        api.fault(
            "meanwhile", "/records\\?page=2&",
            call=lambda: api.seed_value("demo.test", "TXT", name, '"v"'),
        )  # fmt: skip
    elif fault == "lost":
        api.fault("status", "/records\\?page=2&", times=None, status=200, body=body)
    else:
        body["pages"], body["results"] = 2, api.page_limit
        api.fault("status", "/records\\?page=2&", times=None, status=200, body=body)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "not whole" in result.stderr
    assert writes(api) == []
