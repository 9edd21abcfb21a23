"""How long after its first words, or its handshake, a client waits for the first byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from support.backend import BannerBackend, EchoBackend

from .load import h1_request, h2_request
from .proxies import DOMAIN, H1_NAME, H2_NAME, MARKER, PLAIN, Field, Proxy, field
from .report import Report, Row, spread

SAMPLES = 25
TIMEOUT = 15.0
EVIDENCE_WAIT = 0.5
CHUNK = 65536
SLACK = 0.001
SERVER_FIRST_SLACK = 0.005

ECHO, BANNER, LISTED = f"echo.{DOMAIN}", f"banner.{DOMAIN}", f"listed.{DOMAIN}"
EVIDENCE, PROOF = "/evidences/proof.txt", "PROOF-OF-EVIDENCE"


@dataclass(frozen=True)
class Conversation:
    title: str
    name: str
    sends: bytes
    answer: str
    """Must be in what comes back: a wrong answer, however fast, is none."""
    alpn: str = ""
    wait: float = 0.0
    """What the product may add at most."""

    @property
    def is_evidence(self) -> bool:
        return self.answer == PROOF


CONVERSATIONS = (
    Conversation("HTTP GET", H1_NAME, h1_request(H1_NAME), MARKER, "http/1.1", SLACK),
    Conversation("HTTP GET without ALPN", H1_NAME, h1_request(H1_NAME), MARKER, "", SLACK),
    Conversation("HTTP/2 GET", H2_NAME, h2_request(H2_NAME), MARKER, "h2", SLACK),
    Conversation("client first, 6 bytes, no ALPN", ECHO, b"PING\r\n", "PING", "", SLACK),
    Conversation("client first, 6 bytes that begin like a GET", ECHO, b"GET /\n", "GET", "", SLACK),
    Conversation("server first", BANNER, b"", "220", "", EVIDENCE_WAIT + SERVER_FIRST_SLACK),
    Conversation("server first, listed in SERVER_FIRST", LISTED, b"", "220", "", SLACK),
    Conversation("evidence over HTTP/1.1", H1_NAME, h1_request(H1_NAME, EVIDENCE), PROOF, "http/1.1"),
    Conversation("evidence over HTTP/1.1 without ALPN", H1_NAME, h1_request(H1_NAME, EVIDENCE), PROOF),
    Conversation("evidence over HTTP/2", H1_NAME, h2_request(H1_NAME, EVIDENCE), PROOF, "h2"),
)  # fmt: skip


def first_byte(port: int, conversation: Conversation) -> float:
    """Seconds from the end of the handshake to the first byte of what the other side says."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if conversation.alpn:
        context.set_alpn_protocols([conversation.alpn])
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_hostname=conversation.name) as tls:
            begun = time.perf_counter()
            if conversation.sends:
                tls.sendall(conversation.sends)
            seen = tls.recv(CHUNK)
            took = time.perf_counter() - begun
            while conversation.answer.encode() not in seen:
                more = tls.recv(CHUNK)
                if not more:
                    raise ConnectionError(f"{conversation.title}: closed after {seen!r}")
                seen += more
            return took


def _start_product(place: Field, targets: dict[str, int]) -> Proxy:
    routes = "\n".join(f"{name}=127.0.0.1:{port}" for name, port in targets.items())
    # Two backends that are one and the same: only a name tells them apart.
    proxy = place.ingress(
        "ingress", "", ROUTING_MAP=routes, SERVER_FIRST=LISTED, EVIDENCE_WAIT="500ms"
    )
    place.serve_evidence("ingress", {"proof.txt": PROOF})
    return proxy


def bench_first_byte(report: Report, folder: Path) -> None:
    with contextlib.ExitStack() as running:
        place = running.enter_context(field(folder))
        echo = running.enter_context(EchoBackend())
        banner = running.enter_context(BannerBackend("banner"))
        targets = {
            H1_NAME: place.h1_port, H2_NAME: place.h2_port,
            ECHO: echo.port, BANNER: banner.port, LISTED: banner.port,
        }  # fmt: skip
        ours = _start_product(place, targets)
        plain = {
            port: _plain_to(place, f"plain-{port}", port) for port in sorted(set(targets.values()))
        }
        for conversation in CONVERSATIONS:
            waits, without = [], []
            for _ in range(SAMPLES):
                waits.append(first_byte(ours.port, conversation))
                if not conversation.is_evidence:
                    without.append(first_byte(plain[targets[conversation.name]].port, conversation))
            _report(report, conversation, waits, without)


def _plain_to(place: Field, key: str, port: int) -> Proxy:
    template = PLAIN.replace("{backend}", f"127.0.0.1:{port}")
    return place.other(key, "HAProxy without inspection", template, ["haproxy", "-f"])


def _report(
    report: Report, conversation: Conversation, waits: list[float], without: list[float]
) -> None:
    row = Row(f"first byte: {conversation.title}", spread(waits, "ms", 1000, 2))
    if without:
        more = statistics.median(waits) - statistics.median(without)
        row.against = f"HAProxy without inspection {spread(without, 'ms', 1000, 2)}"
        row.goal = f"at most {conversation.wait * 1000:g} ms more: {more * 1000:.2f}"
        row.met = more <= conversation.wait
    report.add(row)
