"""A name server that lies: resolver and authority at once, for every zone there is.

Of each question it decides anew, by a seed, whether to tell the truth and if not, how to lie. What
it says is put together by hand, since no library makes the messages that it sends.
"""

from __future__ import annotations

import contextlib
import random
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Callable

from .ports import ReservedPort

A, NS, CNAME, SOA, MX, TXT, AAAA, DS, DNSKEY, CAA = 1, 2, 5, 6, 15, 16, 28, 43, 48, 257
IN = 1
AUTHORITATIVE, CUT_SHORT, ANSWER = 0x0400, 0x0200, 0x8000
NOERROR, NXDOMAIN = 0, 3
TTL = 60
GIANT = 60_000
ALIASES = 6
NAME_MAX_LABEL = 63

ORDERS = (
    b"\x1b]0;owned\x07",
    b"\x1b[2J",
    b"a\nb",
    b"\r",
    b"\xc2\x9b31m",
    b"\xe2\x80\xae",
    b"\xe2\x80\x8b",
    b"\xff\xfe",
    b"\x7f",
    b"\x00",
    b"%s%n",
)
"""What a terminal or a log may obey, in labels and in values."""

Rr = tuple[bytes, int, bytes]
"""Owner (wire form), type, data."""


def wire_name(text: str) -> bytes:
    """Of plain ASCII labels."""
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _rr(record: Rr) -> bytes:
    owner, kind, data = record
    return owner + struct.pack(">HHIH", kind, IN, TTL, len(data)) + data


class LyingDns:
    """Runs at `address`, on a port of its own, UDP and TCP; a context manager.

    `zone` is the zone that the truth is told of; `targets` are names that it would have the
    product write at. `lies` counts those told, by kind. `silence` has it keep silent at times.
    `eagerness` is how likely a lie is; `aliases` are CNAMEs that it shows in every answer that is
    not a lie of another kind, but to those who ask for a TXT record.
    """

    def __init__(
        self,
        zone: str,
        address: str,
        port: int,
        targets: tuple[str, ...],
        seed: str,
        silence: bool = False,
    ) -> None:
        self.zone, self.address, self.port = zone, address, port
        self.server = f"{address}:{port}"
        self.lies: Counter[str] = Counter()
        self.eagerness = 0.5
        self.aliases: dict[str, str] = {}
        self.records: dict[tuple[str, int], list[bytes]] = {}
        """More of the truth: data by name and type."""
        self._targets = targets
        self._lock = threading.Lock()
        self._rng = random.Random(seed)
        self._times: Counter[bytes] = Counter()
        self._kinds: list[Callable[[bytes, int], bytes | None]] = [
            self._alias,
            self._alias,
            self._circle,
            self._zone_cut,
            self._zone_cut,
            self._referral,
            self._servers,
            self._values,
            self._values,
            self._giant,
            self._cut_short,
            self._broken_off,
            self._another,
            self._refusal,
            self._flipped,
            self._garbage,
            self._pointers,
            *([self._silence] if silence else []),
        ]
        self._servers_running: list[socketserver.BaseServer] = []

    def __enter__(self) -> LyingDns:
        liar = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire, reply = self.request
                for answer in liar.answers(wire):
                    with contextlib.suppress(OSError):
                        reply.sendto(answer[:GIANT], self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    size = int.from_bytes(self.rfile.read(2), "big")
                    for answer in liar.answers(self.rfile.read(size)):
                        self.wfile.write(len(answer).to_bytes(2, "big") + answer)

        class UdpServer(socketserver.UDPServer):
            max_packet_size = 65536

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        for server, handler in ((UdpServer, Udp), (TcpServer, Tcp)):
            self._servers_running.append(server((self.address, self.port), handler))
            threading.Thread(
                target=self._servers_running[-1].serve_forever, args=(0.05,), daemon=True
            ).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers_running:
            server.shutdown()
            server.server_close()

    def answers(self, wire: bytes) -> list[bytes]:
        """What is sent for a question, none or several messages."""
        if len(wire) < 17:
            return []
        end = wire.index(b"\0", 12) + 1
        question, kind = wire[: end + 4], int.from_bytes(wire[end : end + 2], "big")
        with self._lock:
            if self._rng.random() >= self.eagerness:
                return [self._steady(question, kind) or self._truth(question, kind)]
            lie = self._rng.choice(self._kinds)
            self.lies[lie.__name__.strip("_")] += 1
            answer = lie(question, kind)
            if answer is None:
                return []
            return [answer, answer] if self._rng.random() < 0.05 else [answer]

    # The truth: the zone has its name server and the gateway, and nothing else.

    def _truth(self, question: bytes, kind: int) -> bytes:
        asked = self._asked(question)
        records = {
            (self.zone, SOA): [self._soa()],
            (self.zone, NS): [wire_name(f"ns1.{self.zone}")],
            (f"ns1.{self.zone}", A): [socket.inet_aton(self.address)],
            (f"gateway.{self.zone}", A): [socket.inet_aton("127.0.0.1")],
            **self.records,
        }
        data = records.get((asked, kind), [])
        owner = wire_name(asked)
        if data:
            return self._message(question, [(owner, kind, each) for each in data])
        exists = any(name == asked for name, _ in records)
        authority = [(wire_name(self.zone), SOA, self._soa())] if self._is_within(asked) else []
        return self._message(question, [], authority, rcode=NOERROR if exists else NXDOMAIN)

    def _is_within(self, name: str) -> bool:
        return name == self.zone or name.endswith(f".{self.zone}")

    @staticmethod
    def _asked(question: bytes) -> str:
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode(errors="replace"))
            at += 1 + question[at]
        return ".".join(labels).lower()

    def _soa(self) -> bytes:
        return wire_name(f"ns1.{self.zone}") + wire_name("who.test") + struct.pack(">5I", *[1] * 5)

    @staticmethod
    def _message(
        question: bytes,
        answer: list[Rr],
        authority: list[Rr] | None = None,
        additional: list[Rr] | None = None,
        *,
        flags: int = AUTHORITATIVE,
        rcode: int = NOERROR,
    ) -> bytes:
        sections = [answer, authority or [], additional or []]
        asked_flags = int.from_bytes(question[2:4], "big") & 0x7910  # opcode, RD and CD
        head = struct.pack(
            ">HHHHHH",
            int.from_bytes(question[:2], "big"),
            ANSWER | flags | asked_flags | rcode,
            1,
            *(len(section) for section in sections),
        )
        return head + question[12:] + b"".join(_rr(r) for section in sections for r in section)

    # The lies

    def _steady(self, question: bytes, kind: int) -> bytes | None:
        target = self.aliases.get(self._asked(question))
        if target is None or kind == TXT:
            return None
        self.lies["steady"] += 1
        return self._message(question, [(self._owner(question), CNAME, wire_name(target))])

    def _odd_name(self) -> bytes:
        """A target, or a name with labels that nobody expects, below the zone or anywhere."""
        if self._rng.random() < 0.6:
            return wire_name(self._rng.choice(self._targets))
        label = self._rng.choice(ORDERS)[:NAME_MAX_LABEL]
        front = self._rng.choice([b"", b"\x0f_acme-challenge", b"\x01*"])
        back = self._rng.choice([wire_name(self.zone), wire_name("www." + self.zone), b"\0"])
        return front + bytes([len(label)]) + label + back

    def _flags(self) -> int:
        return self._rng.choice([AUTHORITATIVE, AUTHORITATIVE, 0])

    @staticmethod
    def _owner(question: bytes) -> bytes:
        return question[12:-4]

    def _alias(self, question: bytes, kind: int) -> bytes:
        target = self._odd_name()
        answer: list[Rr] = [(self._owner(question), CNAME, target)]
        if kind in (A, AAAA, TXT) and self._rng.random() < 0.5:
            answer.append((target, TXT, b"\x01x"))
        return self._message(question, answer, flags=self._flags())

    def _circle(self, question: bytes, kind: int) -> bytes:
        names = [self._owner(question), *(self._odd_name() for _ in range(self._rng.randrange(9)))]
        answer = [
            (name, CNAME, after) for name, after in zip(names, names[1:] + names[:1], strict=True)
        ]
        return self._message(question, answer)

    def _zone_cut(self, question: bytes, kind: int) -> bytes:
        asked = self._asked(question)
        above = asked.partition(".")[2]
        owner = self._rng.choice([asked, above, "test", "", f"x.{asked}", "b.example"])
        record: Rr = (wire_name(owner[:200]), SOA, self._soa())
        if self._rng.random() < 0.5:
            return self._message(question, [record], flags=self._flags())
        return self._message(question, [], [record], rcode=self._rng.choice([NOERROR, NXDOMAIN]))

    def _referral(self, question: bytes, kind: int) -> bytes:
        asked = self._asked(question)
        zone = wire_name(self._rng.choice([asked, asked.partition(".")[2], self.zone, ""])[:200])
        servers = [self._odd_name() for _ in range(self._rng.choice([1, 2, 40]))]
        records = [(zone, NS, server) for server in servers]
        glue = [(server, A, socket.inet_aton(self.address)) for server in servers]
        flags = self._rng.choice([0, AUTHORITATIVE])
        return self._message(question, [], records, glue, flags=flags)

    def _servers(self, question: bytes, kind: int) -> bytes:
        owner = self._owner(question)
        count = self._rng.choice([1, 3, 60])
        records: list[Rr] = [(owner, NS, self._odd_name()) for _ in range(count)]
        address = socket.inet_aton(self.address)
        records += [(owner, A, address), (owner, A, b"\0\0\0\0"), (owner, AAAA, b"\0" * 15 + b"\1")]
        return self._message(question, records, flags=self._flags())

    def _values(self, question: bytes, kind: int) -> bytes:
        """Of the type that is asked for, and odd."""
        text = self._rng.choice(ORDERS) * self._rng.choice([1, 20])
        string = bytes([len(text[:255])]) + text[:255]
        tag = self._rng.choice([b"issue", b"issuewild", b"iodef", b"\x1b[2J", b"", b"issue" * 40])
        caa = bytes([self._rng.choice([0, 128, 255]), len(tag)]) + tag
        data = {
            TXT: string * self._rng.choice([1, 200]),
            CAA: caa + self._rng.choice([b"", b";", b"letsencrypt.org", text]),
            SOA: self._odd_name() + self._odd_name() + b"\xff" * 20,
            NS: self._odd_name(),
            CNAME: self._odd_name(),
            MX: b"\0\1" + self._odd_name(),
            A: self._rng.choice([b"\x7f\0\0\1", b"\0\0\0\0", b"\xe0\0\0\1"]),
            AAAA: self._rng.choice([b"\0" * 16, b"\xfe\x80" + b"\0" * 14]),
            DS: self._rng.randbytes(24),
            DNSKEY: self._rng.randbytes(36),
        }.get(kind, self._rng.randbytes(30))
        record: Rr = (self._owner(question), kind, data)
        return self._message(question, [record] * self._rng.choice([1, 1, 20]), flags=self._flags())

    def _giant(self, question: bytes, kind: int) -> bytes:
        record: Rr = (self._owner(question), kind, self._rng.randbytes(8))
        kinds: Rr = (self._owner(question), TXT, b"\xff" + b"g" * 255)
        size = self._rng.choice([GIANT, 65_000])
        many = [kinds] * (size // (len(_rr(kinds)) + 1)) + [record]
        return self._message(question, many)

    def _cut_short(self, question: bytes, kind: int) -> bytes:
        return self._message(question, [], flags=AUTHORITATIVE | CUT_SHORT)

    def _broken_off(self, question: bytes, kind: int) -> bytes:
        whole = self._alias(question, kind)
        return whole[: self._rng.randrange(len(whole))]

    def _another(self, question: bytes, kind: int) -> bytes:
        """To another question, or none at all."""
        answer = bytearray(self._alias(question, kind))
        at, mask = self._rng.choice([(0, 0xFF), (1, 1), (2, 0x80), (2, 0x28), (13, 0x20), (13, 1)])
        answer[at] ^= mask
        return bytes(answer)

    def _refusal(self, question: bytes, kind: int) -> bytes:
        return self._message(question, [], rcode=self._rng.randrange(1, 16), flags=self._flags())

    def _flipped(self, question: bytes, kind: int) -> bytes:
        answer = bytearray(self._rng.choice(self._kinds[:9])(question, kind) or b"\0")
        for _ in range(self._rng.randrange(1, 9)):
            at = self._rng.randrange(len(answer))
            answer[at] ^= 1 << self._rng.randrange(8)
        return bytes(answer)

    def _garbage(self, question: bytes, kind: int) -> bytes:
        return question[:12] + self._rng.randbytes(self._rng.randrange(400))

    def _pointers(self, question: bytes, kind: int) -> bytes:
        """Compressed names that point at themselves, behind the message or at one another."""
        pointer = self._rng.choice([b"\xc0\x0c", b"\xff\xff", b"\xc0\x00"])
        here = len(question)
        pointer = self._rng.choice([pointer, struct.pack(">H", 0xC000 | here)])
        return self._message(question, [(pointer, CNAME, pointer)])

    def _silence(self, question: bytes, kind: int) -> None:
        return None


class Maze(LyingDns):
    """Answers every question at the second asking, and each answer is worth another question:
    sixteen name servers for whatever zone, each an alias of an alias of an alias."""

    def answers(self, wire: bytes) -> list[bytes]:
        end = wire.index(b"\0", 12) + 1
        question, kind = wire[: end + 4], int.from_bytes(wire[end : end + 2], "big")
        with self._lock:
            self._times[question] += 1
            if self._times[question] == 1:
                return []
            asked = self._asked(question)
            owner = self._owner(question)
            if kind in (A, AAAA) and not asked.startswith("x" * ALIASES):
                return [self._message(question, [(owner, CNAME, wire_name(f"x{asked}"))])]
            if kind == A:
                return [self._message(question, [(owner, A, socket.inet_aton(self.address))])]
            if kind == NS:
                names = [wire_name(f"{n}.{asked}") for n in range(16)]
                return [self._message(question, [(owner, NS, name) for name in names])]
            return [self._truth(question, kind)]


def lying_dns(
    zone: str, address: str, targets: tuple[str, ...], seed: str, *, silence: bool = False
) -> LyingDns:
    """One at a port of that address that nobody else uses."""
    with ReservedPort(address) as port:
        return LyingDns(zone, address, port.number, targets, seed, silence)


def maze(zone: str, address: str) -> Maze:
    with ReservedPort(address) as port:
        return Maze(zone, address, port.number, (), "")
