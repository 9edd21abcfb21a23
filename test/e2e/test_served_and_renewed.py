"""A name that is served stays served and is renewed, whatever becomes of its records."""

from __future__ import annotations

import datetime
import shutil
import signal
from collections.abc import Callable

import pytest

from support.cloudflare_api import CloudflareApi
from support.ingress import Ingress
from support.process import wait_until
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
PARTS = ("cert", "privkey", "chain", "fullchain")
OF_THE_NAME = rf"name\.exact={NAME}"
FIVE_DAYS = datetime.timedelta(days=5)


def _only(stack: Stack, **more: str) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}", **more}


def _put(stack: Stack, remaining: datetime.timedelta) -> str:
    """As certbot left it, but without an ACME account."""
    volume = Volume(stack)
    shutil.rmtree(volume.path / "accounts")
    serial = volume.put(NAME, remaining=remaining)
    live = volume.path / "live" / NAME
    parts = "".join(f"{part} = {live}/{part}.pem\n" for part in PARTS)
    conf = volume.path / "renewal" / f"{NAME}.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(
        f"version = 2.1.0\narchive_dir = {volume.path}/archive/{NAME}\n{parts}"
        f"[renewalparams]\nserver = {stack.acme.url}\nauthenticator = manual\n"
    )
    return serial


def _renewed(ingress: Ingress, old: str) -> None:
    """With one order, and a note on what is wrong with the records."""
    ingress.wait_for(lambda: ingress.try_serial(NAME) not in (None, old), "the renewal", 150)
    assert ingress.stack.pebble.orders() == 1
    told = ingress.wait_domain(NAME, lambda d: d["state"] == "settled", "to settle")
    assert told["note"] and told["error"] is None, told
    assert told["note"] in ingress.ctl("status").stdout
    assert ingress.ctl("health").returncode == 0
    # It is tried again long before the next regular look.
    again = datetime.datetime.fromisoformat(told["next_at"].replace("Z", "+00:00"))
    assert again - datetime.datetime.now(datetime.timezone.utc) < datetime.timedelta(minutes=10)


# ---- records that cannot be made: with each, a renewal is due and the challenge can be answered


def _an_odd_foreign_record(api: CloudflareApi) -> None:
    """Whose value is none that such a record can have."""
    api.seed("demo.test", "AAAA", NAME, "not an address")


def _a_key_that_may_not_see_it(api: CloudflareApi) -> None:
    api.fault("status", match=OF_THE_NAME, times=None, status=403)


def _an_api_that_fails_for_it(api: CloudflareApi) -> None:
    api.fault("status", match=OF_THE_NAME, times=None, status=500)


@pytest.mark.parametrize(
    "spoil",
    [
        _an_odd_foreign_record,
        _a_key_that_may_not_see_it,
        _an_api_that_fails_for_it,
    ],
)
def test_records_that_cannot_be_made(
    world: World, spoil: Callable[[CloudflareApi], None]
) -> None:
    stack = world.make_stack(provider="cloudflare")
    assert isinstance(stack.dns_api, CloudflareApi)
    old = _put(stack, FIVE_DAYS)
    spoil(stack.dns_api)
    _renewed(world.ingress(**_only(stack)), old)


def test_one_dead_name_server_of_two(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add("ns9.demo.test.", 60, "A", "127.0.0.3")
    stack.bind.add("demo.test.", 60, "NS", "ns9.demo.test.")
    old = _put(stack, datetime.timedelta(days=25))
    ingress = world.ingress(**_only(stack))
    ingress.wait_for(lambda: ingress.try_serial(NAME) not in (None, old), "the renewal", 150)
    assert stack.pebble.orders() == 1
    told = ingress.wait_domain(NAME, lambda d: d["state"] == "settled", "to settle")
    assert "1 of 2 name servers of demo.test answer for it" in told["note"], told
    assert "going on without ns9.demo.test (127.0.0.3" in told["note"]
    assert "going on without ns9.demo.test" in ingress.ctl("status").stdout
    assert told["error"] is None and ingress.ctl("health").returncode == 0
    # It is known for as long as the certificate that was ordered before it.
    stack.bind.delete("demo.test.", "NS", "ns9.demo.test.")
    assert ingress.ctl("renew", NAME, "--force").returncode == 0
    ingress.wait_domain(
        NAME, lambda d: d["state"] == "settled" and d["note"] is None, "all to be well", 150
    )


def test_a_server_that_lags_until_the_last_tenth_of_a_lifetime(world: World) -> None:
    """The wait for it is kept short, and then gone past."""
    stack = world.make_stack(second_server=True)
    settings = _only(stack, PROPAGATION_TIMEOUT="2", RENEW_DAYS_BEFORE="30")
    _put(stack, datetime.timedelta(days=12))
    with stack.bind.second.held():
        ingress = world.ingress(**settings)
        told = ingress.wait_domain(NAME, lambda d: d["error"], "the hook to fail", 60)
        assert "does not have it yet" in told["error"]
        ingress.stop()
        assert stack.pebble.failed_validations() == 0
        old = _put(stack, datetime.timedelta(days=8))
        (ingress.stack.directory / "letsencrypt/dstack-ingress/state.json").unlink()
        ingress.start()
        ingress.wait_for(lambda: ingress.try_serial(NAME) not in (None, old), "the renewal", 150)
    assert "going on all the same, since time runs out" in ingress.log


def test_a_preflight_that_fails(world: World) -> None:
    """It holds an order back while there is time, and no longer."""
    stack = world.make_stack()
    stack.bind.add("demo.test.", 60, "CAA", '0 issue "other-ca.test"')
    _put(stack, datetime.timedelta(days=25))
    ingress = world.ingress(**_only(stack))
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the preflight to fail")
    assert "CAA" in told["error"] and told["served"]
    assert ingress.stack.pebble.orders() == 0
    ingress.stop()
    old = _put(stack, FIVE_DAYS)
    ingress.start()
    ingress.wait_for(lambda: ingress.try_serial(NAME) not in (None, old), "the renewal", 150)
    assert stack.pebble.orders() == 1
    assert "an order is tried although it may fail" in ingress.log


def test_a_pin_that_does_not_hold(world: World) -> None:
    """The provider's API lists our CAA record, and its servers answer with one more."""
    stack = world.make_stack(provider="cloudflare")
    ingress = world.ingress(**_only(stack, SET_CAA="true"))
    ingress.wait_settled()
    assert ingress.domain(NAME)["note"] is None
    ingress.stop()
    stack.bind.add(f"{NAME}.", 60, "CAA", '0 issue "letsencrypt.org"')
    ingress.start()
    told = ingress.wait_domain(NAME, lambda d: d["note"], "the note")
    assert 'the pin of app.demo.test does not hold' in told["note"]
    assert 'CAA 0 issue "letsencrypt.org"' in told["note"] and told["served"]
    assert stack.pebble.orders() == 1


# ---- a restart with something missing


def _healthy(ingress: Ingress, serial: str) -> None:
    """As soon as HAProxy serves, and for as long as what is missing is missed."""
    ingress.wait_domain(NAME, lambda d: d["served"], "to be served", 20)
    ingress.wait_for(lambda: ingress.domain(NAME)["note"], "what is missing to be told")
    assert ingress.ctl("health").returncode == 0, ingress.ctl("health").stdout
    told = ingress.wait_domain(NAME, lambda d: d["state"] == "settled", "to settle")
    assert told["served"] and told["certificate"]["serial"] == serial
    assert ingress.ctl("health").returncode == 0, ingress.ctl("health").stdout


def test_dns_is_away(world: World) -> None:
    stack = world.make_stack()
    serial = Volume(stack).put(NAME)
    stack.bind.stop()
    _healthy(world.ingress(**_only(stack)), serial)


def test_the_provider_is_down_and_comes_back(world: World) -> None:
    stack = world.make_stack(provider="cloudflare")
    assert isinstance(stack.dns_api, CloudflareApi)
    serial = Volume(stack).put(NAME)
    stack.dns_api.down()
    ingress = world.ingress(**_only(stack))
    _healthy(ingress, serial)
    stack.dns_api.up()
    assert ingress.ctl("renew", NAME).returncode == 0
    assert ingress.domain(NAME)["note"] is None


def test_the_guest_agent_is_away_and_comes_back(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    assert stack.agent is not None
    serial = Volume(stack).put(NAME)
    stack.agent.stop()
    ingress = world.ingress(**_only(stack, APP_ID=""))
    _healthy(ingress, serial)
    assert "the guest agent has not answered" in ingress.domain(NAME)["note"]
    stack.agent.start()
    ingress.wait_domain(NAME, lambda d: d["note"] is None, "to have its records")
    assert stack.bind.query(f"_dstack-app-address.{NAME}", "TXT") != []


def test_a_wait_of_the_run_before(world: World) -> None:
    """The domain waits for its next order for minutes, and is served meanwhile."""
    stack = world.make_stack()
    serial = Volume(stack).put(NAME, remaining=FIVE_DAYS)
    stack.acme.refuse()
    ingress = world.ingress(**_only(stack))
    waiting = ingress.wait_domain(NAME, lambda d: d["state"].startswith("waiting"), "to fail")
    ingress.restart()
    told = ingress.wait_domain(
        NAME,
        lambda d: d["served"] and d["state"] != "working: start",
        "to be served, and begun with",
        20,
    )
    assert (told["state"], told["certificate"]["serial"]) == (waiting["state"], serial)
    assert ingress.ctl("health").returncode == 0
    # A look at the volume ends neither the wait nor its reason.
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_log("looking at the certificates again")
    wait_until(lambda: ingress.domain(NAME)["state"] == waiting["state"], what="the wait to go on")
    assert ingress.domain(NAME)["error"] == waiting["error"]
