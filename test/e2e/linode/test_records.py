"""Alias, TXT and CAA records at Linode, as its API takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi
from support.linode_records import Record

from ..dns_bench import APP_ID, FAILED, Bench, api_bench
from .zone import APP, TXT_NAME, aliases, at, says, writes

GATEWAY = {"A": ["127.0.0.1"], "AAAA": ["::1"], "CNAME": []}
URI = "https://acme-v02.api.letsencrypt.org/acme/acct/7"

# Let's Encrypt's names are known; its directory cannot be reached from a test.
WITH_CAA = {
    "SET_CAA": "true",
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
}


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


def test_a_ttl_that_cannot_be_set_is_only_warned_about(bench: Bench, api: LinodeApi) -> None:
    api.fault("status", "^PUT", times=None, status=400, body=says("no", "ttl_sec"))
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == 0
    assert "stays the domain's default" in result.stderr
    assert f"{APP_ID}:443" in at(api, TXT_NAME, "TXT")
