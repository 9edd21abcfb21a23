"""The Namecheap emulator: what it takes, refuses and shows, and what of it BIND gets to hold."""

from __future__ import annotations

import http.client
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi
from support.namecheap_hosts import Host, NamecheapZone


class Client:
    """The least that can be said for a client."""

    def __init__(self, api: NamecheapApi) -> None:
        self.url = urlsplit(api.url)
        self.form = {
            "ApiUser": api.user,
            "ApiKey": api.key,
            "UserName": api.user,
            "ClientIp": "192.0.2.9",
        }

    def post(self, command: str, **more: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.url.netloc, timeout=5)
        form = urlencode({**self.form, "Command": f"namecheap.{command}", **more})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", self.url.path, body=form, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def call(self, command: str, **more: str) -> ET.Element:
        status, text = self.post(command, **more)
        assert status == 200
        root = ET.fromstring(text)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def refused(self, command: str, **more: str) -> int:
        root = self.call(command, **more)
        (error,) = root.findall("Errors/Error")
        assert root.get("Status") == "ERROR" and error.text
        return int(error.get("Number", ""))

    def ok(self, command: str, **more: str) -> ET.Element:
        root = self.call(command, **more)
        assert (root.get("Status"), root.findall("Errors/Error")) == ("OK", [])
        response = root.find("CommandResponse")
        assert response is not None
        return response

    def hosts(self, sld: str = "demo", tld: str = "test") -> list[dict[str, str]]:
        return [h.attrib for h in self.ok("domains.dns.getHosts", SLD=sld, TLD=tld).iter("host")]

    def set_hosts(self, *hosts: tuple[str, str, str], **more: str) -> ET.Element:
        return self.ok("domains.dns.setHosts", **_numbered(hosts), **more)


def _numbered(hosts: tuple[tuple[str, str, str], ...]) -> dict[str, str]:
    form = {"SLD": "demo", "TLD": "test"}
    for n, (name, record_type, address) in enumerate(hosts, 1):
        form |= {f"HostName{n}": name, f"RecordType{n}": record_type, f"Address{n}": address}
    return form


@pytest.fixture
def api() -> Iterator[NamecheapApi]:
    zones = ["demo.test", "other.test", NamecheapZone("example.co.uk")]
    with NamecheapApi(zones=zones) as running:
        yield running


@pytest.fixture
def client(api: NamecheapApi) -> Client:
    return Client(api)


def test_who_asks(client: Client) -> None:
    for name, number in (
        ("ApiUser", 1010101),
        ("ApiKey", 1010102),
        ("UserName", 1010103),
        ("ClientIp", 1010105),
    ):
        assert client.refused("domains.getList", **{name: ""}) == number
    assert client.refused("domains.getList", ApiKey="0" * 32) == 1011102
    assert client.refused("domains.getList", ApiUser="somebody") == 1011102
    assert client.refused("domains.getList", ClientIp="192.0.2.10") == 1011150
    assert client.refused("domains.unknown") == 1010104


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_namespace(scheme: str) -> None:
    with NamecheapApi(zones=["demo.test"], scheme=scheme) as api:
        text = Client(api).post("domains.getList")[1]
        assert f'xmlns="{scheme}://api.namecheap.com/xml.response"' in text


def test_domains_come_in_pages(api: NamecheapApi, client: Client) -> None:
    api.page_limit = 2
    seen = []
    for page in ("1", "2", "3"):
        response = client.ok("domains.getList", Page=page, PageSize="100")
        assert response.findtext("Paging/TotalItems") == "3"
        assert response.findtext("Paging/CurrentPage") == page
        seen += [domain.get("Name") for domain in response.iter("Domain")]
    assert seen == ["demo.test", "example.co.uk", "other.test"]
    assert client.refused("domains.getList", PageSize="200") == 2050900


def test_domains_of_others_and_names_that_are_none(client: Client) -> None:
    assert client.hosts("example", "co.uk") == []
    assert client.refused("domains.dns.getHosts", SLD="nobody", TLD="test") == 2019166
    assert client.refused("domains.dns.getHosts", SLD="app", TLD="demo.test") == 2019166
    assert client.refused("domains.dns.getHosts", SLD="a", TLD="b.c.test") == 2030280
    assert client.refused("domains.dns.setHosts", SLD="nobody", TLD="test") == 2019166


def test_set_hosts_replaces_the_zone(api: NamecheapApi, client: Client) -> None:
    client.set_hosts(("@", "A", "192.0.2.1"), ("www", "CNAME", "a.test"), EmailType="NONE")
    first = client.hosts()
    assert [(h["Name"], h["Type"], h["Address"]) for h in first] == [
        ("@", "A", "192.0.2.1"),
        ("www", "CNAME", "a.test."),
    ]
    assert {(h["MXPref"], h["TTL"], h["IsActive"], h["IsDDNSEnabled"]) for h in first} == {
        ("10", "1800", "true", "false")
    }
    client.set_hosts(("@", "A", "192.0.2.1"), TTL1="60", EmailType="NONE")
    (second,) = client.hosts()
    assert second["TTL"] == "60"
    assert second["HostId"] != first[0]["HostId"]
    info = client.ok("domains.getInfo", DomainName="demo.test").find(".//DnsDetails")
    assert info is not None and info.get("HostCount") == "1"
    client.set_hosts(EmailType="NONE")
    assert client.hosts() == []
    api.parking = True
    client.set_hosts(EmailType="NONE")
    assert [h["Type"] for h in client.hosts()] == ["CNAME", "URL"]


def test_mail_needs_its_email_type(api: NamecheapApi, client: Client) -> None:
    mail = ("@", "MX", "mail.test")
    client.set_hosts(mail, EmailType="MX", MXPref1="20")
    assert [(h["Address"], h["MXPref"]) for h in client.hosts()] == [("mail.test.", "20")]
    client.set_hosts(mail, ("@", "A", "192.0.2.1"))
    assert [h["Type"] for h in client.hosts()] == ["A"]
    assert api.zone("demo.test").email_type == "NONE"
    api.zone("demo.test").email_type = "OX"
    client.set_hosts(("@", "A", "192.0.2.1"), EmailType="OX")
    assert api.zone("demo.test").email_type == "NONE"


def test_what_set_hosts_cannot_carry_is_lost(api: NamecheapApi, client: Client) -> None:
    api.seed("demo.test", Host("home", "A", "192.0.2.1", ddns=True, extra={"Weight": "1"}))
    api.seed("demo.test", Host("off", "A", "192.0.2.2", active=False))
    assert client.hosts()[0]["Weight"] == "1"
    client.set_hosts(("home", "A", "192.0.2.1"), ("off", "A", "192.0.2.2"))
    for host in client.hosts():
        assert (host["IsDDNSEnabled"], host["IsActive"], "Weight" in host) == (
            "false",
            "true",
            False,
        )


@pytest.mark.parametrize(
    "host",
    [
        ("a", "A", "2001:db8::1"),
        ("a", "AAAA", "192.0.2.1"),
        ("a", "CAA", "0 issue ca.test"),
        ("a", "CAA", '0 issue "ca.test; a=b"'),
        ("a", "URL", "elsewhere.test"),
        ("a", "CNAME", ""),
        ("a", "FUTURE", "x"),
        ("a", "TXT", ""),
    ],
)
def test_values_that_are_refused(client: Client, host: tuple[str, str, str]) -> None:
    form = _numbered((("@", "A", "192.0.2.1"), host))
    assert client.refused("domains.dns.setHosts", **form) == 2050900
    assert client.hosts() == []


@pytest.mark.parametrize("ttl", ["59", "60001", "x"])
def test_ttls_that_are_refused(client: Client, ttl: str) -> None:
    form = _numbered((("@", "A", "192.0.2.1"),))
    assert client.refused("domains.dns.setHosts", TTL1=ttl, **form) == 2050900


def test_a_type_that_is_there_may_be_sent_back(api: NamecheapApi, client: Client) -> None:
    api.seed("demo.test", Host("x", "FUTURE", "1 2"))
    client.set_hosts(("x", "FUTURE", "1 2"))
    assert [h["Type"] for h in client.hosts()] == ["FUTURE"]


def test_other_name_servers(client: Client, api: NamecheapApi) -> None:
    api.zone("demo.test").our_dns = False
    result = client.ok("domains.dns.getHosts", SLD="demo", TLD="test")
    assert result[0].get("IsUsingOurDNS") == "false"
    assert client.refused("domains.dns.setHosts", SLD="demo", TLD="test") == 2030288


def test_the_rate_limit() -> None:
    with NamecheapApi(zones=["demo.test"], calls_per_minute=2) as api:
        statuses = [Client(api).post("domains.getList")[0] for _ in range(3)]
        assert statuses == [200, 200, 405]


def test_faults(api: NamecheapApi, client: Client) -> None:
    hosts = (("@", "A", "192.0.2.1"), ("t", "TXT", "x"))
    api.fault("drop_type", "setHosts", body="TXT")
    client.set_hosts(*hosts)
    assert [h["Type"] for h in client.hosts()] == ["A"]
    api.fault("swallow", "setHosts")
    client.set_hosts()
    assert [h["Type"] for h in client.hosts()] == ["A"]
    api.fault("no_success", "setHosts", after=True)
    assert client.set_hosts(*hosts)[0].get("IsSuccess") == "false"
    assert len(client.hosts()) == 2
    api.fault("half_zone", "getHosts")
    assert [len(client.hosts()) for _ in range(2)] == [1, 2]
    api.fault("no_hosts", "getHosts")
    assert client.hosts() == []
    api.fault("unknown_types", "getHosts")
    assert [h["Type"] for h in client.hosts()][2:] == ["FUTURE", "TYPE65280"]
    api.fault("api_error", body="3050900 Unknown error from Enom")
    assert client.refused("domains.getList") == 3050900
    api.fault("another_domain", "getHosts")
    result = client.ok("domains.dns.getHosts", SLD="demo", TLD="test")
    assert result[0].get("Domain") == "another.test"
    api.fault("rate_limited", headers={"retry-after": "7"})
    assert client.post("domains.getList")[0] == 405
    api.fault("repeat_page", "getList")
    assert client.ok("domains.getList", Page="4").findtext("Paging/CurrentPage") == "4"


def test_the_log_has_commands_and_no_key(api: NamecheapApi, client: Client) -> None:
    client.hosts()
    client.set_hosts(("@", "A", "192.0.2.1"))
    assert api.commands() == ["domains.dns.getHosts", "domains.dns.setHosts"]
    assert api.writes() == 1
    assert api.key not in repr(api.requests())


def test_foreign_records_are_the_same_each_time(api: NamecheapApi) -> None:
    for zone in ("demo.test", "other.test"):
        api.seed_foreign(zone, 100)
    demo, other = api.dump("demo.test"), api.dump("other.test")
    assert [line.replace("demo.test", "other.test") for line in demo] == other
    assert len(demo) == 101 and demo[-2:] != demo[:2]
    types = {line.split()[2] for line in demo if not line.startswith("EmailType")}
    assert {"URL", "URL301", "FRAME", "ALIAS", "CAA", "MX", "NS", "TXT", "SRV"} <= types


def test_bind_gets_what_is_written(tmp_path: Path) -> None:
    records = {"demo.test": 'www A 192.0.2.80\n@ MX 10 m.test.\nt TXT "a" "b"\n'}
    with Bind(tmp_path, records=records) as bind:
        with NamecheapApi(bind) as api:
            client = Client(api)
            shown = {(h["Name"], h["Type"], h["Address"], h["MXPref"]) for h in client.hosts()}
            assert {
                ("www", "A", "192.0.2.80", "10"),
                ("@", "MX", "m.test.", "10"),
                ("t", "TXT", "ab", "10"),
            } <= shown
            client.set_hosts(
                ("ns1", "A", "127.0.0.1"),  # BIND keeps the address of its own server
                ("www", "A", "192.0.2.81"),
                ("_acme-challenge", "TXT", "v"),
                ("c", "CNAME", "_.gw.test"),
                ("u", "URL", "http://x.test/"),
                EmailType="NONE",
            )
            assert bind.query("www.demo.test", "A") == ["192.0.2.81"]
            assert bind.query("_acme-challenge.demo.test", "TXT") == ["v"]
            for name, record_type in (("demo.test", "MX"), ("t.demo.test", "TXT")):
                assert bind.query(name, record_type) == []
            assert bind.query("c.demo.test", "CNAME") == []
