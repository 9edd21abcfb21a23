"""WebSockets, gRPC and long silence, with real libraries on both ends, in both modes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import websockets

from support.h1_client import H1Client

from .site import SUMS, WEB, Site
from .websocket_app import WEBSOCKET, websocket_echo

GRPC = "grpc.demo.test"
MESSAGES = 50
LARGE_MESSAGE = 512 * 1024
# Longer than `timeout http-request`, which must not count between requests, nor behind an upgrade.
SILENCE = 31.0


class _Grpc(grpc.GenericRpcHandler):
    """Three methods on plain bytes; each answer ends with a trailer."""

    def service(self, details: Any) -> Any:
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(self._unary),
            "/test.Echo/Stream": grpc.stream_stream_rpc_method_handler(self._stream),
            "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(self._fail),
        }.get(details.method)

    def _unary(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("kind", "unary"),))
        return request

    def _stream(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.set_trailing_metadata((("kind", "stream"),))
        yield from requests

    def _fail(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, request.decode())
        return b""


@contextlib.contextmanager
def grpc_echo() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4), handlers=(_Grpc(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="module", params=["request", "connection"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with websocket_echo() as websocket, grpc_echo() as rpc:
        with Site(
            tmp_path_factory.mktemp("long"),
            extra={WEBSOCKET: websocket, GRPC: rpc},
            EVIDENCE_ROUTING=request.param,
        ) as made:
            yield made


def _open_websocket(site: Site) -> Any:
    plain = socket.create_connection(("127.0.0.1", site.ingress.port))
    return websockets.connect(
        f"wss://{WEBSOCKET}/chat",
        sock=plain,
        ssl=site.ingress.trust(alpn=("http/1.1",)),
        server_hostname=WEBSOCKET,
        ping_interval=None,
    )


@contextlib.contextmanager
def _channel(site: Site) -> Iterator[grpc.Channel]:
    credentials = grpc.ssl_channel_credentials(site.roots().read_bytes())
    options = (("grpc.ssl_target_name_override", GRPC), ("grpc.enable_http_proxy", 0))
    where = f"127.0.0.1:{site.ingress.port}"
    with grpc.secure_channel(where, credentials, options) as channel:
        yield channel


def test_websocket_messages_both_ways(site: Site) -> None:
    async def talk() -> None:
        async with _open_websocket(site) as connection:
            assert await connection.recv() == "hello"
            for number in range(MESSAGES):
                await connection.send(f"message {number}")
                assert await connection.recv() == f"message {number}"
            large = bytes(LARGE_MESSAGE)
            await connection.send(large)
            assert await connection.recv() == large

    asyncio.run(asyncio.wait_for(talk(), 30))


def test_grpc_streams_and_trailers(site: Site) -> None:
    with _channel(site) as channel:
        answer, call = channel.unary_unary("/test.Echo/Unary").with_call(b"one", timeout=15)
        assert answer == b"one"
        assert ("kind", "unary") in call.trailing_metadata()
        messages = [b"%d" % n * 5000 for n in range(20)]
        stream = channel.stream_stream("/test.Echo/Stream")(iter(messages), timeout=15)
        assert list(stream) == messages
        assert ("kind", "stream") in stream.trailing_metadata()


def test_grpc_answers_before_the_request_ends(site: Site) -> None:
    """Both directions are open at once: nothing waits for the end of a body."""
    answered = threading.Semaphore(0)

    def requests() -> Iterator[bytes]:
        yield b"first"
        assert answered.acquire(timeout=15)
        yield b"second"

    with _channel(site) as channel:
        stream = channel.stream_stream("/test.Echo/Stream")(requests(), timeout=30)
        assert next(stream) == b"first"
        answered.release()
        assert list(stream) == [b"second"]


def test_grpc_errors_arrive_as_they_are(site: Site) -> None:
    with _channel(site) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/test.Echo/Fail")(b"not now", timeout=15)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "not now"


def test_grpc_and_evidence_on_one_name(site: Site) -> None:
    with _channel(site) as channel:
        unary = channel.unary_unary("/test.Echo/Unary")
        assert unary(b"before", timeout=15) == b"before"
        with site.h2(GRPC) as client:
            assert client.get(SUMS).body == site.sums()
        assert unary(b"after", timeout=15) == b"after"


@pytest.mark.parametrize("site", ["request"], indirect=True)
def test_long_silence_cuts_nothing(site: Site) -> None:
    """A kept connection and an upgraded one, side by side. That nothing comes for so long is
    what is waited for; the server's closing would end the wait."""

    async def talk(kept: H1Client) -> None:
        async with _open_websocket(site) as connection:
            assert await connection.recv() == "hello"
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(connection.recv(), SILENCE)
            await connection.send("still there")
            assert await connection.recv() == "still there"
        assert kept.get("/again").json()["path"] == "/again"

    with site.h1(WEB) as kept:
        assert kept.get("/").status == 200
        asyncio.run(asyncio.wait_for(talk(kept), SILENCE + 20))
