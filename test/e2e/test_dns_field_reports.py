"""What people reported of other programs that write challenges into DNS, tried on ours."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.dns_api import EMULATORS, emulator
from support.dns_proxy import DnsProxy
from support.linode_api import LinodeApi
from support.ports import ReservedPort
from support.route53_api import Route53Api
from support.route53_zone import Zone

from .dns_bench import (
    ACCOUNT,
    BAD_CONFIG,
    FAILED,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    api_bench,
    challenge,
    rfc2136_bench,
)
from .dns_places import SERVERS, Opening, powerdns

TEXTS = (
    '"thing"',
    'a""b',
    "v=spf1 \u2013all",
    "v=DKIM1; k=rsa; p=" + "A" * 600,
    "back\\slash and \\; more",
    " spaces  around ",
    "m\u00fcnchen \U0001f30d",
)


@pytest.mark.parametrize("provider", [*EMULATORS, "rfc2136"])
def test_texts_come_and_go_as_they_are(tmp_path: Path, provider: str) -> None:
    """Quotes, semicolons, dashes of a word processor, more than one string's length."""
    # Namecheap takes quotes for a notation, and is told so.
    texts = [text for text in TEXTS if provider != "namecheap" or '"' not in text]
    with Bind(tmp_path / "bind") as bind:
        if provider == "rfc2136":
            walk_through(rfc2136_bench(tmp_path, bind), texts)
            return
        with emulator(provider, None, zones=("demo.test",)) as api:
            walk_through(api_bench(tmp_path, bind, api), texts)


def walk_through(bench: Bench, texts: list[str]) -> None:
    for text in texts:
        bench.ok("set-txt", "odd.demo.test", text)
        assert "is there already" in bench.ok("set-txt", "odd.demo.test", text)
    for text in texts:
        assert "removed" in bench.ok("del-txt", "odd.demo.test", text)
    assert "no TXT at odd.demo.test" in bench.ok("list", "odd.demo.test", "TXT")


@pytest.mark.parametrize("provider", EMULATORS)
def test_a_zone_of_many_labels_beside_others_that_begin_or_end_alike(
    tmp_path: Path, provider: str
) -> None:
    zones = ("demo.co.test", "demo.co.test.other.test", "xdemo.co.test", "co.test.demo")
    with Bind(tmp_path / "bind", ("demo.co.test",)) as bind:
        with emulator(provider, None, zones=zones) as api:
            api_bench(tmp_path, bind, api).ok("set-txt", "a.b.demo.co.test", "v")
            assert any("a.b" in line for line in api.dump("demo.co.test"))


# ---- Cloudflare


def test_a_token_that_may_list_its_own_zone_only(tmp_path: Path) -> None:
    """For any other name it is told that it lacks a permission."""
    with Bind(tmp_path / "bind") as bind, CloudflareApi(bind) as api:
        words = (
            "Actor 'com.cloudflare.api.token.' requires permission "
            "'com.cloudflare.api.account.zone.list' to list zones"
        )
        body = {"success": False, "errors": [{"code": 0, "message": words}], "result": None}
        api.fault(
            "status", match=r"/zones\?name=[^&]*\.demo\.test", times=None, status=403, body=body
        )
        bench = api_bench(tmp_path, bind, api)
        bench.ok("apply")
        assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
        api.fault("status", match=r"/zones\?name=demo\.test", times=None, status=403, body=body)
        result = bench.run("apply")
        assert result.returncode == BAD_CONFIG
        assert "requires permission" in result.stderr and "Zone:Read" in result.stderr


def test_a_resolver_that_answers_no_question_for_soa_records(tmp_path: Path) -> None:
    """As filters for homes do."""

    def react(question: dns.message.Message, answer: dns.message.Message) -> Any:
        if question.question[0].rdtype != dns.rdatatype.SOA:
            return answer
        empty = dns.message.make_response(question)
        empty.set_rcode(dns.rcode.NXDOMAIN)
        return empty

    with (
        Bind(tmp_path / "bind") as bind,
        CloudflareApi(bind) as api,
        ReservedPort("127.0.0.5") as port,
        DnsProxy(bind.first, "127.0.0.5", port.number, react) as resolver,
    ):
        bench = api_bench(tmp_path, bind, api, DNS_RESOLVERS=resolver.server)
        bench.ok("apply")
        bench.ok("auth", **challenge("app.demo.test", "v"))
        bench.ok("cleanup", **challenge("app.demo.test", "v"))


# ---- Route 53


def test_only_a_private_zone(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind:
        with Route53Api(zones=[Zone("demo.test", private=True)]) as api:
            result = api_bench(tmp_path, bind, api).run("auth", **challenge("app.demo.test", "v"))
    assert result.returncode == FAILED
    assert "the zone demo.test is a private one" in result.stderr
    assert "reach no zone" in result.stderr


def test_a_domain_whose_registrar_names_other_servers(tmp_path: Path) -> None:
    """The zone at Route 53 is a new one of that name; nothing is asked of a CA."""
    with Bind(tmp_path / "bind") as bind, Route53Api(zones=["demo.test"], polls=0) as api:
        bench = api_bench(tmp_path, bind, api, PROPAGATION_TIMEOUT="2")
        result = bench.run("auth", **challenge("app.demo.test", "v"))
        assert result.returncode == TRY_LATER
        assert "the value at _acme-challenge.app.demo.test is not served everywhere" in result.stderr
        assert bench.noted() == [] and api.values("demo.test", "_acme-challenge.app", "TXT") == []


# ---- RFC 2136


def test_a_zone_of_the_challenges_own(tmp_path: Path) -> None:
    zones = ("demo.test", "_acme-challenge.new.demo.test")
    with Bind(tmp_path / "bind", zones) as bind:
        bench = rfc2136_bench(tmp_path, bind, DOMAINS="new.demo.test")
        bench.ok("preflight", "--account-uri", ACCOUNT)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query("_acme-challenge.new.demo.test", "TXT") == ["v"]
        bench.ok("cleanup", **challenge("new.demo.test", "v"))


def test_a_split_horizon_whose_inner_servers_refuse(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind:
        with DnsProxy(bind.first, "127.0.0.3", react=lambda q, a: refusal(q)):
            bind.add("ns9.demo.test.", 60, "A", "127.0.0.3")
            bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
            bind.delete("demo.test.", "NS", "ns1.demo.test.")
            bench = rfc2136_bench(tmp_path, bind, DOMAINS="new.demo.test", PROPAGATION_TIMEOUT="2")
            result = bench.run("auth", **challenge("new.demo.test", "v"))
            assert result.returncode in (TRY_LATER, UNREACHABLE)
            assert "PROPAGATION_CHECK=resolvers" in result.stderr
            assert "DNS_RESOLVERS" in result.stderr


def refusal(question: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(question)
    answer.set_rcode(dns.rcode.REFUSED)
    return answer


# ---- Linode


def test_a_ttl_that_is_not_saved_when_a_record_is_made(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind, LinodeApi(bind) as api:
        api_bench(tmp_path, bind, api).ok("set-txt", "odd.demo.test", "v")
        (record,) = [r for r in api.records("demo.test") if r["name"] == "odd.demo.test"]
        assert record["ttl_sec"] <= 300


# ---- other records at and above the name


@pytest.mark.parametrize("target", ["other.demo.test.", "nowhere.demo.test.", "a.acme.test."])
@pytest.mark.parametrize("opening", SERVERS.values(), ids=SERVERS)
def test_a_wildcard_alias_above_the_name(
    tmp_path: Path, opening: Opening, target: str
) -> None:
    """To a name with records, to one without, and out of the zone."""
    with ExitStack() as running:
        place = opening(running, tmp_path / "ns", {})
        place.add("*.demo.test.", "CNAME", target)
        place.add("other.demo.test.", "A", "192.0.2.7")
        place.follow()
        bench = place.bench(tmp_path, DOMAINS="new.demo.test")
        if (opening, target) == (powerdns, "nowhere.demo.test."):
            # It is below the wildcard itself, and PowerDNS answers nothing in such a circle.
            result = bench.run("apply")
            assert result.returncode == UNREACHABLE and "CNAMEs lead in a circle" in result.stderr
            return
        bench.ok("apply")
        assert place.query("new.demo.test", "CNAME") == ["gateway.demo.test."]
        place.follow()
        bench.ok("preflight", "--account-uri", ACCOUNT)
        place.follow()
        bench.ok("auth", **challenge("new.demo.test", "v"))
        place.follow()
        bench.ok("cleanup", **challenge("new.demo.test", "v"))
        place.follow()
        bench.ok("apply")


def test_several_addresses_make_way_for_a_cname(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind, CloudflareApi(bind) as api:
        before = len(api.records("demo.test"))
        for record_type, value in (("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1")):
            api.seed_value("demo.test", record_type, "app.demo.test", value)
        api_bench(tmp_path, bind, api).ok("apply", "--only", "alias")
        assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
        assert len(api.records("demo.test")) == 1 + before
