"""Of DNSSEC what can be seen without validating, and what a resolver says."""

from __future__ import annotations

import base64
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.bind import Bind
from support.dns_proxy import DnsProxy
from support.named import Named, PortInUse
from support.ports import ReservedPort

from ..dns_bench import ACCOUNT, UNREACHABLE, Bench, rfc2136_bench
from .asking import preflight, refusal
from .spoiling import THIRD_ADDRESS


@pytest.mark.parametrize(
    ("has_key", "fits", "part"),
    [(False, False, "no key at all"), (True, False, "it fits no key"), (True, True, None)],
)
def test_a_ds_record_has_to_fit(
    tmp_path: Path, has_key: bool, fits: bool, part: str | None
) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    point = public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
    key = f"257 3 13 {base64.b64encode(point).decode()}"
    tag = dns.dnssec.key_id(dns.rdata.from_text("IN", "DNSKEY", key))  # type: ignore[arg-type]
    records = {
        "demo.test": f"sub DS {tag if fits else tag ^ 1} 13 2 {'ab' * 32}",
        "sub.demo.test": f"@ DNSKEY {key}" if has_key else "",
    }
    with Bind(tmp_path / "bind", ("demo.test", "sub.demo.test"), records=records) as bind:
        bench = rfc2136_bench(tmp_path, bind, DOMAINS="app.sub.demo.test")
        if part is None:
            preflight(bench, "app.sub.demo.test")
        else:
            told = refusal(bench, "app.sub.demo.test")
            assert "DNSSEC of sub.demo.test is broken" in told and part in told


@pytest.mark.parametrize(("expires", "is_told"), [("20200101000000", True), ("20990101000000", False)])
def test_signatures_that_have_expired_at_one_server(
    tmp_path: Path, expires: str, is_told: bool
) -> None:
    """A secondary that no longer gets the zone; nobody else notices while the other one works."""
    point = base64.b64encode(bytes(64)).decode()
    key = f"257 3 13 {point}"
    tag = dns.dnssec.key_id(dns.rdata.from_text("IN", "DNSKEY", key))  # type: ignore[arg-type]
    records = {
        "demo.test": f"sub DS {tag} 13 2 {'ab' * 32}",
        "sub.demo.test": f"@ DNSKEY {key}\nns2 A {THIRD_ADDRESS}\n@ NS ns2",
    }
    signature = f"SOA 13 3 60 {expires} 20191201000000 {tag} sub.demo.test. {point}"

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        if question.ednsflags & dns.flags.DO:
            answer.answer.append(
                dns.rrset.from_text("sub.demo.test.", 60, "IN", "RRSIG", signature)
            )
        return answer

    with (
        Bind(tmp_path / "bind", ("demo.test", "sub.demo.test"), records=records) as bind,
        DnsProxy(bind.first, THIRD_ADDRESS, react=react) as second,
    ):
        bench = rfc2136_bench(tmp_path, bind, DOMAINS="app.sub.demo.test")
        result = bench.run("preflight", "--account-uri", ACCOUNT, "app.sub.demo.test")
    assert result.returncode == 0, result.stderr
    told = f"ns2.sub.demo.test ({second.server}) answers with signatures of sub.demo.test"
    assert (f"{told} that expired at 2020-01-01 00:00:00 UTC" in result.stderr) == is_told


def test_what_a_validating_resolver_refuses(tmp_path: Path, bench: Bench, bind: Bind) -> None:
    with_anchor = f"""
        trust-anchors {{ demo.test. static-key 257 3 13 "{'A' * 86}=="; }};
        view "validating" {{
            recursion yes;
            dnssec-validation yes;
            zone "." {{ type forward; forward only;
                        forwarders {{ 127.0.0.1 port {bind.port}; }}; }};
        }};
    """
    (tmp_path / "validating").mkdir()
    validating = _named(tmp_path / "validating", with_anchor)
    try:
        told = refusal(bench, DNS_RESOLVERS=f"127.0.0.1:{validating.port}")
    finally:
        validating.stop()
    assert "DNSSEC is broken there" in told


def _named(folder: Path, statements: str) -> Named:
    for _ in range(5):
        with ReservedPort() as port:
            try:
                return Named(folder, "127.0.0.1", port.number, statements)
            except PortInUse:
                continue
    raise AssertionError("no port for another named")


@pytest.mark.parametrize(
    ("failures", "unchecked", "status", "part"),
    [
        (1, True, 0, "nothing stands in the way"),
        (None, True, 1, "DNSSEC is broken there"),
        (None, False, UNREACHABLE, "answers SERVFAIL"),
    ],
    ids=["for a moment", "signatures", "altogether"],
)
def test_a_resolver_that_fails(
    bench: Bench, bind: Bind, failures: int | None, unchecked: bool, status: int, part: str
) -> None:
    """Signatures are to blame only if it fails before and after it was told not to check them."""
    failed = 0

    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        nonlocal failed
        if unchecked and question.flags & dns.flags.CD:
            return answer
        if failed == failures:
            return answer
        failed += 1
        failure = dns.message.make_response(question)
        failure.set_rcode(dns.rcode.SERVFAIL)
        return failure

    with ReservedPort(THIRD_ADDRESS) as port:
        proxy = DnsProxy(bind.first, THIRD_ADDRESS, port.number, react)
    with proxy:
        if status == 0:
            assert part in preflight(bench, DNS_RESOLVERS=proxy.server)
        else:
            assert part in refusal(bench, status=status, DNS_RESOLVERS=proxy.server)
    assert failed >= 1
