"""Alias, TXT and CAA records at Linode, as its API takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi
from support.linode_records import Record

from ..dns_bench import APP_ID, FAILED, Bench, api_bench
from .zone import APP, TXT_NAME, at, says, writes

URI = "https://acme-v02.api.letsencrypt.org/acme/acct/7"

# Let's Encrypt's names are known; its directory cannot be reached from a test.
WITH_CAA = {
    "SET_CAA": "true",
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
}


@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_names_and_ttls_of_new_records(tmp_path: Path, bind: Bind, form: str) -> None:
    with LinodeApi(bind, name_form=form) as api:
        bench = api_bench(tmp_path, bind, api)
        before = api.records("demo.test")
        bench.ok("apply")
        after = api.records("demo.test")
        new = [record for record in after if record not in before]
        # The least there is: the API drops the TTL of what is made, so it was set afterwards.
        assert sorted((r["type"], r["name"], r["target"], r["ttl_sec"]) for r in new) == [
            ("CNAME", APP, "gateway.demo.test", 300),
            ("TXT", TXT_NAME, f"{APP_ID}:443", 120),
        ]
        assert bench.ok("apply").endswith("\nNo changes.\n")


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


def test_a_refused_cname_brings_the_addresses_back(bench: Bench, api: LinodeApi) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        api.seed_value("demo.test", "A", APP, address)
    before = api.dump("demo.test")
    api.fault("status", "^POST", times=1, status=400, body=says("not today", "target"))
    result = bench.run("apply", "--only", "alias")
    assert result.returncode == FAILED
    assert "HTTP status 400, target: not today" in result.stderr
    assert api.dump("demo.test") == before


def test_the_apex_is_an_empty_name(bench: Bench, api: LinodeApi) -> None:
    bench.ok("apply", "--only", "alias", DOMAINS="demo.test,*.demo.test")
    posted = [json.loads(r.body)["name"] for r in api.requests("POST")]
    assert sorted(posted) == ["", "", "*"]


def test_issuewild_may_be_taken_without_parameters_only(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(bind, issuewild_parameters=False) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="*.demo.test", **WITH_CAA)
        result = bench.run("apply", "--only", "caa", "--account-uri", URI)
        assert result.returncode == FAILED
        assert "target: Must be a valid domain" in result.stderr


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
