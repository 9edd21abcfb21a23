"""The emulators of AWS: what they take, refuse and show, and what of it BIND gets to hold."""

from __future__ import annotations

import datetime
import http.client
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

import pytest

from support.aws_account import AwsAccount, Keys
from support.aws_metadata import ROLES, ContainerCredentials, InstanceMetadata
from support.aws_sigv4 import Scope, SignedRequest, signature
from support.bind import Bind
from support.route53_api import Route53Api
from support.route53_xml import NAMESPACE
from support.route53_zone import RecordSet, Zone, escape_name, sort_key
from support.sts_api import StsApi

CHALLENGE = "_acme-challenge.app.demo.test"
Change = tuple[str, str, str, int, list[str]]
"""Action, name, type, TTL, values."""


class Client:
    """The least that can be said for a client; what it does wrong, it does on purpose."""

    def __init__(self, url: str, keys: Keys, region: str, service: str) -> None:
        self.netloc = urlsplit(url).netloc
        self.keys = keys
        self.region, self.service = region, service
        self.unsigned: set[str] = set()
        self.clock = datetime.timedelta()

    def call(
        self, method: str, path: str, body: bytes = b"", **query: Any
    ) -> tuple[int, ET.Element]:
        target = path + (f"?{urlencode(query)}" if query else "")
        date = datetime.datetime.now(datetime.timezone.utc) + self.clock
        headers = {"host": self.netloc, "x-amz-date": f"{date:%Y%m%dT%H%M%SZ}"}
        if self.keys.token:
            headers["x-amz-security-token"] = self.keys.token
        scope = Scope(f"{date:%Y%m%d}", self.region, self.service)
        signed = sorted(set(headers) - self.unsigned)
        request = SignedRequest(method, target, headers, body)
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.keys.id}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature="
            + signature(self.keys.secret, scope, headers["x-amz-date"], request, signed)
        )
        return ask(self.netloc, method, target, body, headers)

    def refused(self, *arguments: Any, **query: Any) -> tuple[int, str, str]:
        """Status, code and message."""
        status, root = self.call(*arguments, **query)
        assert local(root) == "ErrorResponse"
        return status, root.findtext("{*}Error/{*}Code", ""), root.findtext("{*}Error/{*}Message", "")


class Zoned(Client):
    """A client that changes the records of one zone."""

    def __init__(self, api: Route53Api, zone: str = "demo.test") -> None:
        super().__init__(api.url, api.account.user, "us-east-1", "route53")
        self.rrset = f"/2013-04-01/hostedzone/{api.zone(zone).id}/rrset"

    def change(self, *changes: Change) -> str:
        status, root = self.call("POST", f"{self.rrset}/", batch(*changes))
        assert (status, root.findtext("{*}ChangeInfo/{*}Status")) == (200, "PENDING")
        return root.findtext("{*}ChangeInfo/{*}Id", "")

    def refuses(self, *changes: Change) -> str:
        status, code, message = self.refused("POST", f"{self.rrset}/", batch(*changes))
        assert (status, code) == (400, "InvalidChangeBatch")
        return message

    def status(self, change_id: str) -> str:
        root = self.call("GET", f"/2013-04-01{change_id}")[1]
        return root.findtext("{*}ChangeInfo/{*}Status", "")

    def names(self, **query: Any) -> list[str]:
        root = self.call("GET", self.rrset, **query)[1]
        return [e.text or "" for e in root.findall("*/{*}ResourceRecordSet/{*}Name")]


def ask(
    netloc: str, method: str, target: str, body: bytes, headers: dict[str, str]
) -> tuple[int, ET.Element]:
    connection = http.client.HTTPConnection(netloc, timeout=5)
    connection.request(method, target, body=body or None, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, ET.fromstring(content)


def local(element: ET.Element) -> str:
    return element.tag.partition("}")[2]


def batch(*changes: Change) -> bytes:
    text = "".join(
        f"<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name>"
        f"<Type>{record_type}</Type><TTL>{ttl}</TTL><ResourceRecords>"
        + "".join(f"<ResourceRecord><Value>{escape(v)}</Value></ResourceRecord>" for v in values)
        + "</ResourceRecords></ResourceRecordSet></Change>"
        for action, name, record_type, ttl, values in changes
    )
    root = "ChangeResourceRecordSetsRequest"
    inside = f"<ChangeBatch><Changes>{text}</Changes></ChangeBatch>"
    return f'<{root} xmlns="{NAMESPACE}">{inside}</{root}>'.encode()


@pytest.fixture
def api() -> Iterator[Route53Api]:
    with Route53Api(zones=["demo.test", "other.test"], seconds=None) as running:
        yield running


@pytest.fixture
def client(api: Route53Api) -> Zoned:
    return Zoned(api)


# Credentials


def test_signatures(api: Route53Api, client: Zoned) -> None:
    assert client.call("GET", client.rrset)[0] == 200
    assert client.call("GET", client.rrset, name="*.demo.test", maxitems=1)[0] == 200
    right = client.keys
    client.keys = Keys(right.id, "x" * 40)
    status, code, words = client.refused("GET", client.rrset)
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert "does not match the signature you provided" in words
    client.keys = Keys("AKIAUNKNOWN", right.secret)
    assert client.refused("GET", client.rrset)[:2] == (403, "InvalidClientTokenId")
    client.keys = Keys(right.id, right.secret, "a token where none belongs")
    assert client.refused("GET", client.rrset)[:2] == (403, "InvalidClientTokenId")
    client.keys, client.unsigned = right, {"host"}
    assert client.refused("GET", client.rrset)[:2] == (403, "SignatureDoesNotMatch")
    status, root = ask(client.netloc, "GET", client.rrset, b"", {})
    assert root.findtext("{*}Error/{*}Code") == "MissingAuthenticationToken"


def test_scope_and_clock(client: Zoned) -> None:
    client.region = "eu-west-1"
    assert "should be scoped" in client.refused("GET", client.rrset)[2]
    client.region = "us-east-1"
    client.clock = -datetime.timedelta(minutes=6)
    assert re.search("Signature expired: .* is now earlier", client.refused("GET", client.rrset)[2])
    client.clock = datetime.timedelta(minutes=6)
    assert "not yet current" in client.refused("GET", client.rrset)[2]
    client.clock = datetime.timedelta(minutes=4)
    assert client.call("GET", client.rrset)[0] == 200


def test_sessions(api: Route53Api, client: Zoned) -> None:
    client.keys = api.account.session()
    assert client.call("GET", client.rrset)[0] == 200
    client.unsigned = {"x-amz-security-token"}
    assert client.refused("GET", client.rrset)[1] == "SignatureDoesNotMatch"
    client.unsigned = set()
    client.keys = Keys(client.keys.id, client.keys.secret)
    assert client.refused("GET", client.rrset)[1] == "InvalidClientTokenId"
    client.keys = api.account.session(-1)
    assert client.refused("GET", client.rrset)[:2] == (403, "ExpiredToken")


def test_permissions(api: Route53Api, client: Zoned) -> None:
    api.denied = {"ChangeResourceRecordSets"}
    body = batch(("CREATE", CHALLENGE, "TXT", 1, ['"v"']))
    assert client.refused("POST", f"{client.rrset}/", body)[:2] == (403, "AccessDenied")
    assert client.call("GET", client.rrset)[0] == 200


def test_roles() -> None:
    account = AwsAccount()
    with StsApi(account) as sts:
        client = Client(sts.origin, account.user, "us-east-1", "sts")
        form = {
            "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": sts.role_arn,
            "RoleSessionName": "test",
        }
        status, root = client.call("POST", "/", urlencode(form).encode())
        assert status == 200
        assert root.findtext(".//{*}SessionToken") == sts.given[0].token
        other = urlencode({**form, "RoleArn": sts.role_arn + "x"}).encode()
        assert client.refused("POST", "/", other)[:2] == (403, "AccessDenied")
        client.service = "route53"
        assert client.refused("POST", "/", b"")[:2] == (403, "SignatureDoesNotMatch")


def test_metadata() -> None:
    account = AwsAccount()

    def get(service: Any, method: str, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(service.address, timeout=5)
        connection.request(method, path, headers={n.replace("_", "-"): v for n, v in headers.items()})
        response = connection.getresponse()
        return response.status, response.read().decode()

    with ContainerCredentials(account) as container:
        assert get(container, "GET", container.path)[0] == 401
        status, text = get(container, "GET", container.path, Authorization=container.token)
        assert status == 200 and container.given[0].secret in text
    with InstanceMetadata(account) as instance:
        assert get(instance, "GET", ROLES)[0] == 401
        assert get(instance, "PUT", "/latest/api/token")[0] == 400
        ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
        token = get(instance, "PUT", "/latest/api/token", **ttl)[1]
        held = {"X_aws_ec2_metadata_token": token}
        assert get(instance, "GET", ROLES, **held) == (200, "dns-writer")
        status, text = get(instance, "GET", f"{ROLES}dns-writer", **held)
        assert status == 200 and instance.given[0].secret in text
        instance.role = None
        assert get(instance, "GET", ROLES, **held)[0] == 404


# Listings


def test_order() -> None:
    """The order of labels from the right, escaped, with the dot that ends each."""
    names = ["demo.test", "*.demo.test", "-a.demo.test", "a.demo.test", "b.a.demo.test", "a-b.demo.test"]
    assert [escape_name(n) for n in sorted(names, key=sort_key)] == [
        "demo.test", "-a.demo.test", r"\052.demo.test", "a-b.demo.test", "a.demo.test",
        "b.a.demo.test",
    ]


def test_listings_begin_somewhere_and_come_in_pages(api: Route53Api, client: Zoned) -> None:
    for name in ("*.demo.test", "a.demo.test", "b.demo.test"):
        api.zone("demo.test").put(RecordSet(name, "A", 60, ["192.0.2.1"]))
    assert client.names() == ["demo.test.", "demo.test.", r"\052.demo.test."]
    assert client.names(name=r"\052.demo.test") == client.names(name="*.demo.test.") == [
        r"\052.demo.test.", "a.demo.test.", "b.demo.test.",
    ]
    assert client.names(name="aa.demo.test") == ["b.demo.test."]
    assert client.names(name="a.demo.test", type="B") == ["b.demo.test."]
    root = client.call("GET", client.rrset, maxitems=1)[1]
    assert [root.findtext(f"{{*}}{name}") for name in ("IsTruncated", "NextRecordName")] == [
        "true", "demo.test.",
    ]
    assert client.refused("GET", client.rrset, type="A")[:2] == (400, "InvalidInput")


def test_zones() -> None:
    zones = [Zone("demo.test", private=True), Zone("demo.test"), Zone("a.demo.test")]
    with Route53Api(zones=zones, page_limit=2) as api:
        client = Zoned(api)
        root = client.call("GET", "/2013-04-01/hostedzonesbyname", dnsname="demo.test")[1]
        assert [e.text for e in root.iterfind(".//{*}Name")] == ["demo.test.", "demo.test."]
        assert root.findtext("{*}NextDNSName") == "a.demo.test."
        root = client.call(
            "GET", "/2013-04-01/hostedzonesbyname", dnsname="a.demo.test", hostedzoneid=zones[2].id
        )[1]
        assert root.findtext(".//{*}Id") == f"/hostedzone/{zones[2].id}"
        unknown = "/2013-04-01/hostedzone/ZX/rrset"
        assert client.refused("GET", unknown)[:2] == (404, "NoSuchHostedZone")


# Changes


def test_batches_are_done_as_a_whole_or_not_at_all(api: Route53Api, client: Zoned) -> None:
    client.change(("CREATE", CHALLENGE, "TXT", 10, ['"a"']))
    there = r"\[name='_acme-challenge.app.demo.test.', type='TXT'\]"
    new = ("CREATE", "new.demo.test", "A", 10, ["192.0.2.1"])
    for change, words in (
        (("CREATE", CHALLENGE, "TXT", 10, ['"b"']), f"create .* {there} but it already exists"),
        (("DELETE", CHALLENGE, "TXT", 11, ['"a"']), f"delete .* {there} but the values provided"),
        (("DELETE", CHALLENGE, "TXT", 10, ['"a"', '"b"']), "but the values provided do not"),
        (("DELETE", CHALLENGE, "A", 10, ["192.0.2.1"]), "but it was not found"),
    ):
        assert re.search(words, client.refuses(new, change))
    assert api.values("demo.test", "new.demo.test", "A") == []
    client.change(
        ("DELETE", CHALLENGE.upper(), "TXT", 10, ['"a"']),
        ("CREATE", CHALLENGE, "TXT", 20, ['"a"', '"b"']),
    )
    assert api.values("demo.test", CHALLENGE, "TXT") == ['"a"', '"b"']
    client.change(("UPSERT", CHALLENGE, "TXT", 20, ['"c"']))
    assert api.values("demo.test", CHALLENGE, "TXT") == ['"c"']


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("CREATE", "a.demo.test", "TXT", 1, ["v"]), "enclosed in quotation marks"),
        (("CREATE", "a.demo.test", "TXT", 1, [f'"{"x" * 256}"']), "CharacterStringTooLong"),
        (("CREATE", "a.demo.test", "TXT", 1, ['"\u00e4"']), "InvalidCharacterString"),
        (("CREATE", "a.demo.test", "A", 1, ["192.0.2.256"]), "not a valid IPv4"),
        (("CREATE", "a.demo.test", "CAA", 1, ["0 issue"]), "CAARDATAInvalid"),
        (("CREATE", "a.demo.test", "A", 1, ["192.0.2.1"] * 2), "Duplicate Resource Record"),
        (("CREATE", "a.demo.test", "CNAME", 1, ["a.", "b."]), "MultipleCNAME"),
        (("CREATE", "demo.test", "CNAME", 1, ["a."]), "not permitted at apex"),
        (("CREATE", "a.elsewhere.test", "A", 1, ["192.0.2.1"]), "not permitted in zone demo"),
        (("CREATE", "c.demo.test", "TXT", 1, ['"v"']), "conflicting RRSet of type  CNAME"),
        (("CREATE", "w.demo.test", "CNAME", 1, ["a."]), "other RRSets exist with the same name"),
        (("CREATE", "t.demo.test", "CNAME", 1, ["a."]), "conflicts with other records"),
        (
            ("CREATE", "a.demo.test", "TXT", 1, [f'"{n}"' for n in range(1001)]),
            "limit of 1000 exceeded",
        ),
        (
            ("UPSERT", "a.demo.test", "TXT", 1, [f'"{n}"' for n in range(501)]),
            "limit of 1000 exceeded",
        ),
    ],
)
def test_what_is_not_allowed(api: Route53Api, client: Zoned, change: Change, words: str) -> None:
    zone = api.zone("demo.test")
    zone.put(RecordSet("c.demo.test", "CNAME", 60, ["x.test."]))
    zone.put(RecordSet("t.demo.test", "TXT", 60, ['"v"']))
    zone.put(RecordSet("w.demo.test", "CNAME", 60, ["x.test."], "one", {"Weight": "1"}))
    before = api.dump("demo.test")
    assert words in client.refuses(change)
    assert api.dump("demo.test") == before


def test_malformed_requests(client: Zoned) -> None:
    for body in (b"<", b"<a/>", batch()):
        assert client.refused("POST", f"{client.rrset}/", body)[0] == 400
    future = batch(("CREATE", "a.demo.test", "FUTURE", 1, ["v"]))
    assert client.refused("POST", f"{client.rrset}/", future)[:2] == (400, "InvalidInput")
    assert client.refused("POST", f"{client.rrset}/", batch(("CREATE", "a", "A", 1, [])))[0] == 400


def test_both_forms_of_a_refused_batch(api: Route53Api, client: Zoned) -> None:
    api.plain_refusals = True
    body = batch(("DELETE", "a.demo.test", "A", 1, ["192.0.2.1"]))
    status, root = client.call("POST", f"{client.rrset}/", body)
    assert (status, local(root)) == (400, "InvalidChangeBatch")
    assert "was not found" in root.findtext("{*}Messages/{*}Message", "")


def test_faults_of_its_own(api: Route53Api, client: Zoned) -> None:
    assert api.fault_kinds.keys() >= {"throttled", "prior request", "unknown types"}
    api.fault("aws", status=400, body="Throttling")
    assert client.refused("GET", client.rrset) == (400, "Throttling", "Rate exceeded")
    api.zone("demo.test").put(RecordSet("a.demo.test", "A", 60, ["192.0.2.1"]))
    api.fault("repeat_page")
    root = client.call("GET", client.rrset, name="a.demo.test")[1]
    assert root.findtext("{*}NextRecordName") == "a.demo.test."
    api.fault("unknown_types")
    root = client.call("GET", client.rrset, name="a.demo.test")[1]
    assert [e.text for e in root.iterfind(".//{*}Type")] == ["FUTURE", "A", "A"]


# BIND behind it


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path, ("demo.test",)) as running:
        yield running


def test_dns_sees_a_change_when_it_is_in_sync(bind: Bind) -> None:
    bind.add("mail.demo.test", 120, "TXT", "\u00e4")
    before = bind.snapshot("demo.test")
    with Route53Api(bind, polls=2, seconds=None) as api:
        assert api.values("demo.test", "mail.demo.test", "TXT") == [r'"\303\244"']
        client = Zoned(api)
        first = client.change(("CREATE", CHALLENGE, "TXT", 10, [r'"\052"']))
        second = client.change(("CREATE", "*.demo.test", "A", 10, ["192.0.2.1"]))
        assert bind.query(CHALLENGE, "TXT") == []
        # What came before is there, too.
        assert [client.status(second) for _ in range(3)] == ["PENDING", "PENDING", "INSYNC"]
        assert bind.query(CHALLENGE, "TXT") == ["*"]
        assert bind.query("any.demo.test", "A") == ["192.0.2.1"]
        assert client.status(first) == "INSYNC"
        undo = client.change(
            ("DELETE", CHALLENGE, "TXT", 10, [r'"\052"']),
            ("DELETE", "*.demo.test", "A", 10, ["192.0.2.1"]),
        )
        assert [client.status(undo) for _ in range(3)][-1] == "INSYNC"
    assert bind.snapshot("demo.test") == before


def test_foreign_records(bind: Bind) -> None:
    with Route53Api(bind) as api:
        before = len(api.dump("demo.test"))
        api.seed_foreign("demo.test", 200)
        dump = api.dump("demo.test")
        assert len(dump) == before + 200
        for words in ("AliasTarget", '"Weight": "3"', "GeoLocation", '"type": "LOC"'):
            assert any(words in line for line in dump)
        assert bind.query("foreign-alias.demo.test", "A") == []
        assert bind.query("mixed.demo.test", "MX") == ["10 mail.elsewhere.test."]
