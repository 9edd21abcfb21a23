"""ingress-dns preflight: what an order would run into, seen before the CA is asked."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator
from pathlib import Path

import dns.dnssec
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.acme_directory import AcmeDirectory
from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.dns_proxy import DnsProxy, Question
from support.named import Named, PortInUse
from support.pebble import Pebble
from support.ports import ReservedPort
from support.process import wait_until

from .dns_bench import (
    ACCOUNT,
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    TRY_LATER,
    UNREACHABLE,
    USAGE,
    Bench,
    api_bench,
    rfc2136_bench,
)

DOMAIN = "app.demo.test"
CHALLENGE = f"_acme-challenge.{DOMAIN}"
TRIAL = "dstack-ingress-can-write-here"
OTHERS = '0 issue "other-ca.test"'
OURS = '0 issue "ca.demo.test"'
THIRD_ADDRESS = "127.0.0.3"
KILLS = 10
KILL_WINDOW = 0.1


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "acme.test")) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind, DOMAINS="app.demo.test,*.demo.test")


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, bind: Bind) -> Iterator[AcmeDirectory]:
    with (
        Pebble(tmp_path / "pebble", bind.server) as pebble,
        AcmeDirectory(pebble, ("ca.demo.test",)) as directory,
    ):
        yield directory


@pytest.fixture(name="ca")
def _ca(tmp_path: Path, directory: AcmeDirectory) -> dict[str, str]:
    """The settings for a CA that has a name in CAA records."""
    return {
        "ACME_SERVER": directory.url,
        "ACME_CA_BUNDLE": str(tmp_path / "pebble" / "ca.pem"),
    }


def preflight(bench: Bench, *domains: str, **extra: str) -> str:
    return bench.ok("preflight", "--account-uri", ACCOUNT, *(domains or (DOMAIN,)), **extra)


def refusal(bench: Bench, *domains: str, status: int = FAILED, **extra: str) -> str:
    """What is said on standard error where an order must not be made."""
    result = bench.run(
        "preflight", "--account-uri", ACCOUNT, *(domains or (DOMAIN,)), **extra
    )
    assert result.returncode == status, result.stdout + result.stderr
    assert bench.noted() == []
    return result.stderr


# ---- writing


def test_a_value_is_written_and_removed_once_an_hour(bench: Bench, bind: Bind) -> None:
    before, serial = bind.snapshot("demo.test"), bind.query("demo.test", "SOA")
    assert "nothing stands in the way" in preflight(bench)
    written = bind.query("demo.test", "SOA")
    assert written != serial
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []
    preflight(bench)
    preflight(bench, "*.demo.test")
    assert bind.query("demo.test", "SOA") == written
    bench.ok("cleanup", "--all")  # what the supervisor does when it starts
    preflight(bench)
    assert bind.query("demo.test", "SOA") != written


def test_records_that_were_just_made_prove_it_too(bench: Bench, bind: Bind) -> None:
    bench.ok("apply", "--only", "alias,txt")
    serial = bind.query("demo.test", "SOA")
    preflight(bench)
    assert bind.query("demo.test", "SOA") == serial


def test_the_trial_makes_no_challenge_wait(bench: Bench) -> None:
    """Nobody was told of it, so no cache can hold it."""
    preflight(bench)
    result = bench.run("auth", CERTBOT_DOMAIN=DOMAIN, CERTBOT_VALIDATION="v")
    assert result.returncode == 0
    assert "caches" not in result.stderr


def test_credentials_that_may_only_read(tmp_path: Path) -> None:
    with (
        Bind(tmp_path / "bind", records={"demo.test": FOREIGN}) as bind,
        CloudflareApi(bind) as api,
    ):
        bench = api_bench(tmp_path, bind, api)
        api.permissions.discard("dns:edit")
        before = api.dump("demo.test")
        told = refusal(bench, status=BAD_CONFIG)
        assert "an order for app.demo.test cannot succeed" in told
        assert "Cloudflare: POST" in told and "Authentication error" in told
        assert api.dump("demo.test") == before
        api.permissions.add("dns:edit")
        preflight(bench)
        assert api.dump("demo.test") == before


def test_a_failed_write_ends_what_an_earlier_one_has_proved(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind, CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        preflight(bench)
        api.permissions.discard("dns:edit")
        preflight(bench)
        result = bench.run("auth", CERTBOT_DOMAIN=DOMAIN, CERTBOT_VALIDATION="v")
        assert result.returncode == BAD_CONFIG
        refusal(bench, status=BAD_CONFIG)


def test_killed_at_any_moment_the_next_one_tidies_up(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    chance = random.Random(11)
    for _ in range(KILLS):
        child = bench.start("preflight", DOMAIN)
        moment = time.monotonic() + chance.random() * KILL_WINDOW
        wait_until(lambda m=moment: time.monotonic() > m, what="the moment")
        child.kill()
        left = {text for _, _, kind, text in bind.snapshot("demo.test") - before if kind == "TXT"}
        assert left <= {f'"{value}"' for value in bench.noted()}
    bench.ok("cleanup", "--all")
    assert bind.snapshot("demo.test") == before
    bind.add(CHALLENGE + ".", 60, "TXT", TRIAL)  # as a kill leaves it, had we not looked
    preflight(bench)
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []


# ---- where the challenge stands


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


def _spoil(proxy: DnsProxy, *, rcode: dns.rcode.Rcode | None, only: str = "") -> None:
    """Has it answer questions of the type `only` (all by default) with `rcode`, or not at all."""

    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        if only and dns.rdatatype.to_text(question.question[0].rdtype) != only:
            return answer
        if rcode is None:
            return None
        refused = dns.message.make_response(question)
        refused.set_rcode(rcode)
        return refused

    proxy.react = react


def test_a_server_that_does_not_hold_the_zone(bench: Bench, bind: Bind) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns9.demo.test.", 60, "A", THIRD_ADDRESS)
        bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
        preflight(bench)
        _spoil(proxy, rcode=dns.rcode.REFUSED)
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


# ---- DNSSEC


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


# ---- CAA: where it is found


@pytest.mark.parametrize(
    ("at", "record", "domain", "part"),
    [
        (DOMAIN, OTHERS, DOMAIN, f"at {DOMAIN}: CAA {OTHERS} lets only another CA"),
        ("demo.test", OTHERS, DOMAIN, f"at demo.test: CAA {OTHERS} lets only another CA"),
        ("demo.test", OTHERS, "*.demo.test", 'add CAA 0 issue "ca.demo.test" beside it'),
        ("demo.test", '0 issuewild ";"', "*.demo.test", "lets nobody issue"),
        ("demo.test", '0 issue "ca.demo.test; accounturi=https://x.test/1"', DOMAIN,
         f"the one in use is {ACCOUNT}"),
        ("demo.test", '0 issue "ca.demo.test; validationmethods=http-01"', DOMAIN,
         "does not allow dns-01"),
        ("demo.test", '128 tbs "Unknown"', DOMAIN, "critical"),
    ],
)
def test_a_record_that_forbids(
    bench: Bench, bind: Bind, ca: dict[str, str], at: str, record: str, domain: str, part: str
) -> None:
    bind.add(at + ".", 60, "CAA", record)
    before = bind.snapshot("demo.test")
    told = refusal(bench, domain, **ca)
    assert f"the CA would refuse {domain} by its CAA records" in told
    assert part in told
    assert bind.snapshot("demo.test") == before
    bind.delete(at + ".", "CAA")
    preflight(bench, domain, **ca)


def test_the_nearest_set_counts(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    bind.add("demo.test.", 60, "CAA", OTHERS)
    bind.add(DOMAIN + ".", 60, "CAA", OURS)
    preflight(bench, **ca)
    assert "at demo.test" in refusal(bench, "*.demo.test", **ca)
    bind.add("demo.test.", 60, "CAA", f'0 issuewild "ca.demo.test; accounturi={ACCOUNT}"')
    preflight(bench, "*.demo.test", **ca)


def test_aliases_are_followed_but_not_their_parents(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    bind.add(DOMAIN + ".", 60, "CNAME", "target.acme.test.")
    bind.add("target.acme.test.", 60, "TXT", "it exists")
    bind.add("acme.test.", 60, "CAA", OTHERS)
    preflight(bench, **ca)
    bind.add("target.acme.test.", 60, "CAA", OTHERS)
    assert "at target.acme.test" in refusal(bench, **ca)
    bind.add("target.acme.test.", 60, "CAA", OURS)
    preflight(bench, **ca)
    # A set behind the alias hides what stands above the name.
    bind.add("demo.test.", 60, "CAA", OTHERS)
    preflight(bench, **ca)
    bind.delete("target.acme.test.", "CAA")
    assert "at demo.test" in refusal(bench, **ca)


def test_a_parent_zone_of_others_counts(tmp_path: Path, directory: AcmeDirectory) -> None:
    with Bind(tmp_path / "two", ("demo.test", "sub.demo.test")) as bind:
        bench = rfc2136_bench(
            tmp_path, bind, DOMAINS="app.sub.demo.test", ACME_SERVER=directory.url,
            ACME_CA_BUNDLE=str(tmp_path / "pebble" / "ca.pem"),
        )  # fmt: skip
        bind.add("demo.test.", 60, "CAA", OTHERS)
        assert "at demo.test" in refusal(bench, "app.sub.demo.test")
        bind.add("sub.demo.test.", 60, "CAA", OURS)
        preflight(bench, "app.sub.demo.test")


def test_every_server_counts(
    tmp_path: Path, directory: AcmeDirectory, ca: dict[str, str]
) -> None:
    """The CA may ask the one that lags behind."""
    with Bind(tmp_path / "pair", second=True) as pair:
        bench = rfc2136_bench(tmp_path, pair, **ca)
        pair.add("demo.test.", 60, "CAA", OTHERS)
        wait_until(lambda: pair.second.query("demo.test", "CAA"), what="the second to have it")
        with pair.second.held():
            pair.delete("demo.test.", "CAA")
            assert "at demo.test" in refusal(bench, **ca)
        wait_until(lambda: not pair.second.query("demo.test", "CAA"), what="it to be gone")
        preflight(bench, **ca)


def test_a_cache_that_is_behind_does_not_count(
    tmp_path: Path, directory: AcmeDirectory, ca: dict[str, str]
) -> None:
    """What a resolver says against an order is confirmed by the servers of the zone."""
    with Bind(tmp_path / "two", ("demo.test", "sub.demo.test")) as bind:
        bind.add("demo.test.", 60, "CAA", OTHERS)
        with _resolver_of_yesterday(bind, "demo.test", "CAA") as resolver:
            bench = rfc2136_bench(tmp_path, bind, DOMAINS="app.sub.demo.test", **ca)
            bench.variables["DNS_RESOLVERS"] = resolver.server
            assert "at demo.test" in refusal(bench, "app.sub.demo.test")
            bind.delete("demo.test.", "CAA")
            preflight(bench, "app.sub.demo.test")
            assert Question("demo.test", "CAA", True) in resolver.questions()


def _resolver_of_yesterday(bind: Bind, name: str, record_type: str) -> DnsProxy:
    """A resolver that goes on giving the answer to this question that holds now."""
    kept: list[dns.message.Message] = []

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        if asked.name != dns.name.from_text(name) or asked.rdtype != dns.rdatatype.from_text(
            record_type
        ):
            return answer
        kept.append(answer)
        kept[0].id = question.id
        return kept[0]

    with ReservedPort(THIRD_ADDRESS) as port:
        proxy = DnsProxy(bind.first, THIRD_ADDRESS, port.number, react)
    return proxy


# ---- CAA: what cannot be seen


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.NOTIMP])
def test_servers_that_fail_for_caa_make_a_ca_refuse(
    bench: Bench, bind: Bind, rcode: dns.rcode.Rcode
) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns1.demo.test.", 60, "A", THIRD_ADDRESS)
        bind.delete("ns1.demo.test.", "A", "127.0.0.1")
        preflight(bench)
        _spoil(proxy, rcode=rcode, only="CAA")
        told = refusal(bench)
    assert "it cannot look up the CAA records of app.demo.test" in told
    assert f"answers {dns.rcode.to_text(rcode)}" in told and "asked for CAA records" in told


def test_one_working_server_is_enough_for_caa(bench: Bench, bind: Bind) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns1.demo.test.", 60, "A", THIRD_ADDRESS)
        _spoil(proxy, rcode=dns.rcode.SERVFAIL, only="CAA")
        preflight(bench)


def test_a_doubt_about_a_strangers_server_is_no_reason(bench: Bench, bind: Bind) -> None:
    """The alias leads to a zone whose servers cannot be seen from here; the CA may."""
    with _resolver_of_yesterday(bind, "nothing.test", "A") as resolver:
        bind.add(DOMAIN + ".", 60, "CNAME", "gateway.elsewhere.test.")
        _spoil_name(resolver, "gateway.elsewhere.test", "CAA")
        result = bench.run(
            "preflight", DOMAIN, DNS_RESOLVERS=resolver.server
        )
    assert result.returncode == 0, result.stderr
    assert "the CAA records of app.demo.test cannot be seen from here" in result.stderr


def _spoil_name(proxy: DnsProxy, name: str, record_type: str) -> None:
    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        asked = question.question[0]
        if asked.name != dns.name.from_text(name):
            return answer
        if dns.rdatatype.to_text(asked.rdtype) != record_type:
            return answer
        failed = dns.message.make_response(question)
        failed.set_rcode(dns.rcode.SERVFAIL)
        return failed

    proxy.react = react


def test_a_ca_that_cannot_be_asked_for_its_name_is_left_to_judge(
    bench: Bench, bind: Bind, directory: AcmeDirectory, ca: dict[str, str]
) -> None:
    bind.add("demo.test.", 60, "CAA", OTHERS)
    directory.identities = []
    result = bench.run("preflight", DOMAIN, **ca)
    assert result.returncode == 0, result.stderr
    assert "CAA records are not judged: the CA at" in result.stderr


def test_without_records_the_ca_is_not_asked(
    bench: Bench, directory: AcmeDirectory, ca: dict[str, str]
) -> None:
    preflight(bench, **ca)
    assert directory.requests() == []


# ---- what is said


def test_everything_that_is_wrong_is_said_at_once(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    bind.add(CHALLENGE + ".", 60, "CNAME", "x.elsewhere.test.")
    bind.add("demo.test.", 60, "CAA", OTHERS)
    told = refusal(bench, **ca)
    assert "x.elsewhere.test" in told and "; and the CA would refuse" in told


def test_one_line_for_each_domain(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    bind.add(DOMAIN + ".", 60, "CAA", OTHERS)
    result = bench.run("preflight", **ca)
    assert result.returncode == FAILED
    lines = result.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [DOMAIN, "*.demo.test"]
    assert "lets only another CA" in lines[0] and "nothing stands" in lines[1]
    assert "orders for 1 of 2 domains would fail" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--only", "caa"], ["nobody.demo.test"], ["--account-uri"], ["--account-uri", "acct/7"]],
)
def test_wrong_usage(bench: Bench, arguments: list[str]) -> None:
    assert bench.run("preflight", *arguments).returncode == USAGE
