"""ingress-dns with Linode's API, emulated: its rules, and everything it can do wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi, LinodeDomain
from support.linode_records import Record

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

APP = "app.demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"
GATEWAY = {"A": ["127.0.0.1"], "AAAA": ["::1"], "CNAME": []}
URI = "https://acme-v02.api.letsencrypt.org/acme/acct/7"
# Let's Encrypt's names are known; its directory cannot be reached from a test.
WITH_CAA = {
    "SET_CAA": "true",
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
}


def says(reason: str, field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"reason": reason} if field is None else {"field": field, "reason": reason}]}


# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "401": (
        {"kind": "status", "status": 401, "body": says("Invalid Token")},
        BAD_CONFIG,
        "HTTP status 401, Invalid Token; check LINODE_API_TOKEN",
    ),
    "403": (
        {"kind": "status", "status": 403, "body": says("Unauthorized")},
        BAD_CONFIG,
        "HTTP status 403, Unauthorized; check LINODE_API_TOKEN",
    ),
    "400": (
        {"kind": "status", "status": 400, "body": says("Cannot filter on x", "X-Filter")},
        FAILED,
        "HTTP status 400, X-Filter: Cannot filter on x",
    ),
    "429": (
        {"kind": "rate_limited", "headers": {"Retry-After": "3600"}},
        TRY_LATER,
        "Too many requests; it asks to wait 3600 seconds",
    ),
    "busy": ({"kind": "busy"}, TRY_LATER, "HTTP status 400, Linode busy."),
    "408": ({"kind": "status", "status": 408}, TRY_LATER, "HTTP status 408"),
    "404": ({"kind": "status", "status": 404}, FAILED, "HTTP status 404"),
    "503": ({"kind": "status", "status": 503}, UNREACHABLE, "HTTP status 503"),
    "html": (
        {"kind": "status", "status": 200, "body": "<html>Down for maintenance</html>"},
        UNREACHABLE,
        "is not JSON: '<html>Down",
    ),
    "truncated": ({"kind": "truncated"}, UNREACHABLE, "Linode"),
    "closed": ({"kind": "closed"}, UNREACHABLE, "Empty reply"),
    "reset": ({"kind": "reset"}, UNREACHABLE, "Linode"),
    "empty": ({"kind": "empty"}, UNREACHABLE, "HTTP status 200"),
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
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        UNREACHABLE,
        "HTTP status 302",
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


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "bind", zones, records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[LinodeApi]:
    with LinodeApi(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: LinodeApi) -> Bench:
    return api_bench(tmp_path, bind, api)


def at(api: LinodeApi, name: str, kind: str) -> list[str]:
    """The targets of the records there."""
    return sorted(
        r["target"] for r in api.records("demo.test") if (r["name"], r["type"]) == (name, kind)
    )


def aliases(api: LinodeApi, name: str) -> dict[str, list[str]]:
    return {kind: at(api, name, kind) for kind in ("A", "AAAA", "CNAME")}


def writes(api: LinodeApi) -> list[str]:
    return [f"{r.method} {r.body}" for r in api.requests() if r.method != "GET"]


# ---- records


@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_applying_makes_the_records_once(tmp_path: Path, bind: Bind, form: str) -> None:
    with LinodeApi(bind, name_form=form) as api:
        bench = api_bench(tmp_path, bind, api)
        before = api.records("demo.test")
        bench.ok("apply")
        after = api.records("demo.test")
        new = [record for record in after if record not in before]
        assert all(record in after for record in before)
        # The least there is: the API drops the TTL of what is made, so it was set afterwards.
        assert sorted((r["type"], r["name"], r["target"], r["ttl_sec"]) for r in new) == [
            ("CNAME", APP, "gateway.demo.test", 300),
            ("TXT", TXT_NAME, f"{APP_ID}:443", 300),
        ]
        api.forget_requests()
        assert bench.ok("apply") == "No changes.\n"
        assert writes(api) == []


def test_a_cname_is_updated_in_place(bench: Bench, api: LinodeApi) -> None:
    record_id = api.seed("demo.test", Record("CNAME", "", "old.test", 3600), APP)
    bench.ok("apply", "--only", "alias")
    (record,) = [r for r in api.records("demo.test") if r["name"] == APP]
    assert (record["id"], record["target"], record["ttl_sec"]) == (
        record_id,
        "gateway.demo.test",
        3600,
    )
    assert [w.split()[0] for w in writes(api)] == ["PUT"]


def test_addresses_give_way_to_a_cname(bench: Bench, api: LinodeApi) -> None:
    for kind, address in (("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1")):
        api.seed_value("demo.test", kind, APP, address)
    bench.ok("apply", "--only", "alias")
    assert aliases(api, APP) == {"A": [], "AAAA": [], "CNAME": ["gateway.demo.test"]}


def test_a_refused_cname_brings_the_addresses_back(bench: Bench, api: LinodeApi) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        api.seed_value("demo.test", "A", APP, address)
    before = api.dump("demo.test")
    api.fault("status", "^POST", times=1, status=400, body=says("not today", "target"))
    result = bench.run("apply", "--only", "alias")
    assert result.returncode == FAILED
    assert "HTTP status 400, target: not today" in result.stderr
    assert api.dump("demo.test") == before


def test_the_apex_gets_the_addresses_of_the_gateway(bench: Bench, api: LinodeApi) -> None:
    bench.ok("apply", "--only", "alias", DOMAINS="demo.test,*.demo.test")
    assert aliases(api, "demo.test") == GATEWAY
    assert at(api, "*.demo.test", "CNAME") == ["gateway.demo.test"]
    posted = [json.loads(r.body)["name"] for r in api.requests("POST")]
    assert sorted(posted) == ["", "", "*"]


def test_caa_and_addresses_take_the_place_of_a_cname(bench: Bench, api: LinodeApi) -> None:
    bench.ok("apply")
    assert at(api, APP, "CNAME") == ["gateway.demo.test"]
    out = bench.ok("apply", "--account-uri", URI, **WITH_CAA)
    assert "a CNAME allows none beside it" in out
    assert aliases(api, APP) == GATEWAY
    (caa,) = [r for r in api.records("demo.test") if r["type"] == "CAA"]
    assert (caa["name"], caa["tag"]) == (APP, "issue")
    assert caa["target"] == f"letsencrypt.org;validationmethods=dns-01;accounturi={URI}"
    assert bench.ok("apply", "--account-uri", URI, **WITH_CAA) == "No changes.\n"
    bench.ok("apply", "--account-uri", URI + "8", **WITH_CAA)
    (target,) = at(api, APP, "CAA")
    assert target.endswith(URI + "8")


def test_a_wildcard_alone_lets_nobody_else_issue(bench: Bench, api: LinodeApi) -> None:
    bench.ok("apply", "--account-uri", URI, DOMAINS="*.demo.test", **WITH_CAA)
    pins = {r["tag"]: r["target"] for r in api.records("demo.test") if r["type"] == "CAA"}
    assert pins == {
        "issue": ";",
        "issuewild": f"letsencrypt.org;validationmethods=dns-01;accounturi={URI}",
    }


def test_issuewild_may_be_taken_without_parameters_only(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(bind, issuewild_parameters=False) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="*.demo.test", **WITH_CAA)
        result = bench.run("apply", "--only", "caa", "--account-uri", URI)
        assert result.returncode == FAILED
        assert "target: Must be a valid domain" in result.stderr


def test_many_records_are_read_page_by_page(bench: Bench, api: LinodeApi) -> None:
    for number in range(23):
        api.seed_value("demo.test", "TXT", TXT_NAME, f'"{number:04x}:443"')
    bench.ok("apply", "--only", "txt")
    assert at(api, TXT_NAME, "TXT") == sorted([f"{APP_ID}:443", "not an app address"])
    listings = [r.target for r in api.requests("GET") if "/records?" in r.target]
    assert any("page=6&" in target for target in listings)


def test_txt_values_are_taken_as_they_are(bench: Bench, api: LinodeApi) -> None:
    value = 'with "quotes" \\ too'
    bench.ok("set-txt", "x.demo.test", value)
    assert at(api, "x.demo.test", "TXT") == [value]
    assert "is there already" in bench.ok("set-txt", "x.demo.test", value)
    api.seed("demo.test", Record("TXT", "", value), "x.demo.test")  # as often as one likes
    assert "removed" in bench.ok("del-txt", "x.demo.test", value)
    assert at(api, "x.demo.test", "TXT") == []


# ---- zones


def test_the_longest_domain_is_taken(tmp_path: Path) -> None:
    zones = ("demo.test", "sub.demo.test", *(f"other-{n}.test" for n in range(12)))
    with Bind(tmp_path / "bind", zones) as bind, LinodeApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("set-txt", "a.sub.demo.test", "v")
        assert bind.query("a.sub.demo.test", "TXT") == ["v"]
        bench.ok("set-txt", "a.demo.test", "v")
        assert at(api, "a.demo.test", "TXT") == ["v"]


def test_a_domain_that_is_not_there(bench: Bench, api: LinodeApi) -> None:
    result = bench.run("apply", DOMAINS="app.elsewhere.test")
    assert result.returncode == FAILED
    assert "reach no zone that holds app.elsewhere.test" in result.stdout
    assert writes(api) == []


def test_a_copy_of_a_domain_is_refused(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(zones=[LinodeDomain("copy.test", type="slave")]) as api:
        result = api_bench(tmp_path, bind, api, DOMAINS="app.copy.test").run("plan")
        assert result.returncode == FAILED
        assert "copy.test is only a copy there" in result.stdout


def test_a_domain_that_is_not_active_is_warned_about(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(zones=[LinodeDomain("off.test", status="disabled")]) as api:
        result = api_bench(tmp_path, bind, api, DOMAINS="app.off.test").run("plan")
        assert result.returncode == 0
        assert 'status "disabled"' in result.stderr


# ---- challenges


def test_a_challenge_comes_and_goes(bench: Bench, bind: Bind, api: LinodeApi) -> None:
    before = api.records("demo.test")
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert bind.query(NAME, "TXT") == ["v"]
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.records("demo.test") == before
    assert bench.noted() == []


def test_caches_are_waited_for_as_long_as_the_value_was_served(
    tmp_path: Path, bind: Bind
) -> None:
    """Not as long as was wished for: the provider rounds."""
    with LinodeApi(bind, ttl_steps=(2,)) as api:
        bench = api_bench(tmp_path, bind, api)
        for value in ("v", "w"):
            result = bench.run("auth", **challenge("new.demo.test", value))
            assert result.returncode == 0, result.stderr
            assert ("for caches to drop" in result.stderr) == (value == "w")
            bench.ok("cleanup", **challenge("new.demo.test", value))


def test_a_challenge_delegated_by_cname(tmp_path: Path, bind: Bind) -> None:
    """The account holds acme.test only; demo.test is somewhere else."""
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with LinodeApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query("new.acme.test", "TXT") == ["v"]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("kind", ["closed", "status"])
def test_a_write_whose_answer_was_lost_is_made_once(
    bench: Bench, api: LinodeApi, kind: str, after: bool
) -> None:
    """The API would make the record twice."""
    fault = api.fault(kind, "^POST", times=1, after=after)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert at(api, NAME, "TXT") == ["v"]
    fault = api.fault(kind, "^DELETE", times=1, after=after)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert at(api, NAME, "TXT") == []


def test_a_write_that_cannot_be_looked_for_is_not_repeated(bench: Bench, api: LinodeApi) -> None:
    lost = api.fault("closed", "^POST", times=None, after=True)
    api.fault("closed", "^GET", times=None, skip=7)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert (lost.hits, at(api, NAME, "TXT"), bench.noted()) == (1, ["v"], ["v"])
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert (at(api, NAME, "TXT"), bench.noted()) == ([], [])


def test_what_is_there_twice_is_made_single(bench: Bench, api: LinodeApi) -> None:
    bench.ok("apply", "--only", "alias,txt", DOMAINS="demo.test")
    before = api.dump("demo.test")
    for record_type, name, value in (
        ("TXT", "_dstack-app-address.demo.test", f"{APP_ID}:443"),
        ("A", "demo.test", at(api, "demo.test", "A")[0]),
    ):
        for _ in range(2):
            api.seed("demo.test", Record(record_type, "", value), name)
    assert "0 added, 0 changed, 4 removed" in bench.ok(
        "apply", "--only", "alias,txt", DOMAINS="demo.test"
    )
    assert api.dump("demo.test") == before


@pytest.mark.parametrize("kind", ["rate_limited", "busy"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_short_refusal_is_waited_for(
    bench: Bench, api: LinodeApi, kind: str, method: str
) -> None:
    fault = api.fault(kind, f"^{method}", times=1)
    bench.ok("apply", "--only", "txt")
    assert fault.hits == 1
    assert at(api, TXT_NAME, "TXT").count(f"{APP_ID}:443") == 1


def test_a_ttl_that_cannot_be_set_is_only_warned_about(bench: Bench, api: LinodeApi) -> None:
    api.fault("status", "^PUT", times=None, status=400, body=says("no", "ttl_sec"))
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == 0
    assert "stays the domain's default" in result.stderr
    assert f"{APP_ID}:443" in at(api, TXT_NAME, "TXT")


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


# ---- faults


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


def test_a_failed_challenge_write_is_told(bench: Bench, api: LinodeApi) -> None:
    api.fault("status", "^POST", times=None, status=400, body=says("Invalid hostname", "name"))
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "name: Invalid hostname" in result.stderr
    assert bench.noted() == []


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


# ---- credentials


@pytest.mark.parametrize("scopes", [(), ("domains:read_only",), ("account:read_write",)])
def test_a_token_without_permission(tmp_path: Path, bind: Bind, scopes: tuple[str, ...]) -> None:
    with LinodeApi(bind, scopes=scopes) as api:
        before = api.dump("demo.test")
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "Your OAuth token is not authorized to use this endpoint." in result.stdout
        assert "check LINODE_API_TOKEN" in result.stdout
        assert api.dump("demo.test") == before


def test_a_user_without_permission(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(bind, restricted=True) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "HTTP status 403, Unauthorized" in result.stdout


def test_a_wrong_token(bench: Bench, api: LinodeApi) -> None:
    token = "0" * 64
    result = bench.run("apply", LINODE_API_TOKEN=token)
    assert result.returncode == BAD_CONFIG
    assert "Invalid Token" in result.stdout
    assert token not in result.stdout + result.stderr
    assert writes(api) == []


def test_the_token_stays_where_it_is(bench: Bench, bind: Bind, api: LinodeApi) -> None:
    """In headers only, and at its host: bench.run looks for it in all that is said."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    api.fault("status", times=1, status=403, body=says(f"token {api.token} is bad"))
    result = bench.run("apply", LOG_LEVEL="debug")
    assert result.returncode == BAD_CONFIG
    assert "token ***" in result.stdout
    assert api.token not in json.dumps([(r.target, r.body) for r in api.requests()])
    with LinodeApi() as elsewhere:
        target = {"Location": f"{elsewhere.url}/domains"}
        api.fault("status", times=None, status=307, headers=target, body={"a": 1})
        assert bench.run("apply").returncode == FAILED
        assert elsewhere.requests() == []
