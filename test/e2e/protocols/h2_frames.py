"""HTTP/2 by hand: the frames that a client may begin with (RFC 9113), one by one."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hpack import Decoder, Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, SETTINGS, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 4, 7, 8, 9
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
