"""The HTTP server under every emulator: keep-alive, a request log, and faults on demand."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import json
import pickle
import socket
import ssl
import struct
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .faults import Fault, Faults
from .tcp_server import TcpServer

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
END_OF_HEAD = b"\r\n\r\n"
HEAD_MAX = 262144
READ_SIZE = 65536
SLOW_BYTE = 0.005

Self = TypeVar("Self", bound="HttpService")


class Headers(dict[str, str]):
    """By name in lower case, and found in any; what comes several times is joined."""

    def add(self, name: str, value: str) -> None:
        key = name.lower()
        before = super().get(key)
        self[key] = value if before is None else f"{before}, {value}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Headers
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
    """`delivery` is "whole", or how it goes wrong: "truncated", "closed", "reset", "hang", "slow"."""

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

    held: tuple[str, ...] = ()
    """Of a subclass: the names of the attributes with all that requests can change."""

    liar: Callable[[Request, Callable[[Request], Response]], Response] | None = None
    """Answers in place of `respond`, which it is given; see http_lies."""

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
        fault = self._faults.add(Fault(kind, match, times, **detail))
        if self.one_by_one:
            self.hang_up()
        return fault

    def clear_faults(self) -> None:
        self._faults.clear()

    def keep(self) -> bytes:
        """What it holds now, for `bring_back`."""
        return pickle.dumps([getattr(self, name) for name in self.held])

    def bring_back(self, kept: bytes) -> None:
        """As if nothing had happened since: a fraction of what another emulator would take."""
        for name, value in zip(self.held, pickle.loads(kept), strict=True):
            setattr(self, name, value)
        self.clear_faults()
        self.forget_requests()

    # For connections

    @property
    def is_spoilt(self) -> bool:
        """Whether a connection has to end with its answer, since a client may ask again by itself
        when one that it had before is cut: a fault would not be seen."""
        return self.liar is not None or (self.one_by_one and self._faults.are_armed)

    def serve(self, connection: socket.socket, client: str) -> None:
        _Conversation(connection, self)

    def handle(self, request: Request) -> Response:
        try:
            fault = self._faults.take(self.line_of(request))
            if fault:
                response = self._misbehave(request, fault)
            elif self.liar is not None:
                response = self.liar(request, self.respond)
            else:
                response = self.respond(request)
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
        self._received = b""
        while self._serve():
            pass

    def _serve(self) -> bool:
        """One request; whether another one may follow on this connection."""
        head = self._read_head()
        if head is None:
            return False
        first, *rest = head.split("\r\n")
        words, headers = first.split(), _headers_of(rest)
        if len(words) != 3 or headers is None:
            self._deliver("GET", Response(400, b"not a request"))
            return False
        method, target, _ = words
        if "Transfer-Encoding" in headers:
            self._deliver(method, Response(411, b"the emulators want Content-Length"))
            return False
        if headers.get("Expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._read_body(int(headers.get("Content-Length", "0")))
        response = self._service.handle(Request(method, target, headers, body))
        is_last = headers.get("Connection", "").lower() == "close" or self._service.is_spoilt
        return self._deliver(method, response, is_last)

    def _read_head(self) -> str | None:
        """Without its empty line; None if there is no other request."""
        while END_OF_HEAD not in self._received:
            if len(self._received) > HEAD_MAX or not self._read_more():
                return None
        head, _, self._received = self._received.partition(END_OF_HEAD)
        return head.decode("latin-1")

    def _read_body(self, length: int) -> bytes:
        while len(self._received) < length and self._read_more():
            pass
        body, self._received = self._received[:length], self._received[length:]
        return body

    def _read_more(self) -> bool:
        more = self._connection.recv(READ_SIZE)
        self._received += more
        return bool(more)

    def _deliver(self, method: str, response: Response, is_last: bool = True) -> bool:
        """Whether another request may follow."""
        if response.delivery in ("closed", "reset", "hang"):
            self._give_no_answer(response.delivery)
            return False
        lines = [
            f"HTTP/1.1 {response.status} {http.client.responses.get(response.status, '')}",
            *([] if "Date" in response.headers else [f"Date: {_date(int(time.time()))}"]),
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            *(["Connection: close"] if is_last else []),
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        body = b"" if method == "HEAD" else response.body
        if response.delivery == "truncated":
            body = body[: len(body) // 2]
        # One segment for head and body.
        whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        if response.delivery == "slow":
            self._trickle(whole)
        else:
            self._connection.sendall(whole)
        return response.delivery == "whole" and not is_last

    def _trickle(self, whole: bytes) -> None:
        """A byte at a time, until the client has had enough of it."""
        for at in range(len(whole)):
            if self._service.stopping.wait(SLOW_BYTE):
                return
            self._connection.sendall(whole[at : at + 1])

    def _give_no_answer(self, delivery: str) -> None:
        if delivery == "reset":
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        elif delivery == "hang":
            # Until the client gives up, or the emulator goes down and shuts the connection.
            with contextlib.suppress(OSError):
                self._connection.recv(1)


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return email.utils.formatdate(second, usegmt=True)


def _headers_of(lines: list[str]) -> Headers | None:
    """None if one of them is none."""
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        headers.add(name, value.strip())
    return headers
