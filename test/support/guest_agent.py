#!/usr/bin/python3
"""A simulator of dstack's guest agent: HTTP/1.1 on a unix socket, JSON in and out.

    guest_agent.py --socket PATH --api dstack|tappd --pki DIR [--app-id HEX] [--instance-id HEX]
                   [--quote-version 4|5] [--event-log-version 1|2]

    dstack: /Info, /GetQuote, /GetKey
    tappd:  /prpc/Tappd.Info, /prpc/Tappd.RawQuote, /prpc/Tappd.DeriveKey

Arguments come in the query of a GET or in the JSON of a POST (dstack's ra-rpc, rocket_helper.rs).

The socket also takes orders from tests, which never fail and are not counted as calls:

    POST /_sim/fault      {"mode": "hang"}; "slow" also takes "seconds", how long an answer takes
    GET  /_sim/requests   the calls so far: [{"method", "path", "query", "body"}]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

if not __package__:  # started by its path, not as a module of the package
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.guest_api import APIS, SLOW_SECONDS, Answer, Fault, GuestApi, json_answer
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

MAX_REQUEST_BODY = 10 << 20  # ra-rpc's own limit
SLOW_STEPS = 50
HUGE_CHUNK = b" " * 65536

HTML_BODY = b"<!DOCTYPE html>\n<html><head><title>It works</title></head></html>\n"


class _Server(ThreadingMixIn, UnixStreamServer):
    """A thread per connection, all of them ended and waited for by `close`."""

    request_queue_size = 128
    daemon_threads = False

    def __init__(self, path: Path, api: GuestApi) -> None:
        self.api = api
        self.lock = threading.Lock()  # of everything below
        self.fault = Fault()
        self.requests: list[dict[str, str]] = []
        self._connections: set[socket.socket] = set()
        self.stopping = threading.Event()
        super().__init__(os.fspath(path), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients may leave at any time
            super().handle_error(request, client_address)

    def close(self) -> None:
        self.stopping.set()
        self.shutdown()
        with self.lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # its client may have left by now
                    connection.shutdown(socket.SHUT_RDWR)  # wakes its thread, wherever it waits
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "Rocket"
    sys_version = ""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        if path.startswith("/_sim/"):
            self._send(self._obey(path, body))
            return
        text = body.decode("utf-8", "replace")
        with self.server.lock:
            self.server.requests.append(
                {"method": self.command, "path": path, "query": query, "body": text}
            )
            self._fault = self.server.fault
        answer = self._call(path, query, body)
        _FAULTS.get(self._fault.mode, _Handler._send)(self, answer)

    def _read_body(self) -> bytes | None:
        """None if there was none to be had: then the answer is given and the connection over."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" not in self.headers and length.isdecimal():
            if int(length) <= MAX_REQUEST_BODY:
                return self.rfile.read(int(length))
        self.close_connection = True
        self._send(json_answer(400, {"error": "failed to read data"}))
        return None

    def _obey(self, path: str, body: bytes) -> Answer:
        server = self.server
        if (self.command, path) == ("GET", "/_sim/requests"):
            with server.lock:
                return json_answer(200, server.requests)
        if (self.command, path) != ("POST", "/_sim/fault"):
            return json_answer(404, {"error": f"no order {self.command} {path}"})
        try:
            fault = Fault.from_json(body)
        except (ValueError, TypeError) as error:
            return json_answer(400, {"error": str(error)})
        with server.lock:
            server.fault = fault
        return json_answer(200, {"mode": fault.mode, "seconds": fault.seconds})

    def _call(self, path: str, query: str, body: bytes) -> Answer:
        fields = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.command == "GET":
            return self.server.api.call(path, fields, self._fault)
        is_json = self.headers.get_content_type() == "application/json"
        if not is_json and fields.get("json") not in ("", "1", "true"):
            return _protobuf_refusal("Failed to decode the request")
        try:
            arguments = json.loads(body or b"{}")
        except ValueError as error:
            return json_answer(400, {"error": f"Failed to decode the request: {error}"})
        if not isinstance(arguments, dict):
            return json_answer(400, {"error": "Failed to decode the request: expected an object"})
        return self.server.api.call(path, arguments, self._fault)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer, len(answer.body))
        self.wfile.write(answer.body)

    def _send_head(self, answer: Answer, length: int | None) -> None:
        """Without `length` the body goes on until the connection ends."""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send_status_500(self, _: Answer) -> None:
        self._send(json_answer(500, {"error": "simulated failure of the guest agent"}))

    def _send_html(self, _: Answer) -> None:
        self._send(Answer(200, HTML_BODY, "text/html; charset=utf-8"))

    def _send_truncated(self, answer: Answer) -> None:
        self.close_connection = True
        self._send_head(answer, len(answer.body))
        self.wfile.write(answer.body[: len(answer.body) // 2])

    def _send_half_json(self, answer: Answer) -> None:
        half = answer.body[: len(answer.body) // 2]
        self._send(Answer(answer.status, half, answer.content_type))

    def _send_empty(self, answer: Answer) -> None:
        self._send(Answer(200, b"", answer.content_type))

    def _send_nothing(self, _: Answer) -> None:
        self.close_connection = True
        while self.connection.recv(4096):
            pass  # until the client gives up, or `close` ends the connection

    def _send_slowly(self, answer: Answer) -> None:
        self._send_head(answer, len(answer.body))
        step = -(-len(answer.body) // SLOW_STEPS)
        for start in range(0, len(answer.body), step):
            self.server.stopping.wait(self._fault.seconds / SLOW_STEPS)
            self.wfile.write(answer.body[start : start + step])

    def _send_without_end(self, answer: Answer) -> None:
        self.close_connection = True
        self._send_head(Answer(200, b"", answer.content_type), None)
        self.wfile.write(answer.body[:-1])  # JSON, but for the last brace
        while True:
            self.wfile.write(HUGE_CHUNK)

    def _close(self, _: Answer) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing: who wants to know the calls asks for them."""


_FAULTS: dict[str, Callable[[_Handler, Answer], None]] = {
    "status-500": _Handler._send_status_500,
    "html": _Handler._send_html,
    "truncated": _Handler._send_truncated,
    "half-json": _Handler._send_half_json,
    "empty": _Handler._send_empty,
    "hang": _Handler._send_nothing,
    "slow": _Handler._send_slowly,
    "huge": _Handler._send_without_end,
    "close": _Handler._close,
}


def _protobuf_refusal(message: str) -> Answer:
    """What a POST gets that does not say it is JSON: it is taken for protobuf, and so is answered.

    ra-rpc's ProtoError is a message with one string, number 1.
    """
    return Answer(400, bytes([0x0A, len(message)]) + message.encode(), "application/octet-stream")


class GuestAgent:
    """The simulator in a thread of this process; `guest` says all about what it simulates.

    It answers on `socket` when the constructor returns and is gone, socket file included, after
    `stop`; `start` brings it back as after a restart of the agent: no fault, no calls seen.
    """

    def __init__(
        self,
        socket_path: str | os.PathLike[str],
        guest: SimulatedGuest,
        *,
        api: str = "dstack",
        is_new: bool = False,
    ) -> None:
        self.socket = Path(socket_path)
        self.guest = guest
        self.root_pem = guest.pki.root_pem
        self._api = GuestApi(guest, api, is_new=is_new)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        if self._server is not None:
            raise RuntimeError(f"{self.socket}: the guest agent runs already")
        _remove_stale_socket(self.socket)
        self._server = _Server(self.socket, self._api)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """Ends hanging calls too; does nothing if it is stopped."""
        if self._server is None or self._thread is None:
            return
        self.socket.unlink(missing_ok=True)
        self._server.close()
        self._thread.join()
        self._server = self._thread = None

    def fault(self, mode: str, *, seconds: float = SLOW_SECONDS) -> None:
        """From now on calls get the fault `mode`, one of guest_api.FAULT_MODES."""
        server = self._running()
        with server.lock:
            server.fault = Fault(mode, seconds)

    def requests(self) -> list[dict[str, str]]:
        """The calls so far, those that got a fault included."""
        server = self._running()
        with server.lock:
            return list(server.requests)

    def _running(self) -> _Server:
        if self._server is None:
            raise RuntimeError(f"{self.socket}: the guest agent is stopped")
        return self._server

    def __enter__(self) -> GuestAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _remove_stale_socket(path: Path) -> None:
    """What a simulator that was killed left behind; anything else is not ours to remove."""
    if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
        path.unlink()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulates dstack's guest agent.")
    parser.add_argument("--socket", required=True, type=Path, help="unix socket to make")
    parser.add_argument("--api", required=True, choices=APIS)
    parser.add_argument("--pki", required=True, type=Path, help="directory of the PKI, made once")
    parser.add_argument("--app-id", type=bytes.fromhex, metavar="HEX")
    parser.add_argument("--instance-id", type=bytes.fromhex, metavar="HEX", help='"" for none')
    parser.add_argument("--quote-version", type=int, choices=(4, 5), default=4)
    parser.add_argument("--event-log-version", type=int, choices=(1, 2), default=1)
    return parser.parse_args(argv)


def _guest(arguments: argparse.Namespace) -> SimulatedGuest:
    return SimulatedGuest(
        QuotePki(arguments.pki),
        app_id=arguments.app_id,
        instance_id=arguments.instance_id,
        quote_version=arguments.quote_version,
        event_log_version=arguments.event_log_version,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; says so on stdout once the socket is there."""
    arguments = _arguments(argv)
    try:
        guest = _guest(arguments)
    except ValueError as error:
        print(f"guest_agent.py: {error}", file=sys.stderr)
        return os.EX_USAGE
    # Blocked before there are threads, which inherit it: only sigwait gets them.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with GuestAgent(arguments.socket, guest, api=arguments.api) as agent:
        print(f"{arguments.api} guest agent on {agent.socket}, root {agent.root_pem}", flush=True)
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main())
