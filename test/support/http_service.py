"""The HTTP server under every emulator: keep-alive, a request log, and faults on demand."""

from __future__ import annotations

import contextlib
import email.message
import email.utils
import http.client
import json
import socket
import ssl
import struct
import threading
import traceback
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

from .faults import Fault, Faults
from .tcp_server import TcpServer

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LINE_MAX = 65536

Self = TypeVar("Self", bound="HttpService")


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: email.message.Message[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"

    @property
    def path(self) -> str:
        return urllib.parse.unquote(urllib.parse.urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter."""
        parameters = urllib.parse.urlsplit(self.target).query
        return dict(urllib.parse.parse_qsl(parameters, keep_blank_values=True))


@dataclass
class Response:
    """`delivery` is "whole", or how it goes wrong: "truncated", "closed", "reset", "hang"."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    delivery: str = "whole"

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Response:
        return cls(status, json.dumps(value).encode(), "application/json")


@dataclass(frozen=True)
class LoggedRequest:
    """What a test may see of a request: never a header, since one holds the credential.

    `status` is 0 if it got no answer.
    """

    method: str
    target: str
    body: str
    status: int


class HttpService(TcpServer):
    """A subclass answers in `respond`, called from many threads. With `tls` it is HTTPS.

    An exception in it is a defect of the emulator: the client gets a 500, and leaving the context
    raises it in the test.
    """

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(host=host, tls=tls)
        self.origin = f"{'https' if tls else 'http'}://{self.address}"
        self._lock = threading.Lock()
        self._requests: list[LoggedRequest] = []
        self._faults = Faults()
        self._defects: list[str] = []

    def respond(self, request: Request) -> Response:
        raise NotImplementedError

    def line_of(self, request: Request) -> str:
        """What `match` of a fault is searched for in."""
        return request.line

    def body_of(self, request: Request) -> str:
        """What a test may see of the body."""
        return request.body.decode(errors="replace")

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        """Called for the kinds of fault that this class does not know."""
        raise ValueError(f"no such kind of fault here: {fault.kind}")

    def stop(self) -> None:
        super().stop()
        if self._defects:
            raise RuntimeError("defects of the emulator:\n" + "\n".join(self._defects))

    # For tests

    def requests(self, method: str | None = None) -> list[LoggedRequest]:
        with self._lock:
            return [r for r in self._requests if method in (None, r.method)]

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def fault(self, kind: str, match: str = "", times: int | None = 1, **detail: Any) -> Fault:
        """See Fault. The object returned tells how often it was hit."""
        return self._faults.add(Fault(kind, match, times, **detail))

    def clear_faults(self) -> None:
        self._faults.clear()

    # For connections

    def serve(self, connection: socket.socket, client: str) -> None:
        _Conversation(connection, self)

    def handle(self, request: Request) -> Response:
        try:
            fault = self._faults.take(self.line_of(request))
            response = self._misbehave(request, fault) if fault else self.respond(request)
        except Exception:  # noqa: BLE001 - see the class
            self._defects.append(f"{request.line}\n{traceback.format_exc()}")
            response = Response(500, b"defect of the emulator")
        with self._lock:
            self._requests.append(
                LoggedRequest(
                    request.method,
                    request.target,
                    self.body_of(request),
                    response.status if response.delivery in ("whole", "truncated") else 0,
                )
            )
        return response

    def _misbehave(self, request: Request, fault: Fault) -> Response:
        if fault.call is not None:
            fault.call()
        if fault.kind == "meanwhile":
            return self.respond(request)
        if fault.kind in ("closed", "reset", "hang"):
            if fault.after:
                self.respond(request)
            return Response(delivery=fault.kind)
        if fault.kind == "status":
            if fault.after:
                self.respond(request)
            if isinstance(fault.body, str):
                response = Response(fault.status, fault.body.encode(), fault.content_type)
            else:
                response = Response.of_json(fault.body, fault.status)
            response.headers.update(fault.headers)
            return response
        if fault.kind not in ("truncated", "empty", "content_type"):
            return self.respond_with_fault(request, fault)
        response = self.respond(request)
        if fault.kind == "truncated":
            response.delivery = "truncated"
        elif fault.kind == "empty":
            response.body = b""
        else:
            response.content_type = fault.content_type
        return response


class _Conversation:
    """One connection; the constructor serves it to its end.

    In place of http.server, which takes longer to read a request than the emulators to answer it;
    some tests make a million of them.
    """

    def __init__(self, connection: socket.socket, service: HttpService) -> None:
        self._connection = connection
        self._service = service
        with connection.makefile("rb") as stream:
            while self._serve(stream):
                pass

    def _serve(self, stream: BinaryIO) -> bool:
        """One request; whether another one may follow on this connection."""
        words = stream.readline(LINE_MAX).decode("latin-1").split()
        if not words:
            return False
        headers = _read_headers(stream)
        if len(words) != 3 or headers is None:
            self._deliver("GET", Response(400, b"not a request"))
            return False
        method, target, _ = words
        if "Transfer-Encoding" in headers:
            self._deliver(method, Response(411, b"the emulators want Content-Length"))
            return False
        if headers.get("Expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = stream.read(int(headers.get("Content-Length", "0")))
        response = self._service.handle(Request(method, target, headers, body))
        is_last = headers.get("Connection", "").lower() == "close"
        return self._deliver(method, response) and not is_last

    def _deliver(self, method: str, response: Response) -> bool:
        """Whether another request may follow."""
        if response.delivery in ("closed", "reset", "hang"):
            self._give_no_answer(response.delivery)
            return False
        lines = [
            f"HTTP/1.1 {response.status} {http.client.responses.get(response.status, '')}",
            f"Date: {email.utils.formatdate(usegmt=True)}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        body = b"" if method == "HEAD" else response.body
        if response.delivery == "truncated":
            body = body[: len(body) // 2]
        # One segment for head and body.
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return response.delivery == "whole"

    def _give_no_answer(self, delivery: str) -> None:
        if delivery == "reset":
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        elif delivery == "hang":
            # Until the client gives up, or the emulator goes down and shuts the connection.
            with contextlib.suppress(OSError):
                self._connection.recv(1)


def _read_headers(stream: BinaryIO) -> email.message.Message[str, str] | None:
    """None if they break off, or are none."""
    headers: email.message.Message[str, str] = email.message.Message()
    while True:
        line = stream.readline(LINE_MAX)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            return None
        headers[name] = value.strip()
