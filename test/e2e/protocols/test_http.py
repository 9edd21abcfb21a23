"""HTTP/1.1 and WebSocket: curl and Python's clients, against servers that do not help them."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from .conftest import AT_ONCE, Site, full_name
from .peers import Stopwatch, curl
from .product import HOST, Product

NAME = full_name("http")
WEBSOCKET = full_name("websocket")
BODY = b"0123456789abcdef" * 65536
LARGE_HEADER = "v" * 40000


class Handler(http.server.BaseHTTPRequestHandler):
    """Tells in JSON what it got: the body's digest, some headers, and on which connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._answer(b"".join(self._chunks()))
        else:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        answer = json.dumps(
            {
                "path": self.path,
                "digest": hashlib.sha256(body).hexdigest(),
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "connection": self.client_address[1],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def backend(site: Site) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer((HOST, site.ports["http"]), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("backend")
class TestCurl:
    def test_keep_alive(self, patient: Product) -> None:
        clock = Stopwatch()
        printed = curl(patient, "https", NAME, "--http1.1", "-w", "\n", "{url}/1", "{url}/2")
        first, second = map(json.loads, printed.splitlines())
        assert (first["path"], second["path"]) == ("/1", "/2")
        assert first["connection"] == second["connection"]
        assert clock() < AT_ONCE

    @pytest.mark.parametrize("encoding", ["chunked", "100-continue"])
    def test_upload(self, patient: Product, tmp_path: Path, encoding: str) -> None:
        header = {
            "chunked": "Transfer-Encoding: chunked",
            "100-continue": "Expect: 100-continue",
        }[encoding]
        (tmp_path / "body").write_bytes(BODY)
        clock = Stopwatch()
        answer = json.loads(
            curl(
                patient, "https", NAME, "--http1.1", "--header", header,
                "--expect100-timeout", str(AT_ONCE),
                "--data-binary", f"@{tmp_path}/body", "{url}/upload",
            )
        )  # fmt: skip
        assert answer["digest"] == hashlib.sha256(BODY).hexdigest()
        assert header.split()[1] in answer["headers"].values()
        assert clock() < AT_ONCE

    def test_large_headers(self, patient: Product, tmp_path: Path) -> None:
        (tmp_path / "headers").write_text(f"X-Large: {LARGE_HEADER}\n")
        clock = Stopwatch()
        printed = curl(
            patient, "https", NAME, "--http1.1", "--header", f"@{tmp_path}/headers", "{url}/"
        )
        assert json.loads(printed)["headers"]["x-large"] == LARGE_HEADER
        assert clock() < AT_ONCE


@pytest.mark.usefixtures("backend", "resolving")
def test_python_keeps_its_connection(patient: Product) -> None:
    client = http.client.HTTPSConnection(
        NAME, patient.port, context=patient.context(), timeout=AT_ONCE
    )
    connections = set()
    for path in ("/one", "/two", "/three"):
        client.request("GET", path)
        answer = json.loads(client.getresponse().read())
        assert answer["path"] == path
        connections.add(answer["connection"])
    client.close()
    assert len(connections) == 1


@pytest.mark.usefixtures("resolving")
@pytest.mark.parametrize("alpn", [(), ("http/1.1",)], ids=["none", "http/1.1"])
def test_websocket(site: Site, patient: Product, alpn: tuple[str, ...]) -> None:
    async def greet_and_echo(connection: Any) -> None:
        await connection.send("welcome")
        async for message in connection:
            await connection.send(message)

    async def converse() -> None:
        port = site.ports["websocket"]
        async with websockets.serve(greet_and_echo, HOST, port, max_size=None):
            url = f"wss://{WEBSOCKET}:{patient.port}/socket"
            async with websockets.connect(
                url, ssl=patient.context(alpn), max_size=None
            ) as client:
                assert await client.recv() == "welcome"
                for message in ("text", BODY, b"\0"):
                    await client.send(message)
                    assert await client.recv() == message

    clock = Stopwatch()
    asyncio.run(asyncio.wait_for(converse(), AT_ONCE))
    assert clock() < AT_ONCE
