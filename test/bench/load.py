"""Load from tls_load, and the requests it sends."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import h2.config
import h2.connection

from support.ingress import ROOT

from .proxies import LOAD_CPU, MARKER, pinned

TLS_LOAD = ROOT / "build/release/bench/tls_load"
DEADLINE = 600


@dataclass(frozen=True)
class Result:
    count: int
    errors: int
    resumed: int
    bytes: int
    seconds: float


def h1_request(name: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()


def h2_request(name: str, path: str = "/") -> bytes:
    """All that a client sends on a new connection for its first request."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    headers = ((":method", "GET"), (":scheme", "https"), (":authority", name), (":path", path))
    client.send_headers(client.get_next_available_stream_id(), headers, end_stream=True)
    return bytes(client.data_to_send())


def command(
    port: int, name: str, mode: str, count: int, threads: int, alpn: str, request: Path
) -> list[str]:
    arguments = (port, name, mode, count, threads, alpn, request, MARKER)
    return pinned(LOAD_CPU, [TLS_LOAD, *map(str, arguments)])


def parse(output: str) -> Result:
    return Result(**json.loads(output))


def run_load(
    port: int, name: str, mode: str, count: int, threads: int, alpn: str, request: Path
) -> Result:
    done = subprocess.run(
        command(port, name, mode, count, threads, alpn, request),
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    return parse(done.stdout)
