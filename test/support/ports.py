"""Ports for programs that cannot report the one they got."""

from __future__ import annotations

import errno
import socket

ATTEMPTS = 100


class ReservedPort:
    """A TCP port of loopback that no other process is handed while this object lives.

    The port is bound, with SO_REUSEADDR, but never listens. That keeps the kernel from choosing it
    for anybody else, and does not keep a server that sets SO_REUSEADDR too (named, Go programs,
    HAProxy, libevent) from listening on it. Closing the socket and hoping, the usual way, loses
    the port now and then when tests run in parallel.

    UDP has no such trick: a server that needs the same UDP port must be ready to be told
    "address in use" and to try another reservation.
    """

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses or ("127.0.0.1",)
        self._sockets: list[socket.socket] = []
        for _ in range(ATTEMPTS):
            if self._bind_everywhere():
                return
        raise OSError(errno.EADDRINUSE, f"no port is free on all of {self._addresses}")

    def _bind_everywhere(self) -> bool:
        number = 0
        try:
            for address in self._addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                holder = socket.socket(family, socket.SOCK_STREAM)
                self._sockets.append(holder)
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind((address, number))
                number = holder.getsockname()[1]
        except OSError as error:
            self.release()
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        self.number: int = number
        return True

    def release(self) -> None:
        for holder in self._sockets:
            holder.close()
        self._sockets.clear()

    def __enter__(self) -> ReservedPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
