"""What every DNS provider has to do, put to each in the same words.

Behind each stands an emulator that enforces what the provider's own API enforces (for rfc2136,
BIND itself), and behind that BIND, which shows what the world gets to see. What is peculiar to one
provider is in the folder of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.dns_api import DnsApi
from support.process import wait_until

from .dns_bench import (
    ACCOUNT,
    APP_ID,
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    api_bench,
    challenge,
)
from .dns_contract import HTTP_FAULTS, HTTP_PROVIDERS, PROVIDERS, Provider
from .exec_program import ExecApi

ZONE = "demo.test"
APP = f"app.{ZONE}"
TXT_NAME = f"_dstack-app-address.{APP}"
NAME = f"_acme-challenge.new.{ZONE}"
CHALLENGE = challenge(f"new.{ZONE}", "v")

# Let's Encrypt's names are known; its directory cannot be reached from a test.
WITH_CAA = {
    "SET_CAA": "true",
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
    "no_proxy": "127.0.0.1",
}

every_provider = pytest.mark.parametrize("name", PROVIDERS)
every_http_provider = pytest.mark.parametrize("name", HTTP_PROVIDERS)
every_provider_and_exec = pytest.mark.parametrize("name", [*PROVIDERS, ExecApi.provider])


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", (ZONE, "acme.test"), records={ZONE: FOREIGN}) as started:
        yield started


@pytest.fixture(name="provider")
def _provider(name: str) -> Provider:
    return PROVIDERS[name]


@pytest.fixture(name="api")
def _api(name: str, tmp_path: Path, bind: Bind) -> Iterator[DnsApi | ExecApi]:
    made = ExecApi(tmp_path, bind) if name == ExecApi.provider else PROVIDERS[name].open(bind)
    with made as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: DnsApi) -> Bench:
    return api_bench(tmp_path, bind, api)


def shows(bind: Bind, name: str, kind: str, *values: str) -> None:
    """Whether the world gets to see just these values, if need be after a while."""
    expected = sorted(values)
    wait_until(
        lambda: seen(bind, name, kind) == expected,
        what=f"{kind} of {name} to be {expected}",
        detail=lambda: f"it is {seen(bind, name, kind)}",
    )


def seen(bind: Bind, name: str, kind: str) -> list[str]:
    """White space between the parts of a CAA value is the provider's."""
    return sorted(value.replace("; ", ";") for value in bind.query(name, kind))


def only_added(before: list[str], after: list[str]) -> list[str]:
    """What is new; nothing is gone."""
    assert [line for line in before if line not in after] == []
    return [line for line in after if line not in before]


# ---- alias, TXT and CAA records


@every_provider
def test_a_plan_writes_nothing(bench: Bench, api: DnsApi, provider: Provider) -> None:
    assert "Plan: 2 to add, 0 to change, 0 to remove." in bench.ok("plan")
    assert provider.writes(api) == 0


@every_provider
def test_applying_makes_the_records_once(
    bench: Bench, bind: Bind, api: DnsApi, provider: Provider
) -> None:
    before = api.dump(ZONE)
    assert "Applied: 2 added, 0 changed, 0 removed." in bench.ok("apply")
    assert len(only_added(before, api.dump(ZONE))) == 2
    shows(bind, APP, "CNAME", "gateway.demo.test.")
    shows(bind, TXT_NAME, "TXT", f"{APP_ID}:443", "not an app address")
    api.forget_requests()
    assert bench.ok("apply").endswith("No changes.\n")
    assert provider.writes(api) == 0


@every_provider
@pytest.mark.parametrize(
    "present",
    [
        [("CNAME", "old.elsewhere.test.")],
        [("A", "192.0.2.7")],
        [("A", "192.0.2.7"), ("A", "192.0.2.8"), ("AAAA", "2001:db8::7")],
    ],
    ids=["CNAME", "address", "addresses"],
)
def test_what_the_domain_pointed_at_is_replaced(
    bench: Bench, bind: Bind, api: DnsApi, present: list[tuple[str, str]]
) -> None:
    before = api.dump(ZONE)
    for kind, value in present:
        api.seed_value(ZONE, kind, APP, value)
    told = bench.ok("apply", "--only", "alias")
    assert "~ " in told and "-> CNAME gateway.demo.test" in told
    assert len(only_added(before, api.dump(ZONE))) == 1
    shows(bind, APP, "CNAME", "gateway.demo.test.")
    assert bench.ok("apply", "--only", "alias") == "No changes.\n"


@every_provider
def test_the_apex_and_its_wildcard(
    bench: Bench, bind: Bind, api: DnsApi, provider: Provider
) -> None:
    before = api.dump(ZONE)
    aliases = ("apply", "--only", "alias")
    bench.ok(*aliases, DOMAINS=f"{ZONE},*.{ZONE}")
    new = only_added(before, api.dump(ZONE))
    shows(bind, f"*.{ZONE}", "CNAME", "gateway.demo.test.")
    if provider.cname_beside_others:  # BIND cannot show it
        assert len(new) == 2
    else:
        assert len(new) == 3
        shows(bind, ZONE, "A", "127.0.0.1")
        shows(bind, ZONE, "AAAA", "::1")
    assert bench.ok(*aliases, DOMAINS=f"{ZONE},*.{ZONE}") == "No changes.\n"


@every_provider
def test_caa_pins_the_account(bench: Bench, bind: Bind, name: str) -> None:
    pin = '0 issue "letsencrypt.org;validationmethods=dns-01;accounturi={}"'
    bench.ok("apply")
    bench.ok("apply", "--account-uri", ACCOUNT, **WITH_CAA)
    shows(bind, APP, "CAA", pin.format(ACCOUNT))
    assert bench.ok("apply", "--account-uri", ACCOUNT, **WITH_CAA).endswith("No changes.\n")
    bench.ok("apply", "--account-uri", ACCOUNT + "8", **WITH_CAA)
    shows(bind, APP, "CAA", pin.format(ACCOUNT + "8"))


@every_provider
def test_a_wildcard_alone_lets_nobody_else_issue(bench: Bench, bind: Bind, name: str) -> None:
    bench.ok("apply", "--account-uri", ACCOUNT, DOMAINS=f"*.{ZONE}", **WITH_CAA)
    pin = f"letsencrypt.org;validationmethods=dns-01;accounturi={ACCOUNT}"
    shows(bind, ZONE, "CAA", '0 issue ";"', f'0 issuewild "{pin}"')


@every_provider
def test_many_values_at_one_name(bench: Bench, bind: Bind, api: DnsApi) -> None:
    """More than an API shows on one page."""
    for number in range(23):
        api.seed_value(ZONE, "TXT", TXT_NAME, f'"{number:04x}:443"')
    bench.ok("apply", "--only", "txt")
    shows(bind, TXT_NAME, "TXT", f"{APP_ID}:443", "not an app address")


@every_provider
@pytest.mark.parametrize("value", ["a + b & c=%", "k" * 400], ids=["odd", "long"])
def test_values_by_hand(bench: Bench, bind: Bind, api: DnsApi, value: str) -> None:
    name, before = f"x.{ZONE}", api.dump(ZONE)
    assert "added" in bench.ok("set-txt", name, value)
    assert "is there already" in bench.ok("set-txt", name, value)
    shows(bind, name, "TXT", value)
    assert " TXT " in bench.ok("list", name)
    assert "removed" in bench.ok("del-txt", name, value)
    assert api.dump(ZONE) == before


@every_provider
def test_no_zone(bench: Bench, api: DnsApi, provider: Provider) -> None:
    result = bench.run("apply", DOMAINS="app.nowhere.test")
    assert result.returncode == TRY_LATER  # somebody else may make the records
    assert "reach no zone that holds app.nowhere.test" in result.stdout
    assert provider.writes(api) == 0


# ---- challenges


@every_provider_and_exec
def test_a_challenge_comes_and_goes(bench: Bench, bind: Bind, api: DnsApi) -> None:
    before = api.dump(ZONE)
    bench.ok("auth", **CHALLENGE)
    shows(bind, NAME, "TXT", "v")
    assert bench.noted() == ["v"]
    bench.ok("set-txt", NAME, "w")
    bench.ok("cleanup", **CHALLENGE)
    shows(bind, NAME, "TXT", "w")
    assert bench.noted() == []
    bench.ok("del-txt", NAME, "w")
    assert api.dump(ZONE) == before


@every_provider_and_exec
def test_a_challenge_delegated_by_cname(bench: Bench, bind: Bind, api: DnsApi) -> None:
    api.seed_value(ZONE, "CNAME", NAME, "new.acme.test.")
    # A program cannot show the CNAME, so that the setting has to allow it.
    bench.ok("auth", **CHALLENGE, CHALLENGE_TARGETS="acme.test")
    shows(bind, "new.acme.test", "TXT", "v")
    bench.ok("cleanup", **CHALLENGE)
    shows(bind, "new.acme.test", "TXT")


@every_provider
def test_a_refused_write_is_told_and_leaves_no_note(
    bench: Bench, api: DnsApi, provider: Provider
) -> None:
    before = api.dump(ZONE)
    api.fault(match=provider.write, times=None, **provider.refusal)
    result = bench.run("auth", **CHALLENGE)
    status, words = provider.refused
    assert words in result.stderr
    assert result.returncode == status
    assert (bench.noted(), api.dump(ZONE)) == ([], before)


@every_http_provider
@pytest.mark.parametrize("kind", ["closed", "reset"])
def test_a_write_whose_answer_was_lost_is_made_once(
    bench: Bench, bind: Bind, api: DnsApi, provider: Provider, kind: str
) -> None:
    """It is repeated, or looked for. (rfc2136 does neither: what may be there stays noted.)"""
    before = api.dump(ZONE)
    for arguments, values in ((["auth"], ["v"]), (["cleanup"], [])):
        fault = api.fault(kind, provider.write, times=1, after=True)
        bench.ok(*arguments, **CHALLENGE)
        assert fault.hits == 1
        shows(bind, NAME, "TXT", *values)
        assert len(only_added(before, api.dump(ZONE))) == len(values)


@every_provider
def test_a_write_that_may_have_been_done_stays_noted(
    bench: Bench, bind: Bind, api: DnsApi, provider: Provider
) -> None:
    """No answer, then none to any question, so that nobody can tell."""
    before = api.dump(ZONE)
    api.fault("closed", provider.write, times=1, after=True, call=lambda: hide(api))
    result = bench.run("auth", **CHALLENGE)
    assert result.returncode == UNREACHABLE, result.stderr
    assert bench.noted() == ["v"]
    api.clear_faults()
    bench.ok("cleanup", "--all")
    shows(bind, NAME, "TXT")
    assert (bench.noted(), api.dump(ZONE)) == ([], before)


def hide(api: DnsApi) -> None:
    api.fault("closed", times=None)


# ---- credentials


@every_provider
def test_wrong_credentials(bench: Bench, api: DnsApi, provider: Provider) -> None:
    bench.secrets = [*bench.secrets, *provider.wrong_credentials.values()]
    result = bench.run("apply", **provider.wrong_credentials)
    assert result.returncode == BAD_CONFIG
    assert provider.writes(api) == 0


@every_provider
def test_credentials_stay_where_they_are(bench: Bench, api: DnsApi, provider: Provider) -> None:
    """In no address; and bench.run looks for them in all that is said, on every path."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    for secret in api.credentials:
        assert secret not in repr([r.target for r in api.requests()])
        api.fault(times=None, **provider.echo(secret))
        result = bench.run("apply", LOG_LEVEL="debug")
        assert result.returncode in (BAD_CONFIG, UNREACHABLE)
        api.clear_faults()


# ---- answers that are none


@every_http_provider
@pytest.mark.parametrize("where", ["find_zone", "list_records"])
@pytest.mark.parametrize("fault", HTTP_FAULTS)
def test_a_failed_read_means_no_write(
    bench: Bench, api: DnsApi, provider: Provider, fault: str, where: str
) -> None:
    arguments, statuses, words = HTTP_FAULTS[fault]
    before = api.dump(ZONE)
    api.fault(match=getattr(provider, where), times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stderr
    assert result.returncode in statuses, result.stderr
    assert (provider.writes(api), api.dump(ZONE)) == (0, before)


@every_http_provider
def test_an_api_that_is_down(bench: Bench, api: DnsApi, name: str) -> None:
    api.down()
    try:
        result = bench.run("apply")
        assert result.returncode == UNREACHABLE
    finally:
        api.up()


@every_http_provider
@pytest.mark.parametrize("where", ["find_zone", "list_records", "write"])
def test_a_call_that_is_repeated_does_not_end_the_run(
    bench: Bench, bind: Bind, api: DnsApi, provider: Provider, where: str
) -> None:
    fault = api.fault("status", getattr(provider, where), times=1, status=429, body="")
    bench.ok("apply", DOMAINS=f"{APP},two.{ZONE}")
    assert fault.hits == 1
    for domain in (APP, f"two.{ZONE}"):
        shows(bind, domain, "CNAME", "gateway.demo.test.")
    shows(bind, f"_dstack-app-address.two.{ZONE}", "TXT", f"{APP_ID}:443")
    shows(bind, TXT_NAME, "TXT", f"{APP_ID}:443", "not an app address")
