"""Makes a DNS server reachable at a second address of loopback."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator

MAX_MESSAGE = 65535
ANSWER_TIMEOUT = 5.0

Address = tuple[str, int]


class Relay:
    """Passes UDP messages and TCP connections for `outside` on to `inside`, byte by byte.

    named listens only on addresses that an interface has, and loopback has 127.0.0.1; adding
    127.0.0.2 to it would take root and change the machine.

    Held, it takes what comes and passes it on when it is released.

    Raises OSError (EADDRINUSE) if `outside` is taken.
    """

    def __init__(self, outside: Address, inside: Address) -> None:
        self._inside = inside
        self._open: set[socket.socket] = set()
        self._passable = threading.Condition()
        self._held = False
        self._passing = 0
        self._udp = self._own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._tcp = self._own(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            self._udp.bind(outside)
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._tcp.bind(outside)
            self._tcp.listen(64)
        except OSError:
            self.stop()
            raise
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def stop(self) -> None:
        self.release()
        for owned in list(self._open):
            # shutdown, not only close: it wakes the thread that waits in accept or recv.
            with contextlib.suppress(OSError):
                owned.shutdown(socket.SHUT_RDWR)
            self._disown(owned)

    def hold(self) -> None:
        """Returns when nothing is on its way any more."""
        with self._passable:
            self._held = True
            self._passable.wait_for(lambda: self._passing == 0)

    def release(self) -> None:
        with self._passable:
            self._held = False
            self._passable.notify_all()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        with self._passable:
            self._passable.wait_for(lambda: not self._held)
            self._passing += 1
        try:
            yield
        finally:
            with self._passable:
                self._passing -= 1
                self._passable.notify_all()

    def _own(self, new: socket.socket) -> socket.socket:
        self._open.add(new)
        return new

    def _disown(self, old: socket.socket) -> None:
        self._open.discard(old)
        old.close()

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                message, client = self._udp.recvfrom(MAX_MESSAGE)
                if message:
                    threading.Thread(
                        target=self._pass_message, args=(message, client), daemon=True
                    ).start()

    def _pass_message(self, message: bytes, client: Address) -> None:
        with self._turn(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            with contextlib.suppress(OSError):  # no answer is an answer, too
                onward.settimeout(ANSWER_TIMEOUT)
                onward.connect(self._inside)
                onward.send(message)
                self._udp.sendto(onward.recv(MAX_MESSAGE), client)

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._tcp.accept()
                threading.Thread(
                    target=self._pass_connection, args=(self._own(client),), daemon=True
                ).start()

    def _pass_connection(self, client: socket.socket) -> None:
        with self._turn():
            self._pass_bytes(client)

    def _pass_bytes(self, client: socket.socket) -> None:
        onward = self._own(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            onward.connect(self._inside)
            with selectors.DefaultSelector() as ready:
                ready.register(client, selectors.EVENT_READ, onward)
                ready.register(onward, selectors.EVENT_READ, client)
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(MAX_MESSAGE)  # type: ignore[union-attr]
                        if not data:
                            return
                        key.data.sendall(data)
        except OSError:
            return
        finally:
            self._disown(client)
            self._disown(onward)
