"""Any TCP protocol, with the evidence on the same port."""

from __future__ import annotations

import ssl
import time

import pytest

from support.backend import BannerBackend, EchoBackend
from support.ingress import Ingress
from support.receive import receive, receive_all
from support.volume import Volume

from .conftest import World

WAIT = 0.8
# Less than WAIT by so much that a busy machine does not matter.
AT_ONCE = 0.5


def _serve(world: World, target: str, **settings: str) -> Ingress:
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    routes = f"app.demo.test={target},api.demo.test={stack.api.address}"
    ingress = world.ingress(
        ROUTING_MAP=routes, EVIDENCE_WAIT=f"{int(WAIT * 1000)}ms", **settings
    )
    ingress.wait_settled()
    return ingress


def _banner_after(ingress: Ingress) -> float:
    with ingress.connect("app.demo.test") as client:
        start = time.monotonic()
        assert receive(client, 14) == b"220 mail ready"
        return time.monotonic() - start


def test_a_server_that_speaks_first_is_heard_after_the_wait(world: World) -> None:
    with BannerBackend("mail") as mail:
        ingress = _serve(world, mail.address)
        assert WAIT * 0.9 < _banner_after(ingress) < WAIT + 2


@pytest.mark.parametrize("setting", ["app.demo.test", "true"])
def test_a_listed_server_that_speaks_first_is_heard_at_once(world: World, setting: str) -> None:
    with BannerBackend("mail") as mail:
        assert _banner_after(_serve(world, mail.address, SERVER_FIRST=setting)) < AT_ONCE


@pytest.mark.parametrize("first", [b"PING\r\n", b"G\n", b"GET /evidencesX", b"\0", b"H"])
def test_a_client_that_speaks_first_waits_for_nothing(world: World, first: bytes) -> None:
    with EchoBackend() as echo:
        ingress = _serve(world, echo.address)
        with ingress.connect("app.demo.test") as client:
            start = time.monotonic()
            client.sendall(first)
            assert receive(client, len(first)) == first
            waited = time.monotonic() - start
        # One letter may be the beginning of a request for evidence: only then is there a wait.
        assert waited < AT_ONCE or first == b"H"


def test_unknown_and_missing_names_get_the_first_route(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    first = ingress.serial("app.demo.test")
    for name in ("unknown.example.com", None):
        with ingress.connect(name, verify=False) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b'"name": "app"' in receive_all(client)
    assert ingress.serial(None, verify=False) == first


def test_strict_sni_refuses_unknown_names(world: World) -> None:
    ingress = _serve(world, "127.0.0.1:9", STRICT_SNI="true")
    assert ingress.fetch("api.demo.test").json()["name"] == "api"
    for name in ("unknown.example.com", None):
        with pytest.raises(ssl.SSLError):
            ingress.serial(name, verify=False)
