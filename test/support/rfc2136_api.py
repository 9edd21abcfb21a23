"""A real BIND behind a connection that can go wrong: the face of an emulator for RFC 2136."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
from collections import Counter
from typing import Any

import dns.name
import dns.update

from .axfr import zone_lines
from .bind import Bind
from .faults import Fault, Faults
from .foreign import foreign_records, opaque_places
from .http_service import RESET_ON_CLOSE, LoggedRequest
from .tcp_server import TcpServer

OPCODE_QUERY, OPCODE_UPDATE = 0, 5
IS_ANSWER = 0x8000
HEADER = struct.Struct("!6H")
NO_ANSWER = ("closed", "reset", "hang")
TTL = 300
UPSTREAM_TIMEOUT = 10.0

# Of private use (RFC 6895, section 3.1), so nobody knows them: in the form of RFC 3597.
UNKNOWN = (
    ("TYPE65280", "mixed", r"\# 4 c0000201"),
    ("TYPE65281", "_acme-challenge.mixed", r"\# 0"),
    ("TYPE65282", "unknown", r"\# 16 000102030405060708090a0b0c0d0e0f"),
)


class Rfc2136Api(TcpServer):
    """A DnsApi. Passes every message on to BIND's first server, and its answer back.

    In `Fault.match` a request is "QUERY name TYPE", "UPDATE zone SOA", or, for an update that only
    asks whether a name exists, "CHECK zone SOA". Kinds of fault beside "closed", "reset", "hang",
    "truncated" and "meanwhile":

    - "status": an answer without signature whose RCODE is `status`
    - "empty": a message of no bytes
    - "garbage": something that is not DNS
    - "another": the right answer with another ID
    - "tampered": the right answer with one bit changed
    """

    provider = "rfc2136"
    fault_kinds: dict[str, dict[str, Any]] = {
        "FORMERR": {"kind": "status", "status": 1},
        "SERVFAIL": {"kind": "status", "status": 2},
        "NXDOMAIN": {"kind": "status", "status": 3},
        "NOTIMP": {"kind": "status", "status": 4},
        "REFUSED": {"kind": "status", "status": 5},
        "YXDOMAIN": {"kind": "status", "status": 6},
        "NOTAUTH": {"kind": "status", "status": 9},
        "NOTZONE": {"kind": "status", "status": 10},
        "not DNS": {"kind": "garbage"},
        "of another question": {"kind": "another"},
        "tampered with": {"kind": "tampered"},
    }

    def __init__(self, bind: Bind) -> None:
        super().__init__()
        self._bind = bind
        self._faults = Faults()
        self._lock = threading.Lock()
        self._requests: list[LoggedRequest] = []
        self._upstream: socket.socket | None = None
        self._dumped: tuple[str, list[str]] | None = None

    def stop(self) -> None:
        super().stop()
        self._hang_up()

    # For tests: see DnsApi

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DNS_PROVIDER": self.provider,
            "RFC2136_SERVER": self.address,
            "RFC2136_KEY_NAME": self._bind.key_name,
            "RFC2136_KEY_ALGORITHM": self._bind.key_algorithm,
            "RFC2136_KEY_SECRET": self._bind.key_secret,
        }

    @property
    def credentials(self) -> list[str]:
        return [self._bind.key_secret]

    def dump(self, zone: str) -> list[str]:
        """In the form of a zone file, as `axfr.zone_lines` has it."""
        if self._dumped is None or self._dumped[0] != zone:
            self._dumped = zone, zone_lines(self._bind.first.address, self._bind.port, zone)
        return list(self._dumped[1])

    def restore(self, zone: str, lines: list[str]) -> None:
        """Makes the zone what it was when these lines were dumped."""
        before, after = Counter(self.dump(zone)), Counter(lines)
        if before == after:
            return
        update = self._bind.update(zone)
        for line in before - after:
            owner, _, record_type, value = line.split(" ", 3)
            update.delete(dns.name.from_text(owner), record_type, value)
        for line in after - before:
            owner, ttl, record_type, value = line.split(" ", 3)
            update.add(dns.name.from_text(owner), int(ttl), record_type, value)
        self._send(update)
        if self.dump(zone) != sorted(lines):
            raise RuntimeError(f"{zone} cannot be made what it was")

    def _send(self, update: dns.update.UpdateMessage) -> None:
        self._dumped = None
        self._bind.send(update)

    def keep(self) -> bytes:
        return json.dumps({zone: self.dump(zone) for zone in self._bind.zones}).encode()

    def bring_back(self, kept: bytes) -> None:
        for zone, lines in json.loads(kept).items():
            self.restore(zone, lines)
        self.clear_faults()
        self.forget_requests()

    def seed_foreign(self, zone: str, count: int) -> None:
        """All in one update, where a DS without a delegation and the like fall by the wayside."""
        update = self._bind.update(zone)
        for record_type, name, value in foreign_records(zone, count - len(UNKNOWN)):
            update.add(f"{name}.", TTL, record_type, value)
        for record_type, name, value in UNKNOWN:
            update.add(f"{name}.{zone}.", TTL, record_type, value)
        self._send(update)

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        """Random bytes in texts, and in records of a type that nobody knows."""
        update = self._bind.update(zone)
        for record_type, name in opaque_places(zone, with_sets=False):
            data = rng.randbytes(rng.randint(1, 255))
            if record_type == "TXT":
                text = "".join(f"\\{byte:03}" for byte in data)
                update.add(f"{name}.", TTL, "TXT", f'"{text}"')
            else:
                update.add(f"{name}.", TTL, "TYPE65401", f"\\# {len(data)} {data.hex()}")
        self._send(update)

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        update = self._bind.update(zone)
        update.add(f"{name}.", TTL, record_type, value)
        self._send(update)

    def fault(self, kind: str, match: str = "", times: int | None = 1, **detail: Any) -> Fault:
        return self._faults.add(Fault(kind, match, times, **detail))

    def clear_faults(self) -> None:
        self._faults.clear()

    def requests(self, method: str | None = None) -> list[LoggedRequest]:
        with self._lock:
            return [r for r in self._requests if method in (None, r.method)]

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    # For connections

    def serve(self, connection: socket.socket, client: str) -> None:
        with contextlib.suppress(EOFError):
            while True:
                self._answer(connection, _read(connection))

    def _answer(self, connection: socket.socket, question: bytes) -> None:
        method, target = _describe(question)
        fault = self._faults.take(f"{method} {target}")
        if fault is None:
            answer: bytes | None = self._pass_on(question)
        else:
            answer = self._misbehave(fault, question)
        with self._lock:
            status = answer[3] & 0xF if answer and len(answer) > 3 else 0
            self._requests.append(LoggedRequest(method, target, "", status))
        if answer is None:
            assert fault is not None
            _give_no_answer(connection, fault.kind)
            raise EOFError
        length = len(answer).to_bytes(2, "big")
        if fault is not None and fault.kind == "truncated":
            connection.sendall(length + answer[: len(answer) // 2])
            raise EOFError
        connection.sendall(length + answer)

    def _misbehave(self, fault: Fault, question: bytes) -> bytes | None:
        """The answer, None for none."""
        if fault.call is not None:
            fault.call()
        before = not fault.after and (fault.kind in NO_ANSWER or fault.kind == "status")
        answer = b"" if before else self._pass_on(question)
        if fault.kind in NO_ANSWER:
            return None
        if fault.kind == "status":
            return _refusal(question, fault.status)
        if fault.kind == "empty":
            return b""
        if fault.kind == "garbage":
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        if fault.kind == "another":
            return bytes([answer[0] ^ 1]) + answer[1:]
        if fault.kind == "tampered":
            return answer[:3] + bytes([answer[3] ^ 0x10]) + answer[4:]
        if fault.kind not in ("truncated", "meanwhile"):
            raise ValueError(f"no such kind of fault here: {fault.kind}")
        return answer

    def _pass_on(self, question: bytes) -> bytes:
        """Over one connection to BIND, which closes it when nothing has come for a while."""
        if question[2] >> 3 & 0xF == OPCODE_UPDATE:
            self._dumped = None
        with self._lock:
            for _ in range(2):
                try:
                    if self._upstream is None:
                        self._upstream = socket.create_connection(
                            (self._bind.first.address, self._bind.port), UPSTREAM_TIMEOUT
                        )
                        self._upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._upstream.sendall(len(question).to_bytes(2, "big") + question)
                    return _read(self._upstream)
                except (EOFError, ConnectionError):
                    self._hang_up()
        raise ConnectionError("BIND does not answer")

    def _hang_up(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None


def _read(connection: socket.socket) -> bytes:
    """One message, without the length in front."""
    received = b""
    wanted = 2
    while len(received) < wanted:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError
        received += piece
        if len(received) >= 2:
            wanted = 2 + int.from_bytes(received[:2], "big")
    return received[2:]


def _describe(message: bytes) -> tuple[str, str]:
    """Method and target for the log and for Fault.match."""
    _, flags, _, _, changes, _ = HEADER.unpack_from(message)
    labels = []
    at = HEADER.size
    while message[at] != 0:
        labels.append(message[at + 1 : at + 1 + message[at]].decode(errors="replace"))
        at += 1 + message[at]
    kind = int.from_bytes(message[at + 1 : at + 3], "big")
    opcode = flags >> 11 & 0xF
    method = "QUERY" if opcode == OPCODE_QUERY else "UPDATE" if changes else "CHECK"
    return method, f"{'.'.join(labels)} {TYPE_NAMES.get(kind, kind)}"


TYPE_NAMES = {1: "A", 5: "CNAME", 6: "SOA", 16: "TXT", 28: "AAAA", 255: "ANY", 257: "CAA"}


def _refusal(question: bytes, rcode: int) -> bytes:
    """Header alone, as servers answer that have not come as far as the key."""
    number, flags, *_ = HEADER.unpack_from(question)
    return HEADER.pack(number, flags & 0x7800 | IS_ANSWER | rcode, 0, 0, 0, 0)


def _give_no_answer(connection: socket.socket, kind: str) -> None:
    if kind == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    elif kind == "hang":
        with contextlib.suppress(OSError):
            connection.recv(1)
