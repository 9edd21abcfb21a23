"""The Linode emulator: what it takes, refuses and shows, and what of it BIND gets to hold."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi, LinodeDomain
from support.linode_records import Record

CHALLENGE = "_acme-challenge.app.demo.test"


class Client:
    """The least that can be said for a client; `token` None sends no credential."""

    def __init__(self, api: LinodeApi) -> None:
        self.url = urlsplit(api.url)
        self.token: str | None = api.token
        self.headers: http.client.HTTPMessage
        found = self.listing("/domains", domain="demo.test")["data"]
        self.records = f"/domains/{found[0]['id']}/records" if found else ""

    def call(
        self, method: str, path: str, body: Any = None, filter_: str = "", **query: Any
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.url.netloc, timeout=5)
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if filter_:
            headers["X-Filter"] = filter_
        target = f"{self.url.path}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, target, body=sent, headers=headers)
        answer = connection.getresponse()
        content = json.load(answer)
        self.headers = answer.headers
        connection.close()
        return answer.status, content

    def ok(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = self.call(method, path, body)
        assert status == 200, answer
        return answer

    def create(self, record_type: str, name: str, target: str, **more: Any) -> dict[str, Any]:
        body = {"type": record_type, "name": name, "target": target, **more}
        return self.ok("POST", self.records, body)

    def listing(self, path: str, page: int = 1, **wanted: str) -> dict[str, Any]:
        filter_ = json.dumps(wanted) if wanted else ""
        status, answer = self.call("GET", path, filter_=filter_, page=page, page_size=500)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[Any, ...]:
        """HTTP status, and field and reason of the first error."""
        status, answer = self.call(method, path, body, **more)
        error = answer["errors"][0]
        return status, error.get("field"), error["reason"]


@pytest.fixture
def api() -> Iterator[LinodeApi]:
    with LinodeApi(zones=["demo.test", "other.test"]) as running:
        yield running


@pytest.fixture
def client(api: LinodeApi) -> Client:
    return Client(api)


def test_a_bad_token_and_a_missing_scope_are_both_401(api: LinodeApi, client: Client) -> None:
    path = client.records
    right, client.token = client.token, None
    assert client.refused("GET", path) == (401, None, "Invalid Token")
    client.token = "0" * 64
    assert client.refused("GET", path) == (401, None, "Invalid Token")
    assert client.headers["X-OAuth-Scopes"] == "unknown"
    client.token = right
    api.scopes = {"domains:read_only"}
    assert client.call("GET", path)[0] == 200
    reason = "Your OAuth token is not authorized to use this endpoint."
    assert client.refused("POST", path, {}) == (401, None, reason)
    assert client.headers["X-OAuth-Scopes"] == "domains:read_only"
    assert client.headers["X-Accepted-OAuth-Scopes"] == "domains:read_write"
    api.scopes, api.restricted = {"*"}, True
    assert client.refused("DELETE", f"{path}/1") == (403, None, "Unauthorized")


def test_domains_are_filtered_by_header(client: Client) -> None:
    found = client.listing("/domains", domain="other.test")
    assert [domain["domain"] for domain in found["data"]] == ["other.test"]
    empty = client.listing("/domains", domain="nothing.test")
    assert empty == {"data": [], "page": 1, "pages": 1, "results": 0}
    for text, reason in (
        ('{"foo": "bar"}', "Cannot filter on foo"),
        ('{"domain": ', "Could not apply filter"),
        ("[]", "Could not apply filter"),
    ):
        assert client.refused("GET", "/domains", filter_=text) == (400, "X-Filter", reason)
    assert client.refused("GET", client.records, filter_='{"id": 1}')[1:] == (
        "X-Filter",
        "Cannot filter on id",
    )


def test_routes(client: Client) -> None:
    assert client.refused("GET", "/domains/1") == (404, None, "Not found")
    assert client.refused("GET", "/domains/demo.test/records")[0] == 404
    assert client.refused("POST", "/domains", {})[0] == 405
    for method in ("GET", "PUT", "DELETE"):
        assert client.refused(method, f"{client.records}/1", {}) == (404, None, "Not found")


def test_listings_come_in_pages(api: LinodeApi, client: Client) -> None:
    for number in range(12):
        api.seed_value("demo.test", "TXT", "many.demo.test", f'"{number}"')
    seen = []
    for page in range(1, 4):
        answer = client.listing(client.records, page)
        assert (answer["page"], answer["pages"], answer["results"]) == (page, 3, 12)
        seen += [record["target"] for record in answer["data"]]
    assert seen == [str(number) for number in range(12)]
    assert client.refused("GET", client.records, page=4)[0] == 404
    for size in (24, 501):
        assert client.refused("GET", client.records, page_size=size) == (
            400,
            "page_size",
            "Must be 25-500",
        )


def test_a_record_from_its_making_to_its_end(api: LinodeApi, client: Client) -> None:
    made = client.create("TXT", CHALLENGE.upper() + ".", 'a "value"', ttl_sec=300)
    assert (made["name"], made["target"]) == ("_acme-challenge.app", 'a "value"')
    path = f"{client.records}/{made['id']}"
    assert client.ok("GET", path) == made
    changed = client.ok("PUT", path, {"ttl_sec": 300})
    assert changed == {**made, "ttl_sec": 300}
    assert client.ok("PUT", path, {"target": "new", "type": "A"})["type"] == "TXT"
    api.name_form = "absolute"
    assert client.ok("GET", path)["name"] == CHALLENGE
    assert client.ok("DELETE", path) == {}
    assert api.records("demo.test") == []


@pytest.mark.parametrize(
    ("wished", "kept"), [(0, 0), (1, 30), (31, 120), (300, 300), (301, 3600), (10**9, 2419200)]
)
def test_ttls_are_dropped_at_first_and_rounded_up_later(
    client: Client, wished: int, kept: int
) -> None:
    made = client.create("A", "a", "192.0.2.1", ttl_sec=wished)
    assert made["ttl_sec"] == 0
    changed = client.ok("PUT", f"{client.records}/{made['id']}", {"ttl_sec": wished})
    assert changed["ttl_sec"] == kept


def test_ttls_may_be_hurried() -> None:
    with LinodeApi(zones=["demo.test"], ttl_steps=(5,)) as api:
        client = Client(api)
        path = f"{client.records}/{client.create('A', 'a', '192.0.2.1')['id']}"
        assert client.ok("PUT", path, {"ttl_sec": 300})["ttl_sec"] == 5


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "TLSA"}, "type"),
        ({"type": None}, "type"),
        ({"name": "a..b"}, "name"),
        ({"name": "@"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"ttl_sec": -1}, "ttl_sec"),
        ({"ttl_sec": "300"}, "ttl_sec"),
        ({"target": ""}, "target"),
        ({"target": "2001:db8::1"}, "target"),
        ({"target": None}, "target"),
        ({"tag": "issue"}, "tag"),
        ({"type": "CNAME", "target": "a b"}, "target"),
        ({"type": "CNAME", "name": "", "target": "b.test"}, "name"),
        ({"type": "CAA", "target": "ca.test"}, "tag"),
        ({"type": "CAA", "tag": "issuemail", "target": "ca.test"}, "tag"),
        ({"type": "CAA", "tag": "issue", "target": "ca.test; a=b"}, "target"),
        ({"type": "CAA", "tag": "issue", "target": "0 issue x"}, "target"),
    ],
)
def test_bodies_that_are_refused(
    api: LinodeApi, client: Client, change: dict[str, Any], field: str
) -> None:
    body = {"type": "A", "name": "a", "target": "192.0.2.1", "ttl_sec": 300, **change}
    assert client.refused("POST", client.records, body)[:2] == (400, field)
    assert api.records("demo.test") == []


def test_a_body_that_is_no_object(client: Client) -> None:
    for body in (b"", b"[]", b"{"):
        assert client.refused("POST", client.records, body)[0] == 400


def test_caa_values(api: LinodeApi, client: Client) -> None:
    for tag, target in (("issue", ";"), ("issue", "ca.test;a=b"), ("issuewild", "ca.test;a=b")):
        assert client.create("CAA", "", target, tag=tag)["tag"] == tag
    with LinodeApi(zones=["demo.test"], issuewild_parameters=False) as strict:
        other = Client(strict)
        body = {"type": "CAA", "name": "", "tag": "issuewild", "target": "ca.test;a=b"}
        assert other.refused("POST", other.records, body)[:2] == (400, "target")
        assert other.create("CAA", "", "ca.test", tag="issuewild")["target"] == "ca.test"


def test_a_cname_stands_alone_and_anything_else_as_often_as_it_is_made(client: Client) -> None:
    conflict = (400, "name", "Record conflict - CNAMES must be unique")
    first = client.create("TXT", "a", "same")
    assert client.create("TXT", "a", "same")["id"] != first["id"]
    body = {"type": "CNAME", "name": "a", "target": "b.test"}
    assert client.refused("POST", client.records, body) == conflict
    client.create("CNAME", "c", "b.test.")
    assert client.refused("POST", client.records, {**body, "name": "c"}) == conflict
    caa = {"type": "CAA", "name": "c.demo.test", "tag": "issue", "target": "ca.test"}
    assert client.refused("POST", client.records, caa) == conflict


def test_a_copy_has_no_records() -> None:
    with LinodeApi(zones=[LinodeDomain("demo.test", type="slave")]) as api:
        client = Client(api)
        assert client.refused("GET", client.records)[0] == 400


# Faults


def test_faults_of_its_own(api: LinodeApi, client: Client) -> None:
    for _ in range(7):
        client.create("A", "a", "192.0.2.1")
    api.fault("rate_limited", headers={"Retry-After": "7"})
    assert client.refused("GET", client.records) == (429, None, "Too many requests")
    assert client.headers["Retry-After"] == "7"
    api.fault("busy")
    assert client.refused("GET", client.records) == (400, None, "Linode busy.")
    api.fault("repeat_page", times=2)
    first, second = client.listing(client.records, 1), client.listing(client.records, 2)
    assert first["data"] == second["data"]
    assert (second["page"], second["pages"], second["results"]) == (2, 2, 10)
    api.fault("unknown_types")
    assert client.listing(client.records)["data"][0]["name"] is None


# BIND


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path, records={"demo.test": "long TXT one two"}) as running:
        yield running


def test_what_is_in_dns_is_there_and_changes_are_seen_at_once(bind: Bind) -> None:
    with LinodeApi(bind) as api:
        client = Client(api)
        shown = {(r["type"], r["name"]): r["target"] for r in api.records("demo.test")}
        assert shown["TXT", "long.demo.test"] == "onetwo"
        assert ("NS", "demo.test") not in shown
        value = "x" * 300 + '"\\'
        made = client.create("TXT", CHALLENGE, value)
        client.create("TXT", CHALLENGE, value)
        assert bind.query(CHALLENGE, "TXT") == [value]
        client.ok("PUT", f"{client.records}/{made['id']}", {"name": "_acme-challenge.api"})
        assert bind.query("_acme-challenge.api.demo.test", "TXT") == [value]
        client.create("CAA", "", ";", tag="issue")
        assert bind.query("demo.test", "CAA") == ['0 issue ";"']
        client.ok("DELETE", f"{client.records}/{made['id']}")
        assert bind.query("_acme-challenge.api.demo.test", "TXT") == []


def test_foreign_records_are_held_by_both(bind: Bind) -> None:
    with LinodeApi(bind) as api:
        before = len(api.records("demo.test"))
        api.seed_foreign("demo.test", 40)
        assert len(api.records("demo.test")) == before + 40
        kinds = {record["type"] for record in api.records("demo.test")}
        assert {"A", "AAAA", "CNAME", "MX", "NS", "SRV", "PTR", "CAA", "TXT", "TLSA"} <= kinds
        assert bind.query("mixed.demo.test", "MX") == ["10 mail.elsewhere.test."]
        assert bind.query("foreign-6.demo.test", "SRV") == ["1 6 5060 sip-6.elsewhere.test."]
        dump = api.dump("demo.test")
        client = Client(api)
        made = client.create("MX", "mixed", "mx.demo.test", priority=20)
        assert len(bind.query("mixed.demo.test", "MX")) == 2
        client.ok("DELETE", f"{client.records}/{made['id']}")
        assert api.dump("demo.test") == dump
        api.seed("demo.test", Record("FUTURE", "", "x"), "odd.demo.test")
        assert bind.query("odd.demo.test", "A") == []
