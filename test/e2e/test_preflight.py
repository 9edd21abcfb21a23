"""No order is spent on what can be seen beforehand; and what is mended goes through."""

from __future__ import annotations

import contextlib
import os
import signal

from support.ingress import Ingress
from support.process import Child, wait_until
from support.stack import Stack

from .conftest import World

NAME = "app.demo.test"
CHALLENGE = f"_acme-challenge.{NAME}"
OTHERS = '0 issue "other-ca.test"'


def _only(stack: Stack, **more: str) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}", **more}


def _refused(ingress: Ingress, *parts: str) -> None:
    """Until the domain waits before its order, for a reason that is told in status and log."""
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the preflight to fail")
    assert told["state"] in ("waiting: preflight", "working: records"), told
    for part in ("preflight: ", *parts):
        assert part in told["error"]
    # The log's line begins with the step.
    assert told["error"].removeprefix("preflight: ") in ingress.log
    assert told["error"] in ingress.ctl("status").stdout
    pebble = ingress.stack.pebble
    assert (pebble.orders(), pebble.failed_validations()) == (0, 0)
    assert told["orders_in_last_hour"] == 0


def _mended(ingress: Ingress) -> None:
    done = ingress.ctl("renew", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ingress.fetch(NAME).json()["name"] == "app"
    pebble = ingress.stack.pebble
    assert (pebble.orders(), pebble.failed_validations()) == (1, 0)


def test_a_caa_record_that_forbids_the_ca(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add("demo.test.", 60, "CAA", OTHERS)
    ingress = world.ingress(**_only(stack))
    _refused(ingress, f"at demo.test: CAA {OTHERS} lets only another CA issue", "add CAA 0 issue")
    stack.bind.add("demo.test.", 60, "CAA", '0 issue "ca.demo.test"')
    _mended(ingress)


def test_a_pin_for_an_account_that_is_gone(world: World) -> None:
    """As a lost volume leaves it; with SET_CAA it is mended before the order."""
    stack = world.make_stack()
    stale = '0 issue "ca.demo.test; validationmethods=dns-01; accounturi=https://ca.test/acct/1"'
    stack.bind.add("demo.test.", 60, "CAA", stale)
    ingress = world.ingress(**_only(stack))
    _refused(ingress, "is for another ACME account", "SET_CAA=true")
    ingress.stop()
    ingress.environment["SET_CAA"] = "true"
    ingress.start()
    ingress.wait_settled()
    assert stack.pebble.orders() == 1
    assert stack.bind.query("demo.test", "CAA") == [stale]
    assert len(stack.bind.query(NAME, "CAA")) == 1


def test_a_challenge_that_leads_into_another_zone(world: World) -> None:
    stack = world.make_stack(zones=("demo.test", "acme.test"))
    stack.bind.add(CHALLENGE + ".", 60, "CNAME", "app.acme.test.")
    before = stack.bind.snapshot("acme.test")
    ingress = world.ingress(
        DOMAINS=f"{NAME},*.{NAME}",
        ROUTING_MAP=f"{NAME}={stack.app.address},*.{NAME}={stack.api.address}",
    )
    ingress.wait_settled(150)
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (2, 0)
    assert "app.acme.test: the value can be seen everywhere" in ingress.log
    assert stack.bind.snapshot("acme.test") == before
    assert stack.bind.query(CHALLENGE, "CNAME") == ["app.acme.test."]


def test_a_challenge_that_leads_in_a_circle(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add(CHALLENGE + ".", 60, "CNAME", "circle.demo.test.")
    stack.bind.add("circle.demo.test.", 60, "CNAME", CHALLENGE + ".")
    ingress = world.ingress(**_only(stack))
    _refused(ingress, "circle")
    stack.bind.delete(CHALLENGE + ".")
    _mended(ingress)


def test_a_challenge_that_leads_into_a_zone_of_others(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add(CHALLENGE + ".", 60, "CNAME", "x.elsewhere.test.")
    ingress = world.ingress(**_only(stack))
    _refused(ingress, f"{CHALLENGE} leads to x.elsewhere.test by CNAME")
    stack.bind.delete(CHALLENGE + ".")
    _mended(ingress)


def test_no_server_of_the_zone_that_answers(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add("ns9.demo.test.", 60, "A", "127.0.0.3")
    stack.bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
    stack.bind.delete("demo.test.", "NS", "ns1.demo.test.")
    ingress = world.ingress(**_only(stack))
    _refused(ingress, "no name server of demo.test tells about", "PROPAGATION_CHECK=resolvers")
    stack.bind.add("demo.test.", 60, "NS", "ns1.demo.test.")
    _mended(ingress)


def test_credentials_that_may_no_longer_write(world: World) -> None:
    stack = world.make_stack(provider="cloudflare")
    assert stack.dns_api is not None
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    ingress.stop()
    stack.dns_api.permissions.discard("dns:edit")  # type: ignore[attr-defined]
    before = stack.dns_api.dump("demo.test")
    ingress.start()
    ingress.wait_settled()
    assert ingress.ctl("renew", NAME, "--force").returncode == 1
    told = ingress.domain(NAME)
    assert told["state"] == "waiting: preflight" and "Authentication error" in told["error"]
    assert told["served"]
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (1, 0)
    assert stack.dns_api.dump("demo.test") == before
    stack.dns_api.permissions.add("dns:edit")  # type: ignore[attr-defined]
    serial = ingress.serial(NAME)
    assert ingress.ctl("renew", NAME).returncode == 0
    assert ingress.serial(NAME) != serial
    assert stack.pebble.orders() == 2


def test_a_renewal_that_is_not_due_is_not_looked_at(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    stack.bind.add("demo.test.", 60, "CAA", OTHERS)
    assert ingress.ctl("renew", NAME).returncode == 0
    assert ingress.domain(NAME)["error"] is None
    assert stack.pebble.orders() == 1


def test_a_challenge_value_of_a_killed_product_is_removed_by_the_next(world: World) -> None:
    stack = world.make_stack(second_server=True)
    before = stack.bind.snapshot("demo.test")
    stack.bind.second.hold()
    ingress = world.ingress(**_only(stack))
    ingress.wait_for(lambda: _challenges(stack), "the challenge value")
    for pid in ingress.processes("ingress-dns auth"):
        os.kill(pid, signal.SIGSTOP)  # or it would take the value away in its last moment
    ingress.child.kill()
    wait_until(lambda: _killed(ingress.child), what="all of it to be gone")
    assert _challenges(stack)
    stack.bind.second.release()
    ingress.start()
    ingress.wait_settled()
    ours = {name for name, _, kind, _ in stack.bind.snapshot("demo.test") - before if kind == "TXT"}
    assert ours == {f"_dstack-app-address.{NAME}."}
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (2, 0)


def _killed(child: Child) -> bool:
    """As a container goes down with its first process: a hook has a shell between it and certbot,
    and would outlive both until it gives up."""
    survivors = child.survivors()
    for pid in survivors:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not survivors


def _challenges(stack: Stack) -> list[str]:
    return stack.bind.query(CHALLENGE, "TXT")
