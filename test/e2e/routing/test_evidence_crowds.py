"""Evidence for all, whoever else is there: floods, and crowds that ask half or do not listen.

No address is counted, since all the clients of a gateway may have one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from e2e.protocols.h2_frames import PREFACE, SETTINGS, Request, frame, settings
from support.h1_client import H1Client
from support.h2_client import H2Client
from support.ingress import CLIENT_TIMEOUT, HOST
from support.process import wait_until
from support.proxy_protocol import proxy_header_v2

from .site import SUMS, WEB, Site

QUOTE = "/evidences/quote.json"
# More than the evidence server takes at a time, and than there are descriptors for if each of
# them took several.
CROWD = 600
SETTINGS_MAX_STREAMS = 100
HONEST = 100

NO_WINDOW = PREFACE + frame(SETTINGS, struct.pack(">HI", 4, 0))
STREAMS = [2 * number + 1 for number in range(SETTINGS_MAX_STREAMS)]


def _requests(**how: bool) -> bytes:
    return b"".join(Request(WEB, QUOTE, stream=stream, **how).frames() for stream in STREAMS)


HALF = b"GET /evidences/quote.json HTTP/1.1\r\nHost: x"
UNFINISHED = Request(WEB, QUOTE, continued=True, more=(("x-last", "1"),)).frames()[:-10]

# What each of a crowd sends: ALPN, the bytes, and how many do it.
CROWDS = {
    "half a head": ("http/1.1", HALF, CROWD),
    "half a head in HTTP/2": ("h2", PREFACE + settings(2) + UNFINISHED, CROWD),
    "answers that nobody reads": ("http/1.1", HALF + b"\r\n\r\n", CROWD),
    "no window": ("h2", NO_WINDOW + Request(WEB, QUOTE).frames(), CROWD),
    "no window for many": ("h2", NO_WINDOW + _requests(), 30),
    "many without an end": ("h2", PREFACE + settings(2) + _requests(ends=False), 30),
    "idle after an answer": ("h2", PREFACE + settings(2) + Request(WEB, QUOTE).frames(), CROWD),
}


class Crowd:
    """Connections that say their part, read nothing, and stay."""

    def __init__(self, site: Site, alpn: str) -> None:
        self._port = site.ingress.port
        self._context = site.ingress.trust(alpn=(alpn,))
        self._held = contextlib.ExitStack()
        self._members: list[ssl.SSLSocket] = []

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def join(self, said: bytes, *, header: bytes = b"") -> None:
        plain = self._held.enter_context(socket.socket())
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(CLIENT_TIMEOUT)
        plain.connect((HOST, self._port))
        plain.sendall(header)
        tls = self._held.enter_context(self._context.wrap_socket(plain, server_hostname=WEB))
        tls.sendall(said)
        tls.setblocking(False)
        self._members.append(tls)

    def staying(self) -> int:
        """How many the product has not hung up on; what it sent is read, and thrown away."""
        return sum(self.who_stays())

    def who_stays(self) -> list[bool]:
        """Of each, in the order in which they joined."""
        return [_is_open(member) for member in self._members]


def _is_open(tls: ssl.SSLSocket) -> bool:
    try:
        while tls.recv(65536):
            pass
    except ssl.SSLWantReadError:
        return True
    except OSError:
        pass
    return False


def _all_get_theirs(site: Site) -> None:
    sums = site.sums()
    for _ in range(3):
        with site.h1() as client:
            assert client.get(SUMS).body == sums
        with site.h2() as h2_client:
            assert h2_client.get(SUMS).body == sums
        with site.h1() as client:
            assert client.get("/app").json()["name"] == "web"


@pytest.mark.parametrize("kind", CROWDS)
def test_a_crowd_takes_nothing_from_others(either: Site, kind: str) -> None:
    alpn, said, members = CROWDS[kind]
    with Crowd(either, alpn) as crowd:
        for _ in range(members):
            crowd.join(said)
        _all_get_theirs(either)
        # The crowd was still there, or what is left of it on a slow machine.
        if kind not in ("answers that nobody reads", "idle after an answer"):
            assert crowd.staying() > 0
    with either.h2() as client:
        answers = client.get_all([SUMS] * 80)
        assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("kind", ["half a head", "half a head in HTTP/2", "idle after an answer"])
def test_routed_by_connection_a_crowd_is_soon_gone(by_connection: Site, kind: str) -> None:
    alpn, said, _ = CROWDS[kind]
    with Crowd(by_connection, alpn) as crowd:
        for _ in range(10):
            crowd.join(said)
        wait_until(lambda: crowd.staying() == 0, what="the crowd to be gone", deadline=20)


def test_a_crowd_at_the_evidence_port(either: Site) -> None:
    where = (HOST, either.ingress.evidence_port)
    with contextlib.ExitStack() as held:
        for _ in range(CROWD):
            plain = held.enter_context(socket.create_connection(where, CLIENT_TIMEOUT))
            plain.sendall(HALF)
        plain.setblocking(False)
        _all_get_theirs(either)
        with pytest.raises(BlockingIOError):
            plain.recv(1)


# ---- floods


def _flood_h1(site: Site) -> list[int]:
    with site.h1() as client:
        return [client.get(SUMS).status]


def _flood_h2(site: Site) -> list[int]:
    with site.h2() as client:
        return [answer.status for answer in client.get_all([SUMS] * 50)]


class Flood:
    """From the address of everybody else, until the end of the block."""

    def __init__(self, ask: Callable[[], list[int]], *, threads: int = 2) -> None:
        self.statuses: Counter[int] = Counter()
        self._ask = ask
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self) -> None:
        while not self._ended.is_set():
            self.statuses.update(self._ask())

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("flood", [_flood_h1, _flood_h2])
def test_a_flood_leaves_an_honest_client_its_answers(
    either: Site, flood: Callable[[Site], list[int]]
) -> None:
    sums = either.sums()
    answers: Counter[bool] = Counter()
    with Flood(lambda: flood(either)) as flooding:
        wait_until(lambda: flooding.statuses.total() > 300, what="the flood", deadline=60)
        for number in range(HONEST):
            if number % 2:
                with either.h2() as h2_client:
                    answers[bytes(h2_client.get(SUMS).body) == sums] += 1
            else:
                with either.h1() as client:
                    answers[client.get(SUMS).body == sums] += 1
    assert answers[True] >= 0.99 * HONEST
    assert set(flooding.statuses) == {200}


def test_a_flood_at_the_evidence_port(either: Site) -> None:
    statuses = Counter(either.ingress.fetch_evidence(SUMS).status for _ in range(500))
    assert statuses == {200: 500}


def test_requests_wait_for_a_server_that_is_held_up(either: Site) -> None:
    """More of them than its connections."""
    (pid,) = either.ingress.processes("ingress-evidence serve")
    with contextlib.ExitStack() as held:
        os.kill(pid, signal.SIGSTOP)
        try:
            clients = [held.enter_context(either.h1()) for _ in range(CROWD)]
            for client in clients:
                client.send(client.head("GET", SUMS))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert Counter(client.answer().status for client in clients) == {200: CROWD}


# ---- one source among many, as the PROXY protocol tells them


# So few that all of them are taken long before the first who asked half a question has to go.
PLACES = 40
OF_ONE_SOURCE = 30


@pytest.fixture(scope="module")
def behind_a_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """That of each client is known; few places, so that one source can take too many."""
    with Site(
        tmp_path_factory.mktemp("gateway"),
        EVIDENCE_ROUTING="connection",
        ACCEPT_PROXY_PROTOCOL="true",
        MAXCONN=str(PLACES),
    ) as site:
        yield site


SOURCES: dict[str, Callable[[int], str]] = {
    "IPv4": lambda _: "198.51.100.1",
    "IPv6": lambda number: f"2001:db8::{number + 1:x}",
}


@pytest.mark.parametrize("kind", ["half a head", "half a head in HTTP/2"])
@pytest.mark.parametrize("family", SOURCES)
def test_one_source_leaves_room(behind_a_gateway: Site, family: str, kind: str) -> None:
    """A network of 64 bits is one source. It may have three quarters of all connections."""
    site, (alpn, said, _) = behind_a_gateway, CROWDS[kind]
    sums = site.sums()

    def refuses_the_latest() -> bool:
        """Those whose time is over would be the earliest."""
        stays = crowd.who_stays()
        return sum(stays) == OF_ONE_SOURCE and all(stays[: OF_ONE_SOURCE // 2])

    with Crowd(site, alpn) as crowd:
        for number in range(PLACES - 4):
            crowd.join(said, header=proxy_header_v2(SOURCES[family](number)))
        wait_until(refuses_the_latest, what="what is too much to be refused", deadline=20)
        header = proxy_header_v2("2001:db8:0:1::1" if family == "IPv6" else "198.51.100.2")
        with socket.create_connection((HOST, site.ingress.port), CLIENT_TIMEOUT) as plain:
            plain.sendall(header)
            with site.ingress.trust(alpn=(alpn,)).wrap_socket(plain, server_hostname=WEB) as tls:
                body = (
                    H2Client(tls, WEB).get(SUMS).body
                    if alpn == "h2"
                    else H1Client(tls, WEB).get(SUMS).body
                )
                assert body == sums

