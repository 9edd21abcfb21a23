"""Certificates for names whose records stand in another zone, the only one that credentials reach."""

from __future__ import annotations

import datetime
import re
import shutil
from typing import Any

import pytest

from support.ingress import Ingress
from support.stack import STANDIN_APP_ID, Stack
from support.volume import Volume
from support.webhook_receiver import WebhookReceiver

from .conftest import World

ZONE, ELSEWHERE = "demo.test", "deleg.test"
NAME, BASE = "app.demo.test", "wild.demo.test"
WILDCARD, BELOW = f"*.{BASE}", f"any.{BASE}"
CHALLENGE = f"_acme-challenge.{NAME}"
PROVIDERS = ("rfc2136", "cloudflare")
ZONE_LINE = re.compile(r"^(\S+)\. 3600 IN CNAME (\S+\.)$", re.MULTILINE)


def make_stack(world: World, provider: str, **more: str) -> Stack:
    return world.make_stack(zones=(ZONE, ELSEWHERE), closed=(ZONE,), provider=provider, **more)


def settings(stack: Stack, *domains: str, **more: str) -> dict[str, str | None]:
    return {
        "DOMAINS": "\n".join(domains),
        "ROUTING_MAP": None,
        "TARGET_ENDPOINT": stack.app.address,
        "DELEGATION_ZONE": ELSEWHERE,
        **more,
    }


def paste(ingress: Ingress) -> list[str]:
    """What the operator does with the plan; the names of the records."""
    plan = ingress.ctl("dns", "plan")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    lines = ZONE_LINE.findall(plan.stdout)
    for name, target in lines:
        ingress.stack.bind.add(f"{name}.", 60, "CNAME", target)
    return sorted(name for name, _ in lines)


def cnames() -> list[tuple[str, str, str]]:
    """What NAME takes."""
    owners = (CHALLENGE, f"_dstack-app-address.{NAME}", NAME)
    return [("CNAME", owner, f"{owner}.{ELSEWHERE}") for owner in owners]


def to_be_made(ingress: Ingress) -> list[tuple[str, str, str]]:
    """The records that the status has for the operator to make."""
    return sorted((r["type"], r["name"], r["value"]) for r in ingress.domain(NAME)["operator"])


def wait_told(ingress: Ingress, name: str, field: str, *texts: str) -> dict[str, Any]:
    def is_told(domain: dict[str, Any]) -> bool:
        return all(text in str(domain[field]) for text in texts)

    return ingress.wait_domain(name, is_told, f"{field} to tell of {texts}")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_first_certificates_wait_for_the_operator(world: World, provider: str) -> None:
    """And the CA is asked for nothing before; what the plan prints is all that he needs."""
    stack = make_stack(world, provider)
    ingress = world.ingress(**settings(stack, NAME, BASE, WILDCARD))
    before = stack.bind.snapshot(ZONE)
    for name in (NAME, f"_dstack-app-address.{NAME}", CHALLENGE):
        told = f"{name}. CNAME {name}.{ELSEWHERE}. is missing ({name} has no CNAME record)"
        wait_told(ingress, NAME, "error", told)
        ingress.wait_log(f"{name}. 3600 IN CNAME {name}.{ELSEWHERE}.")
    wait_told(ingress, WILDCARD, "error", f"{WILDCARD}. CNAME {BASE}.{ELSEWHERE}. is missing")
    assert ingress.domain(NAME)["state"] == "waiting: operator" and stack.pebble.orders() == 0
    assert stack.bind.snapshot(ZONE) == before
    assert paste(ingress) == sorted(
        [NAME, f"_dstack-app-address.{NAME}", CHALLENGE, BASE, f"_dstack-app-address.{BASE}",
         WILDCARD, f"_dstack-app-address-wildcard.{BASE}", f"_acme-challenge.{BASE}"]
    )  # fmt: skip
    # Two names have one challenge: a cached answer is waited out between them.
    ingress.wait_settled(240)
    for name in (NAME, BASE, BELOW):
        assert ingress.fetch(name).status == 200
        found = stack.bind.first.query(name, "A", recursive=True)
        # The emulator of Cloudflare shows BIND no CNAME beside a CAA record.
        assert found == ([] if provider == "cloudflare" else ["127.0.0.1"])
    value = f"{STANDIN_APP_ID}:{ingress.port}"
    for name in (NAME, BASE):
        address = f"_dstack-app-address.{name}"
        assert stack.bind.first.query(address, "TXT", recursive=True) == [value]
    for name in (NAME, BASE, WILDCARD):
        pinned = ingress.run("ingress-dns", "caa", name)
        assert '"binding":"account"' in pinned.stdout, pinned.stdout
    assert stack.bind.query(f"{CHALLENGE}.{ELSEWHERE}", "TXT") == []
    assert stack.pebble.orders() == 3 and stack.pebble.failed_validations() == 0
    assert paste(ingress) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_told_only_it_needs_the_challenge_s_cname_and_no_other(
    world: World, provider: str
) -> None:
    """With DNS_SETUP_MODE=print nothing is waited for, but without that one no order can work."""
    stack = make_stack(world, provider)
    ingress = world.ingress(**settings(stack, NAME, DNS_SETUP_MODE="print"))
    wait_told(ingress, NAME, "error", f"{CHALLENGE}. CNAME {CHALLENGE}.{ELSEWHERE}. is missing")
    assert stack.pebble.orders() == 0
    stack.bind.add(f"{CHALLENGE}.", 60, "CNAME", f"{CHALLENGE}.{ELSEWHERE}.")
    ingress.wait_settled()
    # All three were told, and nobody has looked whether they are there.
    assert to_be_made(ingress) == cnames()
    for _, name, target in cnames():
        assert f"{name}. 3600 IN CNAME {target}." in ingress.log
    assert ingress.fetch(NAME).status == 200
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (1, 0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_webhook_makes_the_cnames(world: World, provider: str) -> None:
    stack = make_stack(world, provider, guest_agent="dstack")
    assert stack.agent is not None
    with WebhookReceiver("a-secret-between-the-two", stack.agent.guest.pki) as webhook:
        ingress = world.ingress(
            **settings(stack, NAME, DNS_SETUP_INTERVAL="1", **webhook.settings())
        )
        ingress.wait_for(lambda: webhook.calls, "the webhook to be told")
        (call,) = webhook.calls
        assert sorted(call.records) == cnames()
        assert call.payload["domain"] == NAME and stack.pebble.orders() == 0
        for kind, name, value in call.records:
            stack.bind.add(f"{name}.", 60, kind, f"{value}.")
        ingress.wait_settled()
        assert webhook.refused == [] and len(webhook.calls) == 1
    assert to_be_made(ingress) == []
    assert ingress.fetch(NAME).status == 200
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (1, 0)


def make_all(stack: Stack, name: str) -> None:
    """As an operator made them once."""
    for owner in (name, f"_dstack-app-address.{name}", f"_acme-challenge.{name}"):
        stack.bind.add(f"{owner}.", 60, "CNAME", f"{owner}.{ELSEWHERE}.")


def put_due(stack: Stack) -> str:
    """A certificate on the volume that is to be renewed; its serial."""
    volume = Volume(stack)
    shutil.rmtree(volume.path / "accounts")
    return volume.put(NAME, remaining=datetime.timedelta(days=25))


def wait_renewed(ingress: Ingress, old: str) -> None:
    ingress.wait_for(lambda: ingress.try_serial(NAME) not in (None, old), "the renewal", 150)
    assert (ingress.stack.pebble.orders(), ingress.stack.pebble.failed_validations()) == (1, 0)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("broken", [NAME, f"_dstack-app-address.{NAME}"])
def test_a_renewal_does_without_what_the_challenge_does_not_need(
    world: World, provider: str, broken: str
) -> None:
    """Another instance takes the name, say."""
    stack = make_stack(world, provider)
    make_all(stack, NAME)
    stack.bind.delete(f"{broken}.")
    stack.bind.add(f"{broken}.", 60, "CNAME", f"{broken}.other.test.")
    old = put_due(stack)
    ingress = world.ingress(**settings(stack, NAME))
    wait_renewed(ingress, old)
    wait_told(ingress, NAME, "note", f"{broken} is a CNAME to {broken}.other.test")
    assert ingress.ctl("health").returncode == 0
    stack.bind.delete(f"{broken}.")
    stack.bind.add(f"{broken}.", 60, "CNAME", f"{broken}.{ELSEWHERE}.")
    ingress.wait_domain(NAME, lambda d: d["note"] is None and d["state"] == "settled", "no note")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_renewal_waits_for_the_challenge_to_be_led_here(world: World, provider: str) -> None:
    stack = make_stack(world, provider)
    make_all(stack, NAME)
    stack.bind.delete(f"{CHALLENGE}.")
    old = put_due(stack)
    ingress = world.ingress(**settings(stack, NAME))
    told = wait_told(ingress, NAME, "error", f"{CHALLENGE} has no CNAME record")
    assert told["served"] and ingress.serial(NAME) == old
    wait_told(ingress, NAME, "error", f"no order for {NAME} is made now")
    assert stack.pebble.orders() == 0 and ingress.ctl("health").returncode == 0
    stack.bind.add(f"{CHALLENGE}.", 60, "CNAME", f"{CHALLENGE}.{ELSEWHERE}.")
    wait_renewed(ingress, old)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wildcard_of_an_apex_is_refused_in_a_sentence(world: World, provider: str) -> None:
    stack = make_stack(world, provider)
    make_all(stack, NAME)
    ingress = world.ingress(**settings(stack, NAME, f"*.{ZONE}"))
    ingress.wait_settled(90.0, NAME)
    wait_told(ingress, f"*.{ZONE}", "error", f"{ZONE} is the apex of its zone")
    assert stack.pebble.orders() == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_the_variable_three_records_of_the_operator_are_enough(
    world: World, provider: str
) -> None:
    """Of which credentials for the other zone can see and change none."""
    stack = make_stack(world, provider)
    value = f"{STANDIN_APP_ID}:{stack.port}"
    stack.bind.add(f"{NAME}.", 60, "CNAME", f"gateway.{ZONE}.")
    stack.bind.add(f"_dstack-app-address.{NAME}.", 60, "TXT", value)
    stack.bind.add(f"{CHALLENGE}.", 60, "CNAME", f"{CHALLENGE}.{ELSEWHERE}.")
    before = stack.bind.snapshot(ZONE)
    ingress = world.ingress(**settings(stack, NAME, DELEGATION_ZONE=""))
    ingress.wait_settled()
    assert ingress.domain(NAME)["note"] is None
    plan = ingress.ctl("dns", "plan")
    assert plan.returncode == 0 and plan.stdout.count("made by somebody else") == 2
    assert stack.bind.snapshot(ZONE) == before
    assert stack.pebble.orders() == 1
