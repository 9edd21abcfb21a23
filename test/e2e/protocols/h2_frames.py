"""HTTP/2 by hand: the frames that a client may begin with (RFC 9113), one by one."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hpack import Decoder, Encoder
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 4, 6, 7, 8, 9
PRIORITY_UPDATE = 0x10  # RFC 9218
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITISED = 0x4, 0x8, 0x20

MAX_SETTINGS = 12


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(count: int) -> bytes:
    """`count` entries: unknown ones, which are to be ignored, but for the first."""
    entries = [(3, 100), *((0xF000 + number, number) for number in range(1, count))][:count]
    return frame(SETTINGS, b"".join(struct.pack(">HI", *entry) for entry in entries))


def window_update() -> bytes:
    return frame(WINDOW_UPDATE, struct.pack(">I", 1 << 20))


def priority(stream: int) -> bytes:
    return frame(PRIORITY, struct.pack(">IB", 0, 15), stream=stream)


# ---- HPACK (RFC 7541) by hand, too

# Literal fields: to be added to the table, not to be, and never to be; and changes of its size.
INDEXED, UNINDEXED, NEVER_INDEXED, TABLE_SIZE = 0x40, 0x00, 0x10, 0x20
_PREFIX_BITS = {INDEXED: 6, UNINDEXED: 4, NEVER_INDEXED: 4, TABLE_SIZE: 5}
# Entries of the static table.
AUTHORITY, METHOD, PATH, SCHEME = 1, 2, 4, 7
GET, HTTPS = b"\x82", b"\x87"

_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


def integer(value: int, bits: int, first: int) -> bytes:
    """Section 5.1; `first` has what stands before its `bits` in the first byte."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    made = bytearray([first | most])
    value -= most
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def text(value: bytes, *, huffman: bool) -> bytes:
    coded = _huffman.encode(value) if huffman else value
    return integer(len(coded), 7, 0x80 if huffman else 0) + coded


def table_size(size: int) -> bytes:
    return integer(size, _PREFIX_BITS[TABLE_SIZE], TABLE_SIZE)


def field(kind: int, name: int | bytes, value: bytes, *, huffman: bool) -> bytes:
    """`name`: an entry of the table, or its letters."""
    known = name if isinstance(name, int) else 0
    head = integer(known, _PREFIX_BITS[kind], kind)
    if isinstance(name, bytes):
        head += text(name, huffman=huffman)
    return head + text(value, huffman=huffman)


@dataclass(frozen=True)
class Request:
    """A request, GET by default, and the liberties that a client has in writing it."""

    authority: str
    path: str
    method: str = "GET"
    huffman: bool = True
    padded: bool = False
    prioritised: bool = False
    continued: bool = False
    path_first: bool = False
    ends: bool = True
    more: tuple[tuple[str, str], ...] = ()
    stream: int = 1

    def frames(self) -> bytes:
        pseudo = [(":method", self.method), (":scheme", "https"), (":authority", self.authority)]
        pseudo.insert(0 if self.path_first else len(pseudo), (":path", self.path))
        block = Encoder().encode([*pseudo, *self.more], huffman=self.huffman)
        flags = (END_STREAM if self.ends else 0) | (0 if self.continued else END_HEADERS)
        # Cut behind the path, which the product looks for in the first frame.
        first, rest = (block[:-1], block[-1:]) if self.continued else (block, b"")
        if self.prioritised:
            first, flags = struct.pack(">IB", 0, 15) + first, flags | PRIORITISED
        if self.padded:
            first, flags = bytes([7]) + first + bytes(7), flags | PADDED
        made = frame(HEADERS, first, flags=flags, stream=self.stream)
        if self.continued:
            made += frame(CONTINUATION, rest, flags=END_HEADERS, stream=self.stream)
        return made


@dataclass
class Answer:
    status: int = 0
    body: bytes = b""


class AnswerReader:
    """Puts the answer to one stream together."""

    def __init__(self) -> None:
        self._data = b""
        self._decoder = Decoder()
        self.answer = Answer()

    def feed(self, data: bytes) -> bool:
        """Whether the answer is complete."""
        self._data += data
        while len(self._data) >= 9:
            length = int.from_bytes(self._data[:3], "big")
            if len(self._data) < 9 + length:
                return False
            kind, flags = self._data[3], self._data[4]
            payload, self._data = self._data[9 : 9 + length], self._data[9 + length :]
            if kind == HEADERS:
                assert flags & END_HEADERS and not flags & (PADDED | PRIORITISED)
                headers = dict(self._decoder.decode(payload))
                self.answer.status = int(headers[":status"])
            elif kind == DATA:
                self.answer.body += payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return True
        return False
