"""What ingress-dns does when an RFC 2136 server refuses, hangs, or answers nonsense."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.backend_dns import BackendDns
from support.bind import Bind
from support.ports import ReservedPort
from support.rfc2136_api import Rfc2136Api

from .dns_bench import (
    BAD_CONFIG,
    FAILED,
    PROGRAM,
    RUN_DEADLINE,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    OddDnsServer,
    Reaction,
    challenge,
    rfc2136_bench,
)
from .protocols.peers import private_mounts

OTHER_SECRET = base64.b64encode(b"not the secret of that key......").decode()


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind") as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind)


def check_refusal(bench: Bench, bind: Bind, status: int, words: str, **extra: str) -> None:
    """apply and auth end with `status` and the words, and nothing is written."""
    before = bind.snapshot("demo.test")
    for arguments, more in (
        (["apply", "--only", "alias"], {}),
        (["auth"], challenge("new.demo.test", "v")),
    ):
        result = bench.run(*arguments, **{**extra, **more})
        assert words in result.stderr
        assert result.returncode == status, result.stderr
    assert bind.snapshot("demo.test") == before


# ---- the key


def test_a_wrong_secret(bench: Bench, bind: Bind) -> None:
    check_refusal(bench, bind, BAD_CONFIG, "BADSIG", RFC2136_KEY_SECRET=OTHER_SECRET)
    assert bench.noted() == []


def test_an_unknown_key(bench: Bench, bind: Bind) -> None:
    check_refusal(bench, bind, BAD_CONFIG, "BADKEY", RFC2136_KEY_NAME="nobody")


def test_another_algorithm(bench: Bench, bind: Bind) -> None:
    check_refusal(bench, bind, BAD_CONFIG, "BADKEY", RFC2136_KEY_ALGORITHM="hmac-sha512")


def test_hmac_sha512(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind", key_algorithm="hmac-sha512") as bind:
        bench = rfc2136_bench(tmp_path, bind, RFC2136_KEY_ALGORITHM="hmac-sha512")
        bench.ok("apply")
        assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]


def test_a_zone_given_by_hand(bench: Bench, bind: Bind) -> None:
    bench.ok("apply", RFC2136_ZONE="demo.test")
    assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
    for command, status in ((["apply", "--only", "txt"], TRY_LATER), (["auth"], FAILED)):
        elsewhere = {"DOMAINS": "new.demo.test", "RFC2136_ZONE": "other.test"}
        result = bench.run(*command, **elsewhere, **challenge("new.demo.test", "v"))
        assert result.returncode == status and "reach no zone" in result.stderr
    result = bench.run("apply", DOMAINS="new.demo.test", RFC2136_ZONE="test")
    assert result.returncode == BAD_CONFIG
    assert "not the primary of that zone" in result.stdout


# ---- the connection


def test_nobody_listens(bench: Bench, bind: Bind) -> None:
    with ReservedPort() as port:
        check_refusal(
            bench, bind, UNREACHABLE, "refused", RFC2136_SERVER=f"127.0.0.1:{port.number}"
        )


def test_a_host_that_does_not_exist(bench: Bench, bind: Bind) -> None:
    check_refusal(
        bench, bind, UNREACHABLE, "no-such-host.invalid", RFC2136_SERVER="no-such-host.invalid"
    )


def test_a_host_whose_lookup_does_not_end(bench: Bench) -> None:
    """As libc does with a name server that takes a connection and says nothing."""
    dns_server = BackendDns()
    dns_server.cut_short = True
    prefix = private_mounts(
        {"/etc/resolv.conf": f"nameserver {dns_server.address}\n"}, bench.folder
    )
    try:
        done = subprocess.run(
            [*prefix, PROGRAM, "apply", "--only", "alias"],
            env=bench.environment(RFC2136_SERVER="ns.demo.test"),
            capture_output=True, text=True, timeout=RUN_DEADLINE, check=False,
        )  # fmt: skip
    finally:
        dns_server.stop()
    assert done.returncode == TRY_LATER, done.stderr
    assert "cannot find the address of ns.demo.test: DNS did not answer in time" in done.stderr


# ---- answers


@contextlib.contextmanager
def odd(bind: Bind, react: Reaction) -> Iterator[OddDnsServer]:
    with OddDnsServer(bind.key_name, bind.key_secret, react) as server:
        yield server


def whole(answer: dns.message.Message) -> bytes:
    return answer.to_wire()


def give_soa(question: dns.message.Message, answer: dns.message.Message) -> bool:
    """Whether this was the question where the zone begins; then the answer says here."""
    if question.opcode() != dns.opcode.QUERY or question.question[0].rdtype != dns.rdatatype.SOA:
        return False
    if str(question.question[0].name) == "demo.test.":
        answer.flags |= dns.flags.AA
        answer.answer.append(
            dns.rrset.from_text("demo.test.", 60, "IN", "SOA", "ns1.demo.test. host.demo.test. 1 2 3 4 5")
        )
    else:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return True


def refusing(rcode: dns.rcode.Rcode) -> Reaction:
    def react(question: dns.message.Message, answer: dns.message.Message) -> bytes:
        if not give_soa(question, answer):
            answer.set_rcode(rcode)
        return whole(answer)

    return react


@pytest.mark.parametrize(
    ("rcode", "status", "words"),
    [
        (dns.rcode.REFUSED, BAD_CONFIG, "must be allowed to"),
        (dns.rcode.NOTAUTH, BAD_CONFIG, "not the primary"),
        (dns.rcode.NOTAUTH, BAD_CONFIG, "that of this machine, which says 20"),
        (dns.rcode.SERVFAIL, UNREACHABLE, "its own log says why"),
        (dns.rcode.NOTZONE, FAILED, "NOTZONE"),
        (dns.rcode.NOTIMP, BAD_CONFIG, "dynamic updates"),
        (dns.rcode.FORMERR, FAILED, "FORMERR"),
    ],
)
def test_refusals_become_sentences(
    bench: Bench, bind: Bind, rcode: dns.rcode.Rcode, status: int, words: str
) -> None:
    with odd(bind, refusing(rcode)) as server:
        check_refusal(bench, bind, status, words, RFC2136_SERVER=server.address)


def forwarded(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    """As a secondary answers that has asked the primary with an id of its own."""
    give_soa(question, answer)
    answer.flags |= dns.flags.AA
    answer.use_tsig(question.keyring, question.keyname, original_id=question.id ^ 0x5555)
    return whole(answer)


def test_an_answer_that_was_signed_under_another_id(bench: Bench, bind: Bind) -> None:
    with odd(bind, forwarded) as server:
        result = bench.run("list", "app.demo.test", RFC2136_SERVER=server.address)
    assert "the signature of" not in result.stderr
    assert result.returncode == 0, result.stderr


def unsigned(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    give_soa(question, answer)
    answer.tsig = None
    answer.keyring = None
    return whole(answer)


def badly_signed(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    give_soa(question, answer)
    wire = bytearray(whole(answer))
    wire[3] ^= 0x10  # a header bit that means nothing, and is signed
    return bytes(wire)


def of_another_question(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    give_soa(question, answer)
    answer.id ^= 1
    return whole(answer)


def cut(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    give_soa(question, answer)
    return whole(answer)[:-5]


def garbage(question: dns.message.Message, answer: dns.message.Message) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def nothing(question: dns.message.Message, answer: dns.message.Message) -> None:
    return None


@pytest.mark.parametrize(
    ("react", "words"),
    [
        (unsigned, "does not sign its answers"),
        (badly_signed, "signature of 127.0.0.1's answer is wrong"),
        (of_another_question, "another question"),
        (cut, "not a DNS message"),
        (garbage, "not a DNS message"),
        (nothing, "closed the connection"),
    ],
)
def test_what_cannot_be_trusted_is_no_answer(
    bench: Bench, bind: Bind, react: Reaction, words: str
) -> None:
    with odd(bind, react) as server:
        check_refusal(bench, bind, UNREACHABLE, words, RFC2136_SERVER=server.address)
        assert server.questions
        assert all(q.opcode() == dns.opcode.QUERY for q in server.questions), "nothing written"


def test_a_server_that_hangs(bench: Bench, bind: Bind) -> None:
    release = []

    def hang(question: dns.message.Message, answer: dns.message.Message) -> None:
        release.append(server.stopping.wait(60.0))

    with odd(bind, hang) as server:
        begun = time.monotonic()
        result = bench.run("apply", "--only", "alias", RFC2136_SERVER=server.address)
        assert result.returncode == TRY_LATER
        assert "did not answer in time" in result.stderr
        assert time.monotonic() - begun < 30


def test_a_failed_read_means_no_write(bench: Bench, bind: Bind) -> None:
    """Every read in turn fails, and no update with a change in it arrives."""
    for failing in range(1, 8):
        reads = 0

        def react(
            question: dns.message.Message, answer: dns.message.Message, failing: int = failing
        ) -> bytes:
            nonlocal reads
            if give_soa(question, answer):
                return whole(answer)
            reads += 1
            if reads == failing:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif question.opcode() == dns.opcode.QUERY:
                answer.flags |= dns.flags.AA
            return whole(answer)

        with odd(bind, react) as server:
            result = bench.run("apply", "--only", "alias", RFC2136_SERVER=server.address)
        # 1 is the question whether the name exists; 2, ANY, may be refused (RFC 8482).
        assert result.returncode == (FAILED if failing == 2 else UNREACHABLE)
        changes = [
            q
            for q in server.questions
            if q.opcode() == dns.opcode.UPDATE and q.authority  # the update section
        ]
        assert bool(changes) == (failing == 2)


def test_updates_are_guarded_and_ask_for_no_recursion(bench: Bench, bind: Bind) -> None:
    """A record that another made between our reading and our writing is never overwritten."""
    updates = []

    def react(question: dns.message.Message, answer: dns.message.Message) -> bytes:
        assert not question.flags & dns.flags.RD
        if give_soa(question, answer):
            return whole(answer)
        if question.opcode() == dns.opcode.UPDATE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            if question.authority:
                updates.append(question)
                answer.set_rcode(dns.rcode.YXDOMAIN)
        return whole(answer)

    with odd(bind, react) as server:
        result = bench.run("apply", "--only", "alias", RFC2136_SERVER=server.address)
    assert result.returncode == FAILED
    assert "somebody else keeps changing the records of app.demo.test" in result.stderr
    assert updates
    for update in updates:
        assert update.answer, "a prerequisite"
        (rrset,) = update.authority
        assert str(rrset.name) == "app.demo.test."
    assert len({update.id for update in updates}) == len(updates), "each with an id of its own"


def test_a_set_that_comes_up_meanwhile_keeps_its_ttl(bench: Bench, bind: Bind) -> None:
    """A server gives the whole set the TTL of what is added last."""
    name = "_acme-challenge.new.demo.test"
    with Rfc2136Api(bind) as server:
        fault = server.fault(
            "meanwhile",
            "^UPDATE",
            call=lambda: bind.add(f"{name}.", 240, "TXT", "another client's"),
        )
        bench.ok("set-txt", name, "ours", RFC2136_SERVER=server.address)
        assert fault.hits == 1
    assert bind.query(name, "TXT") == ["another client's", "ours"]
    (ttl,) = {record[1] for record in bind.snapshot("demo.test") if record[0] == f"{name}."}
    assert ttl == 240
