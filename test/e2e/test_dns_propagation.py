"""ingress-dns auth: until every authoritative server has the value, and how that is found out."""

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
from support.dns_proxy import DnsProxy, Question
from support.ports import ReservedPort
from support.process import wait_until
from support.txt import txt_quoted

from .dns_bench import FAILED, TRY_LATER, UNREACHABLE, Bench, challenge, rfc2136_bench

NAME = "_acme-challenge.new.demo.test"
REQUEST = challenge("new.demo.test", "the-value")


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "acme.test")) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind)


@contextlib.contextmanager
def at_address(bind: Bind, address: str, *, alone: bool = False) -> Iterator[DnsProxy]:
    """A proxy for BIND at another address of ns1.demo.test; the only one if it is `alone`."""
    with DnsProxy(bind.first, address) as proxy:
        bind.add("ns1.demo.test.", 60, "AAAA" if ":" in address else "A", address)
        if alone:
            bind.delete("ns1.demo.test.", "A", "127.0.0.1")
        yield proxy


def without_text(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    """As a server answers that does not have the TXT record yet."""
    answer.answer = [rrset for rrset in answer.answer if rrset.rdtype != dns.rdatatype.TXT]
    return answer


# ---- who is asked what


def test_caches_are_not_asked_for_what_is_about_to_be_made(bench: Bench, bind: Bind) -> None:
    """They would remember for a while that it is not there."""
    with (
        ReservedPort("127.0.0.3") as port,
        DnsProxy(bind.first, "127.0.0.3", port.number) as resolver,
        at_address(bind, "127.0.0.4", alone=True) as server,
    ):
        bench.ok("auth", DNS_RESOLVERS=resolver.server, **REQUEST)
        bench.ok("cleanup", DNS_RESOLVERS=resolver.server, **REQUEST)
    assert resolver.questions() and all(question.recursive for question in resolver.questions())
    assert not [q for q in resolver.questions() if q.name.startswith("_")]
    assert Question(NAME, "TXT", False) in server.questions()
    assert not any(question.recursive for question in server.questions())


def test_nor_for_the_target_of_a_cname(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with (
        ReservedPort("127.0.0.3") as port,
        DnsProxy(bind.first, "127.0.0.3", port.number) as resolver,
    ):
        bench.ok("auth", DNS_RESOLVERS=resolver.server, **REQUEST)
    assert bind.query("new.acme.test", "TXT") == ["the-value"]
    assert not [q for q in resolver.questions() if q.name in (NAME, "new.acme.test")]


# ---- whom it waits for


@pytest.mark.parametrize("address", ["127.0.0.3", "::1"])
def test_every_address_of_a_server_is_waited_for(
    bench: Bench, bind: Bind, address: str
) -> None:
    with at_address(bind, address) as proxy:
        proxy.react = without_text
        child = bench.start("auth", **REQUEST)
        child.wait_for(
            lambda: f"ns1.demo.test ({proxy.server}) does not have it yet" in child.log_text(),
            what="a line about progress",
        )
        assert "waiting for 1 of 2 servers" in child.log_text()
        assert child.running
        proxy.react = None
        assert child.wait(20.0) == 0, child.log_text()


def test_a_silent_address_beside_a_working_one_is_passed_over(bench: Bench, bind: Bind) -> None:
    bind.add("ns1.demo.test.", 60, "A", "127.0.0.3")  # nobody is there
    result = bench.run("auth", **REQUEST)
    assert result.returncode == 0
    assert "its other address has the value" in result.stderr


def test_a_cname_has_to_be_everywhere_too(tmp_path: Path) -> None:
    """A CA that asks a server without it would not find its way to the value."""
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "pair", zones, second=True) as pair:
        bench = rfc2136_bench(tmp_path, pair, DOMAINS="new.demo.test")
        with pair.second.held():
            pair.add(NAME + ".", 60, "CNAME", "new.acme.test.")
            for command in ("preflight", "auth"):
                result = bench.run(command, **REQUEST)
                if "no TXT record can stand there" in result.stderr:
                    # It happened to ask the second one for the way, and met the CNAME when it
                    # was about to write.
                    assert result.returncode == FAILED
                    assert f"{NAME} is a CNAME (to new.acme.test)" in result.stderr
                else:
                    assert result.returncode == TRY_LATER
                    assert "ns2.demo.test (127.0.0.2:" in result.stderr
                    assert f"{NAME} is a CNAME to new.acme.test" in result.stderr
            assert pair.query("new.acme.test", "TXT") == [] and bench.noted() == []
        wait_until(lambda: pair.second.query(NAME, "CNAME"), what="the second to have it")
        bench.ok("auth", **REQUEST)
        assert pair.second.query("new.acme.test", "TXT") == ["the-value"]


# ---- what counts as the value


def test_strings_are_joined(bench: Bench, bind: Bind) -> None:
    def cut(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        answer.answer = [
            dns.rrset.from_text(
                rrset.name, rrset.ttl, "IN", "TXT",
                *(txt_quoted(b"".join(rdata.strings).decode(), 4) for rdata in rrset),
            )
            if rrset.rdtype == dns.rdatatype.TXT
            else rrset
            for rrset in answer.answer
        ]  # fmt: skip
        return answer

    with at_address(bind, "127.0.0.3", alone=True) as proxy:
        proxy.react = cut
        bench.ok("auth", PROPAGATION_TIMEOUT="5", **REQUEST)


@pytest.mark.parametrize("value", ["the-valu", "the-value-", "the-", "The-value"])
def test_a_value_that_is_nearly_it_is_not(bench: Bench, bind: Bind, value: str) -> None:
    def other(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        answer.answer = [
            dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "TXT", txt_quoted(value))
            if rrset.rdtype == dns.rdatatype.TXT
            else rrset
            for rrset in answer.answer
        ]
        return answer

    with at_address(bind, "127.0.0.3", alone=True) as proxy:
        proxy.react = other
        result = bench.run("auth", PROPAGATION_TIMEOUT="1", **REQUEST)
    assert result.returncode == TRY_LATER
    assert bind.query(NAME, "TXT") == []


def test_a_cname_of_a_wildcard_on_a_server_that_lags_is_not_it(bench: Bench, bind: Bind) -> None:
    """It answers as it did before the value stood there."""

    def lag(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        if question.question[0].rdtype == dns.rdatatype.TXT:
            name = question.question[0].name
            answer.answer = [
                dns.rrset.from_text(name, 60, "IN", "CNAME", "gateway.demo.test."),
                dns.rrset.from_text("gateway.demo.test.", 60, "IN", "TXT", '"the-value"'),
            ]
        return answer

    with at_address(bind, "127.0.0.3") as proxy:
        proxy.react = lag
        result = bench.run("auth", PROPAGATION_TIMEOUT="1", **REQUEST)
    assert result.returncode == TRY_LATER
    assert f"ns1.demo.test ({proxy.server}) does not have it yet" in result.stderr


@pytest.mark.parametrize("kind", ["refused", "not authoritative"])
def test_an_answer_that_is_not_the_zones_is_not_it(bench: Bench, bind: Bind, kind: str) -> None:
    def spoil(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        if kind == "refused":
            answer = dns.message.make_response(question)
            answer.set_rcode(dns.rcode.REFUSED)
        else:
            answer.flags &= ~dns.flags.AA
        return answer

    with at_address(bind, "127.0.0.3", alone=True) as proxy:
        proxy.react = spoil
        result = bench.run("auth", PROPAGATION_TIMEOUT="1", **REQUEST)
    assert result.returncode in (TRY_LATER, UNREACHABLE)
    assert "PROPAGATION_CHECK" in result.stderr


def test_an_answer_cut_short_is_asked_for_by_tcp(bench: Bench, bind: Bind) -> None:
    """Many values at one name do not fit into a datagram."""
    update = bind.update(NAME)
    for number in range(40):
        update.add(NAME + ".", 1, "TXT", f'"somebody else\'s value number {number}"')
    bind.send(update)
    bench.ok("auth", **REQUEST)
    assert len(bind.query(NAME, "TXT")) == 41
