"""Orders go side by side: so many as ORDERS_AT_ONCE and the container's memory say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import plain_certbot
from support.fake_certbot import ASKING
from support.ingress import BIN, Ingress, command_line
from support.process import Child
from support.stack import Stack

from .conftest import World

HELD, FREE, OTHER = "held.demo.test", "free.demo.test", "other.demo.test"


def _domains(stack: Stack, *names: str) -> dict[str, str | None]:
    return {
        "DOMAINS": ",".join(names),
        "ROUTING_MAP": ",".join(f"{name}={stack.app.address}" for name in names),
    }


@contextlib.contextmanager
def _most_orders(ingress: Ingress) -> Iterator[list[int]]:
    """How many orders were seen at a time, in the one element of the list."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            # By their rooms: a certbot that starts a hook is two processes for a moment.
            lines = [command_line(pid) for pid in ingress.processes("certbot certonly")]
            rooms = {line[line.index("--config") + 1] for line in lines if "--config" in line}
            most[0] = max(most[0], len(rooms))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_orders_as_the_setting_says(world: World, tmp_path: Path, at_once: int) -> None:
    stack = world.make_stack()
    names = [f"n{number}.demo.test" for number in range(5)]
    ingress = Ingress(stack, **_domains(stack, *names), ORDERS_AT_ONCE=str(at_once))
    with ingress, _most_orders(ingress) as most:
        ingress.wait_settled()
        assert most[0] == at_once
        assert stack.pebble.orders() == len(names)
        assert sorted(plain_certbot.certificates(ingress, tmp_path)) == names


@pytest.mark.parametrize("at_once", ["4", "1"])
def test_an_order_that_hangs_holds_up_nobody_else(world: World, at_once: str) -> None:
    """With one place it is made free after a minute."""
    stack = world.make_stack()
    hanging = stack.script(
        "certbot", f'case "$*" in *{HELD}*) exec sleep 600;; esac\nexec certbot "$@"\n'
    )
    ingress = world.ingress(
        **_domains(stack, HELD, FREE, OTHER), CERTBOT=hanging, ORDERS_AT_ONCE=at_once
    )
    ingress.wait_settled(150, FREE, OTHER)
    assert ingress.domain(HELD)["state"] == "working: issue"


def test_what_a_failed_order_left_is_removed_and_nothing_of_another_order(world: World) -> None:
    """Each makes its challenge record; then the one fails and the other goes on."""
    stack = world.make_stack()
    held, free = "held".ljust(43, "-"), "free".ljust(43, "-")
    script = stack.script(
        "certbot",
        f"""{ASKING}
case "$1" in register) exec certbot "$@";; esac
case "$*" in
*{HELD}*) ask auth {HELD} {held}; touch {stack.notes}/held; exec sleep 600;;
*) while ! [ -e {stack.notes}/held ]; do sleep 0.1; done
    ask auth {FREE} {free}
    touch {stack.notes}/made; while ! [ -e {stack.notes}/fail ]; do sleep 0.1; done; exit 1;;
esac
""",
    )
    ingress = world.ingress(**_domains(stack, HELD, FREE), CERTBOT=script)
    ingress.wait_for((stack.notes / "made").exists, "both challenges")
    assert stack.bind.query(f"_acme-challenge.{FREE}", "TXT") == [free]
    (stack.notes / "fail").touch()
    ingress.wait_for(
        lambda: not stack.bind.query(f"_acme-challenge.{FREE}", "TXT"), "the challenge to go"
    )
    assert stack.bind.query(f"_acme-challenge.{HELD}", "TXT") == [held]


def test_an_order_that_never_reached_the_ca_costs_no_budget(world: World) -> None:
    stack = world.make_stack()
    failing = stack.script(
        "certbot", 'case "$1" in certonly) exit 1;; esac\nexec certbot "$@"\n'
    )
    ingress = world.ingress(**_domains(stack, FREE), CERTBOT=failing)
    for attempt in range(1, 7):
        ingress.wait_domain(FREE, lambda d: d["failures"] == attempt, f"failure {attempt}")
        assert ingress.control("POST", f"/v1/renew?domain={FREE}")[0] == 202
    assert "orders of this hour" not in ingress.log
    stack.script("certbot", 'exec certbot "$@"\n')
    assert ingress.control("POST", f"/v1/renew?domain={FREE}")[0] == 202
    ingress.wait_settled()
    assert stack.pebble.orders() == 1


def test_memory_holds_orders_back_and_that_is_told_once(world: World, tmp_path: Path) -> None:
    """The kernel's files of a control group, as a container with 128 MiB has them."""
    stack = world.make_stack()
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{128 << 20}\n")
    (group / "memory.current").write_text(f"{100 << 20}\n")
    names = [f"n{number}.demo.test" for number in range(3)]
    ingress = Ingress(stack, **_domains(stack, *names))
    ingress.child = Child(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
         f"mount --bind {tmp_path}/sys /sys && exec {BIN}/ingressd"],
        ingress.log_file,
        env=ingress.environment,
    )  # fmt: skip
    with ingress.child, _most_orders(ingress) as most:
        ingress.wait_settled()
    assert most[0] == 1
    assert ingress.log.count("the container's memory holds orders back: 28 MiB are left") == 1
