"""Calls to a guest agent, and what has to hold for each answer."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from cryptography import x509

from support.guest_agent import GuestAgent

from .quote_verifier import Quote, verify_event_log, verify_quote

DEADLINE = 20.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=DEADLINE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(
    path: Path, target: str, body: object = None, content_type: str = "application/json"
) -> tuple[int, str, bytes]:
    """GET, or POST with a body. Returns status, content type and body."""
    connection = UnixConnection(path)
    try:
        if body is None:
            connection.request("GET", target)
        else:
            headers = {"Content-Type": content_type}
            connection.request("POST", target, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        return response.status, response.headers.get_content_type(), response.read()
    finally:
        connection.close()


def ask(agent: GuestAgent, target: str, body: object = None) -> dict[str, str]:
    """A call that must succeed."""
    status, content_type, answer = call(agent.socket, target, body)
    assert (status, content_type) == (200, "application/json"), answer
    content: dict[str, str] = json.loads(answer)
    return content


def refusal(agent: GuestAgent, target: str, body: object = None) -> str:
    """The message of a call that must be refused."""
    status, content_type, answer = call(agent.socket, target, body)
    assert (status, content_type) == (400, "application/json"), answer
    content = json.loads(answer)
    assert list(content) == ["error"]
    return str(content["error"])


def verified(agent: GuestAgent, answer: dict[str, str], report_data: bytes) -> Quote:
    root = x509.load_pem_x509_certificate(agent.root_pem.read_bytes())
    quote = verify_quote(bytes.fromhex(answer["quote"]), root, report_data=report_data)
    verify_event_log(answer["event_log"], quote["rtmr3"])
    return quote
