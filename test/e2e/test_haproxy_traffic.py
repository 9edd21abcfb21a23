"""What status and log tell of HAProxy's traffic: places that are taken, backends that refuse, old
workers that let their connections finish."""

from __future__ import annotations

import contextlib
import re

import pytest

from support.ingress import HOST, Ingress, request_on
from support.ports import ReservedPort
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
PLACES = 7
MANY, NAMED = 25, 20


def begin(world: World, **settings: str) -> Ingress:
    Volume(world.stack).put(NAME)
    ingress = world.ingress(DOMAINS=NAME, **settings)
    ingress.wait_settled()
    return ingress


def test_clients_that_hold_every_place_are_told_of_once(world: World) -> None:
    stack = world.make_stack()
    ingress = begin(world, MAXCONN=str(PLACES), ROUTING_MAP=f"{NAME}={stack.app.address}")
    haproxy = ingress.wait_status(lambda s: s["haproxy"]["clients_max"], "the limit")["haproxy"]
    assert (haproxy["clients_max"], haproxy["full_since"]) == (PLACES, None)
    with contextlib.ExitStack() as idle:
        for _ in range(PLACES):
            assert request_on(idle.enter_context(ingress.connect(NAME)), NAME, "/").status == 200
        full = ingress.wait_status(lambda s: s["haproxy"]["full_since"], "the places to be taken")
        assert full["haproxy"]["clients"] == PLACES
        shown = ingress.ctl("status").stdout
        assert f"clients    {PLACES} of {PLACES} at most, FULL since " in shown
        assert "raise MAXCONN, or lower TIMEOUT_CLIENT" in ingress.log
        # HAProxy's worker is found, told things and reloaded although nobody else gets in.
        assert ingress.ctl("reload").returncode == 0
        ingress.wait_status(lambda s: s["haproxy"]["old_workers"] == 1, "the old worker")
    ingress.wait_log("there is room for clients again")
    told = ingress.wait_status(lambda s: s["haproxy"]["old_workers"] == 0, "its end")["haproxy"]
    assert (told["full_since"], told["clients_max"]) == (None, PLACES)
    assert ingress.log.count(f"all {PLACES} places for clients are taken") == 1


@pytest.mark.parametrize("routing", ["connection", "request"])
def test_a_backend_that_refuses_is_told_of_once_with_its_address(
    world: World, routing: str
) -> None:
    world.make_stack()
    with ReservedPort() as closed:
        ingress = begin(
            world,
            EVIDENCE_ROUTING=routing,
            ROUTING_MAP=f"{NAME}={HOST}:{closed.number}",
        )
        backend = f"{HOST}:{closed.number}"

        def fail() -> None:
            with contextlib.suppress(OSError), ingress.connect(NAME) as tls:
                tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                assert tls.recv(12) in (b"", b"HTTP/1.1 503")

        fail()
        status = ingress.wait_status(lambda s: s["haproxy"]["backends_failing"], "the refusal")
        (told,) = status["haproxy"]["backends"]
        assert (told["name"], told["failures"]) == (backend, 1)
        ingress.wait_log(f"the backend {backend} ({backend}) does not take")
        fail()
        ingress.wait_status(
            lambda s: s["haproxy"]["backends"][0]["failures"] == 2, "the second refusal"
        )
        line = rf"^backend {backend}: does not take connections since .*: 2 failed, the latest "
        assert re.search(line, ingress.ctl("status").stdout, re.MULTILINE)
        assert ingress.log.count("does not take connections") == 1


def test_of_many_backends_that_refuse_some_are_named(world: World) -> None:
    stack = world.make_stack()
    Volume(stack).put("*.demo.test")
    with ReservedPort() as closed:
        hosts = range(2, MANY + 2)
        routes = "\n".join(f"n{i}.demo.test=127.0.0.{i}:{closed.number}" for i in hosts)
        ingress = world.ingress(DOMAINS="*.demo.test", ROUTING_MAP=routes)
        # Clients that are told nothing, but for the end, once all attempts have failed.
        ingress.wait_for(lambda: ingress.try_serial("n2.demo.test"), "a handshake")
        with contextlib.ExitStack() as waiting:
            clients = [waiting.enter_context(ingress.connect(f"n{i}.demo.test")) for i in hosts]
            for client in clients:
                client.sendall(b"hello")
            for client in clients:
                with contextlib.suppress(OSError):
                    assert client.recv(1) == b""
        status = ingress.wait_status(
            lambda s: s["haproxy"]["backends_failing"] == MANY, "all of them to fail"
        )
        assert len(status["haproxy"]["backends"]) == NAMED
        assert f"backends: {MANY - NAMED} more do not take" in ingress.ctl("status").stdout
        named = re.findall(r"the backend (\S+) \(\1\) does not take connections", ingress.log)
        assert NAMED <= len(set(named)) == len(named) <= MANY
