"""Where the challenge stands, and whether its zone's servers answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.dns_proxy import DnsProxy

from ..dns_bench import ACCOUNT, TRY_LATER, UNREACHABLE, Bench, api_bench, challenge, rfc2136_bench
from .asking import CHALLENGE, DOMAIN, preflight, refusal
from .spoiling import THIRD_ADDRESS, spoil

FOURTH_ADDRESS = "127.0.0.4"
TRIES = 30


def warning(bench: Bench) -> str:
    """What is said where an order may be made all the same."""
    result = bench.run("preflight", "--account-uri", ACCOUNT, DOMAIN)
    assert result.returncode == 0, result.stderr
    return result.stderr


def test_a_cname_to_a_zone_that_can_be_written(bench: Bench, bind: Bind) -> None:
    bind.add(CHALLENGE + ".", 60, "CNAME", "app.acme.test.")
    before = bind.snapshot("demo.test"), bind.snapshot("acme.test")
    assert "challenges at app.acme.test, zone acme.test" in preflight(bench)
    assert (bind.snapshot("demo.test"), bind.snapshot("acme.test")) == before


def test_a_cname_to_a_zone_of_others(bench: Bench, bind: Bind) -> None:
    bind.add(CHALLENGE + ".", 60, "CNAME", "x.elsewhere.test.")
    told = refusal(bench)
    assert f"{CHALLENGE} leads to x.elsewhere.test by CNAME" in told


def test_a_cname_to_a_zone_that_these_credentials_do_not_reach(tmp_path: Path) -> None:
    with (
        Bind(tmp_path / "bind", ("demo.test", "acme.test")) as bind,
        Bind(tmp_path / "small") as small,
        CloudflareApi(small) as api,
    ):
        bind.add(CHALLENGE + ".", 60, "CNAME", "x.acme.test.")
        api.seed_value("demo.test", "CNAME", CHALLENGE, "x.acme.test.")
        told = refusal(api_bench(tmp_path, bind, api))
    assert f"{CHALLENGE} leads to x.acme.test by CNAME" in told
    assert "these credentials reach no zone that holds x.acme.test" in told


def test_cnames_in_a_circle(bench: Bench, bind: Bind) -> None:
    bind.add(CHALLENGE + ".", 60, "CNAME", "a.acme.test.")
    bind.add("a.acme.test.", 60, "CNAME", CHALLENGE + ".")
    assert "circle" in refusal(bench)


def test_a_zone_that_is_delegated_elsewhere(tmp_path: Path) -> None:
    with (
        Bind(tmp_path / "bind", ("demo.test", "sub.demo.test")) as bind,
        Bind(tmp_path / "small") as small,
        CloudflareApi(small) as api,
    ):
        bench = api_bench(tmp_path, bind, api, DOMAINS="app.sub.demo.test")
        told = refusal(bench, "app.sub.demo.test")
    assert "lies in the zone sub.demo.test, which is delegated out of demo.test" in told


# ---- the zone's servers


def test_a_server_that_does_not_hold_the_zone(bench: Bench, bind: Bind) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns9.demo.test.", 60, "A", THIRD_ADDRESS)
        bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
        preflight(bench)
        spoil(proxy, rcode=dns.rcode.REFUSED)
        told = warning(bench)
        assert f"ns9.demo.test ({proxy.server}) refuses to answer for the zone" in told
        assert "take them out of the NS records" in told


def test_a_server_that_is_silent(bench: Bench, bind: Bind) -> None:
    bind.add("ns9.demo.test.", 60, "A", THIRD_ADDRESS)
    bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
    told = warning(bench)
    assert "1 of 2 name servers of demo.test answer for it; going on without ns9" in told
    bind.add("ns9.demo.test.", 60, "A", "127.0.0.1")
    assert "its other address does" in warning(bench)


def test_no_server_that_answers_for_challenges(bench: Bench, bind: Bind) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns1.demo.test.", 60, "A", THIRD_ADDRESS)
        bind.delete("ns1.demo.test.", "A", "127.0.0.1")
        spoil(proxy, rcode=dns.rcode.REFUSED, only="TXT")
        told = refusal(bench, status=TRY_LATER)
    assert "no name server of demo.test answers for it" in told
    assert "PROPAGATION_CHECK=resolvers" in told


def test_a_resolver_that_is_silent(bench: Bench, bind: Bind) -> None:
    """The hook that answers challenges needs it as well."""
    before = bind.snapshot("demo.test")
    told = refusal(bench, DNS_RESOLVERS="127.0.0.1:1", status=UNREACHABLE)
    assert "cannot find the zone" in told
    assert bind.snapshot("demo.test") == before


# ---- what the parent says


class Parent:
    """The zone test, whose server delegates demo.test to `names`."""

    def __init__(self, bind: Bind) -> None:
        self.bind = bind
        self.names = ["ns1.demo.test.", "ns8.test."]

    def react(
        self, question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message:
        asked = question.question[0]
        if asked.name.to_text() != "demo.test." or question.flags & dns.flags.RD:
            return answer
        referral = dns.message.make_response(question)
        referral.authority.append(
            dns.rrset.from_text("demo.test.", 60, "IN", "NS", *self.names)
        )
        return referral


@pytest.fixture(name="parent")
def _parent(tmp_path: Path) -> Iterator[Parent]:
    """demo.test, which its parent delegates to a server more than it has itself: ns8.test."""
    records = {"test": f"ns8 A {FOURTH_ADDRESS}\nns9 A {THIRD_ADDRESS}\n@ NS ns9"}
    with Bind(tmp_path / "bind", ("test", "demo.test"), records=records) as bind:
        parent = Parent(bind)
        bind.delete("test.", "NS", "ns1.test.")
        with DnsProxy(bind.first, THIRD_ADDRESS, react=parent.react):
            yield parent


def without_texts(
    question: dns.message.Message, answer: dns.message.Message
) -> dns.message.Message:
    """As an old copy of the zone has it."""
    if question.question[0].rdtype == dns.rdatatype.TXT:
        answer.answer = []
    return answer


def test_a_server_that_only_the_parent_names_is_asked_too(tmp_path: Path, parent: Parent) -> None:
    """That of an earlier provider, say."""
    bind = parent.bind
    bench = rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN, PROPAGATION_TIMEOUT="2")
    with DnsProxy(bind.first, FOURTH_ADDRESS) as old:
        result = bench.run("preflight", "--account-uri", ACCOUNT)
        assert result.returncode == 0, result.stderr
        assert "ns8.test is a name server of demo.test only by its parent's" in result.stderr
        assert "2 server addresses" in result.stdout
        old.react = without_texts
        late = bench.run("auth", **challenge(DOMAIN, "v"))
        assert late.returncode == TRY_LATER, late.stderr
        assert f"ns8.test ({old.server})" in late.stderr
        assert bench.noted() == [] and bind.query(CHALLENGE, "TXT") == []
        old.react = None
        bench.ok("auth", **challenge(DOMAIN, "v"))


def test_a_server_that_only_the_parent_names_and_that_is_gone(
    tmp_path: Path, parent: Parent
) -> None:
    """A CA's resolver goes on to the next, so there is no order to be saved."""
    bench = rfc2136_bench(tmp_path, parent.bind, DOMAINS=DOMAIN)
    result = bench.run("preflight", "--account-uri", ACCOUNT)
    assert result.returncode == 0, result.stderr
    assert "and does not answer for it" in result.stderr
    assert "1 server address)" in result.stdout
    bench.ok("auth", **challenge(DOMAIN, "v"))


@pytest.mark.parametrize("rcode", [dns.rcode.REFUSED, None], ids=["refusing", "silent"])
def test_a_server_that_only_the_parent_names_and_that_tells_little(
    tmp_path: Path, parent: Parent, rcode: dns.rcode.Rcode | None
) -> None:
    """It has the zone, but of challenges it says nothing."""
    bench = rfc2136_bench(tmp_path, parent.bind, DOMAINS=DOMAIN)
    with DnsProxy(parent.bind.first, FOURTH_ADDRESS) as odd:
        spoil(odd, rcode=rcode, only="TXT")
        preflight(bench)
        bench.ok("auth", **challenge(DOMAIN, "v"))


def test_a_server_of_the_parent_that_does_not_know_its_zone(
    tmp_path: Path, parent: Parent
) -> None:
    """Which of them comes first is BIND's choice, a new one each time."""
    bind = parent.bind
    bind.add("ns7.test.", 60, "A", "127.0.0.7")
    bind.add("test.", 60, "NS", "ns7.test.")
    bench = rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN)
    with DnsProxy(bind.first, "127.0.0.7") as lame, DnsProxy(bind.first, FOURTH_ADDRESS):
        spoil(lame, rcode=dns.rcode.REFUSED)
        for _ in range(TRIES):
            assert "2 server addresses" in preflight(bench)
            if lame.questions():
                break
        assert lame.questions()


def test_a_zone_that_the_world_knows_by_other_servers(tmp_path: Path, parent: Parent) -> None:
    """Split horizon: what is written here is not meant for them."""
    parent.names = ["ns8.test."]
    bench = rfc2136_bench(tmp_path, parent.bind, DOMAINS=DOMAIN)
    with DnsProxy(parent.bind.first, FOURTH_ADDRESS, react=without_texts):
        result = bench.run("auth", **challenge(DOMAIN, "v"))
    assert result.returncode == 0, result.stderr
    assert "is delegated to other servers than are found here (ns8.test, ...)" in result.stderr


def test_many_silent_servers_that_only_the_parent_names(tmp_path: Path, parent: Parent) -> None:
    """They cannot hold up an order for as long as it takes to ask all of them."""
    bind = parent.bind
    bench = rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN)
    with contextlib.ExitStack() as silent:
        proxies = []
        for i in range(20, 32):
            proxies.append(silent.enter_context(DnsProxy(bind.first, f"127.0.0.{i}")))
            spoil(proxies[-1], rcode=None)
            bind.add(f"ns{i}.test.", 60, "A", f"127.0.0.{i}")
            parent.names.append(f"ns{i}.test.")
        preflight(bench)
        asked = [proxy for proxy in proxies if proxy.questions()]
        assert 0 < len(asked) < len(proxies)
