"""Whatever a CA answers to certbot: what is served stays served, and no more is ordered than ever.

    PROPERTY_SEED=7      other lies than those of seed 1, the default
    PROPERTY_ORDERS=100  how many runs of certbot
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from support.ingress import Ingress
from support.lying_ca import LyingCa
from support.lying_provider import Elsewhere
from support.volume import Volume

from .conftest import World

SEED = os.environ.get("PROPERTY_SEED", "1")
ORDERS = int(os.environ.get("PROPERTY_ORDERS", "12"))

AN_HOUR = 4  # orders for one name
NAMES = tuple(f"app{number}.demo.test" for number in range(-(-ORDERS // AN_HOUR)))
OF_A_RUN = 2  # orders: certbot asks again, once, when it is told that its nonce was bad
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What a terminal obeys, or shows as something else than it is."""
MEBIBYTE = 1 << 20
RUN_DIR_MOST = 8 * MEBIBYTE
CERTBOT_TIMEOUT = "20"
RUN_DEADLINE = 90.0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:  # certbot is at work
            continue
    return total


def _ordered(ingress: Ingress, name: str) -> int:
    return ingress.log.count(f"[{name}] ordering a certificate")


def _one_order(ingress: Ingress, name: str) -> None:
    """Until it has been made, or has failed with a sentence."""
    before = ingress.domain(name)
    status, answer = ingress.control("POST", f"/v1/renew?domain={name}&force=1")
    if status == 429:  # some of the hour's four were made by the product, after a failure
        return
    assert status == 202, answer
    after = ingress.wait_domain(
        name,
        lambda d: d["failures"] > before["failures"] or d["certificate"] != before["certificate"],
        "an end of the order",
        RUN_DEADLINE,
    )
    if after["failures"] > before["failures"]:
        assert after["error"] and len(after["error"]) > 10, after
        assert OBEYED.search(after["error"]) is None, repr(after["error"])


def test_lies_to_certbot_cost_nothing_that_is_served(world: World) -> None:
    stack = world.make_stack()
    volume = Volume(stack)
    for name in NAMES:
        volume.put(name)
    host, port = stack.pebble.origin.removeprefix("https://").split(":")
    rng = random.Random(f"{SEED} certbot runs")
    with (
        Elsewhere() as elsewhere,
        LyingCa(
            SEED,
            stack.pebble.ca,
            elsewhere.origin,
            identities=("ca.demo.test",),
            behind=(host, int(port)),
        ) as ca,
    ):
        ca.lies.eagerness = 0
        ingress = world.ingress(
            DOMAINS=",".join(NAMES),
            ROUTING_MAP="\n".join(f"{name}={stack.app.address}" for name in NAMES),
            ACME_SERVER=ca.url,
            CERTBOT_TIMEOUT=CERTBOT_TIMEOUT,
        )
        ingress.wait_settled()
        every = ca.lies.kinds
        for number in range(ORDERS):
            # Few orders get as far as a certificate unless all before it is true.
            to_the_end = number % 3 == 2
            ca.lies.kinds = [ca.lies.another_certificate] if to_the_end else every
            ca.lies.eagerness = 1 if to_the_end else rng.choice([0.02, 0.1, 0.1, 0.3])
            name = NAMES[number % len(NAMES)]
            _one_order(ingress, name)
            told = f"PROPERTY_SEED={SEED}, run {number}, {ca.lies.lies}"
            for each in NAMES:  # with a certificate that is valid and its own: clients look
                assert ingress.fetch(each).json()["name"] == "app", told
                assert _ordered(ingress, each) <= AN_HOUR, told
            made = sum(_ordered(ingress, each) for each in NAMES)
            assert stack.pebble.orders() <= made * OF_A_RUN, told
            assert _size(ingress.run_dir) < RUN_DIR_MOST, told
        shown = ingress.ctl("status")
        assert OBEYED.search(shown.stdout + shown.stderr) is None, repr(shown.stdout)
        found = OBEYED.search(ingress.log)
        assert found is None, repr(ingress.log[found.start() - 200 :][:400])
        assert made > 0 and ca.lies.lies
