"""One name server of two that cannot be asked, or lags: what that costs, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.bind import Bind
from support.dns_proxy import DnsProxy
from support.ports import ReservedPort

from .dns_bench import ACCOUNT, FAILED, TRY_LATER, UNREACHABLE, Bench, challenge, rfc2136_bench

DOMAIN = "new.demo.test"
NAME = f"_acme-challenge.{DOMAIN}"
REQUEST = challenge(DOMAIN, "the-value")
LAME = "127.0.0.3"
OTHER = "127.0.0.4"
TIMEOUT = 60

# What a start of the program and a few rounds of questions take, with room for a busy machine.
SOON = 8.0
# Three questions, each with its five seconds.
SILENCE = 30.0

Reaction = Callable[[dns.message.Message, dns.message.Message], "dns.message.Message | None"]


class Raw(dns.message.Message):
    """Bytes that are no message."""

    def __init__(self, wire: bytes) -> None:
        super().__init__()
        self._bytes = wire

    def to_wire(self, *_: object, **__: object) -> bytes:
        return self._bytes


def _rcode(rcode: dns.rcode.Rcode, *, authoritative: bool = False) -> Reaction:
    def react(question: dns.message.Message, _: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.set_rcode(rcode)
        if authoritative:
            answer.flags |= dns.flags.AA
        return answer

    return react


def _not_authoritative(
    question: dns.message.Message, answer: dns.message.Message
) -> dns.message.Message:
    answer.flags &= ~dns.flags.AA
    return answer


def _points_at_the_root(
    question: dns.message.Message, answer: dns.message.Message
) -> dns.message.Message:
    """As a server does that has lost the zone."""
    upwards = dns.message.make_response(question)
    upwards.authority.append(dns.rrset.from_text(".", 60, "IN", "NS", "a.root.test."))
    return upwards


def _without_the_value(
    question: dns.message.Message, answer: dns.message.Message
) -> dns.message.Message:
    answer.answer = [rrset for rrset in answer.answer if rrset.rdtype != dns.rdatatype.TXT]
    return answer


def _wrong_id(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
    answer.id ^= 1
    return answer


def _wrong_question(
    question: dns.message.Message, answer: dns.message.Message
) -> dns.message.Message:
    other = dns.message.make_query("other.demo.test.", "TXT", id=question.id)
    return dns.message.make_response(other)


class _CutShort:
    """By UDP; by TCP, where the same question comes a second time, it says nothing."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def __call__(
        self, question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        if question.id in self.seen:
            return None
        self.seen.add(question.id)
        cut = dns.message.make_response(question)
        cut.flags |= dns.flags.TC | dns.flags.AA
        return cut


@dataclass(frozen=True)
class Row:
    name: str
    react: Reaction
    seconds: float = SOON
    waits: bool = False
    told: str = "refuses to answer for the zone"


SILENT_TEXT = "does not answer"

ROWS = [
    Row("REFUSED", _rcode(dns.rcode.REFUSED)),
    Row("SERVFAIL", _rcode(dns.rcode.SERVFAIL)),
    Row("NOTIMP", _rcode(dns.rcode.NOTIMP)),
    Row("NOTAUTH", _rcode(dns.rcode.NOTAUTH)),
    Row("NXDOMAIN of a cache", _rcode(dns.rcode.NXDOMAIN)),
    Row("not authoritative", _not_authoritative),
    Row("points at the root", _points_at_the_root),
    Row("silent", lambda question, answer: None, SILENCE, told=SILENT_TEXT),
    Row("garbage", lambda question, answer: Raw(b"\xff" * 40), SILENCE, told=SILENT_TEXT),
    Row("another id", _wrong_id, SILENCE, told=SILENT_TEXT),
    Row("another question", _wrong_question, SILENCE, told=SILENT_TEXT),
    Row("cut short, and no TCP", _CutShort(), SILENCE, told=SILENT_TEXT),
    Row("NXDOMAIN of the zone", _rcode(dns.rcode.NXDOMAIN, authoritative=True), waits=True),
    Row("lags", _without_the_value, waits=True),
]


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "acme.test")) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN, PROPAGATION_TIMEOUT=str(TIMEOUT))


def add_server(bind: Bind, name: str, *addresses: str) -> None:
    for address in addresses:
        bind.add(name, 60, "A", address)
    bind.add("demo.test.", 60, "NS", name)


def challenge_told(bench: Bench, seconds: float, **extra: str) -> str:
    """What is said of a challenge that succeeds within that time."""
    start = time.monotonic()
    result = bench.run("auth", **REQUEST, **extra)
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - start < seconds
    bench.ok("cleanup", **REQUEST, **extra)
    return result.stderr


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_second_server_that_is_lame(bench: Bench, bind: Bind, row: Row) -> None:
    add_server(bind, "ns9.demo.test.", LAME)
    with DnsProxy(bind.first, LAME, react=row.react) as lame:
        if row.waits:
            late = bench.run("auth", **REQUEST, PROPAGATION_TIMEOUT="2")
            assert late.returncode == TRY_LATER, late.stderr
            assert f"ns9.demo.test ({lame.server}) does not have it yet" in late.stderr
            assert "PROPAGATION_CHECK" in late.stderr and bench.noted() == []
            return
        told = challenge_told(bench, row.seconds)
        if row.seconds == SOON:
            preflight = bench.run("preflight", "--account-uri", ACCOUNT, DOMAIN)
            assert preflight.returncode == 0, preflight.stderr
            assert f"ns9.demo.test ({lame.server}) {row.told}" in preflight.stderr
    assert "1 of 2 name servers of demo.test have the value" in told
    assert f"going on without ns9.demo.test ({lame.server}) {row.told}" in told


def test_a_second_server_with_a_closed_port(bench: Bench, bind: Bind) -> None:
    add_server(bind, "ns9.demo.test.", LAME)  # nobody is there
    told = challenge_told(bench, SOON)
    assert f"going on without ns9.demo.test ({LAME}:{bind.port}) {SILENT_TEXT}" in told


def test_a_second_server_whose_name_is_not_there(bench: Bench, bind: Bind) -> None:
    add_server(bind, "ns9.elsewhere.test.")
    assert "ns9.elsewhere.test, a name server of demo.test, has no address" in challenge_told(
        bench, SOON
    )


def test_a_second_server_whose_name_cannot_be_looked_up(bench: Bench, bind: Bind) -> None:
    """Its own zone is broken."""
    add_server(bind, "ns9.acme.test.")

    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message:
        if question.question[0].name.to_text() == "ns9.acme.test.":
            return _rcode(dns.rcode.SERVFAIL)(question, answer) or answer
        return answer

    with (
        ReservedPort(OTHER) as port,
        DnsProxy(bind.first, OTHER, port.number, react) as resolver,
    ):
        told = challenge_told(bench, SOON, DNS_RESOLVERS=resolver.server)
        bench.ok("preflight", "--account-uri", ACCOUNT, DOMAIN, DNS_RESOLVERS=resolver.server)
    assert "cannot find the address of ns9.acme.test, a name server of demo.test" in told


@pytest.mark.parametrize("owner", ["*", "new"])
def test_a_name_whose_alias_leads_nowhere(
    tmp_path: Path, bench: Bench, bind: Bind, owner: str
) -> None:
    """A resolver that follows it fails; the challenge is beside it."""
    bind.add(f"{owner}.demo.test.", 60, "CNAME", "a.acme.test.")
    bind.add("a.acme.test.", 60, "CNAME", "b.acme.test.")
    bind.add("b.acme.test.", 60, "CNAME", "a.acme.test.")
    challenge_told(bench, SOON)


@pytest.mark.parametrize(("length", "status"), [(8, 0), (9, FAILED)])
def test_as_many_cnames_as_are_followed(
    bench: Bench, bind: Bind, length: int, status: int
) -> None:
    names = [NAME, *(f"_acme-challenge.c{hop}.demo.test" for hop in range(length))]
    for name, target in zip(names, names[1:], strict=False):
        bind.add(f"{name}.", 60, "CNAME", f"{target}.")
    result = bench.run("auth", **REQUEST)
    assert result.returncode == status, result.stderr
    if status == 0:
        assert bind.query(names[-1], "TXT") == ["the-value"]
        bench.ok("cleanup", **REQUEST)
    else:
        assert "leads through more than 8 CNAMEs" in result.stderr


def test_a_minority_that_has_it_is_enough_once_the_time_is_up(bench: Bench, bind: Bind) -> None:
    for number in (7, 8):
        add_server(bind, f"ns{number}.demo.test.", f"127.0.0.{number}")  # nobody is there
    start = time.monotonic()
    told = challenge_told(bench, 6 + SOON, PROPAGATION_TIMEOUT="6")
    assert time.monotonic() - start >= 6
    assert "1 of 3 name servers of demo.test have the value" in told


# ---- an order that is better tried than put off

URGENT = {"INGRESS_URGENT": "1", "PROPAGATION_TIMEOUT": "2"}


@pytest.mark.parametrize("react", [_without_the_value, _rcode(dns.rcode.NXDOMAIN, authoritative=True)])
def test_a_server_that_lags_stops_no_urgent_order(
    bench: Bench, bind: Bind, react: Reaction
) -> None:
    add_server(bind, "ns9.demo.test.", LAME)
    with DnsProxy(bind.first, LAME, react=react) as lame:
        told = challenge_told(bench, 2 + SOON, **URGENT)
    assert "going on all the same, since time runs out" in told
    assert f"ns9.demo.test ({lame.server}) does not have it yet" in told


def test_nobody_answers_an_urgent_order(bench: Bench, bind: Bind) -> None:
    """No server is there for the world, while the one that is written to works."""
    add_server(bind, "ns9.demo.test.", LAME)
    bind.delete("demo.test.", "NS", "ns1.demo.test.")
    assert bench.run("auth", **REQUEST).returncode in (UNREACHABLE, TRY_LATER)
    told = challenge_told(bench, 2 + 2 * SOON, **URGENT)
    assert "going on all the same, since time runs out" in told


# ---- where the name servers cannot be asked at all


@pytest.fixture(name="closed")
def _closed(tmp_path: Path, bind: Bind) -> Iterator[Bench]:
    """A network that lets nobody but the resolver be asked."""
    with ReservedPort("127.0.0.1") as port:
        yield rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN, DNS_PORT=str(port.number))


def test_the_way_on_is_named(closed: Bench) -> None:
    for command in (["auth"], ["preflight", DOMAIN]):
        result = closed.run(*command, **REQUEST)
        assert result.returncode in (UNREACHABLE, TRY_LATER), result.stderr
        assert "PROPAGATION_CHECK=resolvers" in result.stderr


def test_resolvers_alone_are_asked(closed: Bench, bind: Bind) -> None:
    """Never before the value is there: they would remember that it is not."""
    early: list[str] = []

    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message:
        asked = question.question[0].name.to_text()
        if asked == f"{NAME}." and not answer.answer:
            early.append(dns.rdatatype.to_text(question.question[0].rdtype))
        return answer

    with (
        ReservedPort(OTHER) as port,
        DnsProxy(bind.first, OTHER, port.number, react) as resolver,
    ):
        extra = {"PROPAGATION_CHECK": "resolvers", "DNS_RESOLVERS": resolver.server}
        closed.ok("preflight", "--account-uri", ACCOUNT, DOMAIN, **extra)
        challenge_told(closed, SOON, **extra)
        assert NAME in [question.name for question in resolver.questions()]
        assert all(question.recursive for question in resolver.questions())
    assert early == []


def test_a_resolver_without_the_value_is_waited_for(closed: Bench, bind: Bind) -> None:
    with (
        ReservedPort(OTHER) as port,
        DnsProxy(bind.first, OTHER, port.number, _without_the_value) as resolver,
    ):
        extra = {
            "PROPAGATION_CHECK": "resolvers",
            "PROPAGATION_TIMEOUT": "2",
            "DNS_RESOLVERS": resolver.server,
        }
        result = closed.run("auth", **REQUEST, **extra)
        assert result.returncode == TRY_LATER
        assert f"resolver 1 ({resolver.server}) does not have it yet" in result.stderr
        extra["DNS_RESOLVERS"] += f",127.0.0.1:{bind.port}"
        assert closed.run("auth", **REQUEST, **extra).returncode == TRY_LATER


@pytest.mark.parametrize("check", ["resolvers", "off"])
def test_a_cname_is_followed_all_the_same(closed: Bench, bind: Bind, check: str) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "new.acme.test.")
    extra = {"PROPAGATION_CHECK": check, "PROPAGATION_TIMEOUT": "3"}
    closed.ok("auth", **REQUEST, **extra)
    assert bind.query("new.acme.test", "TXT") == ["the-value"]
    closed.ok("cleanup", **REQUEST, **extra)
    assert bind.query("new.acme.test", "TXT") == []


def test_nobody_is_asked(closed: Bench, bind: Bind) -> None:
    with (
        ReservedPort(OTHER) as port,
        DnsProxy(bind.first, OTHER, port.number) as resolver,
    ):
        start = time.monotonic()
        told = challenge_told(
            closed,
            2 + SOON,
            PROPAGATION_CHECK="off",
            PROPAGATION_TIMEOUT="2",
            DNS_RESOLVERS=resolver.server,
        )
        assert time.monotonic() - start >= 2
        assert NAME not in [question.name for question in resolver.questions()]
    assert "without having seen the value anywhere (PROPAGATION_CHECK=off" in told
