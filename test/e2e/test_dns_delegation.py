"""Records in another zone, where the operator's CNAMEs lead; and those that he has made himself."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.bind import Bind
from support.dns_proxy import DnsProxy
from support.process import wait_until

from .dns_bench import (
    ACCOUNT,
    APP_ID,
    BAD_CONFIG,
    FAILED,
    PROGRAM,
    TRY_LATER,
    Bench,
    api_bench,
    challenge,
    rfc2136_bench,
)
from .dns_contract import PROVIDERS
from .test_dns_contract import WITH_CAA
from .test_dns_exec import nsupdate

ZONE, ELSEWHERE = "demo.test", "deleg.test"
NAME, WILDCARD = "new.demo.test", "*.new.demo.test"
DELEGATED = {"DELEGATION_ZONE": ELSEWHERE, "DOMAINS": NAME, **WITH_CAA}
APPLY = ("apply", "--account-uri", ACCOUNT)
PLAN = ("plan", "--account-uri", ACCOUNT)
PIN = f'0 issue "letsencrypt.org; validationmethods=dns-01; accounturi={ACCOUNT}"'
APP_ADDRESS = f"{APP_ID}:443"
CNAMES = {
    NAME: f"{NAME}.{ELSEWHERE}",
    f"_dstack-app-address.{NAME}": f"_dstack-app-address.{NAME}.{ELSEWHERE}",
    f"_acme-challenge.{NAME}": f"_acme-challenge.{NAME}.{ELSEWHERE}",
}
OF_THE_WILDCARD = {
    WILDCARD: f"{NAME}.{ELSEWHERE}",
    NAME: f"{NAME}.{ELSEWHERE}",
    f"_dstack-app-address-wildcard.{NAME}": f"_dstack-app-address-wildcard.{NAME}.{ELSEWHERE}",
    f"_acme-challenge.{NAME}": f"_acme-challenge.{NAME}.{ELSEWHERE}",
}
ZONE_LINE = re.compile(r"^(\S+)\. 3600 IN CNAME (\S+)\.$", re.MULTILINE)


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", (ZONE, ELSEWHERE), closed=(ZONE,)) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind, **DELEGATED)


def make(bind: Bind, cnames: dict[str, str]) -> None:
    for name, target in cnames.items():
        bind.add(f"{name}.", 60, "CNAME", f"{target}.")


def results_of(bench: Bench, *domains: str, **extra: str) -> list[dict[str, object]]:
    """What --results-fd gets."""
    path = bench.folder / "results"
    with path.open("wb") as results:
        number = results.fileno()
        done = subprocess.run(
            [PROGRAM, *APPLY, "--results-fd", str(number), *domains],
            env=bench.environment(**extra), pass_fds=[number], stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in path.read_text().splitlines()]


# ---- what is published, and what the operator has to make


def test_a_plan_shows_the_missing_cnames_as_lines_to_paste(bench: Bench, bind: Bind) -> None:
    before = [bind.snapshot(zone) for zone in (ZONE, ELSEWHERE)]
    assert dict(ZONE_LINE.findall(bench.ok(*PLAN))) == CNAMES
    both = bench.ok(*PLAN, DOMAINS=f"{NAME},{WILDCARD}")
    assert sorted(ZONE_LINE.findall(both)) == sorted({**CNAMES, **OF_THE_WILDCARD}.items())
    assert [bind.snapshot(zone) for zone in (ZONE, ELSEWHERE)] == before
    make(bind, CNAMES)
    assert ZONE_LINE.findall(bench.ok(*PLAN)) == []


def test_all_is_published_in_the_zone(bench: Bench, bind: Bind) -> None:
    make(bind, CNAMES)
    before = bind.snapshot(ZONE)
    bench.ok(*APPLY)
    target = f"{NAME}.{ELSEWHERE}"
    # BIND keeps to RFC 1034: addresses stand beside the CAA record, and no CNAME.
    assert bind.query(target, "A") == ["127.0.0.1"]
    assert bind.query(target, "CAA") == [PIN]
    assert bind.query(f"_dstack-app-address.{target}", "TXT") == [APP_ADDRESS]
    assert {ttl for name, ttl, kind, _ in bind.snapshot(ELSEWHERE) if kind == "TXT"} == {60}
    assert "No changes." in bench.ok(*APPLY)
    # As the CA and the gateway find it.
    assert bind.first.query(NAME, "CAA", recursive=True) == [PIN]
    found = json.loads(bench.ok("caa", "--account", ACCOUNT, NAME))
    assert (found["binding"], found["at"]) == ("account", NAME)
    assert bind.snapshot(ZONE) == before


def test_a_wildcard_is_published_at_its_base(bench: Bench, bind: Bind) -> None:
    make(bind, OF_THE_WILDCARD)
    bench.ok(*APPLY, DOMAINS=WILDCARD)
    target = f"{NAME}.{ELSEWHERE}"
    assert bind.query(target, "A") == ["127.0.0.1"]
    assert bind.query(target, "CAA") == ['0 issue ";"', PIN.replace("issue", "issuewild", 1)]
    assert bind.query(f"_dstack-app-address-wildcard.{target}", "TXT") == [APP_ADDRESS]
    found = json.loads(bench.ok("caa", "--account", ACCOUNT, WILDCARD))
    assert found["binding"] == "account"
    assert bind.first.query(f"any.{NAME}", "A", recursive=True) == ["127.0.0.1"]


def test_a_name_and_its_wildcard_share_what_they_have_in_common(bench: Bench, bind: Bind) -> None:
    make(bind, {**CNAMES, **OF_THE_WILDCARD})
    domains = f"{NAME},{WILDCARD}"
    bench.ok(*APPLY, DOMAINS=domains)
    settled = bind.snapshot(ELSEWHERE)
    assert bind.query(f"{NAME}.{ELSEWHERE}", "CAA") == [PIN, PIN.replace("issue", "issuewild", 1)]
    for domain in (NAME, WILDCARD):
        assert "No changes." in bench.ok(*APPLY, domain, DOMAINS=domains)
    assert bind.snapshot(ELSEWHERE) == settled


def test_a_domain_in_the_zone_itself_needs_no_cname(bench: Bench, bind: Bind) -> None:
    bench.ok(*APPLY, DOMAINS=f"own.{ELSEWHERE}")
    assert bind.query(f"own.{ELSEWHERE}", "A") == ["127.0.0.1"]
    bench.ok("preflight", DOMAINS=f"own.{ELSEWHERE}")


@pytest.mark.parametrize("name", [*PROVIDERS, "exec"])
def test_every_provider_writes_there_and_nowhere_else(
    name: str, tmp_path: Path, bind: Bind
) -> None:
    request = challenge(NAME, "the-value")
    make(bind, CNAMES)
    before = bind.snapshot(ZONE)
    if name == "exec":
        variables = {"DNS_RESOLVERS": bind.server, "DNS_PORT": str(bind.port)}
        bench = Bench(tmp_path, {**variables, **DELEGATED, "DNS_EXEC": nsupdate(tmp_path, bind)})
        said = bench.run(*APPLY).stdout  # they are missing, which is a failure
        assert f"{NAME}.{ELSEWHERE}\n  + " in said and "Make these records by hand" in said
        _challenge(bench, bind, request)
    else:
        with PROVIDERS[name].open(bind.only([ELSEWHERE])) as api:
            bench = api_bench(tmp_path, bind, api, **DELEGATED)
            bench.ok(*APPLY)
            place = f"_dstack-app-address.{NAME}.{ELSEWHERE}"
            # Route 53 takes its time.
            wait_until(lambda: bind.query(place, "TXT") == [APP_ADDRESS], what="the TXT record")
            wait_until(lambda: bind.first.query(NAME, "CAA", recursive=True), what="the pin")
            assert "No changes." in bench.ok(*APPLY)
            bench.ok("preflight", "--account-uri", ACCOUNT)
            _challenge(bench, bind, request)
    assert bind.snapshot(ZONE) == before


def _challenge(bench: Bench, bind: Bind, request: dict[str, str]) -> None:
    place = f"_acme-challenge.{NAME}.{ELSEWHERE}"
    bench.ok("auth", **request)
    assert bind.first.query(f"_acme-challenge.{NAME}", "TXT", recursive=True) == ["the-value"]
    assert bind.query(place, "TXT") == ["the-value"]
    bench.ok("cleanup", **request)
    wait_until(lambda: bind.query(place, "TXT") == [], what="the value to be gone")
    assert bench.noted() == []


# ---- what the operator has not made, or not so


@pytest.mark.parametrize("name", CNAMES)
@pytest.mark.parametrize("target", [None, f"other.{ELSEWHERE}", f"x.{NAME}.{ELSEWHERE}"])
def test_each_of_them_counts_and_has_exactly_one_target(
    bench: Bench, bind: Bind, name: str, target: str | None
) -> None:
    """Another instance has a target of its own."""
    make(bind, {**CNAMES, name: target} if target else CNAMES)
    if target is None:
        bind.delete(f"{name}.")
    (told,) = results_of(bench, NAME)
    (record,) = told["operator"]  # type: ignore[misc]
    note = record.pop("note")
    assert record == {"type": "CNAME", "name": name, "value": CNAMES[name], "exact": True}
    assert note.startswith("leads ")
    assert told["exit_code"] == TRY_LATER and not told["unchanged"]
    seen = f"{name} is a CNAME to {target}" if target else f"{name} has no CNAME record"
    assert f"{name}. CNAME {CNAMES[name]}. is missing ({seen})" in str(told["error"])
    done = bench.run(*APPLY)
    assert done.returncode == TRY_LATER and "No changes" not in done.stdout
    assert ZONE_LINE.findall(done.stdout) == [(name, CNAMES[name])]
    # What is ours to make is there all the same.
    assert bind.query(f"_dstack-app-address.{NAME}.{ELSEWHERE}", "TXT") == [APP_ADDRESS]
    # For an order only the challenge's counts.
    ordered = bench.run("preflight")
    if name.startswith("_acme-challenge"):
        assert ordered.returncode == TRY_LATER and f"({seen})" in ordered.stderr
    else:
        assert ordered.returncode == 0, ordered.stderr


def test_records_that_are_all_there_have_no_list(bench: Bench, bind: Bind) -> None:
    make(bind, CNAMES)
    first, again = (results_of(bench, NAME)[0] for _ in range(2))
    assert "operator" not in first and "operator" not in again
    assert (again["exit_code"], again["error"], again["unchanged"]) == (0, None, True)


@pytest.mark.parametrize("domain", [f"*.{ZONE}", ZONE])
def test_the_apex_of_a_zone_cannot_be_delegated(bench: Bench, bind: Bind, domain: str) -> None:
    for command in (PLAN, APPLY):
        done = bench.run(*command, DOMAINS=domain)
        assert done.returncode == BAD_CONFIG
        assert f"{ZONE} is the apex of its zone, where no CNAME can stand" in done.stderr
        assert (ZONE, f"{ZONE}.{ELSEWHERE}") not in ZONE_LINE.findall(done.stdout)


def test_dns_does_not_decide_where_the_challenge_goes(bench: Bench, bind: Bind) -> None:
    """The name is known from the settings, whatever stands at the operator's."""
    make(bind, {f"_acme-challenge.{NAME}": f"_acme-challenge.other.{ELSEWHERE}"})
    bench.ok("auth", **challenge(NAME, "the-value"))
    assert bind.query(f"_acme-challenge.{NAME}.{ELSEWHERE}", "TXT") == ["the-value"]
    assert bind.query(f"_acme-challenge.other.{ELSEWHERE}", "TXT") == []


@pytest.mark.parametrize("check", ["resolvers", "off"])
def test_resolvers_alone_show_the_cnames(bench: Bench, bind: Bind, check: str) -> None:
    asked = {"PROPAGATION_CHECK": check}
    assert dict(ZONE_LINE.findall(bench.run(*APPLY, **asked).stdout)) == CNAMES
    make(bind, CNAMES)
    bench.ok(*APPLY, **asked)
    apex = bench.run(*APPLY, DOMAINS=f"*.{ZONE}", **asked)
    assert apex.returncode == BAD_CONFIG and "apex" in apex.stderr


def test_servers_that_differ_are_waited_for(tmp_path: Path) -> None:
    zones = (ZONE, ELSEWHERE)
    with Bind(tmp_path / "bind", zones, closed=(ZONE,), second=True) as bind:
        bench = rfc2136_bench(tmp_path, bind, **DELEGATED)
        with bind.second.held():
            make(bind, CNAMES)
            (told,) = results_of(bench, NAME)
            assert told["exit_code"] == TRY_LATER
            assert "but not at all servers" in str(told["error"])
        for name in CNAMES:
            wait_until(lambda n=name: bind.second.query(n, "CNAME"), what=f"{name} to be seen")
        bench.ok(*APPLY)


# ---- as it was reported of others


def test_wildcards_on_either_side_lead_nowhere(bench: Bench, bind: Bind) -> None:
    """Their CNAMEs look like the operator's own."""
    bind.add(f"*.{ZONE}.", 60, "CNAME", f"www.{ZONE}.")
    bind.add(f"*.{ELSEWHERE}.", 60, "CNAME", f"www.{ELSEWHERE}.")
    (told,) = results_of(bench, NAME)
    assert told["exit_code"] == TRY_LATER
    assert f"{NAME} is a CNAME to www.{ZONE}" in str(told["error"])
    make(bind, CNAMES)
    bench.ok(*APPLY)
    bench.ok("preflight", "--account-uri", ACCOUNT)
    _challenge(bench, bind, challenge(NAME, "the-value"))


def test_the_case_of_a_target_does_not_matter(bench: Bench, bind: Bind) -> None:
    make(bind, {name: target.upper() for name, target in CNAMES.items()})
    bench.ok(*APPLY)


def test_caa_above_the_name_does_not_count(bench: Bench, bind: Bind) -> None:
    """The CNAME leads past it, once the records are there."""
    bind.add(f"{ZONE}.", 60, "CAA", '0 issue "other.test"')
    make(bind, CNAMES)
    refused = bench.run("preflight", "--account-uri", ACCOUNT)
    assert refused.returncode == FAILED and "other.test" in refused.stderr
    bench.ok(*APPLY)
    bench.ok("preflight", "--account-uri", ACCOUNT)


def test_part_of_a_zone_is_enough(bench: Bench, bind: Bind) -> None:
    """The setting need not be a zone's apex."""
    deeper = {name: target.replace(ELSEWHERE, f"app1.{ELSEWHERE}") for name, target in CNAMES.items()}
    make(bind, deeper)
    extra = {"DELEGATION_ZONE": f"app1.{ELSEWHERE}"}
    bench.ok(*APPLY, **extra)
    bench.ok("preflight", "--account-uri", ACCOUNT, **extra)
    assert bind.query(f"{NAME}.app1.{ELSEWHERE}", "A") == ["127.0.0.1"]


def test_a_txt_record_beside_the_cname_hides_it(bench: Bench, bind: Bind) -> None:
    """A CA asks for TXT, and some servers then do not show it the CNAME."""
    make(bind, CNAMES)
    bench.ok(*APPLY)
    name = f"_acme-challenge.{NAME}"

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        if asked.name.to_text(omit_final_dot=True) != name or asked.rdtype != dns.rdatatype.TXT:
            return answer
        shown = dns.message.make_response(question)
        shown.flags = answer.flags
        shown.answer = [dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", '"older"')]
        return shown

    with DnsProxy(bind.first, "127.0.0.3") as proxy:
        bind.add(f"ns1.{ZONE}.", 60, "A", "127.0.0.3")
        bind.delete(f"ns1.{ZONE}.", "A", "127.0.0.1")
        proxy.react = react
        ordered = bench.run("preflight", "--account-uri", ACCOUNT)
    assert ordered.returncode == TRY_LATER
    assert f"{name} has a TXT record beside the CNAME" in ordered.stderr


@pytest.mark.parametrize("first", ["knows it", "remembers that there is none"])
def test_a_resolver_that_asked_too_early_is_not_believed(
    bench: Bench, bind: Bind, first: str
) -> None:
    make(bind, CNAMES)
    bench.ok(*APPLY)

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0].name.to_text(omit_final_dot=True)
        if asked not in CNAMES:
            return answer
        none = dns.message.make_response(question)
        none.flags = answer.flags
        none.set_rcode(dns.rcode.NXDOMAIN)
        return none

    with DnsProxy(bind.first, "127.0.0.3") as proxy:
        proxy.react = react
        resolvers = [bind.server, f"127.0.0.3:{bind.port}"]
        if first != "knows it":
            resolvers.reverse()
        asked = {"DNS_RESOLVERS": ",".join(resolvers), "PROPAGATION_CHECK": "resolvers"}
        bench.ok(*APPLY, **asked)


# ---- without the variable: what somebody else has made counts as well


PLAIN = {"DOMAINS": NAME, "SET_CAA": "false"}
APART = {"RFC2136_ZONE": ELSEWHERE}


@pytest.fixture(name="apart", params=["credentials for another zone", "a key that may not write"])
def _apart(request: pytest.FixtureRequest, tmp_path: Path, bind: Bind) -> Bench:
    """In the second case the server holds the zone, and refuses what is to be written."""
    more = APART if request.param.startswith("credentials") else {}
    return rfc2136_bench(tmp_path, bind, **PLAIN, **more)


@pytest.mark.parametrize(
    "alias",
    [("CNAME", "gateway.demo.test."), ("CNAME", "by.deleg.test."), ("A", "127.0.0.1")],
)  # fmt: skip
def test_records_by_somebody_else_are_enough(
    apart: Bench, bind: Bind, alias: tuple[str, str]
) -> None:
    bind.add(f"by.{ELSEWHERE}.", 60, "CNAME", "gateway.demo.test.")
    bind.add(f"there.{ELSEWHERE}.", 60, "TXT", APP_ADDRESS)
    bind.add(f"{NAME}.", 60, *alias)
    bind.add(f"_dstack-app-address.{NAME}.", 60, "CNAME", f"there.{ELSEWHERE}.")
    bind.add(f"_acme-challenge.{NAME}.", 60, "CNAME", f"_acme-challenge.{NAME}.{ELSEWHERE}.")
    before = [bind.snapshot(zone) for zone in (ZONE, ELSEWHERE)]
    for command in ("plan", "apply"):
        assert apart.ok(command).count("made by somebody else") == 2
    (told,) = results_of(apart, NAME)
    # That they are there does not tell that this app has been here before.
    assert (told["exit_code"], told["unchanged"]) == (0, False)
    apart.ok("preflight")
    assert [bind.snapshot(zone) for zone in (ZONE, ELSEWHERE)] == before


def test_what_is_missing_there_is_told(apart: Bench, bind: Bind) -> None:
    bind.add(f"there.{ELSEWHERE}.", 60, "TXT", "another:443")
    bind.add(f"{NAME}.", 60, "A", "192.0.2.1")
    bind.add(f"_dstack-app-address.{NAME}.", 60, "CNAME", f"there.{ELSEWHERE}.")
    (told,) = results_of(apart, NAME)
    records = [
        {key: value for key, value in record.items() if key != "note"}
        for record in told["operator"]  # type: ignore[attr-defined]
    ]
    alias = {"type": "CNAME", "name": NAME, "value": "gateway.demo.test", "exact": False}
    txt = {
        "type": "TXT", "name": f"_dstack-app-address.{NAME}", "value": APP_ADDRESS, "exact": True,
    }  # fmt: skip
    assert records == [alias, txt]
    is_key_refused = "RFC2136_ZONE" not in apart.variables
    assert told["exit_code"] == (BAD_CONFIG if is_key_refused else TRY_LATER)
    done = apart.run("apply")
    assert f"{NAME} has A 192.0.2.1" in done.stdout


def test_a_pin_by_somebody_else_is_enough(tmp_path: Path, bind: Bind) -> None:
    bench = rfc2136_bench(tmp_path, bind, **{**DELEGATED, "DELEGATION_ZONE": ""}, **APART)
    caa = (*APPLY, "--only", "caa")
    done = bench.run(*caa)
    assert done.returncode == TRY_LATER
    assert f"{NAME}. 3600 IN CAA {PIN}" in done.stdout
    bind.add(f"{NAME}.", 60, "CAA", PIN)
    assert "made by somebody else" in bench.ok(*caa)


def test_a_failure_at_one_name_stops_no_other(tmp_path: Path, bind: Bind) -> None:
    bench = rfc2136_bench(tmp_path, bind, **APART, SET_CAA="false")
    domains = [f"{n}.{ZONE}" for n in "abcd"] + [f"own.{ELSEWHERE}"]
    done = bench.run("apply", DOMAINS=",".join(domains))
    assert done.returncode == TRY_LATER
    assert bind.query(f"own.{ELSEWHERE}", "CNAME") == ["gateway.demo.test."]
    assert done.returncode != FAILED and "gave up" not in done.stderr
