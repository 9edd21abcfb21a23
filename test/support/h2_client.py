"""A client that speaks HTTP/2 on a connection that is already there."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events

READ_SIZE = 65536


@dataclass
class H2Answer:
    """An answer as far as it has come; complete once `ended`, or cut off by `reset`."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class H2Client:
    """Prior knowledge: the server was chosen by ALPN, or known to speak it."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        self._host = host
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self._answers: dict[int, H2Answer] = {}
        self.goaway = False
        self._h2.initiate_connection()
        self._flush()

    def get(self, path: str, **options: Any) -> H2Answer:
        return self.request("GET", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        host: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> H2Answer:
        """Raises ConnectionError if the connection ends before the answer does."""
        stream = self.send(method, path, host=host, headers=headers, body=body)
        return self.wait([stream])[0]

    def send(
        self,
        method: str,
        path: str,
        *,
        host: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> int:
        """The number of the stream; wait() for it."""
        stream = self._begin(method, path, host, headers or {}, end_stream=not body)
        self._flush()
        unsent = memoryview(body)
        while unsent and not self._answers[stream].ended:
            unsent = self._send_some(stream, unsent)
        return stream

    def get_all(self, paths: Sequence[str]) -> list[H2Answer]:
        """All asked for in one write, so that no pause lies between them."""
        streams = [self._begin("GET", path, None, {}, end_stream=True) for path in paths]
        self._flush()
        return self.wait(streams)

    def get_unended(self, path: str, *, method: str = "GET", trailers: bool = False) -> H2Answer:
        """The request's head does not end it: an empty frame of data does, or trailers."""
        stream = self._begin(method, path, None, {}, end_stream=False)
        self._flush()
        if trailers:
            self._h2.send_headers(stream, [("x-trailer", "1")], end_stream=True)
        else:
            self._h2.end_stream(stream)
        self._flush()
        return self.wait([stream])[0]

    def cancel(self, stream: int) -> None:
        self._h2.reset_stream(stream, error_code=8)
        self._flush()

    @property
    def may_open_websockets(self) -> bool:
        """What the server said of it, once there was an answer."""
        return bool(self._h2.remote_settings.enable_connect_protocol)

    def open_websocket(self, path: str) -> int:
        """A stream for say() and wait_body(); RFC 8441, 5.1."""
        fields = {":protocol": "websocket", "sec-websocket-version": "13"}
        stream = self._begin("CONNECT", path, None, fields, end_stream=False)
        self._flush()
        return stream

    def say(self, stream: int, data: bytes) -> None:
        """On a stream that stays open; as much as its window takes at once."""
        self._h2.send_data(stream, data)
        self._flush()

    def wait_body(self, stream: int, end: bytes) -> None:
        """Until what has come on a stream ends so."""
        answer = self._answers[stream]
        while not answer.body.endswith(end):
            if answer.ended:
                raise ConnectionError(f"the stream ended with {answer}")
            self._receive()

    def wait(self, streams: Sequence[int]) -> list[H2Answer]:
        while any(not self._answers[s].ended for s in streams):
            self._receive()
        return [self._answers[stream] for stream in streams]

    def wait_end(self) -> None:
        """Until the server has closed the connection."""
        while True:
            try:
                self._receive()
            except ConnectionError:
                return

    def _begin(
        self,
        method: str,
        path: str,
        host: str | None,
        headers: Mapping[str, str],
        *,
        end_stream: bool,
    ) -> int:
        stream = self._h2.get_next_available_stream_id()
        fields = [
            (":method", method),
            (":scheme", "https"),
            (":authority", host or self._host),
            (":path", path),
            *headers.items(),
        ]
        self._answers[stream] = H2Answer()
        self._h2.send_headers(stream, fields, end_stream=end_stream)
        return stream

    def _send_some(self, stream: int, data: memoryview) -> memoryview:
        window = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
        if window == 0:
            self._receive()
            return data
        self._h2.send_data(stream, bytes(data[:window]), end_stream=window >= len(data))
        self._flush()
        return data[window:]

    def _receive(self) -> None:
        data = self._connection.recv(READ_SIZE)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._take(self._h2.receive_data(data))
        self._flush()

    def _take(self, events: Iterable[h2.events.Event]) -> None:
        for event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = True
            answer = self._answers.get(getattr(event, "stream_id", None) or 0)
            if answer is None:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                answer.headers.update(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                answer.reset = int(event.error_code)
                answer.ended = True
            elif isinstance(event, h2.events.StreamEnded):
                answer.ended = True

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._connection.sendall(data)
