"""The control socket and ingressctl."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.ingress import Ingress
from support.volume import Volume

from .conftest import World

OK, USAGE, UNREACHABLE, TRY_LATER = 0, 64, 69, 75


@pytest.fixture
def ingress(serving: tuple[Ingress, Volume]) -> Ingress:
    return serving[0]


def _raw(ingress: Ingress, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(os.fspath(ingress.control_socket))
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return client.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            return b""


def test_rude_clients_are_refused_and_the_loop_stays_responsive(ingress: Ingress) -> None:
    assert stat.S_IMODE(ingress.control_socket.stat().st_mode) == 0o600
    big = b"x" * 100_000
    assert b" 200 " not in _raw(ingress, b"GET /v1/status HTTP/1.1\r\nA: " + big + b"\r\n\r\n")
    body = b"POST /v1/reload HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + big
    assert b" 200 " not in _raw(ingress, body)
    assert b" 200 " not in _raw(ingress, b"\x16\x03\x01\x00\x00 nonsense\r\n\r\n")
    assert b" 200 " not in _raw(ingress, b"GET /v1/status\r\n\r\n")
    assert ingress.control("POST", "/v1/status")[0] == 405
    assert ingress.control("GET", "/v1/reload")[0] == 405
    assert ingress.control("GET", "/v1/renew")[0] == 405
    status, answer = ingress.control("GET", "/etc/passwd")
    assert (status, "error" in answer) == (404, True)
    assert ingress.control("POST", "/v1/renew?domain=%00")[0] in (400, 404)


def test_slow_and_many_clients_make_nobody_wait(ingress: Ingress) -> None:
    slow = []
    try:
        for _ in range(50):
            client = socket.socket(socket.AF_UNIX)
            slow.append(client)
            client.connect(os.fspath(ingress.control_socket))
            client.sendall(b"GET /v1/status HT")
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: ingress.status()["pid"], range(100)))
        assert set(answers) == {ingress.child.pid}
        assert time.monotonic() - start < 5
        assert ingress.fetch("app.demo.test").status == 200
    finally:
        for client in slow:
            client.close()


def test_status_for_people_and_for_programs(ingress: Ingress) -> None:
    shown = ingress.ctl("status")
    assert shown.returncode == OK
    assert "app.demo.test" in shown.stdout and "settled" in shown.stdout
    status = json.loads(ingress.ctl("status", "--json").stdout)
    assert [d["state"] for d in status["domains"]] == ["settled", "settled"]
    assert status["haproxy"]["error"] is None
    assert status["app_id"] == ingress.environment["APP_ID"]
    assert ingress.ctl("version").stdout.startswith("ingressctl ")


def test_probe_tells_what_a_handshake_returns(ingress: Ingress) -> None:
    serial = ingress.serial("app.demo.test")
    shown = ingress.ctl("probe", "--port", str(ingress.port), "app.demo.test")
    assert (shown.returncode, shown.stdout) == (OK, f"app.demo.test {serial}\n")
    shown = ingress.ctl("probe", "--port", str(ingress.port), f"APP.Demo.test.={serial.lower()}")
    assert (shown.returncode, shown.stdout) == (OK, f"app.demo.test {serial}\n")
    for name in ("", "app..demo.test", "m\u00fcnchen.demo.test", "=0A"):
        wrong = ingress.ctl("probe", "--port", str(ingress.port), name)
        assert (wrong.returncode, wrong.stdout) == (USAGE, ""), name
        assert "the name " in wrong.stderr


def test_probe_says_that_a_name_is_not_configured(ingress: Ingress) -> None:
    """HAProxy shows a certificate for other names then."""
    shown = ingress.ctl("probe", "--port", str(ingress.port), "other.demo.test")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "other.demo.test is not among the configured domains" in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("nonsense",), ("status", "too", "many"), ("--nonsense",), ("probe", "--port", "0", "x"),
        ("--json", "status"), ("status", "--force"), ("renew", "--json"), ("renew", "a.test", "b.test"),
        ("reload", "--live"), ("probe",),
    ],  # fmt: skip
)
def test_wrong_usage_is_64(world: World, arguments: tuple[str, ...]) -> None:
    world.make_stack()
    done = Ingress(world.stack).ctl(*arguments)
    assert done.returncode == USAGE
    assert "usage: ingressctl" in done.stderr


def test_without_a_daemon_it_is_69(world: World) -> None:
    world.make_stack()
    done = Ingress(world.stack).ctl("status")
    assert done.returncode == UNREACHABLE
    assert "ingressd does not answer at" in done.stderr


def test_renewing_an_unknown_domain_is_64_and_over_budget_75(ingress: Ingress) -> None:
    unknown = ingress.ctl("renew", "nobody.demo.test")
    assert unknown.returncode == USAGE
    assert "nobody.demo.test is not one of the configured domains" in unknown.stderr
    ingress.stop()
    state = ingress.volume / "dstack-ingress" / "state.json"
    now = int(time.time())
    record = {"orders": [now - 40, now - 30, now - 20, now - 10]}
    state.parent.mkdir(exist_ok=True)
    state.write_text(
        json.dumps({"version": 1, "app_id": "", "domains": {"app.demo.test": record}})
    )
    ingress.start()
    ingress.wait_settled()
    refused = ingress.ctl("renew", "app.demo.test", "--force")
    assert refused.returncode == TRY_LATER
    assert "has used its 4 orders of this hour" in refused.stderr
    assert ingress.domain("app.demo.test")["orders_in_last_hour"] == 4
    for name in ("app.demo.test", "APP.demo.test", "app.demo.test."):
        assert ingress.ctl("renew", name).returncode == OK  # nothing is due
