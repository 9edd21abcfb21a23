"""Backends that are known by name: absent at start, moved, and followed while DNS is as it is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import wait_until

from .conftest import Site
from .followed import ADDRESSES, FOLLOWED_WITHIN, FOREIGN, SLACK, ZONE, Followed, ask, backends

FIRST, SECOND, IPV6 = ADDRESSES
# HAProxy's own resolver gave up an address after four seconds without an answer.
LONG_SILENCE = 10.0
GONE_AFTER = 60.0

TARGETS = {
    label: f"{label}.{ZONE}:{{port}}"
    for label in ("moving", "late", "several", "lied", "absent", "leaving")
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with backends() as number:
        yield number


@pytest.fixture(scope="module")
def followed(site: Site, port: int) -> Iterator[Followed]:
    made = Followed(site, "names", TARGETS, port)
    for label in ("moving", "several", "lied", "leaving"):
        made.dns.addresses[f"{label}.{ZONE}"] = [FIRST]
    with made:
        yield made


@pytest.fixture(scope="module")
def by_request(site: Site, port: int) -> Iterator[Followed]:
    """Each request is routed by itself, to a second set of servers."""
    made = Followed(
        site, "names-http", {label: TARGETS[label] for label in ("moving", "late")}, port,
        EVIDENCE_ROUTING="request", ALPN="h2,http/1.1",
    )  # fmt: skip
    made.dns.addresses[f"moving.{ZONE}"] = [FIRST]
    with made:
        yield made


def test_a_backend_that_leaves_is_given_up_after_a_while(followed: Followed) -> None:
    """First of all, so that its minute passes while the others run: the last test looks at it."""
    assert followed.reached("leaving") == FIRST
    del followed.dns.addresses[f"leaving.{ZONE}"]
    name = f"leaving.{ZONE}"
    wait_until(
        lambda: "no such name" in (followed.backends()[name]["error"] or ""),
        what="the denial to be seen", deadline=SLACK,
    )  # fmt: skip
    assert followed.reached("leaving") == FIRST, "a denial or two end nothing"


def _port(followed: Followed) -> str:
    return followed.product.environment["ROUTING_MAP"].splitlines()[0].rpartition(":")[2]


@pytest.fixture(params=["followed", "by_request"])
def either(request: pytest.FixtureRequest) -> Followed:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Followed)
    return made


def test_a_backend_that_is_absent_at_start_is_found_later(either: Followed) -> None:
    before = either.pids("haproxy")
    assert either.reached("late") == ""
    either.dns.addresses[f"late.{ZONE}"] = [SECOND]
    either.is_reached("late", SECOND)
    assert either.pids("haproxy") == before, "without a reload"


def test_a_backend_that_moves_is_followed(either: Followed) -> None:
    before = either.pids("haproxy")
    assert either.reached("moving") == FIRST
    for address in (IPV6, FIRST):
        either.dns.addresses[f"moving.{ZONE}"] = [address]
        either.is_reached("moving", address)
    assert either.pids("haproxy") == before, "without a reload"


def test_requests_on_a_kept_connection_follow(by_request: Followed) -> None:
    """A server's kept connection is used for as long as that server keeps it."""
    with by_request.client("moving") as kept:
        assert ask(kept) == FIRST
        by_request.dns.addresses[f"moving.{ZONE}"] = [SECOND]
        wait_until(
            lambda: ask(kept, "/last") == SECOND,
            what="the kept connection to follow", deadline=FOLLOWED_WITHIN,
        )  # fmt: skip
    # Each of its servers has been told: that for HTTP/2 as well.
    assert by_request.servers(f"moving.{ZONE}:{_port(by_request)}") == {SECOND}


@pytest.mark.parametrize("mood", ["silent", "failing"])
def test_the_last_address_stays_while_dns_has_a_bad_hour(followed: Followed, mood: str) -> None:
    assert followed.reached("moving") == FIRST
    setattr(followed.dns, mood, True)
    try:
        wait_until(
            lambda: followed.backends()[f"moving.{ZONE}"]["error"] == "DNS does not answer",
            what="the silence to be noticed", deadline=SLACK,
        )  # fmt: skip
        end = time.monotonic() + LONG_SILENCE
        while time.monotonic() < end:
            assert followed.reached("moving") == FIRST
        # Nor does a new configuration forget it, or wait for DNS.
        done = followed.ctl("reload")
        assert done.returncode == 0, done.stderr
        assert followed.reached("moving") == FIRST
        followed.dns.addresses[f"moving.{ZONE}"] = [SECOND]
    finally:
        setattr(followed.dns, mood, False)
    followed.is_reached("moving", SECOND)
    followed.dns.addresses[f"moving.{ZONE}"] = [FIRST]
    followed.is_reached("moving", FIRST)


def test_of_several_addresses_the_one_in_use_stays(followed: Followed) -> None:
    name = f"several.{ZONE}"
    assert followed.reached("several") == FIRST
    for addresses in ([SECOND, FIRST], [IPV6, FOREIGN, FIRST]):
        followed.dns.addresses[name] = addresses
        # Rounds of questions and answers, seen by another name that moves with each.
        for witness in (SECOND, FIRST):
            followed.dns.addresses[f"moving.{ZONE}"] = [witness]
            followed.is_reached("moving", witness)
        assert followed.reached("several") == FIRST
    followed.dns.addresses[name] = [FOREIGN, SECOND]
    followed.is_reached("several", SECOND)


@pytest.mark.parametrize("lie", [FOREIGN, f"::ffff:{FOREIGN}", "0.0.0.0"])
def test_a_foreign_address_is_not_believed(followed: Followed, lie: str) -> None:
    """The host answers for names that docker's resolver does not know."""
    plain = lie.removeprefix("::ffff:")
    assert followed.reached("lied") == FIRST
    for label in ("lied", "absent"):
        followed.dns.addresses[f"{label}.{ZONE}"] = [lie]
    for label in ("lied", "absent"):
        wait_until(
            lambda label=label: f"DNS says {plain}, " in (
                followed.backends()[f"{label}.{ZONE}"]["error"] or ""
            ),
            what="the refusal to be told", deadline=SLACK,
            detail=lambda: str(followed.backends()),
        )  # fmt: skip
    assert followed.reached("lied") == FIRST
    assert followed.reached("absent") == ""
    assert followed.servers(f"lied.{ZONE}:{_port(followed)}") == {FIRST}
    assert plain not in followed.servers(f"absent.{ZONE}:{_port(followed)}")
    assert f"DNS says {plain}" in followed.ctl("status").stdout
    followed.dns.addresses[f"lied.{ZONE}"] = [FIRST]
    del followed.dns.addresses[f"absent.{ZONE}"]
    wait_until(
        lambda: followed.backends()[f"lied.{ZONE}"]["error"] is None,
        what="the truth to be taken", deadline=SLACK,
    )  # fmt: skip


def test_the_first_lie_is_in_the_log(followed: Followed) -> None:
    text = followed.product.child.log_text()
    assert f"backend lied.{ZONE}: DNS says {FOREIGN}, which is not believed" in text
    assert "BACKEND_NETWORKS" in text


def test_the_program_knows_nothing_and_may_nothing(followed: Followed) -> None:
    """It reads what the network sends."""
    (pid,) = followed.pids("ingress-resolve")
    process = Path("/proc") / str(pid)
    variables = (process / "environ").read_bytes().split(b"\0")
    names = {variable.partition(b"=")[0] for variable in variables if variable}
    # It sets RES_OPTIONS itself, which its environment at start does not show.
    assert names == {b"INGRESS_SUPERVISED"}
    status = (process / "status").read_text()
    assert "NoNewPrivs:\t1" in status
    if os.geteuid() == 0:
        users = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert "0" not in users
        assert "CapPrm:\t0000000000000000" in status


def test_a_killed_program_comes_back_and_nothing_is_lost(followed: Followed) -> None:
    assert followed.reached("moving") == FIRST
    before = followed.pids("ingress-resolve")
    assert len(before) == 1
    followed.kill("ingress-resolve")
    assert followed.reached("moving") == FIRST
    followed.dns.addresses[f"moving.{ZONE}"] = [SECOND]
    followed.is_reached("moving", SECOND, within=SLACK)
    assert not before & followed.pids("ingress-resolve")
    followed.dns.addresses[f"moving.{ZONE}"] = [FIRST]
    followed.is_reached("moving", FIRST)


def test_a_name_that_was_denied_for_long_has_no_address(followed: Followed) -> None:
    followed.dns.addresses.pop(f"leaving.{ZONE}", None)  # where the first test ran elsewhere
    followed.is_reached("leaving", "", within=GONE_AFTER + SLACK)
    assert followed.backends()[f"leaving.{ZONE}"]["address"] is None
    followed.dns.addresses[f"leaving.{ZONE}"] = [SECOND]
    followed.is_reached("leaving", SECOND)
