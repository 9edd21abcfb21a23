"""Records that are the operator's to make: the product says which, waits, and goes on by itself."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from support.ingress import Ingress
from support.stack import STANDIN_APP_ID, Stack
from support.webhook_receiver import WebhookReceiver

from .conftest import World
from .exec_program import nsupdate

APP = "app.demo.test"
TXT_NAME = f"_dstack-app-address.{APP}"
GATEWAY = "gateway.demo.test"
TOKEN = "a-secret-between-the-two"
# Often enough for a test.
SOON = {"DNS_SETUP_INTERVAL": "1"}

Line = tuple[str, str, str]


def by_exec(stack: Stack, **more: str) -> dict[str, str | None]:
    """One domain, whose challenges are answered by a program."""
    gone = ("RFC2136_SERVER", "RFC2136_KEY_NAME", "RFC2136_KEY_SECRET", "RFC2136_KEY_ALGORITHM")
    return {
        **dict.fromkeys(gone),
        "DOMAINS": APP,
        "ROUTING_MAP": f"{APP}={stack.app.address}",
        "DNS_PROVIDER": "exec",
        "DNS_EXEC": nsupdate(stack.directory, stack.bind),
        **SOON,
        **more,
    }


def missing(ingress: Ingress) -> list[Line]:
    return [(r["type"], r["name"], r["value"]) for r in ingress.domain(APP)["operator"]]


def wait_asked(ingress: Ingress, count: int) -> list[Line]:
    """Until the product waits for so many records."""
    ingress.wait_domain(
        APP,
        lambda d: d["state"] == "waiting: operator" and len(d["operator"]) == count,
        f"{count} records to be asked for",
    )
    return missing(ingress)


def make(stack: Stack, lines: list[Line]) -> None:
    """As an operator does who reads what is asked for."""
    for kind, name, value in lines:
        stack.bind.add(f"{name}.", 60, kind, f"{value}." if kind == "CNAME" else value)


def test_it_waits_for_the_records_and_goes_on_by_itself(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**by_exec(stack))
    asked = wait_asked(ingress, 2)
    assert asked == [
        ("CNAME", APP, GATEWAY),
        ("TXT", TXT_NAME, f"{STANDIN_APP_ID}:{ingress.port}"),
    ]
    domain = ingress.domain(APP)
    assert domain["error"].startswith("waiting for the operator: ")
    assert f"{APP}. CNAME {GATEWAY}. is missing" in domain["error"]
    assert ingress.status()["acme"]["account"] is None
    assert f"{APP}. 3600 IN CNAME {GATEWAY}." in ingress.log
    assert stack.pebble.orders() == 0
    plan = ingress.ctl("dns", "plan")
    assert plan.returncode == 0, plan.stderr
    assert f'{TXT_NAME}. 3600 IN TXT "{STANDIN_APP_ID}:{ingress.port}"' in plan.stdout
    # Wrong ones first.
    stack.bind.add(f"{APP}.", 60, "CNAME", "elsewhere.demo.test.")
    stack.bind.add(f"{TXT_NAME}.", 60, "TXT", f"{STANDIN_APP_ID}:1")
    ingress.wait_domain(APP, lambda d: "elsewhere.demo.test" in d["error"], "the wrong one")
    assert missing(ingress) == asked
    stack.bind.delete(f"{TXT_NAME}.", "TXT")
    make(stack, asked[1:])
    wait_asked(ingress, 1)
    stack.bind.delete(f"{APP}.", "CNAME")
    make(stack, asked[:1])
    ingress.wait_settled()
    assert missing(ingress) == []
    assert ingress.domain(APP)["error"] is None


def test_an_account_is_made_where_caa_records_name_it_and_all_is_asked_for_at_once(
    world: World,
) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**by_exec(stack, SET_CAA="true"))
    asked = wait_asked(ingress, 4)
    account = ingress.status()["acme"]["account"]
    # Nothing may stand beside a CNAME, so the alias is of addresses.
    assert [line[:2] for line in asked] == [
        ("A", APP), ("AAAA", APP), ("CAA", APP), ("TXT", TXT_NAME),
    ]  # fmt: skip
    caa = asked.pop(2)
    assert f"accounturi={account}" in caa[2]
    assert stack.pebble.orders() == 0
    make(stack, asked)
    stack.bind.add(f"{APP}.", 60, "CAA", '0 issue "elsewhere.test"')
    assert wait_asked(ingress, 1) == [caa]
    stack.bind.delete(f"{APP}.", "CAA")
    make(stack, [caa])
    ingress.wait_settled()


@pytest.mark.parametrize("reach", ["zone", "key"])
def test_rfc2136_that_reaches_the_challenges_alone(world: World, reach: str) -> None:
    """By the zone that is configured, and by what the key may do."""
    closed = ("demo.test",) if reach == "key" else ()
    stack = world.make_stack(zones=("demo.test", "acme.test"), closed=closed)
    challenge = f"_acme-challenge.{APP}"
    stack.bind.add(f"{challenge}.", 60, "CNAME", f"{challenge}.acme.test.")
    limited = {"RFC2136_ZONE": "acme.test"} if reach == "zone" else {}
    ingress = world.ingress(
        DOMAINS=APP, ROUTING_MAP=f"{APP}={stack.app.address}", **SOON, **limited
    )
    asked = wait_asked(ingress, 2)
    assert [line[:2] for line in asked] == [("CNAME", APP), ("TXT", TXT_NAME)]
    assert stack.pebble.orders() == 0
    make(stack, asked)
    ingress.wait_settled()


def test_when_the_time_is_up_it_is_looked_less_often_but_on_and_on(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**by_exec(stack, DNS_SETUP_TIMEOUT="1"))
    asked = wait_asked(ingress, 2)
    # Pauses grow from two seconds on.
    ingress.wait_domain(APP, lambda d: len(d["operator"]) == 2 and _pause(d) >= 4, "longer pauses")
    make(stack, asked)
    ingress.wait_settled()


def _pause(domain: dict[str, Any]) -> float:
    if domain["next_at"] is None:
        return 0
    at = datetime.datetime.fromisoformat(domain["next_at"].replace("Z", "+00:00"))
    return (at - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_print_tells_and_goes_on(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**by_exec(stack, DNS_SETUP_MODE="print"))
    ingress.wait_settled()
    assert [line[:2] for line in missing(ingress)] == [("CNAME", APP), ("TXT", TXT_NAME)]
    assert f"{APP}. 3600 IN CNAME {GATEWAY}." in ingress.log
    assert ingress.domain(APP)["note"] is None


def test_who_is_served_is_not_held_back(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**by_exec(stack))
    make(stack, wait_asked(ingress, 2))
    ingress.wait_settled()
    stack.bind.delete(f"{APP}.", "CNAME")
    stack.bind.delete(f"{TXT_NAME}.", "TXT")
    assert ingress.ctl("renew", APP).returncode == 0
    told = ingress.wait_domain(APP, lambda d: d["note"], "the note")
    assert told["note"].startswith("waiting for the operator: ")
    assert len(told["operator"]) == 2
    serial = ingress.try_serial(APP)
    assert ingress.ctl("renew", APP, "--force").returncode == 0
    ingress.wait_for(lambda: ingress.try_serial(APP) not in (None, serial), "the renewal")
    make(stack, missing(ingress))
    assert ingress.ctl("renew", APP).returncode == 0
    ingress.wait_domain(APP, lambda d: not d["note"] and not d["operator"], "the note to go")


def test_records_that_were_made_beforehand_are_no_sign_of_a_volume_that_was_lost(
    world: World,
) -> None:
    stack = world.make_stack()
    address = f"{STANDIN_APP_ID}:{stack.port}"
    make(stack, [("CNAME", APP, GATEWAY), ("TXT", TXT_NAME, address)])
    ingress = world.ingress(**by_exec(stack))
    ingress.wait_settled()
    assert "but DNS has this app's records already" not in ingress.log


# ---- webhook


@pytest.fixture(name="webhook")
def _webhook(world: World) -> Iterator[WebhookReceiver]:
    stack = world.make_stack(guest_agent="dstack")
    assert stack.agent is not None
    receiver = WebhookReceiver(TOKEN, stack.agent.guest.pki)
    receiver.start()
    yield receiver
    receiver.stop()


def test_the_webhook_is_told_once_and_makes_the_records(
    world: World, webhook: WebhookReceiver
) -> None:
    stack = world.stack
    # The tries of a call, and then another call after a minute: not waited for here.
    webhook.fault("status", times=1)
    webhook.fault("closed", times=1)
    ingress = world.ingress(**by_exec(stack, **webhook.settings()))
    ingress.wait_for(lambda: webhook.calls, "the webhook to be told")
    assert [r.status for r in webhook.requests()] == [503, 0, 204]
    (call,) = webhook.calls
    assert stack.agent is not None and call.proof == "quote"
    assert call.payload["app_id"] == stack.agent.guest.app_id.hex()
    assert call.payload["instance_id"] == stack.agent.guest.instance_id.hex()
    asked = call.records
    assert asked == wait_asked(ingress, 2)
    # It knows what it was told, also over a restart, and when the first of them is made.
    ingress.wait_log("has been told which records to make")
    ingress.restart()
    assert wait_asked(ingress, 2) == asked
    make(stack, asked[:1])
    assert wait_asked(ingress, 1) == asked[1:]
    make(stack, asked[1:])
    ingress.wait_settled()
    assert len(webhook.calls) <= 2 and webhook.refused == []
    # What is gone is told anew.
    before = len(webhook.calls)
    stack.bind.delete(f"{TXT_NAME}.", "TXT")
    assert ingress.ctl("renew", APP).returncode == 0
    ingress.wait_for(lambda: len(webhook.calls) > before, "the webhook to be told anew")
    assert webhook.calls[-1].records == asked[1:]


def test_a_webhook_that_fails_is_no_reason_not_to_go_on(
    world: World, webhook: WebhookReceiver
) -> None:
    webhook.fault("status", times=None, status=401, body="who are you?")
    ingress = world.ingress(**by_exec(world.stack, **webhook.settings()))
    ingress.wait_log("answers HTTP 401: who are you?")
    asked = wait_asked(ingress, 2)
    assert len(webhook.requests()) == 1  # again after a minute, not with every look
    make(world.stack, asked)
    ingress.wait_settled()
    assert TOKEN not in ingress.log
