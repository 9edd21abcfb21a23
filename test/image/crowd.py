"""Clients of many kinds at once, and those that come anew all the time: who is served, and who not."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.backend import DRIP, DRIPS_PER_SECOND
from support.ingress import request_on

Connect = Callable[[float], ssl.SSLSocket]
"""A new connection, with this time-out."""

# A connection that is tried before the container's network is there hangs for a second.  Several
# that give up soon see that it serves, none the less.
NEWCOMERS, PAUSE, PATIENCE = 8, 0.01, 0.5
TIMEOUT = 60.0


@dataclass
class Outage:
    """What those that came anew have seen: each by time.monotonic()."""

    failed: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """For how long nobody was served."""
        times = sorted(self.served)
        return max(after - before for before, after in zip(times, times[1:]))


@contextmanager
def newcomers(connect: Connect, name: str) -> Iterator[Outage]:
    """A handshake and a request each, some hundreds a second."""
    seen = Outage()
    over = threading.Event()

    def come() -> None:
        while not over.wait(PAUSE):
            try:
                with connect(PATIENCE) as tls:
                    assert request_on(tls, name, "/").status == 200
            except OSError:
                seen.failed.append(time.monotonic())
            except Exception:  # http.client has many
                seen.failed.append(time.monotonic())
            else:
                seen.served.append(time.monotonic())

    with ThreadPoolExecutor(NEWCOMERS) as threads:
        workers = [threads.submit(come) for _ in range(NEWCOMERS)]
        try:
            yield seen
        finally:
            over.set()
    for worker in workers:
        worker.result()


class Crowd:
    """So many connections of each kind: idle, requests on a kept one, both ways at once, and
    downloads that take so many seconds."""

    def __init__(self, connect: Connect, name: str, *, each: int, seconds: int) -> None:
        self._connect, self._name, self._seconds = connect, name, seconds
        self._threads = ThreadPoolExecutor(4 * each)
        self._all_there = threading.Barrier(4 * each + 1)
        self._downloads: list[Future[int]] = []
        for kind in (self._idle, self._ask, self._talk):
            for _ in range(each):
                self._threads.submit(self._begin, kind)
        for _ in range(each):
            self._downloads.append(self._threads.submit(self._begin, self._download))
        self._all_there.wait(TIMEOUT)

    def downloaded(self) -> list[bool]:
        """Of each download whether all of it came, once they have ended."""
        whole = self._seconds * DRIPS_PER_SECOND * DRIP
        return [future.result(TIMEOUT) == whole for future in self._downloads]

    def gone(self) -> None:
        """Once all their connections have ended."""
        self._threads.shutdown()

    def _begin(self, kind: Callable[[ssl.SSLSocket], int]) -> int:
        with self._connect(TIMEOUT) as tls:
            try:
                return kind(tls)
            except OSError:
                return 0

    def _idle(self, tls: ssl.SSLSocket) -> int:
        request_on(tls, self._name, "/")
        self._all_there.wait(TIMEOUT)
        return len(tls.recv(1))

    def _ask(self, tls: ssl.SSLSocket) -> int:
        self._all_there.wait(TIMEOUT)
        while request_on(tls, self._name, "/").status == 200:
            time.sleep(0.1)
        return 0

    def _talk(self, tls: ssl.SSLSocket) -> int:
        tls.sendall(f"GET /duplex HTTP/1.1\r\nHost: {self._name}\r\nUpgrade: echo\r\n\r\n".encode())
        while not tls.recv(4096).endswith(b"\r\n\r\n"):
            pass
        self._all_there.wait(TIMEOUT)
        while True:
            tls.sendall(b"ping")
            if not tls.recv(4):
                return 0
            time.sleep(0.1)

    def _download(self, tls: ssl.SSLSocket) -> int:
        self._all_there.wait(TIMEOUT)
        tls.sendall(f"GET /drip?seconds={self._seconds} HTTP/1.1\r\nHost: {self._name}\r\n\r\n".encode())
        received = bytearray()
        while more := tls.recv(65536):
            received += more
        return len(bytes(received).partition(b"\r\n\r\n")[2])
