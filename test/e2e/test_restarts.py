"""A restart costs nothing: no order, no account, no wait."""

from __future__ import annotations

import time

from support.ingress import Ingress
from support.process import wait_until
from support.volume import Volume

from .conftest import World

RESTARTS = 10
# The promise is one second; the machine of a test may have more to do.
FIRST_ANSWER = 3.0


def test_a_name_and_its_wildcard_have_a_lineage_each_and_restarts_order_nothing(
    world: World,
) -> None:
    stack = world.make_stack()
    ingress = world.ingress(
        DOMAINS="demo.test,*.demo.test",
        ROUTING_MAP=f"demo.test={stack.app.address},*.demo.test={stack.api.address}",
        GATEWAY_DOMAIN="gateway.demo.test",
    )
    ingress.wait_settled()
    assert stack.pebble.orders() == 2
    bare, wildcard = ingress.serial("demo.test"), ingress.serial("anything.demo.test")
    assert bare != wildcard
    assert ingress.fetch("demo.test").json()["name"] == "app"
    assert ingress.fetch("anything.demo.test").json()["name"] == "api"
    assert len(list((ingress.volume / "live").glob("*/fullchain.pem"))) == 2
    for _ in range(RESTARTS):
        ingress.restart()
        ingress.wait_settled()
        assert (ingress.serial("demo.test"), ingress.serial("x.demo.test")) == (bare, wildcard)
    assert stack.pebble.orders() == 2
    assert len(list((ingress.volume / "accounts").rglob("regr.json"))) == 1


def test_after_kill_9_the_first_request_succeeds_at_once(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    before = ingress.serial("app.demo.test")
    ingress.kill9()
    ingress.stack.acme.stop()  # nobody may be asked first
    ingress.stack.bind.stop()
    ingress.trust = _kept(ingress)  # type: ignore[method-assign]
    start = time.monotonic()
    ingress.start()
    wait_until(lambda: ingress.try_serial("app.demo.test") == before, what="the first answer")
    assert time.monotonic() - start < FIRST_ANSWER
    assert ingress.stack.pebble.orders() == 0


def _kept(ingress: Ingress):  # type: ignore[no-untyped-def]
    """The trust as it is now, without asking the CA again in between."""
    context = ingress.trust()
    return lambda **_: context
