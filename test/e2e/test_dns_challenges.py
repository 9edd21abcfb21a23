"""ingress-dns auth and cleanup: the life of a challenge value, against BIND (RFC 2136)."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.process import Child, wait_until

from .dns_bench import (
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    PROGRAM,
    TRY_LATER,
    UNREACHABLE,
    USAGE,
    Bench,
    challenge,
    rfc2136_bench,
)

NAME = "_acme-challenge.new.demo.test"
KILLS = 15
KILL_WINDOW = 0.15


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "bind", zones, records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind)


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> Iterator[Bind]:
    """Two servers, of which the second can be made to lag."""
    with Bind(tmp_path / "bind", second=True) as started:
        yield started


# ---- in and out


def test_doing_it_twice_is_fine(bench: Bench, bind: Bind) -> None:
    for _ in range(2):
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query(NAME, "TXT") == ["v"]
    for _ in range(2):
        bench.ok("cleanup", **challenge("new.demo.test", "v"))
        assert bind.query(NAME, "TXT") == []


def test_two_values_stand_at_one_name(bench: Bench, bind: Bind) -> None:
    """The apex and its wildcard are validated at the same name."""
    bind.add(NAME + ".", 1, "TXT", "somebody else's")
    bench.ok("auth", **challenge("new.demo.test", "of-the-apex"))
    bench.ok("auth", **challenge("*.new.demo.test", "of-the-wildcard"))
    assert bind.query(NAME, "TXT") == ["of-the-apex", "of-the-wildcard", "somebody else's"]
    bench.ok("cleanup", **challenge("new.demo.test", "of-the-apex"))
    assert bind.query(NAME, "TXT") == ["of-the-wildcard", "somebody else's"]
    bench.ok("cleanup", **challenge("new.demo.test", "of-the-wildcard"))
    assert bind.query(NAME, "TXT") == ["somebody else's"]


def test_what_was_cached_before_is_waited_for(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 2, "TXT", "old")
    begun = time.monotonic()
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == 0
    assert time.monotonic() - begun >= 2
    assert "caches" in result.stderr


def test_what_was_just_removed_is_waited_for_too(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 3, "TXT", "x")
    bench.ok("auth", **challenge("new.demo.test", "v"))
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    bind.delete(NAME + ".")
    result = bench.run("auth", **challenge("new.demo.test", "w"))
    assert result.returncode == 0
    assert "caches" in result.stderr


def test_only_what_is_noted_is_removed(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 60, "TXT", "v")
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert bind.query(NAME, "TXT") == ["v"]


def test_a_value_that_is_gone_is_forgotten(bench: Bench, bind: Bind) -> None:
    bench.ok("auth", **challenge("new.demo.test", "v"))
    bind.delete(NAME + ".")
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert bench.noted() == []


@pytest.mark.parametrize(
    ("domain", "value"),
    [("new.demo.test", ""), ("new.demo.test", 'a"b'), ("new demo", "v"), ("", "v"),
     ("new.demo.test", "v" * 256), ("192.0.2.1", "v")],
)
def test_what_certbot_never_says_is_refused(bench: Bench, domain: str, value: str) -> None:
    result = bench.run("auth", **challenge(domain, value))
    assert result.returncode == USAGE
    assert "CERTBOT_" in result.stderr


# ---- where it stands


def test_a_cname_leads_into_another_zone(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 60, "CNAME", "hop.demo.test.")
    bind.add("hop.demo.test.", 60, "CNAME", "new.acme.test.")
    before = bind.snapshot("demo.test")
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert bind.snapshot("demo.test") == before
    assert bind.query("new.acme.test", "TXT") == ["v"]
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert bind.query("new.acme.test", "TXT") == []


def test_a_wildcard_cname_leads_nowhere(bench: Bench, bind: Bind) -> None:
    """*.demo.test points at the gateway, and answers for _acme-challenge.demo.test too."""
    bind.add("*.demo.test.", 60, "CNAME", "gateway.elsewhere.test.")
    bench.ok("auth", **challenge("*.demo.test", "v"))
    assert bind.query("_acme-challenge.demo.test", "TXT") == ["v"]
    bench.ok("auth", **challenge("new.demo.test", "w"))
    assert bind.query(NAME, "TXT") == ["w"]


@pytest.mark.parametrize("by", ["a.acme.test.", "a.demo.test."])
def test_cnames_in_a_circle(bench: Bench, bind: Bind, by: str) -> None:
    """Within one zone BIND follows it until it gives up, and answers SERVFAIL."""
    bind.add(NAME + ".", 60, "CNAME", by)
    bind.add(by, 60, "CNAME", NAME + ".")
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "circle" in result.stderr
    assert bench.noted() == []


def test_a_cname_to_a_zone_of_others(bench: Bench, bind: Bind) -> None:
    bind.add(NAME + ".", 60, "CNAME", "x.elsewhere.test.")
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "x.elsewhere.test" in result.stderr
    assert bench.noted() == []


def test_a_challenge_zone_of_its_own(tmp_path: Path) -> None:
    zones = ("demo.test", "_acme-challenge.new.demo.test")
    with Bind(tmp_path / "bind", zones) as bind:
        bench = rfc2136_bench(tmp_path, bind)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query(NAME, "TXT") == ["v"]
        bench.ok("cleanup", "--all")
        assert bind.query(NAME, "TXT") == []


# ---- until all servers have it


def test_the_second_server_is_waited_for(tmp_path: Path, pair: Bind) -> None:
    bench = rfc2136_bench(tmp_path, pair, DOMAINS="new.demo.test")
    with pair.second.held():
        child = bench.start("auth", **challenge("new.demo.test", "v"))
        child.wait_for(
            lambda: "does not have it yet" in child.log_text(), what="a line about progress"
        )
        assert "ns2.demo.test (127.0.0.2:" in child.log_text()
        assert "ns1.demo.test" not in child.log_text()
        assert child.running
    assert child.wait(20.0) == 0


def test_giving_up_takes_the_value_back(tmp_path: Path, pair: Bind) -> None:
    bench = rfc2136_bench(tmp_path, pair, PROPAGATION_TIMEOUT="1")
    before = pair.snapshot("demo.test")
    with pair.second.held():
        result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == TRY_LATER
    assert "ns2.demo.test (127.0.0.2:" in result.stderr
    assert pair.snapshot("demo.test") == before
    assert bench.noted() == []


def test_a_server_that_is_down_throughout_is_gone_without(tmp_path: Path, pair: Bind) -> None:
    """Else one dead name server of two would keep a served name from being renewed."""
    bench = rfc2136_bench(tmp_path, pair, PROPAGATION_TIMEOUT="1")
    pair.second.stop()
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == 0, result.stderr
    assert "answer" in result.stderr
    assert pair.query(NAME, "TXT") == ["v"]


def test_a_silent_resolver_is_waited_for_once(bench: Bench, bind: Bind) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolvers = f"127.0.0.1:{silent.getsockname()[1]},{bind.server}"
        begun = time.monotonic()
        bench.ok("auth", DNS_RESOLVERS=resolvers, **challenge("new.demo.test", "v"))
        assert time.monotonic() - begun < 10
    assert bind.query(NAME, "TXT") == ["v"]


def test_nobody_to_ask(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    result = bench.run("auth", DNS_RESOLVERS="127.0.0.1:1", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert "cannot find the zone of new.demo.test" in result.stderr
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []


# ---- after a crash


def test_what_a_killed_hook_left_is_removed(tmp_path: Path, pair: Bind) -> None:
    bench = rfc2136_bench(tmp_path, pair)
    before = pair.snapshot("demo.test")
    with pair.second.held():
        child = bench.start("auth", **challenge("new.demo.test", "v"))
        child.wait_for(lambda: pair.query(NAME, "TXT") == ["v"], what="the value")
        child.kill()
    assert bench.noted() == ["v"]
    told = bench.ok("cleanup", "--all")
    assert f"{NAME} TXT v (for new.demo.test): removed" in told
    assert pair.snapshot("demo.test") == before
    assert bench.ok("cleanup", "--all") == "No challenge values are noted.\n"


def test_killed_at_any_moment_nothing_is_lost(tmp_path: Path, pair: Bind) -> None:
    bench = rfc2136_bench(tmp_path, pair)
    before = pair.snapshot("demo.test")
    chance = random.Random(7)
    with pair.second.held():
        for number in range(KILLS):
            value = f"value{number}"
            child = bench.start("auth", **challenge(f"d{number}.demo.test", value))
            moment = time.monotonic() + chance.random() * KILL_WINDOW
            wait_until(lambda m=moment: time.monotonic() > m, what="the moment")
            child.kill()
    left = {text for _, _, kind, text in pair.snapshot("demo.test") - before if kind == "TXT"}
    assert left <= {f'"{value}"' for value in bench.noted()}
    bench.ok("cleanup", "--all")
    assert pair.snapshot("demo.test") == before
    assert bench.noted() == []


def test_cleaning_up_all_goes_on_past_what_it_cannot_do(bench: Bench, bind: Bind) -> None:
    bench.ok("auth", **challenge("new.demo.test", "v"))
    (bench.notes / "broken.json").write_text('{"domain":')
    (note,) = [p for p in bench.notes.glob("*.json") if p.name != "broken.json"]
    other = json.loads(note.read_text())
    other.update(provider="linode", value="w")
    (bench.notes / "other.json").write_text(json.dumps(other))
    result = bench.run("cleanup", "--all")
    assert result.returncode == BAD_CONFIG
    assert "was added through linode" in result.stdout
    assert "2 of 3 noted challenge values could not be removed" in result.stderr
    assert bind.query(NAME, "TXT") == []
    assert sorted(p.name for p in bench.notes.iterdir()) == ["broken.json", "other.json"]


def test_writers_take_turns(tmp_path: Path, bench: Bench, bind: Bind) -> None:
    """Many at once, each with its own value at the same name."""
    bind.add(NAME + ".", 1, "TXT", "others")
    values = [f"value{number}" for number in range(8)]
    children = [
        Child(
            [PROGRAM, "set-txt", NAME, value],
            tmp_path / f"{value}.log",
            env=bench.environment(),
        )
        for value in values
    ]
    for child in children:
        assert child.wait(30.0) == 0, child.log_text()
    assert bind.query(NAME, "TXT") == ["others", *values]


# ---- secrets


def test_the_secret_stays_where_it_is(tmp_path: Path, pair: Bind) -> None:
    bench = rfc2136_bench(tmp_path, pair, LOG_LEVEL="debug")
    with pair.second.held():
        child = bench.start("auth", **challenge("new.demo.test", "v"))
        child.wait_for(lambda: pair.query(NAME, "TXT") == ["v"], what="the value")
        command_line = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    assert child.wait(20.0) == 0
    secret = pair.key_secret
    assert secret.encode() not in command_line
    assert secret not in child.log_text()
    for path in (tmp_path / "letsencrypt").rglob("*"):
        assert path.is_dir() or secret not in path.read_text()
        # The way to the journal's folders is open, for the user that ingress-dns becomes.
        assert path.stat().st_mode & 0o066 == 0


def test_the_secret_may_come_from_a_file(tmp_path: Path, bench: Bench, bind: Bind) -> None:
    path = tmp_path / "secret"
    path.write_text(bind.key_secret + "\n")
    bench.ok("apply", RFC2136_KEY_SECRET="", RFC2136_KEY_SECRET_FILE=str(path))
    assert bind.query("app.demo.test", "CNAME") == ["gateway.demo.test."]
