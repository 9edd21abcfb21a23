"""HTTP/2 to a backend that speaks it without TLS: nghttpd and gRPC."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from .conftest import AT_ONCE, Site, full_name
from .peers import Stopwatch, curl, program, run, server, with_hosts
from .product import HOST, Product

HTTP2 = full_name("http2")
GRPC = full_name("grpc")
LARGE = b"0123456789abcdef" * 65536
SERVICE = "matrix.Echo"
MESSAGES = [b"", b"\0", b"text", LARGE[: 1024 * 1024]]


@pytest.fixture(scope="module")
def nghttpd(site: Site) -> Iterator[None]:
    folder = site.folder("nghttpd")
    (folder / "hello").write_bytes(b"hello over HTTP/2")
    (folder / "large").write_bytes(LARGE)
    port = site.ports["http2"]
    with server(
        [program("nghttpd"), "--no-tls", "--verbose", f"--address={HOST}", f"--htdocs={folder}",
         "--echo-upload", str(port)],
        port, folder,
    ):  # fmt: skip
        yield


@pytest.mark.usefixtures("nghttpd")
class TestNghttpd:
    def test_curl(self, patient: Product) -> None:
        clock = Stopwatch()
        printed = curl(
            patient, "https", HTTP2, "--http2", "-w", "\n%{http_version}:%{num_connects}\n",
            "{url}/hello", "{url}/hello",
        )  # fmt: skip
        # The second request went over the connection of the first.
        assert printed == b"hello over HTTP/2\n2:1\n" + b"hello over HTTP/2\n2:0\n"
        assert clock() < AT_ONCE

    def test_curl_uploads(self, patient: Product, tmp_path: Path) -> None:
        (tmp_path / "body").write_bytes(LARGE)
        printed = curl(
            patient, "https", HTTP2, "--http2", "--data-binary", f"@{tmp_path}/body", "{url}/"
        )
        assert printed == LARGE

    def test_nghttp(self, patient: Product, tmp_path: Path) -> None:
        clock = Stopwatch()
        url = f"https://{HTTP2}:{patient.port}"
        printed = run(
            [*with_hosts(HTTP2, tmp_path), "nghttp", "--verbose", "--null-out", "--no-dep",
             f"{url}/hello", f"{url}/large"],
        ).decode()  # fmt: skip
        assert "The negotiated protocol: h2" in printed
        assert len(re.findall(r":status: 200", printed)) == 2
        assert clock() < AT_ONCE

    def test_nghttp_with_priority_frames(self, patient: Product, tmp_path: Path) -> None:
        clock = Stopwatch()
        url = f"https://{HTTP2}:{patient.port}/large"
        assert run([*with_hosts(HTTP2, tmp_path), "nghttp", url]) == LARGE
        assert clock() < AT_ONCE


class Echo(grpc.GenericRpcHandler):
    """Unary, both ways streamed, and a failure; messages are bytes, as they come."""

    def service(self, details: Any) -> Any:
        return {
            f"/{SERVICE}/Unary": grpc.unary_unary_rpc_method_handler(self._unary),
            f"/{SERVICE}/Stream": grpc.stream_stream_rpc_method_handler(self._stream),
            f"/{SERVICE}/Fail": grpc.unary_unary_rpc_method_handler(self._fail),
        }.get(details.method)

    def _unary(self, message: bytes, context: Any) -> bytes:
        context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last", "1"),))
        return message

    def _stream(self, messages: Any, context: Any) -> Iterator[bytes]:
        yield from messages
        context.set_trailing_metadata((("x-last", "streamed"),))

    def _fail(self, message: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked")
        return message


@pytest.fixture(scope="module")
def grpc_server(site: Site) -> Iterator[None]:
    made = grpc.server(ThreadPoolExecutor(max_workers=4))
    made.add_generic_rpc_handlers((Echo(),))
    assert made.add_insecure_port(f"{HOST}:{site.ports['grpc']}") == site.ports["grpc"]
    made.start()
    yield
    made.stop(grace=None).wait()


@pytest.fixture
def channel(patient: Product, grpc_server: None) -> Iterator[grpc.Channel]:
    credentials = grpc.ssl_channel_credentials(patient.ca.bundle.read_bytes())
    with grpc.secure_channel(
        f"{HOST}:{patient.port}",
        credentials,
        options=[("grpc.ssl_target_name_override", GRPC), ("grpc.enable_http_proxy", 0)],
    ) as made:
        yield made


class TestGrpc:
    def test_unary_with_metadata_and_trailers(self, channel: grpc.Channel) -> None:
        clock = Stopwatch()
        method = channel.unary_unary(f"/{SERVICE}/Unary")
        for message in MESSAGES:
            answer, call = method.with_call(message, timeout=AT_ONCE)
            assert answer == message
            assert ("x-first", "1") in call.initial_metadata()
            assert ("x-last", "1") in call.trailing_metadata()
        assert clock() < AT_ONCE

    def test_streams_go_both_ways_at_the_same_time(self, channel: grpc.Channel) -> None:
        clock = Stopwatch()
        to_send: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        method = channel.stream_stream(f"/{SERVICE}/Stream")
        call: Any = method(iter(to_send.get, None), timeout=AT_ONCE)
        for message in MESSAGES:
            to_send.put(message)
            assert next(call) == message
        to_send.put(None)
        assert list(call) == []
        assert ("x-last", "streamed") in call.trailing_metadata()
        assert clock() < AT_ONCE

    def test_a_failure_is_told_in_the_trailers(self, channel: grpc.Channel) -> None:
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary(f"/{SERVICE}/Fail")(b"", timeout=AT_ONCE)
        error: Any = failed.value
        assert (error.code(), error.details()) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "as asked",
        )
