"""ingress-dns plan, apply, list, set-txt and del-txt against BIND (RFC 2136)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.acme_directory import AcmeDirectory
from support.bind import Bind, Record
from support.pebble import Pebble

from .dns_bench import (
    ACCOUNT,
    APP_ID,
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    PROGRAM,
    TRY_LATER,
    USAGE,
    Bench,
    rfc2136_bench,
)

TXT_NAME = "_dstack-app-address.app.demo.test"
PIN = f"ca.demo.test; validationmethods=dns-01; accounturi={ACCOUNT}"


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind)


@pytest.fixture(name="ca")
def _ca(tmp_path: Path, bind: Bind) -> Iterator[dict[str, str]]:
    """The settings for a CA that has a name in CAA records."""
    with (
        Pebble(tmp_path / "pebble", bind.server) as pebble,
        AcmeDirectory(pebble, ("ca.demo.test",)) as directory,
    ):
        yield {
            "SET_CAA": "true",
            "ACME_SERVER": directory.url,
            "ACME_CA_BUNDLE": str(pebble.ca_bundle),
        }


def changed(before: frozenset[Record], after: frozenset[Record]) -> tuple[set[str], set[str]]:
    """What is gone and what is new, as "NAME TYPE RDATA"."""
    return (
        {f"{name} {kind} {text}" for name, _, kind, text in before - after},
        {f"{name} {kind} {text}" for name, _, kind, text in after - before},
    )


# ---- plan and apply


def test_a_plan_tells_and_does_nothing(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    told = bench.ok("plan")
    assert "+ CNAME gateway.demo.test" in told
    assert f'+ TXT "{APP_ID}:443"' in told
    assert "Plan: 2 to add, 0 to change, 0 to remove." in told
    assert bind.snapshot("demo.test") == before
    assert not bench.notes.exists() or not list(bench.notes.iterdir())


def test_addresses_where_another_record_stands(bench: Bench, bind: Bind) -> None:
    bind.add("app.demo.test.", 60, "TXT", "google-site-verification=x")
    told = bench.ok("apply", "--only", "alias")
    assert "a CNAME cannot stand beside the other records there" in told
    assert bind.query("app.demo.test", "A") == ["127.0.0.1"]
    assert bind.query("app.demo.test", "AAAA") == ["::1"]
    assert bind.query("app.demo.test", "TXT") == ["google-site-verification=x"]


def test_a_wildcard_does_not_hide_what_is_missing(bench: Bench, bind: Bind) -> None:
    """Queries for names that do not exist are answered by *.demo.test; records are not there."""
    bench.ok("apply", DOMAINS="*.demo.test")
    assert bind.query("*.demo.test", "CNAME") == ["gateway.demo.test."]
    told = bench.ok("apply", DOMAINS="*.demo.test,app.demo.test")
    assert "Applied: 2 added" in told
    assert bind.query(TXT_NAME, "TXT") == [f"{APP_ID}:443", "not an app address"]
    assert "Applied: 2 added" in bench.ok("apply", DOMAINS="new.demo.test,*.demo.test")


def test_a_stale_app_address_is_replaced(bench: Bench, bind: Bind) -> None:
    bind.add(TXT_NAME + ".", 60, "TXT", "ffff:443")
    bind.add(TXT_NAME + ".", 60, "TXT", "eeee:8443")
    bench.ok("apply", "--only", "txt")
    assert bind.query(TXT_NAME, "TXT") == [f"{APP_ID}:443", "not an app address"]
    bench.ok("apply", "--only", "txt", PORT="8443")
    assert bind.query(TXT_NAME, "TXT") == [f"{APP_ID}:8443", "not an app address"]


def test_a_value_that_comes_back_is_another_instances(bench: Bench, bind: Bind) -> None:
    warned = "two instances share this name"
    for turn in range(2):
        bind.delete(TXT_NAME + ".", "TXT")
        bind.add(TXT_NAME + ".", 60, "TXT", "ffff:443")
        told = bench.ok("apply", "--only", "txt")
        assert (f"! ffff:443 was replaced before and is back: {warned}" in told) == (turn == 1)
        assert "Applied: 0 added, 1 changed" in told
    assert warned not in bench.ok("apply", "--only", "txt")


def test_a_text_beside_the_app_address_is_warned_of(bench: Bench, bind: Bind) -> None:
    told = bench.ok("apply", "--only", "txt")
    assert '! another TXT record stands here ("not an app address")' in told
    bind.delete(TXT_NAME + ".", "TXT", "not an app address")
    assert bench.ok("apply", "--only", "txt") == "No changes.\n"


def test_additions_leave_the_ttl_of_others_alone(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    bench.ok("apply", "--only", "txt")
    assert before <= bind.snapshot("demo.test"), "with their TTLs"


def test_one_name_in_the_way_does_not_stop_the_others(bench: Bench, bind: Bind) -> None:
    bind.add("_dstack-app-address.one.demo.test.", 60, "CNAME", "elsewhere.test.")
    result = bench.run("apply", DOMAINS="one.demo.test,two.demo.test")
    assert result.returncode == FAILED
    assert "is a CNAME (to elsewhere.test)" in result.stdout
    assert "is a CNAME (to elsewhere.test)" in result.stderr
    assert bind.query("_dstack-app-address.two.demo.test", "TXT") == [f"{APP_ID}:443"]
    assert bind.query("_dstack-app-address.one.demo.test", "CNAME") == ["elsewhere.test."]


def results_of(bench: Bench, folder: Path, *names: str, **extra: str) -> list[dict[str, object]]:
    """What --results-fd gets for `names`; the run itself ends well."""
    told = folder / "results"
    with told.open("wb") as results:
        command = [PROGRAM, "apply", "--results-fd", str(results.fileno()), *names]
        environment = bench.environment(DOMAINS=",".join(names), **extra)
        subprocess.run(command, env=environment, pass_fds=(results.fileno(),), check=True)
    return [json.loads(line) for line in told.read_text().splitlines()]


def test_each_of_several_domains_has_its_own_result(
    bench: Bench, bind: Bind, tmp_path: Path
) -> None:
    bind.add("_dstack-app-address.two.demo.test.", 60, "CNAME", "elsewhere.test.")
    names = ("one.demo.test", "two.demo.test", "app.nobodys.test", "three.demo.test")
    one, two, nobodys, three = results_of(bench, tmp_path, *names)
    done = {"exit_code": 0, "error": None, "retry_after": 0, "unchanged": False}
    assert one == {"domain": names[0], **done}
    assert (two["domain"], two["exit_code"]) == (names[1], FAILED)
    assert "is a CNAME (to elsewhere.test)" in str(two["error"])
    assert (nobodys["domain"], nobodys["exit_code"]) == (names[2], TRY_LATER)
    assert (three["domain"], three["exit_code"]) == (names[3], 0)
    assert bind.query("_dstack-app-address.three.demo.test", "TXT") == [f"{APP_ID}:443"]
    again = results_of(bench, tmp_path, names[0], names[1])
    assert [r["unchanged"] for r in again] == [True, False]


def test_what_hinders_all_of_them_is_the_result_of_each(bench: Bench, tmp_path: Path) -> None:
    """The id is not known here."""
    results = results_of(bench, tmp_path, "one.demo.test", "two.demo.test", APP_ID="")
    assert [(r["domain"], r["exit_code"]) for r in results] == [
        ("one.demo.test", BAD_CONFIG),
        ("two.demo.test", BAD_CONFIG),
    ]
    assert all("APP_ID is not set" in str(r["error"]) for r in results)


def test_only_the_domains_named(bench: Bench, bind: Bind) -> None:
    bench.ok("apply", "Two.demo.test", DOMAINS="one.demo.test,two.demo.test")
    assert bind.query("one.demo.test", "CNAME") == []
    assert bind.query("two.demo.test", "CNAME") == ["gateway.demo.test."]


def test_a_zone_of_nobody_is_a_sentence(bench: Bench) -> None:
    result = bench.run("apply", DOMAINS="app.other.test")
    assert result.returncode == TRY_LATER
    assert "reach no zone that holds app.other.test" in result.stdout
    assert "2 of 2 names could not be brought up to date" in result.stderr


def test_a_delegated_child_shadows_its_parent(tmp_path: Path) -> None:
    """BIND takes updates below a zone cut in silence, and nobody would ever see them."""
    records = {"demo.test": "sub NS ns1.sub\nns1.sub A 127.0.0.1"}
    with Bind(tmp_path / "bind", records=records) as bind:
        bench = rfc2136_bench(tmp_path, bind)
        before = bind.snapshot("demo.test")
        result = bench.run("apply", DOMAINS="app.sub.demo.test")
        assert result.returncode == TRY_LATER
        assert "delegated" in result.stderr
        assert bind.snapshot("demo.test") == before


def test_the_longest_zone_is_chosen(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind", ("demo.test", "sub.demo.test")) as bind:
        bench = rfc2136_bench(tmp_path, bind)
        before = bind.snapshot("demo.test")
        bench.ok("apply", DOMAINS="app.sub.demo.test")
        assert bind.snapshot("demo.test") == before
        assert bind.query("app.sub.demo.test", "CNAME") == ["gateway.demo.test."]


def test_the_txt_record_needs_an_app_id(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    result = bench.run("apply", APP_ID="")
    assert result.returncode == BAD_CONFIG
    assert "APP_ID" in result.stderr
    assert bind.snapshot("demo.test") == before
    bench.ok("apply", "--only", "alias", APP_ID="")


# ---- CAA


def test_caa_pins_the_account(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    told = bench.ok("apply", "--account-uri", ACCOUNT, **ca)
    assert "a CAA record has to stand there" in told
    assert bind.query("app.demo.test", "CAA") == [f'0 issue "{PIN}"']
    assert bind.query("app.demo.test", "A") == ["127.0.0.1"]
    assert "No changes.\n" in bench.ok("apply", "--account-uri", ACCOUNT, **ca)


def test_a_cname_becomes_addresses_for_caa(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    bench.ok("apply")
    caa_only = bench.run("apply", "--only", "caa", "--account-uri", ACCOUNT, **ca)
    assert caa_only.returncode == FAILED
    assert "no CAA record can stand there" in caa_only.stdout
    assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
    bench.ok("apply", "--account-uri", ACCOUNT, **ca)
    assert bind.query("app.demo.test", "CNAME") == []
    assert bind.query("app.demo.test", "A") == ["127.0.0.1"]
    assert bind.query("app.demo.test", "CAA") == [f'0 issue "{PIN}"']


def test_a_new_account_replaces_the_old_one(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    bind.add("app.demo.test.", 60, "CAA", '0 issue "other-ca.test"')
    bench.ok("apply", "--account-uri", "https://ca.demo.test/acme/acct/1", **ca)
    told = bench.ok("apply", "--account-uri", ACCOUNT, **ca)
    assert told.index(f'+ CAA 0 issue "{PIN}"') < told.index("- CAA ")
    assert "! CAA 0 issue \"other-ca.test\"" in told
    assert bind.query("app.demo.test", "CAA") == sorted(
        [f'0 issue "{PIN}"', '0 issue "other-ca.test"']
    )


def test_a_wildcard_is_pinned_by_both_tags(bench: Bench, bind: Bind, ca: dict[str, str]) -> None:
    told = bench.ok("apply", "--account-uri", ACCOUNT, DOMAINS="*.demo.test", **ca)
    assert "keeps every CA from issuing for demo.test itself" in told
    assert bind.query("demo.test", "CAA") == ['0 issue ";"', f'0 issuewild "{PIN}"']
    bench.ok("apply", "--account-uri", ACCOUNT, DOMAINS="*.demo.test,demo.test", **ca)
    assert f'0 issue "{PIN}"' in bind.query("demo.test", "CAA")


def test_an_old_pin_goes_in_whatever_letters_its_tag_is(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    old = PIN.replace(ACCOUNT, ACCOUNT + "0")
    bind.add("app.demo.test.", 60, "CAA", f'0 IsSue "{old}"')
    bench.ok("apply", "--account-uri", ACCOUNT, "--only", "caa", **ca)
    assert bind.query("app.demo.test", "CAA") == [f'0 issue "{PIN}"']


def test_another_spelling_of_the_pin_is_corrected(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    """CAs compare the issuer letter by letter."""
    bind.add("app.demo.test.", 60, "CAA", f'0 issue "{PIN.replace("ca.", "CA.", 1)}"')
    told = bench.ok("apply", "--account-uri", ACCOUNT, "--only", "caa", **ca)
    assert "another spelling of the pin" in told
    assert bind.query("app.demo.test", "CAA") == [f'0 issue "{PIN}"']
    bench.ok("preflight", "--account-uri", ACCOUNT, "app.demo.test", **ca)


def test_however_many_weaken_the_pin_each_is_told(
    bench: Bench, bind: Bind, ca: dict[str, str]
) -> None:
    for i in range(90):
        bind.add("app.demo.test.", 60, "CAA", f'0 issue "ca{i}.example; note={"x" * 610}"')
    told = bench.ok("apply", "--account-uri", ACCOUNT, "--only", "caa", **ca)
    assert told.count("weakens the pin") == 90
    again = bench.ok("plan", "--account-uri", ACCOUNT, "--only", "caa", **ca)
    assert again.count("weakens the pin") == 90


def test_a_delegation_that_cannot_be_checked_is_told(bench: Bench) -> None:
    told = bench.ok("plan", "--only", "txt", DNS_RESOLVERS="127.0.0.1:1")
    assert told.startswith("! cannot check whether demo.test is delegated to the provider: ")
    assert told.count("cannot check") == 1
    assert f'+ TXT "{APP_ID}:443"' in told


def test_caa_needs_to_know_the_account(bench: Bench, ca: dict[str, str]) -> None:
    result = bench.run("apply", **ca)
    assert result.returncode == USAGE
    assert "--account-uri" in result.stderr
    for wrong in ("acct/7", "https://ca.test/a;b", "https://ca.test/a b"):
        assert bench.run("apply", "--account-uri", wrong, **ca).returncode == USAGE
    bench.ok("apply", "--only", "alias,txt", **ca)


def test_a_ca_without_a_name_cannot_be_pinned(
    tmp_path: Path, bench: Bench, bind: Bind
) -> None:
    before = bind.snapshot("demo.test")
    with (
        Pebble(tmp_path / "pebble", bind.server) as pebble,
        AcmeDirectory(pebble, ()) as directory,
    ):
        result = bench.run(
            "apply",
            "--account-uri",
            ACCOUNT,
            SET_CAA="true",
            ACME_SERVER=directory.url,
            ACME_CA_BUNDLE=str(pebble.ca_bundle),
        )
    assert result.returncode == BAD_CONFIG
    assert "SET_CAA" in result.stderr
    assert bind.snapshot("demo.test") == before


def test_caa_is_left_alone_unless_asked_for(bench: Bench) -> None:
    assert "left alone" in bench.ok("apply", "--only", "caa")


# ---- by hand


def test_by_hand(bench: Bench, bind: Bind) -> None:
    value = 'say "hi" \\ ü'
    assert "added" in bench.ok("set-txt", "by_hand.demo.test", value)
    assert "already" in bench.ok("set-txt", "by_hand.demo.test", value)
    assert "added" in bench.ok("set-txt", "by_hand.demo.test", "second")
    assert len(bind.query("by_hand.demo.test", "TXT")) == 2
    listed = bench.ok("list", "by_hand.demo.test", "txt")
    assert 'by_hand.demo.test. 300 IN TXT "second"' in listed
    assert "removed" in bench.ok("del-txt", "by_hand.demo.test", value)
    assert "not there" in bench.ok("del-txt", "by_hand.demo.test", value)
    assert bind.query("by_hand.demo.test", "TXT") == ["second"]


def test_listing_shows_every_type(bench: Bench) -> None:
    listed = bench.ok("list", "demo.test")
    for part in ('TXT "v=spf1 -all"', "MX 10 mail.elsewhere.test.", "SOA ", "NS "):
        assert part in listed
    assert "; no record at nothing.demo.test" in bench.ok("list", "nothing.demo.test")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bogus"],
        ["apply", "--only"],
        ["apply", "--only", "alias,mx"],
        ["apply", "--only", ""],
        ["apply", "--force"],
        ["apply", "not-configured.demo.test"],
        ["list"],
        ["list", "a", "b", "c"],
        ["list", "a..b"],
        ["set-txt", "x.demo.test"],
        ["set-txt", "x.demo.test", "two\nlines"],
        ["del-txt"],
        ["auth", "x"],
        ["auth"],
        ["cleanup", "--everything"],
    ],
)
def test_wrong_usage(bench: Bench, arguments: list[str]) -> None:
    result = bench.run(*arguments)
    assert result.returncode == USAGE
    assert result.stderr != ""


def test_help_and_version_need_no_settings(bench: Bench) -> None:
    nothing = Bench(bench.folder, {"GATEWAY_DOMAIN": "", "DOMAINS": ""})
    assert nothing.ok("--version").startswith("ingress-dns ")
    assert "apply" in nothing.ok("--help")
    result = nothing.run("plan")
    assert result.returncode == BAD_CONFIG
    assert "DOMAIN" in result.stderr
