"""HTTP/2 connections that begin as the standards allow and no library has them, at random.

What goes to the app comes back from it as it is; evidence is answered.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from .conftest import AT_ONCE, evidence_is_there, full_name
from .h2_frames import (
    AUTHORITY,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    HEADERS,
    HTTPS,
    INDEXED,
    METHOD,
    NEVER_INDEXED,
    PADDED,
    PATH,
    PING,
    PREFACE,
    PRIORITISED,
    PRIORITY_UPDATE,
    SCHEME,
    UNINDEXED,
    AnswerReader,
    field,
    frame,
    priority,
    settings,
    table_size,
    window_update,
)
from .peers import Stopwatch, receive
from .product import Product

T = TypeVar("T")

ECHO = full_name("echo")
ROUNDS = 40
SEEDS = range(6)

EVIDENCE = [
    b"/evidences", b"/evidences/", b"/evidences?x", b"/evidences/sha256sum.txt",
    b"/evidences?" + b"q" * 200, b"/evidences/?" + b"x" * 140,
]  # fmt: skip
NOT_EVIDENCE = [
    b"/", b"/index.html", b"/evidence", b"/evidencesX", b"/evidences.json", b"/evidencesa",
    b"/evidences2", b"/evidences+", b"/evidences'", b"/evidences%2F", b"/EVIDENCES/",
    b"//evidences/", b"/ID1/evidences/", b"/x/E!/evidences/", b"/a?u=/evidences/",
    b"/x" * 200 + b"/evidences/",
]  # fmt: skip
# accept, expires, and others: the last byte of what stands before the value may be that
# of :path.
OTHER_NAMES: list[int | bytes] = [19, 36, 51, 58, b"x-a", b"purpose", b"ee", b"sc", b"xse"]
OTHER_VALUES = [b"/evidences/", b"/evidences", b"D1/evidences/", b"EE/evidences/"]
NAME_LENGTHS = [1, 15, 16, 17, 31, 32, 60, 126, 127, 128, 129, 200, 253]


@dataclass
class Opening:
    data: bytes
    evidence: bool


class Author:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def opening(self) -> Opening:
        evidence = self._chance(0.5)
        path = self._one_of(EVIDENCE if evidence else NOT_EVIDENCE)
        data = PREFACE + settings(self._random.randrange(13))
        for _ in range(self._one_of([0, 0, 0, 1, 2, 3])):
            data += self._frame_before()
        ends = self._chance(0.9)
        # A request that is not yet over is known as one for evidence by its method in front.
        data += self._headers(self._block(path, shuffled=ends), ends)
        if not ends:
            data += frame(DATA, flags=END_STREAM, stream=1)
        return Opening(data, evidence)

    def parts(self, data: bytes) -> list[bytes]:
        """Whole, byte by byte, or something between."""
        how = self._random.randrange(3)
        if how == 0:
            return [data]
        if how == 1:
            return [bytes([byte]) for byte in data]
        cuts = sorted(self._random.randrange(len(data)) for _ in range(3))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)]) if a < b]

    def _frame_before(self) -> bytes:
        # Types without a meaning (0x0b + 0x1f * n) are sent by clients who see to it that
        # they are ignored.
        unknown = 0x0B + 0x1F * self._random.randrange(1, 7)
        kinds: list[Callable[[], bytes]] = [
            window_update,
            lambda: priority(3),
            lambda: frame(PING, self._random.randbytes(8)),
            lambda: frame(PRIORITY_UPDATE, struct.pack(">I", 1) + b"u=1"),
            lambda: frame(unknown, self._random.randbytes(self._one_of([0, 15, 16, 33, 80]))),
        ]
        return self._one_of(kinds)()

    def _block(self, path: bytes, *, shuffled: bool) -> bytes:
        host = bytes(self._random.choices(b"abcdefghijk-.012", k=self._one_of(NAME_LENGTHS)))
        fields = [
            self._one_of([GET, self._field(METHOD, b"GET")]),
            self._one_of([HTTPS, self._field(SCHEME, b"https")]),
            self._field(AUTHORITY, host),
            self._field(self._one_of([PATH, PATH + 1]), path),
        ]
        if shuffled:
            self._random.shuffle(fields)
        if self._chance(0.3):
            fields.insert(0, table_size(self._one_of([0, 30, 31, 100, 2048, 4096])))
        for _ in range(self._random.randrange(4)):
            fields.append(self._field(self._one_of(OTHER_NAMES), self._one_of(OTHER_VALUES)))
        return b"".join(fields)

    def _field(self, name: int | bytes, value: bytes) -> bytes:
        kind = self._one_of([INDEXED, UNINDEXED, NEVER_INDEXED])
        return field(kind, name, value, huffman=self._chance(0.5))

    def _headers(self, block: bytes, ends: bool) -> bytes:
        flags, rest = END_STREAM if ends else 0, b""
        if self._chance(0.2):  # cut behind the path, which is looked for in the first frame
            rest = field(UNINDEXED, b"x-last", b"1", huffman=False)
        else:
            flags |= END_HEADERS
        if self._chance(0.3):
            block, flags = struct.pack(">IB", 0, 15) + block, flags | PRIORITISED
        if self._chance(0.3):
            padding = self._one_of([0, 1, 7, 100, 255])
            block, flags = bytes([padding]) + block + bytes(padding), flags | PADDED
        made = frame(HEADERS, block, flags=flags, stream=1)
        if rest:
            made += frame(CONTINUATION, rest, flags=END_HEADERS, stream=1)
        return made

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _one_of(self, choices: list[T]) -> T:
        return self._random.choice(choices)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_path_decides_at_once(patient: Product, seed: int) -> None:
    evidence_is_there(patient, ECHO)
    author = Author(seed)
    for number in range(ROUNDS):
        opening = author.opening()
        told = f"opening {number} of seed {seed}: {opening}"
        with patient.connect(ECHO, alpn=("h2",)) as client:
            clock = Stopwatch()
            for part in author.parts(opening.data):
                client.sendall(part)
            if opening.evidence:
                assert status_of_answer(client) == 200, told
            else:
                assert receive(client, len(opening.data)) == opening.data, told
            assert clock() < AT_ONCE, told


def status_of_answer(client: socket.socket) -> int:
    reader = AnswerReader()
    while not reader.feed(data := client.recv(65536)):
        assert data, "the connection ended before the answer"
    return reader.answer.status
