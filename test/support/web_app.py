"""An app that speaks HTTP/1.1 and HTTP/2 in the clear on one port, as a modern framework does."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import itertools
import json
import socket
import threading
import urllib.parse
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from .proxy_protocol import read_proxy_header
from .tcp_server import TcpServer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATTERN = bytes(range(256)) * 256
MAX_LINE = 65536
READ_SIZE = 65536
EVENT_DEADLINE = 30.0


@dataclass
class Request:
    """What there is to tell about one request, while it comes in."""

    method: str
    target: str
    host: str
    client: str
    version: str
    connection: int
    header_bytes: int = 0
    length: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, body: bytes) -> None:
        self.length += len(body)
        self.digest.update(body)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def number(self, name: str) -> int:
        """Out of the query string."""
        return int(urllib.parse.parse_qs(self.target.partition("?")[2])[name][0])

    def story(self, app: str) -> bytes:
        told = {
            "name": app,
            "method": self.method,
            "path": self.target,
            "host": self.host,
            "client": self.client,
            "version": self.version,
            "connection": self.connection,
            "header_bytes": self.header_bytes,
            "length": self.length,
            "sha256": self.digest.hexdigest(),
        }
        return json.dumps(told).encode()


def pattern(length: int) -> bytes:
    """What `/download?bytes=N` sends."""
    return (PATTERN * (length // len(PATTERN) + 1))[:length]


class WebApp(TcpServer):
    """Every answer is JSON that tells what arrived (see Request.story), except

    - `/download?bytes=N`: that many bytes of pattern()
    - `/chunked?bytes=N` (HTTP/1.1): the same in chunks
    - `/refuse` (HTTP/1.1): 403 to `Expect: 100-continue`
    - `/events` (HTTP/1.1): a chunk at once, and another one once `next_event` is set

    With `proxy_protocol`, a PROXY header must come first and "client" is the address in it.
    """

    def __init__(self, name: str, *, proxy_protocol: bool = False) -> None:
        super().__init__()
        self.name = name
        self.next_event = threading.Event()
        self._proxy_protocol = proxy_protocol
        self._numbers = itertools.count(1)

    def serve(self, connection: socket.socket, client: str) -> None:
        if self._proxy_protocol:
            with connection.makefile("rb", buffering=0) as stream:
                client = read_proxy_header(stream) or client
        number = next(self._numbers)
        if _begins_with_preface(connection):
            _Http2(self, connection, client, number).run()
        else:
            _Http1(self, connection, client, number)

    def answer(self, request: Request) -> tuple[str, bytes]:
        """Content type and body."""
        if request.path == "/download":
            return "application/octet-stream", pattern(request.number("bytes"))
        return "application/json", request.story(self.name)


def _begins_with_preface(connection: socket.socket) -> bool:
    """Takes nothing; the preface is told from a method by its first five letters."""
    seen = b""
    while len(seen) < 5 and PREFACE.startswith(seen):
        more = connection.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
        if more == seen:
            return False
        seen = more
    return PREFACE.startswith(seen)


class _Http1(http.server.BaseHTTPRequestHandler):
    """All requests of one connection: its constructor returns when that is over."""

    protocol_version = "HTTP/1.1"

    def __init__(self, app: WebApp, connection: socket.socket, client: str, number: int) -> None:
        self._app = app
        self._client = client
        self._number = number
        super().__init__(connection, (client, 0), app)  # type: ignore[arg-type]

    def handle_expect_100(self) -> bool:
        if self.path != "/refuse":
            return super().handle_expect_100()
        self.close_connection = True
        self._send(403, "text/plain", b"refused")
        return False

    def do_GET(self) -> None:
        request = Request(
            self.command,
            self.path,
            self.headers.get("Host", ""),
            self._client,
            "1.1",
            self._number,
            sum(len(name) + len(value) + 4 for name, value in self.headers.items()),
        )
        self._read_body(request)
        if request.path == "/chunked":
            self._send_chunks(pattern(request.number("bytes")))
        elif request.path == "/events":
            self._send_events()
        else:
            self._send(200, *self._app.answer(request))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, *_: object) -> None:
        """A test tells what it saw by itself."""

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_body(self, request: Request) -> None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline(MAX_LINE), 16):
                request.take(self.rfile.read(size))
                self.rfile.readline(MAX_LINE)
            while self.rfile.readline(MAX_LINE).strip():
                pass  # trailers
            return
        left = int(self.headers.get("Content-Length", "0"))
        while left and (data := self.rfile.read(min(left, READ_SIZE))):
            request.take(data)
            left -= len(data)

    def _begin_chunks(self) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _send_chunks(self, body: bytes) -> None:
        self._begin_chunks()
        for start in range(0, len(body), 10_000):
            self._send_chunk(body[start : start + 10_000])
        self._send_chunk(b"")

    def _send_events(self) -> None:
        self._begin_chunks()
        self._send_chunk(b"data: first\n\n")
        self._app.next_event.wait(EVENT_DEADLINE)
        self._send_chunk(b"data: second\n\n")
        self._send_chunk(b"")


class _Http2:
    """All streams of one connection."""

    def __init__(self, app: WebApp, connection: socket.socket, client: str, number: int) -> None:
        self._app = app
        self._connection = connection
        self._client = client
        self._number = number
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._requests: dict[int, Request] = {}
        self._unsent: dict[int, memoryview] = {}

    def run(self) -> None:
        self._h2.initiate_connection()
        self._flush()
        while data := self._connection.recv(READ_SIZE):
            try:
                events = self._h2.receive_data(data)
            except h2.exceptions.ProtocolError:
                self._flush()
                return
            for event in events:
                # A stream may have been reset behind the request that it carried.
                with contextlib.suppress(h2.exceptions.ProtocolError):
                    self._take(event)
            self._send_bodies()
            self._flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._requests[event.stream_id] = self._begin(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._requests[event.stream_id].take(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._answer(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self._requests.pop(event.stream_id, None)
            self._unsent.pop(event.stream_id, None)

    def _begin(self, headers: list[tuple[str | bytes, str | bytes]]) -> Request:
        found = {_text(name): _text(value) for name, value in headers}
        return Request(
            found[":method"],
            found[":path"],
            found.get(":authority", found.get("host", "")),
            self._client,
            "2",
            self._number,
            sum(len(name) + len(value) for name, value in headers),
        )

    def _answer(self, stream: int) -> None:
        request = self._requests.pop(stream)
        content_type, body = self._app.answer(request)
        no_body = request.method == "HEAD" or not body
        self._h2.send_headers(
            stream,
            [
                (":status", "200"),
                ("content-type", content_type),
                ("content-length", str(len(body))),
            ],
            end_stream=no_body,
        )
        if not no_body:
            self._unsent[stream] = memoryview(body)

    def _send_bodies(self) -> None:
        for stream in list(self._unsent):
            while window := min(
                self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size
            ):
                data, rest = self._unsent[stream][:window], self._unsent[stream][window:]
                self._h2.send_data(stream, bytes(data), end_stream=not rest)
                self._unsent[stream] = rest
                if not rest:
                    del self._unsent[stream]
                    break

    def _flush(self) -> None:
        self._connection.sendall(self._h2.data_to_send())


def _text(value: str | bytes) -> str:
    """The library's versions differ."""
    return value.decode("latin-1") if isinstance(value, bytes) else value
