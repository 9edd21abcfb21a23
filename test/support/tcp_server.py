"""The listening half of every server that the harness itself provides."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TypeVar

from .ports import ReservedPort
from .process import wait_until

BACKLOG = 1024

Self = TypeVar("Self", bound="TcpServer")


class TcpServer:
    """Listens on a port of its own; a subclass serves connections in `serve`, one thread each.

    `down()` and `up()` make connections to it refused for a while; the port stays its own.

    With `one_by_one` there is one thread, which serves a connection to its end before the next: it
    spares a test that makes a million of them a third of the time, if its client has only one open
    at a time.
    """

    one_by_one = False

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.stopping = threading.Event()
        self._tls = tls
        self._reserved = ReservedPort(host)
        self.port = self._reserved.number
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()

    def serve(self, connection: socket.socket, client: str) -> None:
        """Serves until the conversation is over; `client` is the peer's address, without port."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """As in a URL: an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def start(self: Self) -> Self:
        self.up()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.down()
        self._reserved.release()

    def up(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(BACKLOG)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Refuses new connections and cuts those that are open."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # shutdown, not only close: it wakes the thread that waits in accept.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cuts the connections that are open."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def settle(self) -> None:
        """Cuts every connection and waits until none is served any more; then goes on.

        A client that gives up does not know what becomes of its request. From here on it is known.
        """
        self.down()
        wait_until(lambda: not self._connections, what="connections to be done with")
        self.up()

    def __enter__(self: Self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, peer = listener.accept()
                self._connections.add(connection)
                if self._listener is not listener:  # down() may have looked before
                    self._forget(connection)
                    return
                if self.one_by_one:
                    self._converse(connection, peer[0])
                    continue
                threading.Thread(
                    target=self._converse, args=(connection, peer[0]), daemon=True
                ).start()

    def _converse(self, connection: socket.socket, client: str) -> None:
        # A client that hangs up, or does not trust our certificate, is part of the tests.
        with contextlib.suppress(OSError):
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connection = self._handshake(connection, self._tls)
                self.serve(connection, client)
            finally:
                self._forget(connection)

    def _handshake(self, connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """Wraps and replaces `connection`; here, because it waits for the client."""
        wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._connections.add(wrapped)
        self._connections.discard(connection)
        try:
            wrapped.do_handshake()
        except OSError:
            self._forget(wrapped)
            raise
        return wrapped

    def _forget(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        connection.close()
