"""Where ingress-dns writes a challenge when DNS leads it elsewhere: the host answers for DNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.CNAME import CNAME

from support.bind import Bind
from support.dns_proxy import DnsProxy

from .dns_bench import FAILED, FOREIGN, TRY_LATER, UNREACHABLE, Bench, challenge, rfc2136_bench
from .test_dns_exec import nsupdate

DOMAIN = "new.demo.test"
NAME = f"_acme-challenge.{DOMAIN}"
REQUEST = challenge(DOMAIN, "the-value")
APART = {"RFC2136_ZONE": "acme.test"}
"""Credentials for the zone that challenges are led to, and for no other."""


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "bind", zones, records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind, DOMAINS=DOMAIN)


@pytest.fixture(name="liar")
def _liar(bind: Bind) -> Iterator[DnsProxy]:
    """Answers for the only name server of both zones."""
    with DnsProxy(bind.first, "127.0.0.3") as proxy:
        for zone in ("demo.test", "acme.test"):
            bind.add(f"ns1.{zone}.", 60, "A", "127.0.0.3")
            bind.delete(f"ns1.{zone}.", "A", "127.0.0.1")
        yield proxy


def lie(liar: DnsProxy, aliases: dict[str, str]) -> None:
    """Shows these CNAMEs to whoever asks for anything but a TXT record."""

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        target = aliases.get(asked.name.to_text(omit_final_dot=True).lower())
        if target is None or asked.rdtype == dns.rdatatype.TXT:
            return answer
        false = dns.message.make_response(question)
        false.flags = answer.flags
        alias = CNAME(dns.rdataclass.IN, dns.rdatatype.CNAME, dns.name.from_text(target))
        false.answer = [dns.rrset.from_rdata(asked.name, 60, alias)]
        return false

    liar.react = react


def snapshots(bind: Bind) -> list[object]:
    return [bind.snapshot("demo.test"), bind.snapshot("acme.test")]


# ---- what DNS shows and the provider does not


@pytest.mark.parametrize(
    "target",
    ["www.demo.test", "demo.test", "ns1.demo.test", "app.acme.test", DOMAIN,
     "x._acme-challenge.demo.test", "_acme-challengex.demo.test"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["auth", "preflight"])
def test_a_false_cname_is_not_followed(
    bench: Bench, bind: Bind, liar: DnsProxy, target: str, command: str
) -> None:
    """A wildcard goes on to serve the name that the liar chose."""
    bind.add("*.demo.test.", 60, "A", "192.0.2.1")
    before = snapshots(bind)
    lie(liar, {NAME: target})
    result = bench.run(command, **REQUEST)
    assert result.returncode == 0, result.stderr
    assert f"{NAME} is a CNAME to {target} by DNS, but rfc2136 has none there" in result.stderr
    assert bind.query(NAME, "TXT") == (["the-value"] if command == "auth" else [])
    bench.ok("cleanup", **REQUEST)
    assert snapshots(bind) == before and bench.noted() == []


def test_every_step_of_a_chain_is_judged(bench: Bench, bind: Bind, liar: DnsProxy) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "_acme-challenge.new.acme.test.")
    before = snapshots(bind)
    lie(liar, {"_acme-challenge.new.acme.test": "www.demo.test"})
    bench.ok("auth", **REQUEST)
    assert bind.query("_acme-challenge.new.acme.test", "TXT") == ["the-value"]
    bench.ok("cleanup", **REQUEST)
    assert snapshots(bind) == before


def test_a_target_that_the_provider_does_not_show(
    bench: Bench, bind: Bind, liar: DnsProxy
) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "right.acme.test.")
    before = snapshots(bind)
    lie(liar, {NAME: "www.demo.test"})
    for command in ("preflight", "auth"):
        result = bench.run(command, **REQUEST)
        assert result.returncode == TRY_LATER
        assert f"{NAME} is a CNAME to www.demo.test by DNS, but to right.acme.test" in result.stderr
    assert snapshots(bind) == before and bench.noted() == []


def test_a_provider_that_cannot_be_asked(bench: Bench, bind: Bind, liar: DnsProxy) -> None:
    before = snapshots(bind)
    lie(liar, {NAME: "www.demo.test"})
    result = bench.run("auth", RFC2136_SERVER="127.0.0.1:1", **REQUEST)
    assert result.returncode == UNREACHABLE
    assert snapshots(bind) == before and bench.noted() == []


def test_a_name_that_is_none(bench: Bench, bind: Bind, liar: DnsProxy) -> None:
    before = snapshots(bind)
    lie(liar, {NAME: r"_acme-challenge.\027]0;x\007.demo.test"})
    result = bench.run("auth", **REQUEST)
    assert result.returncode == FAILED
    assert "where no challenge can be answered" in result.stderr and "\x1b" not in result.stderr
    assert snapshots(bind) == before


# ---- what the provider cannot show


@pytest.mark.parametrize("command", ["auth", "preflight"])
def test_elsewhere_takes_a_setting(bench: Bench, bind: Bind, command: str) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "new-demo.acme.test.")
    before = snapshots(bind)
    result = bench.run(command, **APART, **REQUEST)
    assert result.returncode == FAILED
    assert f"{NAME} is a CNAME to new-demo.acme.test, which is not followed" in result.stderr
    assert "CHALLENGE_TARGETS=new-demo.acme.test" in result.stderr
    assert snapshots(bind) == before and bench.noted() == []


@pytest.mark.parametrize(
    "targets",
    ["acme.test", "new-demo.acme.test", "x.test, New-Demo.ACME.test.", "x.test\nacme.test"],
)  # fmt: skip
def test_the_setting_lists_names_and_zones(bench: Bench, bind: Bind, targets: str) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "new-demo.acme.test.")
    bench.ok("preflight", CHALLENGE_TARGETS=targets, **APART)
    bench.ok("auth", CHALLENGE_TARGETS=targets, **APART, **REQUEST)
    assert bind.query("new-demo.acme.test", "TXT") == ["the-value"]
    # What stands there is taken out again, whatever the setting has become.
    bench.ok("cleanup", **APART, **REQUEST)
    assert bind.query("new-demo.acme.test", "TXT") == []


@pytest.mark.parametrize("targets", ["demo.acme.test", "w-demo.acme.test", "x.new-demo.acme.test"])
def test_what_it_does_not_list_is_not_followed(bench: Bench, bind: Bind, targets: str) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "new-demo.acme.test.")
    result = bench.run("auth", CHALLENGE_TARGETS=targets, **APART, **REQUEST)
    assert result.returncode == FAILED
    assert bind.query("new-demo.acme.test", "TXT") == []


def test_a_challenge_s_own_name_takes_none(bench: Bench, bind: Bind) -> None:
    bind.add(f"{NAME}.", 60, "CNAME", "_acme-challenge.new.demo.test.acme.test.")
    bench.ok("preflight", **APART)
    bench.ok("auth", **APART, **REQUEST)
    assert bind.query("_acme-challenge.new.demo.test.acme.test", "TXT") == ["the-value"]
    bench.ok("cleanup", "--all", **APART)
    assert bind.query("_acme-challenge.new.demo.test.acme.test", "TXT") == []


def test_a_program_is_led_nowhere_without_it(tmp_path: Path, bind: Bind) -> None:
    variables = {
        "DNS_RESOLVERS": bind.server,
        "DNS_PORT": str(bind.port),
        "DNS_EXEC": nsupdate(tmp_path, bind),
    }
    bench = Bench(tmp_path, variables, [bind.key_secret])
    bind.add(f"{NAME}.", 60, "CNAME", "www.demo.test.")
    result = bench.run("auth", **REQUEST)
    assert result.returncode == FAILED and "CHALLENGE_TARGETS=www.demo.test" in result.stderr
    assert not (tmp_path / "calls").exists()
    bench.ok("auth", CHALLENGE_TARGETS="www.demo.test", **REQUEST)
    assert bind.query("www.demo.test", "TXT") == ["the-value"]
