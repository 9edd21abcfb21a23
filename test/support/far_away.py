"""A client far away: what either side sends arrives later, and meets what comes the other way."""

from __future__ import annotations

import collections
import contextlib
import select
import socket
import threading
import time

from .tcp_server import TcpServer

READ_SIZE = 65536


class FarAway(TcpServer):
    """A port of its own, and behind it the way to a local one, `round_trip` seconds there and
    back."""

    def __init__(self, port: int, round_trip: float) -> None:
        super().__init__()
        self._destination = port
        self._one_way = round_trip / 2

    def serve(self, connection: socket.socket, client: str) -> None:
        with socket.create_connection((self.host, self._destination)) as onward:
            onward.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._carry, args=(onward, connection), daemon=True)
            back.start()
            self._carry(connection, onward)
            back.join()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Until the source has ended and that has arrived, too."""
        under_way: collections.deque[tuple[float, bytes]] = collections.deque()
        ended = False
        with contextlib.suppress(OSError):
            while under_way or not ended:
                wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
                if select.select([] if ended else [source], [], [], wait)[0]:
                    data = source.recv(READ_SIZE)
                    under_way.append((time.monotonic() + self._one_way, data))
                    ended = not data
                while under_way and under_way[0][0] <= time.monotonic():
                    _arrive(sink, under_way.popleft()[1])


def _arrive(sink: socket.socket, data: bytes) -> None:
    if data:
        sink.sendall(data)
    else:
        sink.shutdown(socket.SHUT_WR)
