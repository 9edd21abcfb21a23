"""rfc2136 with name servers as people have them: Knot, PowerDNS, and a BIND that is a secondary and
forwards updates to its primary."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.bind import Bind
from support.updated_server import other_clock

from .dns_bench import ACCOUNT, APP_ID, BAD_CONFIG, Bench, challenge
from .dns_places import PART, SERVERS, ZONE, Opening, Place

REQUEST = challenge(f"new.{ZONE}", "the-value")
NAME = f"_acme-challenge.new.{ZONE}"
OTHER_SECRET = base64.b64encode(b"not the secret of that key......").decode()


servers = pytest.mark.parametrize("opening", SERVERS.values(), ids=SERVERS)


@pytest.fixture(name="place")
def _place(tmp_path: Path, opening: Opening) -> Iterator[Place]:
    with ExitStack() as running:
        yield opening(running, tmp_path / "ns", {})


@servers
def test_records_are_written_beside_those_of_others(tmp_path: Path, place: Place) -> None:
    before = place.written.snapshot(ZONE)
    bench = place.bench(tmp_path, DOMAINS=f"app.{ZONE},*.{ZONE}", SET_CAA="true")
    said = bench.ok("apply", "--account-uri", ACCOUNT)
    place.follow()
    assert place.query(f"_dstack-app-address.app.{ZONE}", "TXT") == [
        f"{APP_ID}:443",
        "not an app address",
    ], said
    assert before < place.written.snapshot(ZONE)
    (pin,) = place.query(f"app.{ZONE}", "CAA")
    assert ACCOUNT in pin
    assert place.query(f"any.{ZONE}", "A") == ["127.0.0.1"]
    after = place.written.snapshot(ZONE)
    bench.ok("apply", "--account-uri", ACCOUNT)
    assert place.written.snapshot(ZONE) == after


@servers
def test_a_challenge_comes_and_goes(tmp_path: Path, place: Place) -> None:
    bench = place.bench(tmp_path, DOMAINS=f"new.{ZONE}")
    before = place.written.snapshot(ZONE)
    bench.ok("preflight", f"new.{ZONE}", "--account-uri", ACCOUNT)
    assert place.written.snapshot(ZONE) == before
    place.follow()
    bench.ok("auth", **REQUEST)
    bench.ok("auth", **challenge(f"new.{ZONE}", "another"))
    assert place.query(NAME, "TXT") == ["another", "the-value"]
    place.follow()
    bench.ok("cleanup", **REQUEST)
    assert place.query(NAME, "TXT") == ["another"]
    place.follow()
    bench.ok("cleanup", "--all")
    assert place.written.snapshot(ZONE) == before
    assert bench.noted() == []


def refused(place: Place, bench: Bench, *words: str, **extra: str) -> None:
    """Nothing is written, and what is said tells what to do."""
    before = place.written.snapshot(ZONE)
    for command in (["auth"], ["preflight", f"new.{ZONE}"], ["apply", "--only", "txt"]):
        result = bench.run(*command, DOMAINS=f"new.{ZONE}", **REQUEST, **extra)
        assert result.returncode == BAD_CONFIG, (command, result.stdout + result.stderr)
        for word in words:
            assert word in result.stdout + result.stderr, command
    assert place.written.snapshot(ZONE) == before
    assert bench.noted() == []


@servers
def test_a_key_that_is_wrong(tmp_path: Path, place: Place) -> None:
    bench = place.bench(tmp_path)
    refused(place, bench, "RFC2136_KEY_SECRET", RFC2136_KEY_SECRET=OTHER_SECRET)
    refused(place, bench, "RFC2136_KEY_NAME", RFC2136_KEY_NAME="nobody")


@servers
@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_wrong(tmp_path: Path, opening: Opening, seconds: int) -> None:
    with ExitStack() as running:
        place = opening(running, tmp_path / "ns", other_clock(tmp_path / "clock", seconds))
        refused(place, place.bench(tmp_path), "clock")


def test_a_value_that_the_secondary_does_not_know_yet_is_removed(tmp_path: Path) -> None:
    """What it shows is older than what was forwarded."""
    with Bind(tmp_path / "ns", second=True) as bind:
        place = Place(bind.second, bind.first, bind.key_name, bind.key_secret)
        bench = place.bench(tmp_path)
        before = bind.snapshot(ZONE)
        with bind.second.untold():
            bench.ok("set-txt", NAME, "v")
            assert bind.query(NAME, "TXT") == ["v"]
            bench.ok("del-txt", NAME, "v")
            assert bind.snapshot(ZONE) == before


@servers
def test_a_key_for_a_part_of_the_zone(tmp_path: Path, place: Place) -> None:
    """It is enough for a challenge there."""
    bench = place.bench(tmp_path, RFC2136_KEY_NAME="part")
    within = challenge(f"part.{ZONE}", "the-value")
    bench.ok("preflight", f"part.{ZONE}", DOMAINS=f"part.{ZONE}")
    bench.ok("auth", **within)
    assert place.query(PART, "TXT") == ["the-value"]
    place.follow()
    bench.ok("cleanup", **within)
    assert place.query(PART, "TXT") == []
    refused(place, bench, "part", "allow")
