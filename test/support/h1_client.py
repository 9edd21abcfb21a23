"""A client that speaks HTTP/1.1 on a connection that is already there, and lets a test say how."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_LINE = 65536


@dataclass(frozen=True)
class H1Answer:
    """Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class H1Client:
    def __init__(self, connection: socket.socket, host: str) -> None:
        self.connection = connection
        self._host = host
        self._stream = connection.makefile("rb")

    def get(self, path: str, **headers: str) -> H1Answer:
        return self.request("GET", path, headers)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> H1Answer:
        self.send(self.head(method, path, headers, length=len(body) if body else None))
        if body:
            self.send(body)
        return self.answer(method)

    def head(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> bytes:
        """A request's head; with our own Host unless `headers` has one."""
        fields = {"Host": self._host, **(headers or {})}
        if length is not None:
            fields["Content-Length"] = str(length)
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items()), "", ""]
        return "\r\n".join(lines).encode()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, method: str = "GET") -> H1Answer:
        """The next one, be it an interim one. Raises ConnectionError if there is none."""
        status, headers = self.answer_head()
        if method == "HEAD" or status < 200 or status in (204, 304):
            return H1Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return H1Answer(status, headers, b"".join(iter(self.chunk, b"")))
        if "content-length" in headers:
            return H1Answer(status, headers, self._stream.read(int(headers["content-length"])))
        return H1Answer(status, headers, self._stream.read())

    def answer_head(self) -> tuple[int, dict[str, str]]:
        words = self._stream.readline(MAX_LINE).split()
        if len(words) < 2:
            raise ConnectionError("the server closed the connection")
        headers = {}
        while line := self._stream.readline(MAX_LINE).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return int(words[1]), headers

    def body_part(self, length: int) -> bytes:
        """`length` bytes of a body whose head was taken by answer_head()."""
        return self._stream.read(length)

    def chunk(self) -> bytes:
        """The next chunk's content; the last one is empty."""
        data = self._stream.read(int(self._stream.readline(MAX_LINE), 16))
        self._stream.readline(MAX_LINE)
        return data

    def is_closed(self) -> bool:
        """Waits for the server to say something or to close."""
        try:
            return self._stream.read(1) == b""
        except ConnectionError:
            return True
