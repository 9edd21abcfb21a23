"""Where the challenge stands, and whether its zone's servers answer."""

from __future__ import annotations

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
        told = refusal(bench, status=TRY_LATER)
        assert f"ns9.demo.test ({proxy.server}) refuses to answer for the zone" in told
        assert "take them out of the NS records" in told


def test_a_server_that_is_silent(bench: Bench, bind: Bind) -> None:
    bind.add("ns9.demo.test.", 60, "A", THIRD_ADDRESS)
    bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
    assert "does not answer" in refusal(bench, status=TRY_LATER)
    bind.add("ns9.demo.test.", 60, "A", "127.0.0.1")
    preflight(bench)  # its other address does


def test_a_resolver_that_is_silent(bench: Bench, bind: Bind) -> None:
    """The hook that answers challenges needs it as well."""
    before = bind.snapshot("demo.test")
    told = refusal(bench, DNS_RESOLVERS="127.0.0.1:1", status=UNREACHABLE)
    assert "cannot find the zone" in told
    assert bind.snapshot("demo.test") == before


# ---- what the parent says


@pytest.fixture(name="delegated")
def _delegated(tmp_path: Path) -> Iterator[Bind]:
    """demo.test, which its parent delegates to a server more than it has itself: ns8.test."""

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        if asked.name.to_text() != "demo.test." or question.flags & dns.flags.RD:
            return answer
        referral = dns.message.make_response(question)
        referral.authority.append(
            dns.rrset.from_text("demo.test.", 60, "IN", "NS", "ns1.demo.test.", "ns8.test.")
        )
        return referral

    records = {"test": f"ns8 A {FOURTH_ADDRESS}\nns9 A {THIRD_ADDRESS}\n@ NS ns9"}
    with (
        Bind(tmp_path / "bind", ("test", "demo.test"), records=records) as bind,
        DnsProxy(bind.first, THIRD_ADDRESS, react=react),
    ):
        bind.delete("test.", "NS", "ns1.test.")
        yield bind


def test_a_server_that_only_the_parent_names_is_asked_too(
    tmp_path: Path, delegated: Bind
) -> None:
    """That of an earlier provider, say, whose copy of the zone is an old one."""
    bench = rfc2136_bench(tmp_path, delegated, DOMAINS=DOMAIN, PROPAGATION_TIMEOUT="2")

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        if question.question[0].rdtype == dns.rdatatype.TXT:
            answer.answer = []
        return answer

    with DnsProxy(delegated.first, FOURTH_ADDRESS) as old:
        result = bench.run("preflight", "--account-uri", ACCOUNT)
        assert result.returncode == 0, result.stderr
        assert "ns8.test is a name server of demo.test only by its parent's" in result.stderr
        assert "2 server addresses" in result.stdout
        old.react = react
        late = bench.run("auth", **challenge(DOMAIN, "v"))
        assert late.returncode == TRY_LATER, late.stderr
        assert f"ns8.test ({old.server})" in late.stderr
        assert bench.noted() == [] and delegated.query(CHALLENGE, "TXT") == []
        old.react = None
        bench.ok("auth", **challenge(DOMAIN, "v"))


def test_a_server_that_only_the_parent_names_and_that_is_gone(
    tmp_path: Path, delegated: Bind
) -> None:
    """A CA's resolver goes on to the next, so there is no order to be saved."""
    bench = rfc2136_bench(tmp_path, delegated, DOMAINS=DOMAIN)
    result = bench.run("preflight", "--account-uri", ACCOUNT)
    assert result.returncode == 0, result.stderr
    assert "and does not answer for it" in result.stderr
    assert "1 server address)" in result.stdout
    bench.ok("auth", **challenge(DOMAIN, "v"))
