"""Reading from a connection as it is: what was sent in one piece may come in several."""

from __future__ import annotations

import socket


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes, less only at the end of the connection."""
    data = bytearray()
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return bytes(data)


def receive_all(connection: socket.socket) -> bytes:
    """Everything until the other side's end."""
    return b"".join(iter(lambda: connection.recv(65536), b""))
