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
# So long that a wait by mistake shows beyond doubt, however busy the machine is.
LONG_WAIT = 30.0
AT_ONCE = LONG_WAIT / 2


def _serve(world: World, target: str, wait: float = LONG_WAIT, **settings: str) -> Ingress:
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    routes = f"app.demo.test={target},api.demo.test={stack.api.address}"
    ingress = world.ingress(
        ROUTING_MAP=routes, EVIDENCE_WAIT=f"{int(wait * 1000)}ms", **settings
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
        ingress = _serve(world, mail.address, WAIT)
        assert WAIT * 0.9 < _banner_after(ingress) < WAIT + AT_ONCE


@pytest.mark.parametrize("setting", ["app.demo.test", "*.demo.test", "true"])
def test_a_listed_server_that_speaks_first_is_heard_at_once(world: World, setting: str) -> None:
    with BannerBackend("mail") as mail:
        assert _banner_after(_serve(world, mail.address, SERVER_FIRST=setting)) < AT_ONCE


@pytest.mark.parametrize("first", [b"PING\r\n", b"G\n", b"GET /evidencesX", b"\0"])
def test_a_client_that_speaks_first_waits_for_nothing(world: World, first: bytes) -> None:
    with EchoBackend() as echo:
        ingress = _serve(world, echo.address)
        with ingress.connect("app.demo.test") as client:
            start = time.monotonic()
            client.sendall(first)
            assert receive(client, len(first)) == first
            assert time.monotonic() - start < AT_ONCE


def test_a_letter_that_may_begin_a_request_for_evidence_waits_for_the_next(world: World) -> None:
    with EchoBackend() as echo:
        ingress = _serve(world, echo.address, WAIT)
        with ingress.connect("app.demo.test") as client:
            start = time.monotonic()
            client.sendall(b"H")
            assert receive(client, 1) == b"H"
            assert WAIT * 0.9 < time.monotonic() - start < WAIT + AT_ONCE


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
