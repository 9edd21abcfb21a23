"""The apps behind the ingress: HTTP, a protocol in which the server speaks first, and an echo."""

from __future__ import annotations

import json
import socket
import urllib.parse
from collections.abc import Mapping
from typing import BinaryIO

from .proxy_protocol import read_proxy_header
from .tcp_server import TcpServer

MAX_LINE = 65536
MAX_HEADERS = 100
CHUNK = 65536
DRIP = 4096
DRIPS_PER_SECOND = 10
STREAMS = ("/duplex", "/drip?")


class Backend(TcpServer):
    """HTTP/1.1 with keep-alive. Every answer is JSON that tells who answered what to whom:
    {"name", "method", "path", "client", "body"}, the path with its query string.

    - `/slow?seconds=N` takes that long
    - POST `/echo` gives the body back, as it came
    - `/drip?seconds=N` sends N times ten chunks of DRIP bytes, evenly over that time
    - `/duplex` gives back every byte from then on, as a WebSocket's server may
    - anything else is answered at once

    With `proxy_protocol`, a PROXY header (v1 or v2) must come first, and "client" is the address
    in it. Parsing is as lean as can be, since load tests run against this.
    """

    def __init__(
        self, name: str, *, host: str = "127.0.0.1", proxy_protocol: bool = False
    ) -> None:
        super().__init__(host=host)
        self.name = name
        self._proxy_protocol = proxy_protocol

    def serve(self, connection: socket.socket, client: str) -> None:
        with connection.makefile("rb") as stream:
            if self._proxy_protocol:
                client = read_proxy_header(stream) or client
            while self._serve_request(connection, stream, client):
                pass

    def _serve_request(
        self, connection: socket.socket, stream: BinaryIO, client: str
    ) -> bool:
        """Returns whether the connection stays open."""
        words = stream.readline(MAX_LINE).split()
        if len(words) != 3:
            return False
        method, target, version = (word.decode("latin-1") for word in words)
        headers = _read_headers(stream)
        body = stream.read(int(headers.get("content-length", "0")))
        if target.startswith(STREAMS):
            self._stream(connection, target)
            return False
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        content_type, answer = self._answer(method, target, body, client)
        connection.sendall(
            (
                "HTTP/1.1 200 OK\r\n"
                f"Content-Type: {content_type}\r\n"
                f"Content-Length: {len(answer)}\r\n"
                f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
            ).encode()
            + (b"" if method == "HEAD" else answer)
        )
        return keep

    def _answer(self, method: str, target: str, body: bytes, client: str) -> tuple[str, bytes]:
        path, _, query = target.partition("?")
        if path == "/echo" and method == "POST":
            return "application/octet-stream", body
        if path == "/slow":
            # Not a sleep: stopping the backend ends it.
            self.stopping.wait(_seconds(query))
        answer = {
            "name": self.name,
            "method": method,
            "path": target,
            "client": client,
            "body": body.decode(errors="replace"),
        }
        return "application/json", json.dumps(answer).encode()

    def _stream(self, connection: socket.socket, target: str) -> None:
        path, _, query = target.partition("?")
        if path == "/duplex":
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n")
            _echo(connection)
            return
        count = int(_seconds(query)) * DRIPS_PER_SECOND
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {count * DRIP}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(count):
            self.stopping.wait(1 / DRIPS_PER_SECOND)
            connection.sendall(b"." * DRIP)


class BannerBackend(TcpServer):
    """Speaks first, like SMTP or SSH: sends a line with its name, then gives back every line."""

    def __init__(self, name: str, *, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.banner = f"220 {name} ready\r\n".encode()

    def serve(self, connection: socket.socket, client: str) -> None:
        connection.sendall(self.banner)
        _echo(connection)


class EchoBackend(TcpServer):
    """Gives every byte back, and says nothing by itself."""

    def serve(self, connection: socket.socket, client: str) -> None:
        _echo(connection)


def _seconds(query: str) -> float:
    return float(dict(urllib.parse.parse_qsl(query))["seconds"])


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(CHUNK):
        connection.sendall(data)


def _read_headers(stream: BinaryIO) -> Mapping[str, str]:
    headers = {}
    for _ in range(MAX_HEADERS):
        line = stream.readline(MAX_LINE).decode("latin-1").strip()
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers
