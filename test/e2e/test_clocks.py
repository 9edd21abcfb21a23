"""Clocks that are wrong, and times that are not of this world: nobody is hammered, nobody is locked
out, and what is served stays served."""

from __future__ import annotations

import datetime
import email.utils
import json
import shutil
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509

from support.ingress import Ingress, serial_text
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
DAY = 86400


def _only(stack: Stack, **settings: str | None) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}", **settings}


def _presented(ingress: Ingress) -> str | None:
    """The serial of what a handshake shows, whether it is valid or not."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", ingress.port), timeout=5) as raw:
            with context.wrap_socket(raw, server_hostname=NAME) as tls:
                shown = tls.getpeercert(binary_form=True)
    except OSError:
        return None
    return None if shown is None else serial_text(x509.load_der_x509_certificate(shown))


def _seconds_until(text: str) -> float:
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    return (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_an_expired_certificate_is_served_until_there_is_another(world: World) -> None:
    stack = world.make_stack()
    volume = Volume(stack)
    expired = volume.put(NAME, remaining=-datetime.timedelta(hours=1))
    shutil.rmtree(volume.path / "accounts")  # which has no key
    stack.acme.refuse(503, times=None)
    ingress = world.ingress(**_only(stack))
    ingress.wait_for(lambda: _presented(ingress) == expired, "what there is")
    ingress.wait_log("expired by this machine's clock; it is served until there is another")
    ingress.wait_domain(NAME, lambda d: d["error"], "the CA's refusal")
    assert _presented(ingress) == expired


@pytest.mark.parametrize(("lifetime", "days"), [(5 * DAY, "30"), (30 * DAY, "30"), (DAY, "1")])
def test_days_before_the_end_are_not_all_of_a_lifetime(
    world: World, lifetime: int, days: str
) -> None:
    stack = world.make_stack(validity=lifetime)
    ingress = world.ingress(**_only(stack, RENEW_DAYS_BEFORE=days, RENEW_INTERVAL="1"))
    ingress.wait_settled()
    first = ingress.serial(NAME)
    ingress.wait_log(f"RENEW_DAYS_BEFORE is {days} days")
    for _ in range(3):
        assert ingress.ctl("renew", NAME).returncode == 0
    ingress.restart()
    ingress.wait_settled()
    assert ingress.ctl("renew", NAME).returncode == 0
    assert stack.pebble.orders() == 1
    assert ingress.serial(NAME) == first
    renewal = ingress.domain(NAME)["certificate"]["renew_at"]
    assert _seconds_until(renewal) > lifetime / 4


def _spend_in_the_future(volume: Path, ahead: int) -> None:
    path = volume / "dstack-ingress" / "state.json"
    state = json.loads(path.read_text())
    then = int(time.time()) + ahead
    state["orders_full_at"] = then + 300 * 36
    state["domains"][NAME] = {
        "orders": [then, then + 1, then + 2, then + 3],
        "certificates_full_at": then + 5 * 34 * 3600,
        "issued_at": then,
        "step": "issue",
        "attempt": 4,
        "not_before": then + 3600,
        "error": "it was another time",
    }
    path.write_text(json.dumps(state))


@pytest.mark.parametrize("ahead", [400 * DAY, 40 * DAY, 2 * DAY])
def test_a_clock_that_was_ahead_locks_nobody_out(world: World, ahead: int) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    first = ingress.serial(NAME)
    ingress.stop()
    _spend_in_the_future(ingress.volume, ahead)
    ingress.start()
    ingress.wait_for(lambda: ingress.try_serial(NAME) == first, "what there is")
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr
    assert ingress.serial(NAME) != first
    assert stack.pebble.orders() == 2


def _refused(world: World, retry_after: int | str) -> Ingress:
    stack = world.make_stack()
    stack.acme.refuse(503, retry_after=retry_after, times=None)
    return world.ingress(**_only(stack))


@pytest.mark.parametrize("seconds", [2000, 365 * DAY])
def test_a_date_to_retry_after_is_obeyed_up_to_a_week(world: World, seconds: int) -> None:
    ingress = _refused(world, email.utils.formatdate(time.time() + seconds, usegmt=True))
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the refusal")
    expected = min(seconds, 7 * DAY)
    assert expected - 120 < _seconds_until(told["next_at"]) <= expected + 1


def test_a_date_of_the_past_is_no_wait(world: World) -> None:
    ingress = _refused(world, "Sun, 22 Nov 2020 12:00:00 GMT")
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the refusal")
    assert _seconds_until(told["next_at"]) < 120


def test_a_clock_that_is_ahead_of_the_cas_is_told(world: World) -> None:
    stack = world.make_stack()
    theirs = email.utils.formatdate(time.time() - 65 * DAY, usegmt=True)
    stack.acme.fault("status", status=503, body={}, headers={"Date": theirs}, times=None)
    ingress = world.ingress(**_only(stack))
    words = "the clock of this machine is 65 days ahead of the CA's"
    ingress.wait_log(words)
    ingress.wait_status(lambda s: words in (s["clock"] or ""), "the clock in the status")
    assert words in ingress.ctl("status").stdout
    stack.acme.clear_faults()
    ingress.ctl("renew", NAME)
    ingress.wait_log("the clock of this machine is right again")
    ingress.wait_settled()
    assert ingress.status()["clock"] is None
