"""Which CAA records count, and what cannot be seen of them."""

from __future__ import annotations

from pathlib import Path

import dns.rcode
import pytest

from support.acme_directory import AcmeDirectory
from support.bind import Bind
from support.dns_proxy import DnsProxy, Question
from support.process import wait_until

from ..dns_bench import ACCOUNT, Bench, rfc2136_bench
from .asking import DOMAIN, OTHERS, OURS, preflight, refusal
from .spoiling import THIRD_ADDRESS, resolver_of_yesterday, spoil, spoil_name


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
        # An empty value has no bytes in DNS, and means something all the same.
        (DOMAIN, '0 issue ""', DOMAIN, "lets nobody issue"),
        (DOMAIN, '128 tbs ""', DOMAIN, "critical"),
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
        with resolver_of_yesterday(bind, "demo.test", "CAA") as resolver:
            bench = rfc2136_bench(tmp_path, bind, DOMAINS="app.sub.demo.test", **ca)
            bench.variables["DNS_RESOLVERS"] = resolver.server
            assert "at demo.test" in refusal(bench, "app.sub.demo.test")
            bind.delete("demo.test.", "CAA")
            preflight(bench, "app.sub.demo.test")
            assert Question("demo.test", "CAA", True) in resolver.questions()




# ---- what cannot be seen


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.NOTIMP])
def test_servers_that_fail_for_caa_make_a_ca_refuse(
    bench: Bench, bind: Bind, rcode: dns.rcode.Rcode
) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns1.demo.test.", 60, "A", THIRD_ADDRESS)
        bind.delete("ns1.demo.test.", "A", "127.0.0.1")
        preflight(bench)
        spoil(proxy, rcode=rcode, only="CAA")
        told = refusal(bench)
    assert "it cannot look up the CAA records of app.demo.test" in told
    assert f"answers {dns.rcode.to_text(rcode)}" in told and "asked for CAA records" in told


def test_one_working_server_is_enough_for_caa(bench: Bench, bind: Bind) -> None:
    with DnsProxy(bind.first, THIRD_ADDRESS) as proxy:
        bind.add("ns1.demo.test.", 60, "A", THIRD_ADDRESS)
        spoil(proxy, rcode=dns.rcode.SERVFAIL, only="CAA")
        preflight(bench)


def test_a_doubt_about_a_strangers_server_is_no_reason(bench: Bench, bind: Bind) -> None:
    """The alias leads to a zone whose servers cannot be seen from here; the CA may."""
    with resolver_of_yesterday(bind, "nothing.test", "A") as resolver:
        bind.add(DOMAIN + ".", 60, "CNAME", "gateway.elsewhere.test.")
        spoil_name(resolver, "gateway.elsewhere.test", "CAA")
        result = bench.run(
            "preflight", DOMAIN, DNS_RESOLVERS=resolver.server
        )
    assert result.returncode == 0, result.stderr
    assert "the CAA records of app.demo.test cannot be seen from here" in result.stderr


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
