"""The Cloudflare emulator: what it takes, refuses and shows, and what of it BIND gets to hold."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi, CloudflareZone

CHALLENGE = "_acme-challenge.app.demo.test"


class Client:
    """The least that can be said for a client; `token` None sends no credential."""

    def __init__(self, api: CloudflareApi, zone: str = "demo.test") -> None:
        self.url = urlsplit(api.url)
        self.token: str | None = api.token
        self.scheme = "Bearer"
        zones = self.call("GET", "/zones", name=zone)[1]["result"]
        self.records = f"/zones/{zones[0]['id']}/dns_records" if zones else ""

    def call(
        self, method: str, path: str, body: Any = None, **query: Any
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.url.netloc, timeout=5)
        headers = {} if self.token is None else {"Authorization": f"{self.scheme} {self.token}"}
        target = f"{self.url.path}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, target, body=sent, headers=headers)
        answer = connection.getresponse()
        content = json.load(answer)
        connection.close()
        return answer.status, content

    def create(self, record_type: str, name: str, content: str, ttl: int = 60) -> dict[str, Any]:
        body = {"type": record_type, "name": name, "content": content, "ttl": ttl}
        status, answer = self.call("POST", self.records, body)
        assert (status, answer["success"]) == (200, True), answer
        return dict(answer["result"])

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, int, int | None]:
        """HTTP status, code, and the first code of the error chain."""
        status, answer = self.call(method, path, body)
        assert (answer["success"], answer["result"], answer["messages"]) == (False, None, [])
        error = answer["errors"][0]
        assert error["message"]
        return status, error["code"], error.get("error_chain", [{}])[0].get("code")


@pytest.fixture
def api() -> Iterator[CloudflareApi]:
    with CloudflareApi(zones=["demo.test", "other.test"]) as running:
        yield running


@pytest.fixture
def client(api: CloudflareApi) -> Client:
    return Client(api)


# Credentials


def test_credentials_missing_malformed_and_wrong(client: Client) -> None:
    right = client.token
    client.token = None
    assert client.refused("GET", "/zones") == (400, 9106, None)
    client.token = "short"
    assert client.refused("GET", "/zones") == (400, 6003, 6111)
    client.token, client.scheme = right, "Basic"
    assert client.refused("GET", "/zones") == (400, 6003, 6111)
    client.token, client.scheme = "x" * 40, "Bearer"
    assert client.refused("GET", "/zones") == (403, 9109, None)


def test_a_token_that_may_not(api: CloudflareApi, client: Client) -> None:
    record = client.create("A", "a.demo.test", "192.0.2.1")
    api.permissions.remove("dns:edit")
    body = {"type": "A", "name": "b.demo.test", "content": "192.0.2.2"}
    assert client.refused("POST", client.records, body) == (403, 10000, None)
    assert client.refused("DELETE", f"{client.records}/{record['id']}") == (403, 10000, None)
    assert client.call("GET", client.records)[1]["result_info"]["total_count"] == 1
    api.permissions.remove("zone:read")
    assert client.refused("GET", "/zones") == (403, 9109, None)
    assert [record["name"] for record in api.records("demo.test")] == ["a.demo.test"]


# Routes


def test_zones_are_found_by_name_and_an_unknown_one_is_no_error(client: Client) -> None:
    status, answer = client.call("GET", "/zones", name="other.test", per_page=50)
    assert (status, [zone["name"] for zone in answer["result"]]) == (200, ["other.test"])
    assert re.fullmatch("[0-9a-f]{32}", answer["result"][0]["id"])
    status, answer = client.call("GET", "/zones", name="app.demo.test")
    assert (status, answer["result"], answer["success"]) == (200, [], True)
    assert answer["result_info"]["total_count"] == 0


def test_one_name_may_be_a_zone_of_two_accounts() -> None:
    zones = [CloudflareZone("demo.test", "one"), CloudflareZone("demo.test", "two")]
    with CloudflareApi(zones=zones) as api:
        found = Client(api).call("GET", "/zones", name="demo.test")[1]["result"]
        assert [zone["account"]["name"] for zone in found] == ["one", "two"]
        assert len({zone["id"] for zone in found}) == 2


def test_identifiers_that_are_none_and_records_that_are_gone(client: Client) -> None:
    assert client.refused("GET", "/zones/demo.test/dns_records") == (400, 7003, None)
    assert client.refused("GET", f"/zones/{'0' * 32}/dns_records") == (403, 10000, None)
    for method in ("GET", "DELETE", "PUT", "PATCH"):
        assert client.refused(method, f"{client.records}/{'0' * 32}", {}) == (404, 81044, None)
    assert client.refused("POST", "/zones", {}) == (405, 7001, None)


def test_listings_come_in_pages(api: CloudflareApi, client: Client) -> None:
    for number in range(12):
        api.seed("demo.test", "TXT", "many.demo.test", f'"{number}"')
    seen = []
    for page in range(1, 5):
        answer = client.call("GET", client.records, type="TXT", page=page, per_page=100)[1]
        info = answer["result_info"]
        assert (info["page"], info["per_page"], info["total_pages"]) == (page, 5, 3)
        assert (info["count"], info["total_count"]) == (len(answer["result"]), 12)
        seen += [record["content"] for record in answer["result"]]
    assert seen == [f'"{number}"' for number in range(12)]


def test_filters(client: Client) -> None:
    client.create("TXT", CHALLENGE, '"one"')
    client.create("TXT", "demo.test", '"two"')
    client.create("A", CHALLENGE, "192.0.2.1")

    def found(**query: str) -> list[str]:
        answer = client.call("GET", client.records, **query)[1]
        return [record["content"] for record in answer["result"]]

    assert found(type="TXT", **{"name.exact": CHALLENGE}) == ['"one"']
    assert found(name=CHALLENGE) == ['"one"', "192.0.2.1"]
    assert found(**{"content.exact": '"two"'}) == ['"two"']
    assert found(name="nothing.demo.test") == []


# Writing


def test_a_record_from_its_making_to_its_end(api: CloudflareApi, client: Client) -> None:
    made = client.create("TXT", CHALLENGE.upper() + ".", '"value"', ttl=120)
    assert re.fullmatch("[0-9a-f]{32}", made["id"])
    assert (made["name"], made["content"], made["ttl"]) == (CHALLENGE, '"value"', 120)
    path = f"{client.records}/{made['id']}"
    assert client.call("GET", path)[1]["result"] == made
    patched = client.call("PATCH", path, {"ttl": 300})[1]["result"]
    assert (patched["id"], patched["content"], patched["ttl"]) == (made["id"], '"value"', 300)
    put = {"type": "TXT", "name": CHALLENGE, "content": '"new"'}
    replaced = client.call("PUT", path, put)[1]["result"]
    assert (replaced["content"], replaced["ttl"]) == ('"new"', 1)
    assert client.call("DELETE", path) == (
        200,
        {"result": {"id": made["id"]}, "success": True, "errors": [], "messages": []},
    )
    assert api.records("demo.test") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ttl": 0}, 9021),
        ({"ttl": 59}, 9021),
        ({"ttl": 86401}, 9021),
        ({"ttl": "60"}, 9021),
        ({"name": "app.other.test"}, 9000),
        ({"name": "demo.testx"}, 9000),
        ({"name": "a..demo.test"}, 9000),
        ({"type": "NONSENSE"}, 9001),
        ({"type": "AAAA"}, 9006),
        ({"content": "192.0.2.256"}, 9005),
        ({"type": "CNAME", "content": "not a name"}, 9007),
        ({"content": None}, 9002),
    ],
)
def test_values_that_are_not_allowed(client: Client, change: dict[str, Any], code: int) -> None:
    body = {"type": "A", "name": "a.demo.test", "content": "192.0.2.1", "ttl": 60, **change}
    assert client.refused("POST", client.records, body) == (400, 1004, code)


def test_limits_that_are_allowed(client: Client) -> None:
    for number, ttl in enumerate([1, 60, 86400]):
        assert client.create("A", "a.demo.test", f"192.0.2.{number}", ttl)["ttl"] == ttl
    assert client.create("A", "@", "192.0.2.9")["name"] == "demo.test"
    assert client.create("A", "*.demo.test", "192.0.2.9")["name"] == "*.demo.test"


def test_a_body_that_is_not_json(client: Client) -> None:
    assert client.refused("POST", client.records, b"{") == (400, 9207, None)


def test_duplicates(client: Client) -> None:
    client.create("TXT", CHALLENGE, '"same"')
    body = {"type": "TXT", "name": CHALLENGE, "content": "same", "ttl": 60}
    assert client.refused("POST", client.records, body) == (400, 81058, None)
    assert client.refused("POST", client.records, {**body, "ttl": 120}) == (400, 81057, None)
    client.create("TXT", CHALLENGE, '"another"')


def test_an_edit_into_a_duplicate_is_one_too(client: Client) -> None:
    client.create("A", "a.demo.test", "192.0.2.1")
    second = client.create("A", "a.demo.test", "192.0.2.2")
    path = f"{client.records}/{second['id']}"
    assert client.refused("PATCH", path, {"content": "192.0.2.1"}) == (400, 81058, None)
    assert client.call("GET", path)[1]["result"]["content"] == "192.0.2.2"


def test_what_may_stand_beside_a_cname(client: Client) -> None:
    client.create("CNAME", "app.demo.test", "gateway.demo.test.")
    client.create("TXT", "app.demo.test", '"beside"')
    address = {"type": "A", "name": "app.demo.test", "content": "192.0.2.1"}
    assert client.refused("POST", client.records, address) == (400, 81054, None)
    alias = {"type": "CNAME", "name": "app.demo.test", "content": "elsewhere.test"}
    assert client.refused("POST", client.records, alias) == (400, 81053, None)
    client.create("AAAA", "www.demo.test", "2001:db8::1")
    alias["name"] = "www.demo.test"
    assert client.refused("POST", client.records, alias) == (400, 81053, None)


def test_a_caa_record_is_made_of_data(client: Client) -> None:
    body: dict[str, Any] = {"type": "CAA", "name": "app.demo.test", "ttl": 60}
    flat = {**body, "content": '0 issue "ca.demo.test"'}
    assert client.refused("POST", client.records, flat) == (400, 9101, None)
    data = {"flags": 0, "tag": "issue", "value": "ca.demo.test; validationmethods=dns-01"}
    made = client.call("POST", client.records, {**body, "data": data})[1]["result"]
    assert made["data"] == data
    assert made["content"] == '0 issue "ca.demo.test; validationmethods=dns-01"'
    wrong = {**body, "data": {**data, "flags": 256}}
    assert client.refused("POST", client.records, wrong) == (400, 1004, 9036)
    path = f"{client.records}/{made['id']}"
    changed = client.call("PATCH", path, {"data": {**data, "value": ";"}})[1]["result"]
    assert changed["content"] == '0 issue ";"'


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("as sent", "0123456789"),
        ("quoted", '"0123456789"'),
        ("unquoted", "0123456789"),
        ("split", '"01234" "56789"'),
    ],
)
def test_txt_reads_back_in_many_forms(
    api: CloudflareApi, client: Client, form: str, shown: str
) -> None:
    api.txt_form = form
    client.create("TXT", CHALLENGE, "0123456789")
    assert client.call("GET", client.records)[1]["result"][0]["content"] == shown


# Faults of its own


def test_rate_limit(api: CloudflareApi, client: Client) -> None:
    api.fault("rate_limited", match="^POST", headers={"retry-after": "2"})
    body = {"type": "A", "name": "a.demo.test", "content": "192.0.2.1"}
    assert client.refused("POST", client.records, body) == (429, 10100, None)
    assert api.records("demo.test") == []
    client.create("A", "a.demo.test", "192.0.2.1")


def test_a_listing_without_end(api: CloudflareApi, client: Client) -> None:
    for number in range(7):
        api.seed("demo.test", "A", "a.demo.test", f"192.0.2.{number}")
    api.fault("repeat_page", match="dns_records", times=None)
    first = client.call("GET", client.records, page=1)[1]
    for page in (2, 1000):
        answer = client.call("GET", client.records, page=page)[1]
        assert answer["result"] == first["result"]
        assert answer["result_info"]["page"] == page < answer["result_info"]["total_pages"]


def test_a_listing_of_unknown_things(api: CloudflareApi, client: Client) -> None:
    client.create("A", "a.demo.test", "192.0.2.1")
    api.fault("unknown_types", match="dns_records")
    types = [record["type"] for record in client.call("GET", client.records)[1]["result"]]
    assert types == ["FUTURE", 65280, "A"]


def test_a_write_whose_answer_is_lost_was_done(api: CloudflareApi, client: Client) -> None:
    api.fault("closed", match="^POST", after=True)
    with pytest.raises(ConnectionError):
        client.create("TXT", CHALLENGE, '"value"')
    body = {"type": "TXT", "name": CHALLENGE, "content": '"value"', "ttl": 60}
    assert client.refused("POST", client.records, body) == (400, 81058, None)
    assert [r.status for r in api.requests("POST")] == [0, 400]


def test_the_log_never_has_the_token(api: CloudflareApi, client: Client) -> None:
    client.create("A", "a.demo.test", "192.0.2.1")
    assert api.token not in repr(api.requests())


# BIND behind it


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path, ("demo.test", "sub.demo.test")) as running:
        yield running


def test_it_begins_with_what_bind_has(bind: Bind) -> None:
    bind.add("mail.demo.test", 120, "MX", "10 mx.demo.test.")
    bind.add("mail.demo.test", 120, "CAA", '0 issue "x.test"')
    bind.add("mail.demo.test", 120, "TXT", "v=spf1 -all")
    before = bind.snapshot("demo.test")
    with CloudflareApi(bind) as api:
        shown = {(r["type"], r["name"]): r for r in api.records("demo.test")}
        assert ("NS", "demo.test") not in shown
        assert shown["A", "gateway.demo.test"]["content"] == "127.0.0.1"
        assert shown["NS", "sub.demo.test"]["content"] == "ns1.sub.demo.test"
        mail = shown["MX", "mail.demo.test"]
        assert (mail["content"], mail["priority"], mail["ttl"]) == ("mx.demo.test", 10, 120)
        data = {"flags": 0, "tag": "issue", "value": "x.test"}
        assert shown["CAA", "mail.demo.test"]["data"] == data
        # Any change of the name writes all of it again.
        made = Client(api).create("A", "mail.demo.test", "192.0.2.1")
        assert bind.query("mail.demo.test", "A") == ["192.0.2.1"]
        client = Client(api)
        client.call("DELETE", f"{client.records}/{made['id']}")
    assert bind.snapshot("demo.test") == before


def test_changes_are_seen_by_dns_at_once(bind: Bind) -> None:
    with CloudflareApi(bind) as api:
        client = Client(api)
        long_value = "x" * 300 + '"\\'
        one = client.create("TXT", CHALLENGE, '"one"')
        client.create("TXT", CHALLENGE, json.dumps(long_value), ttl=1)
        assert bind.query(CHALLENGE, "TXT") == sorted(["one", long_value])
        renamed = {"name": "_acme-challenge.api.demo.test"}
        client.call("PATCH", f"{client.records}/{one['id']}", renamed)
        assert bind.query(CHALLENGE, "TXT") == [long_value]
        assert bind.query("_acme-challenge.api.demo.test", "TXT") == ["one"]
        client.create("TXT", "@", '"apex"')
        assert bind.query("demo.test", "TXT") == ["apex"]
        assert bind.query("demo.test", "NS") == ["ns1.demo.test."]


def test_beside_a_cname_dns_sees_only_the_other(bind: Bind) -> None:
    with CloudflareApi(bind) as api:
        client = Client(api)
        client.create("CNAME", "app.demo.test", "gateway.demo.test")
        assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
        data = {"flags": 0, "tag": "issue", "value": "ca.demo.test"}
        body = {"type": "CAA", "name": "app.demo.test", "data": data}
        caa = client.call("POST", client.records, body)[1]["result"]
        assert bind.query("app.demo.test", "CNAME") == []
        assert bind.query("app.demo.test", "CAA") == ['0 issue "ca.demo.test"']
        client.call("DELETE", f"{client.records}/{caa['id']}")
        assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]


def test_what_dns_cannot_or_must_not_see(bind: Bind) -> None:
    with CloudflareApi(bind) as api:
        sub = bind.snapshot("sub.demo.test")
        api.seed("demo.test", "FUTURE", "odd.demo.test", "content")
        api.seed("demo.test", "A", "proxied.demo.test", "192.0.2.1", proxied=True)
        api.seed("demo.test", "A", "a.sub.demo.test", "192.0.2.1")  # behind a delegation
        api.seed("demo.test", "CNAME", "demo.test", "elsewhere.test")
        assert bind.query("odd.demo.test", "A") == []
        assert bind.query("proxied.demo.test", "A") == []
        assert bind.query("demo.test", "CNAME") == []
        assert bind.snapshot("sub.demo.test") == sub
        assert len(api.records("demo.test")) == 4 + len(bind.snapshot("demo.test")) - 1
