"""Reloads of the running product under load: nobody may notice."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from support.ingress import Ingress
from support.process import clean_environment
from support.stack import Stack
from support.volume import Volume

from .load import DEADLINE, h1_request, h2_request, run_load
from .proxies import LOAD_CPU, Field, field, pinned
from .report import Report, Row, spread
from .websocket import WebSocketClient, WebSocketEcho

RELOADS = 50
REQUESTS_MIN = 100_000
WEBSOCKETS = 20
H1, H2, WS = "app.demo.test", "api.demo.test", "ws.demo.test"
# Small enough that the load ends soon after the last reload, and large enough that a kept
# connection lives through several of them.
NEW, KEPT = 1000, 20_000
THREADS = 4
H2LOAD_RESULT = re.compile(r"requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded")


@dataclass
class Tally:
    """What one kind of client did."""

    count: int = 0
    failed: int = 0


def _h2load(port: int, count: int) -> tuple[int, int]:
    """Requests on kept HTTP/2 connections, and how many of them failed."""
    done = subprocess.run(
        pinned(
            LOAD_CPU,
            [
                "h2load", f"--requests={count}", f"--clients={THREADS}",
                "--max-concurrent-streams=4",
                f"--connect-to=127.0.0.1:{port}", f"https://{H2}:{port}/",
            ],
        ),
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=True,
    )  # fmt: skip
    found = H2LOAD_RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(f"h2load said {done.stdout}")
    return count, count - int(found[2])


class Load:
    """Clients of every kind, again and again until told to stop."""

    def __init__(self, ingress: Ingress, folder: Path) -> None:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor()
        self.tallies: dict[str, Tally] = {}
        self._futures = []
        h1, h2 = folder / "request-h1", folder / "request-h2"
        h1.write_bytes(h1_request(H1))
        h2.write_bytes(h2_request(H2))
        port = ingress.port

        def tls_load(name: str, mode: str, count: int, alpn: str, request: Path) -> tuple[int, int]:
            result = run_load(port, name, mode, count, THREADS, alpn, request)
            return result.count, result.errors

        self._begin("new connections, HTTP/1.1", lambda: tls_load(H1, "full", NEW, "http/1.1", h1))
        self._begin("new connections without ALPN", lambda: tls_load(H1, "full", NEW, "-", h1))
        self._begin("new connections, HTTP/2", lambda: tls_load(H2, "full", NEW, "h2", h2))
        self._begin(
            "kept connections, HTTP/1.1", lambda: tls_load(H1, "kept", KEPT, "http/1.1", h1)
        )
        self._begin("kept connections, HTTP/2", lambda: _h2load(port, KEPT))
        context = ingress.trust(alpn=("http/1.1",))
        sockets = [WebSocketClient(port, WS, context) for _ in range(WEBSOCKETS)]
        self._begin("messages on WebSockets", lambda: self._talk(sockets))

    def requests(self) -> int:
        return sum(tally.count for tally in self.tallies.values())

    def finish(self) -> None:
        self._stop.set()
        for future in self._futures:
            future.result()
        self._pool.shutdown()

    def _begin(self, kind: str, batch: Callable[[], tuple[int, int]]) -> None:
        tally = self.tallies[kind] = Tally()

        def work() -> None:
            while not self._stop.is_set():
                count, failed = batch()
                tally.count += count
                tally.failed += failed

        self._futures.append(self._pool.submit(work))

    def _talk(self, sockets: list[WebSocketClient]) -> tuple[int, int]:
        failed = 0
        for client in list(sockets):
            try:
                client.exchange(b"still there?")
            except OSError:
                failed += 1
                sockets.remove(client)  # counted once: it was to stay open for good
        self._stop.wait(0.1)
        return len(sockets) + failed, failed


def bench_reload(report: Report, folder: Path) -> None:
    with contextlib.ExitStack() as running:
        place: Field = running.enter_context(field(folder))
        stack_folder = folder / "stack"
        stack_folder.mkdir()
        stack = running.enter_context(Stack(stack_folder))
        volume = Volume(stack)
        for name in (H1, H2, WS):
            volume.put(name)
        echo = running.enter_context(WebSocketEcho())
        ingress = running.enter_context(
            Ingress(
                stack,
                DOMAINS=f"{H1},{H2},{WS}",
                ROUTING_MAP=f"{H1}=127.0.0.1:{place.h1_port},{H2}=127.0.0.1:{place.h2_port},"
                f"{WS}={echo.address}",
                ALPN="h2,http/1.1",
            )
        )
        ingress.wait_settled()
        load = Load(ingress, folder)
        took = []
        try:
            while len(took) < RELOADS or load.requests() < REQUESTS_MIN:
                begun = time.monotonic()
                done = ingress.ctl("reload")
                took.append(time.monotonic() - begun)
                if done.returncode != 0:
                    raise RuntimeError(f"reload {len(took)}: {done.stdout}{done.stderr}")
        finally:
            load.finish()
        _report(report, load, took)


def _report(report: Report, load: Load, took: list[float]) -> None:
    kinds = ", ".join(f"{tally.count:,} {kind}" for kind, tally in load.tallies.items())
    failed = sum(tally.failed for tally in load.tallies.values())
    report.add(
        Row(
            f"{len(took)} reloads during {load.requests():,} requests",
            f"{failed} failed",
            f"{kinds} ({WEBSOCKETS}, open throughout)",
            "0 failed of at least 100,000",
            failed == 0 and load.requests() >= REQUESTS_MIN and len(took) >= RELOADS,
        )
    )
    report.add(Row("`ingressctl reload` under that load", spread(took, "ms", 1000)))
