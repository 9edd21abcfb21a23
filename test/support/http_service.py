"""The HTTP server under every emulator: keep-alive, a request log, and faults on demand."""

from __future__ import annotations

import contextlib
import email.message
import http.server
import json
import socket
import ssl
import struct
import threading
import traceback
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .faults import Fault, Faults
from .tcp_server import TcpServer

RESET_ON_CLOSE = struct.pack("ii", 1, 0)

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
        _Conversation(connection, client, self)

    def handle(self, request: Request) -> Response:
        try:
            fault = self._faults.take(request.line)
            response = self._misbehave(request, fault) if fault else self.respond(request)
        except Exception:  # noqa: BLE001 - see the class
            self._defects.append(f"{request.line}\n{traceback.format_exc()}")
            response = Response(500, b"defect of the emulator")
        with self._lock:
            self._requests.append(
                LoggedRequest(
                    request.method,
                    request.target,
                    request.body.decode(errors="replace"),
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


class _Conversation(http.server.BaseHTTPRequestHandler):
    """One connection; the constructor serves it to its end."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment for head and body

    def __init__(self, connection: socket.socket, client: str, service: HttpService) -> None:
        self._service = service
        super().__init__(connection, (client, 0), None)  # type: ignore[arg-type]

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411, "the emulators want Content-Length")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._deliver(
            self._service.handle(Request(self.command, self.path, self.headers, body))
        )

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _deliver(self, response: Response) -> None:
        if response.delivery in ("closed", "reset", "hang"):
            self._give_no_answer(response.delivery)
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if response.delivery == "truncated":
            self.close_connection = True
            self.wfile.write(response.body[: len(response.body) // 2])
        elif self.command != "HEAD":
            self.wfile.write(response.body)

    def _give_no_answer(self, delivery: str) -> None:
        self.close_connection = True
        if delivery == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        elif delivery == "hang":
            # Until the client gives up, or the emulator goes down and shuts the connection.
            with contextlib.suppress(OSError):
                self.connection.recv(1)

    def log_message(self, format: str, *args: Any) -> None:
        """The log is HttpService.requests()."""
