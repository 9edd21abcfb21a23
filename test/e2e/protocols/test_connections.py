"""Connections as TCP has them: large, half-closed, silent, many, and broken off."""

from __future__ import annotations

import contextlib
import hashlib
import resource
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.process import wait_until
from support.tcp_server import TcpServer

from .conftest import AT_ONCE, SHORT_WAIT, Site, full_name
from .peers import Stopwatch, receive
from .product import HOST, PATIENCE, Product

MIB = 1024 * 1024
LARGE = 64 * MIB
CHUNK = bytes(range(256)) * 256
IDLE = 2000
ABORTS = 100
HANDSHAKE_TIMEOUT = 15.0
KERNEL_PATIENCE = 3.0
THINKING = 3.0
FILES_NEEDED = IDLE * 2 + 256

RAW = full_name("raw")


class OnePort(TcpServer):
    """On the port that the site has for the test to use."""

    def __init__(self, site: Site) -> None:
        super().__init__(host=HOST)
        self._reserved.release()
        self.port = site.ports["raw"]


class Digester(OnePort):
    """Reads until the client's end, tells what it read, and sends as much itself."""

    def serve(self, connection: socket.socket, client: str) -> None:
        digest = hashlib.sha256()
        while data := connection.recv(MIB):
            digest.update(data)
        connection.sendall(digest.digest())
        for _ in range(LARGE // len(CHUNK)):
            connection.sendall(CHUNK)
        connection.shutdown(socket.SHUT_WR)


class EarlyEnd(OnePort):
    """Ends its own direction at once; `heard` is what the client says after that."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.heard = b""
        self.over = threading.Event()

    def serve(self, connection: socket.socket, client: str) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(MIB):
            self.heard += data
        self.over.set()


class Thinking(OnePort):
    """Takes its time to answer."""

    def serve(self, connection: socket.socket, client: str) -> None:
        connection.recv(MIB)
        time.sleep(THINKING)
        connection.sendall(b"answer")


class Counter(OnePort):
    """Knows how many connections it has, and echoes."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = threading.Lock()
        self.open = 0
        self.seen = 0

    def serve(self, connection: socket.socket, client: str) -> None:
        with self.lock:
            self.open += 1
            self.seen += 1
        try:
            while data := connection.recv(4096):
                connection.sendall(data)
        finally:
            with self.lock:
                self.open -= 1


class HalfClosing:
    """A TLS client that can end its own direction and read on, which SSLSocket cannot."""

    def __init__(self, product: Product, name: str) -> None:
        self._plain = socket.create_connection((HOST, product.port), timeout=PATIENCE)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = product.context().wrap_bio(
            self._received, self._to_send, server_hostname=name
        )
        self._step(self._tls.do_handshake)

    def write(self, data: bytes) -> None:
        self._step(lambda: self._tls.write(data))

    def read(self) -> bytes:
        """Empty at the server's end."""
        try:
            return self._step(lambda: self._tls.read(MIB))
        except ssl.SSLZeroReturnError:
            return b""

    def end(self) -> None:
        """close_notify and FIN."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()
        self._plain.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._plain.close()

    def _flush(self) -> None:
        if self._to_send.pending:
            self._plain.sendall(self._to_send.read())

    def _step(self, action: Callable[[], Any]) -> Any:
        while True:
            try:
                result = action()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.recv(MIB)
                if data:
                    self._received.write(data)
                else:
                    self._received.write_eof()


@pytest.fixture(scope="module")
def chunk_digest() -> bytes:
    digest = hashlib.sha256()
    for _ in range(LARGE // len(CHUNK)):
        digest.update(CHUNK)
    return digest.digest()


def test_large_transfers_arrive_whole_and_the_client_may_end_first(
    site: Site, patient: Product, chunk_digest: bytes
) -> None:
    with Digester(site), contextlib.closing(HalfClosing(patient, RAW)) as client:
        for _ in range(LARGE // len(CHUNK)):
            client.write(CHUNK)
        client.end()
        received = bytearray()
        while data := client.read():
            received += data
        assert received[:32] == chunk_digest
        assert len(received) == 32 + LARGE
        assert hashlib.sha256(memoryview(received)[32:]).digest() == chunk_digest


def test_the_server_may_end_first(site: Site, bare: Product, patient: Product) -> None:
    for product, greeting in ((bare, b""), (patient, b"hello")):
        with EarlyEnd(site) as server, contextlib.closing(HalfClosing(product, RAW)) as client:
            if greeting:
                client.write(greeting)
            assert client.read() == b"bye"
            assert client.read() == b""
            client.write(b" and farewell")
            client.end()
            assert server.over.wait(PATIENCE)
            assert server.heard == greeting + b" and farewell"


def test_a_client_that_says_nothing_is_connected_after_the_wait(
    site: Site, prompt: Product
) -> None:
    with Counter(site) as server, prompt.connect(RAW) as client:
        clock = Stopwatch()
        wait_until(lambda: server.open == 1, what="the server to see it")
        assert SHORT_WAIT / 2 <= clock() < SHORT_WAIT + AT_ONCE
        client.sendall(b"at last")
        assert receive(client, 7) == b"at last"


def test_clients_that_break_off_leave_nothing_behind(site: Site, patient: Product) -> None:
    with Counter(site) as server:
        for number in range(ABORTS):
            with patient.connect(RAW) as client:
                client.sendall(b"x")
                if number % 2:
                    assert receive(client, 1) == b"x"
                # RST instead of FIN.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.create_connection((HOST, patient.port)) as half_a_handshake:
            half_a_handshake.sendall(b"\x16\x03\x01\x02\0\x01")
        with patient.connect(RAW) as client:
            client.sendall(b"still there")
            assert receive(client, 11) == b"still there"
        wait_until(lambda: server.open == 0, what="the broken connections to end")
        assert server.seen > ABORTS // 2


def test_a_handshake_that_does_not_end(site: Site) -> None:
    """HAProxy before 3.0 gives it the time of four attempts to connect besides."""
    limit = HANDSHAKE_TIMEOUT + 4 * 1 + 3
    with (
        site.product("unfinished", EVIDENCE_SERVER="false", TIMEOUT_CONNECT="1s") as product,
        contextlib.ExitStack() as held,
    ):
        clock = Stopwatch()
        for said in (b"", b"\x16\x03\x01\x02\0\x01"):
            client = held.enter_context(socket.create_connection((HOST, product.port)))
            client.sendall(said)
            client.settimeout(limit + PATIENCE)
            assert client.recv(1) == b""
            assert clock() > HANDSHAKE_TIMEOUT / 2
            clock = Stopwatch()


@pytest.mark.parametrize("half_closed", [False, True])
def test_an_answer_may_take_longer_than_the_client_s_time(site: Site, half_closed: bool) -> None:
    """A client that waits is silent; the server's time is what it waits for."""
    with (
        Thinking(site),
        site.product(
            f"late-{half_closed}", EVIDENCE_SERVER="false", TIMEOUT_CLIENT="1s", TIMEOUT_SERVER="1h"
        ) as product,
        contextlib.closing(HalfClosing(product, RAW)) as client,
    ):
        client.write(b"question")
        if half_closed:
            client.end()
        assert client.read() == b"answer"


def test_silence_is_no_handshake(site: Site, bare: Product) -> None:
    """What limits handshakes limits neither those who have spoken nor browsers yet to speak."""
    with site.product("silence", ALPN="http/1.1") as product, contextlib.ExitStack() as held:
        app = full_name("app")
        spoken = held.enter_context(bare.connect(full_name("echo")))
        spoken.sendall(b"one")
        assert receive(spoken, 3) == b"one"
        browser = held.enter_context(product.connect(app, alpn=("http/1.1",)))
        time.sleep(HANDSHAKE_TIMEOUT + 2)  # it is the silence itself that is tested
        spoken.sendall(b"two")
        assert receive(spoken, 3) == b"two"
        browser.sendall(f"GET / HTTP/1.1\r\nHost: {app}\r\n\r\n".encode())
        assert receive(browser, 12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("silence", [0.2, KERNEL_PATIENCE + 1])
def test_a_handshake_that_begins_late(bare: Product, silence: float) -> None:
    """The kernel keeps the connection to itself at first (TCP_DEFER_ACCEPT), then gives it up."""
    name = full_name("echo")
    with socket.create_connection((HOST, bare.port), timeout=PATIENCE) as plain:
        time.sleep(silence)  # it is the silence itself that is tested
        with bare.context().wrap_socket(plain, server_hostname=name) as client:
            client.sendall(b"at last")
            assert receive(client, 7) == b"at last"


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= FILES_NEEDED, "ulimit -Hn is too low"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES_NEEDED), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_by_the_thousand(many_files: None, bare: Product) -> None:
    """The backend is one echo server; each connection is used at its start and at its end."""
    name = full_name("echo")
    with contextlib.ExitStack() as held:
        clients = [held.enter_context(bare.connect(name)) for _ in range(IDLE)]
        for number, client in enumerate(clients):
            client.sendall(f"{number:5}".encode())
        for number, client in enumerate(clients):
            assert receive(client, 5) == f"{number:5}".encode()
        with bare.connect(name) as one_more:
            clock = Stopwatch()
            one_more.sendall(b"and you?")
            assert receive(one_more, 8) == b"and you?"
            assert clock() < AT_ONCE
