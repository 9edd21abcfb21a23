"""A zone transfer read quickly: a property test looks at a zone thousands of times."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

TYPE_NAMES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 257: "CAA",
}  # fmt: skip
TYPE_SOA, TYPE_AXFR, CLASS_IN = 6, 252, 1
HEADER = struct.Struct("!6H")
FIXED = struct.Struct("!HHIH")
TIMEOUT = 10.0


def zone_lines(address: str, port: int, zone: str) -> list[str]:
    """Every record but the SOA, sorted, as "owner TTL type rdata" in the form of a zone file.

    Types without a name here, and their rdata, are in the form of RFC 3597.
    """
    question = HEADER.pack(1, 0, 1, 0, 0, 0) + _wire_name(zone) + struct.pack(
        "!HH", TYPE_AXFR, CLASS_IN
    )
    lines: list[str] = []
    soas = 0
    with socket.create_connection((address, port), TIMEOUT) as connection:
        connection.sendall(len(question).to_bytes(2, "big") + question)
        with connection.makefile("rb") as stream:
            while soas < 2:  # one at the beginning, one at the end
                message = stream.read(int.from_bytes(stream.read(2), "big"))
                if len(message) < HEADER.size or message[3] & 0xF != 0:
                    raise RuntimeError(f"{address}:{port} does not transfer {zone}")
                for kind, line in _records(message):
                    if kind == TYPE_SOA:
                        soas += 1
                    else:
                        lines.append(line)
    return sorted(lines)


def _records(message: bytes) -> Iterator[tuple[int, str]]:
    _, _, questions, answers, _, _ = HEADER.unpack_from(message)
    at = HEADER.size
    for _ in range(questions):
        at = _name(message, at)[1] + 4
    for _ in range(answers):
        owner, at = _name(message, at)
        kind, _, ttl, length = FIXED.unpack_from(message, at)
        at += FIXED.size
        text = _rdata(message, kind, at, length)
        yield kind, f"{owner} {ttl} {TYPE_NAMES.get(kind) or f'TYPE{kind}'} {text}"
        at += length


def _rdata(message: bytes, kind: int, at: int, length: int) -> str:
    name = TYPE_NAMES.get(kind, "")
    rdata = message[at : at + length]
    if name == "A":
        return socket.inet_ntop(socket.AF_INET, rdata)
    if name == "AAAA":
        return socket.inet_ntop(socket.AF_INET6, rdata)
    if name in ("NS", "CNAME", "PTR"):
        return _name(message, at)[0]
    if name == "MX":
        return f"{int.from_bytes(rdata[:2], 'big')} {_name(message, at + 2)[0]}"
    if name == "TXT":
        return " ".join(_strings(rdata))
    if name == "CAA":
        tag_end = 2 + rdata[1]
        return f"{rdata[0]} {rdata[2:tag_end].decode()} {_quoted(rdata[tag_end:])}"
    return rf"\# {length} {rdata.hex()}".rstrip()


def _strings(rdata: bytes) -> Iterator[str]:
    at = 0
    while at < len(rdata):
        end = at + 1 + rdata[at]
        yield _quoted(rdata[at + 1 : end])
        at = end


def _quoted(text: bytes) -> str:
    return '"' + "".join(
        f"\\{chr(c)}" if c in b'"\\' else chr(c) if 0x20 <= c < 0x7F else f"\\{c:03}" for c in text
    ) + '"'


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins there, compressed or not, and where what follows it begins."""
    labels = []
    end = 0
    while True:
        length = message[at]
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
        else:
            return ".".join([*labels, ""]) or ".", end or at + 1


def _wire_name(name: str) -> bytes:
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
