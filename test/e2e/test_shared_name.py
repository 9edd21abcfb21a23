"""ALIAS_DOMAIN: a name that several apps share."""

from __future__ import annotations

from support.stack import STANDIN_APP_ID

from .conftest import World

OWN, SHARED = "node.demo.test", "shared.demo.test"
TXT = f"_dstack-app-address.{SHARED}"
OTHER_APP = "fedcba9876543210fedcba9876543210fedcba98:443"
OTHER_PIN = '0 issue "ca.demo.test; validationmethods=dns-01; accounturi=https://ca.test/acct/9"'


def test_an_app_joins_others_behind_a_name(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add(SHARED, 60, "CNAME", "other-node.demo.test.")
    stack.bind.add(TXT, 60, "TXT", OTHER_APP)
    stack.bind.add(TXT, 60, "TXT", f"{STANDIN_APP_ID}:9")  # this app's, on another port
    ingress = world.ingress(
        DOMAINS=OWN, ALIAS_DOMAIN=SHARED, TARGET_ENDPOINT=stack.app.address, ROUTING_MAP=None
    )
    ingress.wait_settled()
    assert stack.pebble.orders() == 2
    for name in (OWN, SHARED):
        assert ingress.fetch(name).json()["name"] == "app"
    assert ingress.serial(OWN) != ingress.serial(SHARED)
    assert stack.bind.query(SHARED, "CNAME") == ["other-node.demo.test."]
    assert stack.bind.query(OWN, "CNAME") == ["gateway.demo.test."]
    ours = f"{STANDIN_APP_ID}:{ingress.port}"
    assert sorted(stack.bind.query(TXT, "TXT")) == sorted([OTHER_APP, ours])
    assert ingress.ctl("dns", "plan").stdout.strip() == "No changes."


def test_its_pin_stands_beside_those_of_the_others(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add(SHARED, 60, "A", "127.0.0.1")
    stack.bind.add(SHARED, 60, "CAA", OTHER_PIN)
    ingress = world.ingress(
        DOMAINS=OWN, ALIAS_DOMAIN=SHARED, TARGET_ENDPOINT=stack.app.address, ROUTING_MAP=None,
        SET_CAA="true",
    )  # fmt: skip
    ingress.wait_settled()
    pins = stack.bind.query(SHARED, "CAA")
    assert len(pins) == 2 and OTHER_PIN in pins
    assert any(ingress.status()["acme"]["account"] in pin for pin in pins)
    assert stack.bind.query(SHARED, "A") == ["127.0.0.1"]


def test_a_name_that_is_led_away_by_cname_gets_no_pin(world: World) -> None:
    """But a certificate: CAs go by the name behind the CNAME."""
    stack = world.make_stack()
    stack.bind.add(SHARED, 60, "CNAME", f"{OWN}.")
    ingress = world.ingress(
        DOMAINS=OWN, ALIAS_DOMAIN=SHARED, TARGET_ENDPOINT=stack.app.address, ROUTING_MAP=None,
        SET_CAA="true",
    )  # fmt: skip
    ingress.wait_settled()
    assert ingress.fetch(SHARED).json()["name"] == "app"
    assert stack.bind.query(SHARED, "CNAME") == [f"{OWN}."]
    assert f"{SHARED} (ALIAS_DOMAIN) is a CNAME, so no CAA record can stand there" in ingress.log
