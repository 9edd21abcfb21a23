"""A guest agent that lies: of each call it decides anew, by a seed, whether to tell the truth.

The truth is that of guest_api. What is sent instead is put together by hand, since no library
makes the answers that it sends.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from typing import Any

from .guest_api import Fault, GuestApi
from .simulated_guest import SimulatedGuest
from .terminal import ORDERS

ODD_TEXTS = (
    ORDERS.encode(),
    b"\x1b[2J",
    b"a\nb",
    b"\r",
    b"\xc2\x9b31m",
    b"\xe2\x80\xae",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\x7f",
    b"\x01\x1f",
    b"\\u0000",
    b"\\ud800",
    b"\\u001b[2J",
    b"%s%n%s",
    b'"',
    b"g" * 70_000,
)
ODD_VALUES = (
    *(b"null true 0 -1 1e999 -1e-999 01 1e 0x10 NaN Infinity [] {} [[]]".split()),
    b"9" * 400,
    b'""',
    b'" "',
    b'"zz"',
    b"[" * 63 + b"]" * 63,
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'{"a":1,"a":2}',
)
STATUSES = (100, 103, 204, 206, 301, 304, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 599)
ODD_HEADS = (
    b"HTTP/1.1 999 \x1b[2J\r\n\r\n",
    b"HTTP/1.1 20\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/0.9 200\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, \x1b[2J\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    b"\0" * 300,
)
ENDLESS = 6 << 20  # more than anybody may take
SILENCE_SECONDS = 100.0  # longer than anybody may wait
BRIEF_SECONDS = 0.01

Lie = Callable[[bytes], Iterator[bytes]]
"""What is sent for an answer, piece by piece; the connection ends behind the last."""


class LyingGuestAgent:
    """Answers on `socket` while its context lasts.

    `eagerness` is how likely a lie is, `lies` counts those told, by kind. `silences` is how many
    more times it may keep silent, each of which costs the asker all its patience; `silence` is how
    likely it then does.
    """

    def __init__(self, socket_path: Path, guest: SimulatedGuest, seed: str, api: str) -> None:
        self.socket = socket_path
        self.lies: Counter[str] = Counter()
        self.eagerness = 0.9
        self.silences, self.silence = 0, 0.05
        self._api = GuestApi(guest, api)
        self._lock = threading.Lock()
        self._rng = random.Random(seed)
        self._stopping = threading.Event()
        self._kinds: list[Lie] = [
            self._status,
            self._status,
            self._odd_head,
            self._odd_head,
            self._web_page,
            self._cut_off,
            self._cut_off,
            self._half_a_document,
            self._half_a_document,
            self._wrong_length,
            self._two_answers,
            self._dribble,
            self._endless,
            self._many_headers,
            self._flipped,
            self._flipped,
            self._odd_member,
            self._odd_member,
            self._odd_member,
            self._odd_text,
            self._odd_text,
            self._twice,
            self._resized,
            self._resized,
            self._quote,
            self._quote,
            self._event_log,
            self._event_log,
        ]
        self._server: ThreadingUnixStreamServer

    def __enter__(self) -> LyingGuestAgent:
        liar = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    line = self.rfile.readline(65_536)
                    while self.rfile.readline(65_536) not in (b"\r\n", b"\n", b""):
                        pass
                    liar._answer(self.connection, line)

        class Server(ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(os.fspath(self.socket), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.socket.unlink()

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        words = line.decode("ascii", "replace").split(" ")
        path, _, query = (words[1] if len(words) > 1 else "/").partition("?")
        arguments = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with self._lock:
            told = self._api.call(path, arguments, Fault())
            pieces = list(self._pieces(told.body)) if told.status == 200 else [_whole(told.body)]
        for piece in pieces:
            if piece:
                connection.sendall(piece)
            else:  # nothing for a while
                self._stopping.wait(BRIEF_SECONDS if len(pieces) > 1 else SILENCE_SECONDS)

    def _pieces(self, truth: bytes) -> Iterator[bytes]:
        if self._rng.random() >= self.eagerness:
            return iter([_whole(truth)])
        if self.silences > 0 and self._rng.random() < self.silence:
            self.silences -= 1
            self.lies["silence"] += 1
            return iter([b""])
        lie = self._rng.choice(self._kinds)
        self.lies[lie.__name__.strip("_")] += 1
        return lie(truth)

    # ---- lies of HTTP

    def _status(self, truth: bytes) -> Iterator[bytes]:
        texts = [truth, b"", b"{}", b'{"error":7}', *(b'{"error":"%s"}' % t for t in ODD_TEXTS)]
        yield _whole(self._rng.choice([truth, *texts]), self._rng.choice(STATUSES))

    def _odd_head(self, truth: bytes) -> Iterator[bytes]:
        yield self._rng.choice(ODD_HEADS)

    def _web_page(self, truth: bytes) -> Iterator[bytes]:
        yield _whole(b"<!DOCTYPE html>\n<title>%s</title>\n" % self._rng.choice(ODD_TEXTS))

    def _cut_off(self, truth: bytes) -> Iterator[bytes]:
        whole = _whole(truth)
        # In the head, in the first members or anywhere.
        yield whole[: self._rng.randrange(self._rng.choice([90, 200, len(whole)]))] or b"H"

    def _half_a_document(self, truth: bytes) -> Iterator[bytes]:
        yield _whole(truth[: self._rng.randrange(self._rng.choice([70, len(truth)]))])

    def _wrong_length(self, truth: bytes) -> Iterator[bytes]:
        length = self._rng.choice([0, 1, len(truth) - 1, len(truth) + 1, 1 << 31, 1 << 63])
        yield _whole(truth, length=length)

    def _two_answers(self, truth: bytes) -> Iterator[bytes]:
        yield _whole(truth) + self._rng.choice([_whole(truth), _whole(b"{}"), truth, b"\0"])

    def _dribble(self, truth: bytes) -> Iterator[bytes]:
        whole = _whole(truth)
        ends = sorted(self._rng.randrange(len(whole)) for _ in range(9))
        for start, end in zip([0, *ends], [*ends, len(whole)], strict=True):
            yield whole[start:end]
            yield b""

    def _endless(self, truth: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n" + self._rng.choice([b"", b"X: "])
        yield b"\r\n" + truth[:-1]
        for _ in range(ENDLESS >> 20):
            yield self._rng.choice([b" ", b"x", b"\r\n", b"["]) * (1 << 20)

    def _many_headers(self, truth: bytes) -> Iterator[bytes]:
        line = b"X-%d: %s\r\n" % (self._rng.randrange(9), self._rng.choice([b"x" * 900, b"\x1b[2J"]))
        retry = b"Retry-After: %s\r\n" % self._rng.choice([b"-1", b"9" * 30, b"\x1b[2J", b"Mon, 1"])
        head = b"HTTP/1.1 503 Busy\r\n" + retry + line * self._rng.choice([1, 50, 500])
        yield head + b"Content-Length: %d\r\n\r\n" % len(truth) + truth

    def _flipped(self, truth: bytes) -> Iterator[bytes]:
        whole = bytearray(_whole(truth))
        start = self._rng.choice([0, whole.index(b"\r\n\r\n") + 4])
        for _ in range(self._rng.randrange(1, 9)):
            whole[self._rng.randrange(start, len(whole))] ^= 1 << self._rng.randrange(8)
        yield bytes(whole)

    # ---- lies of JSON

    def _members(self, truth: bytes) -> list[tuple[bytes, bytes]]:
        return [
            (json.dumps(name).encode(), json.dumps(value).encode())
            for name, value in json.loads(truth).items()
        ]

    def _odd_member(self, truth: bytes) -> Iterator[bytes]:
        members = self._members(truth)
        at = self._rng.randrange(len(members))
        members[at] = (members[at][0], self._rng.choice(ODD_VALUES))
        yield _whole(_object(members))

    def _odd_text(self, truth: bytes) -> Iterator[bytes]:
        """In a name, in a value, or between them."""
        members, odd = self._members(truth), self._rng.choice(ODD_TEXTS)
        at = self._rng.randrange(len(members))
        name, value = members[at]
        members[at] = self._rng.choice(
            [
                (name, b'"%s"' % odd),
                (name, value[:-1] + odd + value[-1:]),
                (b'"%s"' % odd, value),
                (name, b'"%s"' % (odd * 3)[:500]),
                (name, self._rng.choice([b"\x01", b"\x0c", b"\x1b", b"\xc2\xa0"]) + value),
            ]
        )
        if self._rng.random() < 0.5:
            members.append((b'"more"', b'"%s"' % odd))
        yield _whole(_object(members))

    def _twice(self, truth: bytes) -> Iterator[bytes]:
        members = self._members(truth)
        members.append((self._rng.choice(members)[0], self._rng.choice([b"null", b'"ab"'])))
        yield _whole(_object(members))

    def _resized(self, truth: bytes) -> Iterator[bytes]:
        """A value that is shorter or longer than it should be, as an id or a key."""
        answer = json.loads(truth)
        name = self._rng.choice(sorted(answer))
        if isinstance(answer[name], str):
            text = answer[name]
            answer[name] = self._rng.choice(
                [text[:-1], text[:-2], text + "0", text + "00", text * 2, text.upper(), "0x" + text]
            )
        yield _whole(json.dumps(answer).encode())

    # ---- lies of quotes

    def _quote(self, truth: bytes) -> Iterator[bytes]:
        answer = json.loads(truth)
        quote = bytearray(bytes.fromhex(answer.get("quote", "")))
        if not quote:
            yield from self._flipped(truth)
            return
        for _ in range(self._rng.choice([0, 1, 1, 20])):
            end = self._rng.choice([48, 700, len(quote)])
            quote[self._rng.randrange(end)] = self._rng.choice([0, 1, 0x7F, 0xFF])
        size = self._rng.choice([len(quote)] * 4 + [0, 47, 48, 631, 632, len(quote) - 1])
        more = self._rng.choice([0] * 6 + [1, 100_000])
        answer["quote"] = (bytes(quote[:size]) + self._rng.randbytes(more)).hex()
        yield _whole(json.dumps(answer).encode())

    def _event_log(self, truth: bytes) -> Iterator[bytes]:
        answer = json.loads(truth)
        log: Any = json.loads(answer.get("event_log", "[]"))
        if not log:
            yield from self._odd_member(truth)
            return
        for _ in range(self._rng.choice([1, 1, 5])):
            event = self._rng.choice(log)
            name = self._rng.choice(sorted(event))
            odd = self._rng.choice(ODD_TEXTS).decode("utf-8", "replace")
            event[name] = self._rng.choice([None, -1, 1 << 70, "", odd, [], {}, "ab" * 5000, 3.5])
        change = self._rng.choice(["", "less", "more", "many", "turned"])
        if change == "less":
            log.pop(self._rng.randrange(len(log)))
        elif change == "more":
            log.append(self._rng.choice(log))
        elif change == "many":
            log *= 100
        elif change == "turned":
            log.reverse()
        text = json.dumps(log)
        answer["event_log"] = self._rng.choice([text] * 5 + [text[: len(text) // 2], "[" * 9999])
        yield _whole(json.dumps(answer).encode())


def _object(members: list[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(name + b":" + value for name, value in members) + b"}"


def _whole(body: bytes, status: int = 200, *, length: int | None = None) -> bytes:
    head = b"HTTP/1.1 %d It is\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body) if length is None else length) + body
