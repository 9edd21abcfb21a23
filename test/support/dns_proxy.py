"""A name server in front of another one, which hears every question and may spoil the answers."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

from .named import NameServer

ANSWER_TIMEOUT = 5.0

Reaction = Callable[[dns.message.Message, dns.message.Message], "dns.message.Message | None"]
"""From a question and the true answer to the one that is sent; None: no answer at all."""


@dataclass(frozen=True)
class Question:
    """What somebody asked: the name without the last dot, the type, and the RD bit."""

    name: str
    type: str
    recursive: bool


class DnsProxy:
    """Answers at `address` and `port` (UDP and TCP) what `behind` does, as far as `react` lets it.

    Raises OSError (EADDRINUSE) if the address is taken. `react` may be exchanged at any time.
    """

    def __init__(
        self,
        behind: NameServer,
        address: str,
        port: int | None = None,
        react: Reaction | None = None,
    ) -> None:
        self.react = react
        self._behind = behind
        self._lock = threading.Lock()
        self._questions: list[Question] = []
        proxy = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire, reply = self.request
                answer = proxy._answer(wire)
                if answer is not None:
                    reply.sendto(answer.to_wire(), self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.rfile.read(2), "big")
                answer = proxy._answer(self.rfile.read(size)) if size else None
                if answer is not None:
                    wire = answer.to_wire()
                    self.wfile.write(len(wire).to_bytes(2, "big") + wire)

        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        where = (address, behind.port if port is None else port)
        self._servers: list[socketserver.BaseServer] = []
        for base, handler in (
            (socketserver.ThreadingUDPServer, Udp),
            (socketserver.ThreadingTCPServer, Tcp),
        ):
            kind = type(base.__name__, (base,), {
                "address_family": family, "daemon_threads": True, "allow_reuse_address": True,
            })  # fmt: skip
            try:
                self._servers.append(kind(where, handler))
            except OSError:
                self.stop()
                raise
            threading.Thread(target=self._servers[-1].serve_forever, daemon=True).start()
        self.server = f"[{address}]:{where[1]}" if ":" in address else f"{address}:{where[1]}"

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()

    def __enter__(self) -> DnsProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def questions(self) -> list[Question]:
        with self._lock:
            return list(self._questions)

    def _answer(self, wire: bytes) -> dns.message.Message | None:
        try:
            question = dns.message.from_wire(wire)
            asked = question.question[0]
            with self._lock:
                self._questions.append(
                    Question(
                        asked.name.to_text(omit_final_dot=True).lower(),
                        dns.rdatatype.to_text(asked.rdtype),
                        bool(question.flags & dns.flags.RD),
                    )
                )
            answer, _ = dns.query.udp_with_fallback(
                question, self._behind.address, timeout=ANSWER_TIMEOUT, port=self._behind.port
            )
        except (dns.exception.DNSException, OSError):
            return None
        return self.react(question, answer) if self.react else answer
