"""Others who write the zone at the same moment."""

from __future__ import annotations

import pytest

from support.namecheap_api import NamecheapApi
from support.namecheap_hosts import Host

from ..dns_bench import TRY_LATER, Bench, challenge
from .zone import GET, SET, ZONE


@pytest.mark.parametrize(
    "host",
    [Host("theirs", "A", "192.0.2.7"), Host("x", "TXT", "theirs")],
    ids=["elsewhere", "at the name"],
)
def test_somebody_adds_a_record_between_read_and_write(
    bench: Bench, api: NamecheapApi, host: Host
) -> None:
    before = api.dump(ZONE)

    def add() -> None:
        api.seed(ZONE, host)

    api.fault("meanwhile", GET, skip=1, call=add)
    bench.ok("set-txt", "x.demo.test", "v")
    assert sorted(set(api.dump(ZONE)) - set(before)) == sorted([host.shown(), "x 300 TXT 10 v"])
    assert api.writes() == 1


def test_what_is_planned_anew_is_told_and_counted(bench: Bench, api: NamecheapApi) -> None:
    """What was planned first was not done: the records of others that had to go are shown."""

    def add() -> None:
        api.seed(ZONE, Host("app", "A", "192.0.2.99"))
        api.seed(ZONE, Host("app", "AAAA", "2001:db8::99"))

    api.fault("meanwhile", GET, skip=1, call=add)
    told = bench.ok("apply", "--only", "alias")
    first, _, second = told.partition("somebody else changed these records meanwhile")
    assert "+ CNAME gateway.demo.test" in first and "192.0.2.99" not in first
    assert "- A 192.0.2.99" in second
    assert "~ AAAA 2001:db8::99 -> CNAME gateway.demo.test" in second
    assert "Applied: 0 added, 1 changed, 1 removed.\n" in second
    assert not [host for host in api.dump(ZONE) if "::99" in host or ".2.99" in host]


def test_somebody_writes_back_an_older_zone(bench: Bench, api: NamecheapApi) -> None:
    """Another program of the kind that reads, waits and writes: its write comes after ours."""
    before = api.dump(ZONE)
    stale = list(api.zone(ZONE).hosts)

    def overwrite() -> None:
        api.zone(ZONE).hosts = [*stale, Host("theirs", "A", "192.0.2.7")]

    api.fault("meanwhile", GET, skip=2, call=overwrite)
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == 0, result.stderr
    assert "somebody else wrote the zone demo.test at the same moment" in result.stderr
    assert sorted(set(api.dump(ZONE)) - set(before)) == [
        "theirs 1800 A 10 192.0.2.7",
        "x 300 TXT 10 v",
    ]
    assert set(before) <= set(api.dump(ZONE))


def test_somebody_removes_a_record_at_the_same_moment(bench: Bench, api: NamecheapApi) -> None:
    host = api.seed(ZONE, Host("theirs", "TXT", "k" * 400, ttl="600"))

    def remove() -> None:
        hosts = api.zone(ZONE).hosts
        hosts[:] = [h for h in hosts if h.name != host.name]

    api.fault("meanwhile", GET, skip=2, call=remove)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == TRY_LATER
    assert "1 records of the zone demo.test were sent and are not there now" in result.stderr
    # In full, to be entered again by hand; and it is not put back from what was read before.
    assert f"has lost: theirs TXT {'k' * 400} (MXPref 10, TTL 600)" in result.stderr
    assert api.writes() == 1
    assert bench.noted() == ["v"]


def test_a_type_that_is_dropped_is_told(bench: Bench, api: NamecheapApi) -> None:
    lost = [h for h in api.zone(ZONE).hosts if h.type == "URL"]
    api.fault("drop_type", SET, body="URL")
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == TRY_LATER
    assert "Namecheap dropped what it was sent" in result.stderr
    for host in lost:
        assert f"has lost: {host.name} URL {host.address}" in result.stderr
    assert api.writes() == 1


def test_mail_that_is_switched_at_the_same_moment(bench: Bench, api: NamecheapApi) -> None:
    def switch() -> None:
        api.zone(ZONE).email_type = "FWD"

    api.fault("meanwhile", GET, skip=2, call=switch)
    result = bench.run("set-txt", "x.demo.test", "v")
    assert result.returncode == TRY_LATER
    assert "its EmailType is FWD instead of MX" in result.stderr
    assert api.writes() == 1
