"""HTTP/2, request by request, to an app that speaks it in the clear.

With EVIDENCE_ROUTING=request all connections are routed so, else those that began with evidence.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from support.h2_client import H2Answer, H2Client
from support.process import wait_until
from support.web_app import pattern

from .site import OTHER, SUMS, WEB, Site

LARGE = 8 * 1024 * 1024


@pytest.fixture
def client(either: Site) -> Iterator[H2Client]:
    """On a connection that began with evidence, in either mode."""
    with either.h2() as made:
        assert made.get(SUMS).body == either.sums()
        yield made


def _told(answer: H2Answer) -> dict[str, object]:
    return dict(json.loads(answer.body))


def test_each_request_of_a_connection_is_routed_by_itself(either: Site, client: H2Client) -> None:
    sums = either.sums()
    for number in range(3):
        told = _told(client.get(f"/app/{number}"))
        assert (told["path"], told["version"]) == (f"/app/{number}", "2")
        assert client.get(SUMS).body == sums
    assert b"<h1>Evidence</h1>" in client.get("/evidences").body
    assert _told(client.get("/evidencesX"))["name"] == "web"


def test_streams_of_both_kinds_at_once(either: Site, client: H2Client) -> None:
    paths = [SUMS if n % 5 == 0 else f"/{n}" for n in range(40)]
    answers = client.get_all(paths)
    for path, answer in zip(paths, answers):
        if path == SUMS:
            assert answer.body == either.sums()
        else:
            assert _told(answer)["path"] == path


def test_large_bodies_both_ways(either: Site, client: H2Client) -> None:
    content = pattern(LARGE)
    told = _told(client.request("PUT", "/upload", body=content))
    assert (told["length"], told["sha256"]) == (LARGE, hashlib.sha256(content).hexdigest())
    assert bytes(client.get(f"/download?bytes={LARGE}").body) == content


def test_large_heads_pass(either: Site, client: H2Client) -> None:
    for size in (12 * 1024, 28 * 1024) if either.mode == "request" else (12 * 1024,):
        cookie = {"cookie": "x" * size}
        assert int(str(_told(client.get("/", headers=cookie))["header_bytes"])) > size
        assert client.get(SUMS, headers=cookie).body == either.sums()


def test_a_head_that_is_too_large_is_refused(either: Site, client: H2Client) -> None:
    try:
        answer = client.get("/", headers={"cookie": "x" * 60_000})
    except ConnectionError:
        return
    assert answer.reset is not None or answer.status in (400, 431)


def test_methods_other_than_get_and_head_do_not_reach_the_evidence(
    either: Site, client: H2Client
) -> None:
    assert client.request("POST", SUMS, body=b"abc").status == 405
    head = client.request("HEAD", SUMS)
    assert int(head.headers["content-length"]) == len(either.sums())
    assert not head.body


@pytest.mark.parametrize("trailers", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("first", [True, False])
def test_the_end_of_a_request_may_come_by_itself(
    either: Site, first: bool, method: str, trailers: bool
) -> None:
    """Clients that do not know beforehand whether there will be a body do it."""
    with either.h2() as client:
        if not first:
            assert client.get(SUMS).status == 200
        for _ in range(2):
            answer = client.get_unended(SUMS, method=method, trailers=trailers)
            assert answer.status == 200
            assert bytes(answer.body) == (either.sums() if method == "GET" else b"")
        told = _told(client.get_unended("/app", trailers=trailers))
        assert (told["name"], told["length"]) == ("web", 0)


def test_a_body_is_no_part_of_a_request_for_evidence(either: Site, client: H2Client) -> None:
    assert client.request("GET", SUMS, body=b"abc").status == 400
    assert client.get(SUMS).body == either.sums()


def test_a_stream_given_up_leaves_the_others(either: Site) -> None:
    # Whether the app has answered by the time it hears of it is chance.
    for _ in range(6):
        with either.h2() as client:
            assert client.get(SUMS).body == either.sums()
            client.cancel(client.send("GET", f"/download?bytes={LARGE}"))
            assert _told(client.get("/still"))["path"] == "/still"
            assert client.get(SUMS).status == 200


def _is_read(connection: socket.socket) -> bool:
    """Whether the other side has read all that was sent; proc_pid_net(5)."""
    here, there = connection.getsockname()[1], connection.getpeername()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if (local[-4:], remote[-4:]) == (f"{there:04X}", f"{here:04X}"):
            return queues.endswith(":00000000")
    return False


class Hesitating:
    """A connection whose first bytes go alone, and the others when those were read."""

    def __init__(self, connection: socket.socket, alone: int) -> None:
        self._connection = connection
        self._alone = alone

    def sendall(self, data: bytes) -> None:
        if self._alone:
            self._connection.sendall(data[: self._alone])
            wait_until(lambda: _is_read(self._connection), what="the first bytes to be read")
            data, self._alone = data[self._alone :], 0
        self._connection.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("alone", [1, 17, 18, 23, 24, 30])
@pytest.mark.parametrize("path", [SUMS, "/app"])
def test_a_preface_may_come_in_parts(either: Site, path: str, alone: int) -> None:
    with either.ingress.connect(WEB, alpn=("h2",)) as tls:
        answer = H2Client(cast(socket.socket, Hesitating(tls, alone)), WEB).get(path)
    if path == SUMS:
        assert answer.body == either.sums()
    else:
        assert _told(answer)["name"] == "web"


def test_routed_by_connection_the_idle_are_closed(by_connection: Site) -> None:
    """The next connection may be plain TCP."""
    with by_connection.h2() as client:
        sums, app, quote = client.get_all([SUMS, "/app", "/evidences/quote.json"])
        assert sums.body == by_connection.sums()
        assert _told(app)["name"] == "web"
        assert quote.status == 200
        client.wait_end()
        assert client.goaway


@pytest.mark.parametrize(
    ("name", "app"),
    [(OTHER, "other"), ("ANY.Demo.Test", "wild"), ("unknown.example.com", "web"), (None, "web")],
)
def test_the_app_behind_evidence_is_that_of_the_name(
    either: Site, name: str | None, app: str
) -> None:
    with either.ingress.connect(name, verify=False, alpn=("h2",)) as tls:
        client = H2Client(tls, name or "none")
        assert client.get(SUMS).body == either.sums()
        assert _told(client.get("/"))["name"] == app


def test_routed_by_connection_the_app_keeps_what_began_with_it(by_connection: Site) -> None:
    with by_connection.h2() as client:
        assert _told(client.get("/app"))["path"] == "/app"
        assert _told(client.get(SUMS))["path"] == SUMS
