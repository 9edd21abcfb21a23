"""WebSockets (RFC 6455) that stay open: a server that echoes, a client that checks the echo."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl

from support.tcp_server import TcpServer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
TEXT_FRAME = 0x81
MASKED = 0x80
MESSAGE_MAX = 125  # a longer one has another header
TIMEOUT = 20.0


def _accept_key(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("closed during the upgrade")
        head += byte
    return head


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    raise ConnectionError(f"no {name.decode()} in {head!r}")


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def _read_frame(connection: socket.socket) -> bytes:
    _, length = _read_exactly(connection, 2)
    mask = _read_exactly(connection, 4) if length & MASKED else bytes(4)
    payload = _read_exactly(connection, length & ~MASKED)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class WebSocketEcho(TcpServer):
    def serve(self, connection: socket.socket, client: str) -> None:
        key = _header(_read_head(connection), b"sec-websocket-key")
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + _accept_key(key) + b"\r\n\r\n"
        )
        while True:
            payload = _read_frame(connection)
            connection.sendall(bytes([TEXT_FRAME, len(payload)]) + payload)


class WebSocketClient:
    """Connected once, for good: a connection that ends is an error."""

    def __init__(self, port: int, name: str, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self._tls = context.wrap_socket(plain, server_hostname=name)
        key = base64.b64encode(os.urandom(16))
        self._tls.sendall(
            f"GET /chat HTTP/1.1\r\nHost: {name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n\r\n".encode()
        )
        if _header(_read_head(self._tls), b"sec-websocket-accept") != _accept_key(key):
            raise ConnectionError("the upgrade was answered wrongly")

    def exchange(self, text: bytes) -> None:
        assert len(text) <= MESSAGE_MAX
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
        self._tls.sendall(bytes([TEXT_FRAME, MASKED | len(text)]) + mask + masked)
        echo = _read_frame(self._tls)
        if echo != text:
            raise ConnectionError(f"sent {text!r}, got {echo!r}")

    def close(self) -> None:
        self._tls.close()
