"""Evidence under a flood from one address: what it costs, and what it leaves to others.

With and without the flood take turns in short slices; all clients come from one address, as
behind a gateway.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import statistics
import subprocess
import threading
import time
from pathlib import Path

from support.process import Child

from .load import command, h1_request, parse, run_load
from .proxies import H1_NAME, MARKER, Proxy, cpu_seconds, field
from .report import Report, Row, spread

FILE, SIZE = "/evidences/quote.json", 36 * 1024
RATE, BURST = 500, 50
SLICES, ASKED = 10, 30
ANSWERS = 1000
ENOUGH, SLACK = 0.99, 0.002
TIMEOUT = 15.0


class Flood:
    """RATE requests for evidence a second, each on a connection of its own, or as many as the
    machine takes: one burst after the other."""

    def __init__(self, proxy: Proxy, request: Path) -> None:
        self._proxy, self._request = proxy, request
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._begun = time.monotonic()
        self._asked = self.errors = 0
        self.rate = 0.0

    def _run(self) -> None:
        while not self._ended.is_set():
            # Behind everybody else: what its clients cost is not the product's.
            argv = command(self._proxy.port, H1_NAME, "full", BURST, 4, "http/1.1", self._request)
            done = parse(subprocess.check_output(["nice", "-n", "19", *argv], text=True))
            self._asked += BURST
            self.errors += done.errors
            due = self._begun + self._asked / RATE
            self._ended.wait(max(0.0, due - time.monotonic()))

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.rate = self._asked / (time.monotonic() - self._begun)


def _ask(proxy: Proxy, path: str) -> tuple[bool, float]:
    """Whether the whole answer came, and the seconds from the first packet to its end."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    begun = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_hostname=H1_NAME) as tls:
                tls.sendall(h1_request(H1_NAME, path))
                answer = http.client.HTTPResponse(tls)
                answer.begin()
                whole = answer.status == 200 and answer.read().endswith(MARKER.encode())
    except (OSError, http.client.HTTPException):
        whole = False
    return whole, time.perf_counter() - begun


def _report_rate(report: Report, proxy: Proxy, server: Child, request: Path) -> None:
    before = cpu_seconds(proxy.child), cpu_seconds(server)
    result = run_load(proxy.port, H1_NAME, "full", ANSWERS, 8, "http/1.1", request)
    costs = [
        (cpu_seconds(child) - spent) / ANSWERS * 1e6
        for child, spent in zip((proxy.child, server), before, strict=True)
    ]
    if result.errors:
        raise RuntimeError(f"{result.errors} of {ANSWERS} failed")
    report.add(Row(
        f"evidence of {SIZE // 1024} KB, a connection each",
        f"{ANSWERS / result.seconds:.0f} answers/s",
        f"{costs[0]:.0f} us of CPU of HAProxy, {costs[1]:.0f} us of the evidence server",
    ))  # fmt: skip


def bench_evidence(report: Report, folder: Path) -> None:
    with field(folder) as place:
        proxy = place.ingress("ingress", "")
        server = place.serve_evidence("ingress", {"quote.json": "x" * (SIZE - len(MARKER)) + MARKER})
        request = place.folder / "request-evidence"
        request.write_bytes(h1_request(H1_NAME, FILE))
        _report_rate(report, proxy, server, request)
        answered, quiet, flooded, rates = [], [], [], []
        for _ in range(SLICES):
            quiet += [_ask(proxy, "/")[1] for _ in range(ASKED)]
            with Flood(proxy, request) as flood:
                for _ in range(ASKED):
                    answered.append(_ask(proxy, FILE)[0])
                    flooded.append(_ask(proxy, "/")[1])
            if flood.errors:
                raise RuntimeError(f"{flood.errors} requests of the flood failed")
            rates.append(flood.rate)
        share = sum(answered) / len(answered)
        what = f"flood of {statistics.mean(rates):.0f} requests/s for evidence from one address"
        report.add(Row(
            f"{what}: an honest client there gets", f"{share:.1%} of {len(answered)} answers", "",
            f"at least {ENOUGH:.0%}", share >= ENOUGH,
        ))  # fmt: skip
        more = statistics.median(flooded) - statistics.median(quiet)
        report.add(Row(
            f"{what}: new connection and answer of the app", spread(flooded, "ms", 1000, 2),
            f"without {spread(quiet, 'ms', 1000, 2)}",
            f"at most {SLACK * 1000:g} ms more: {more * 1000:.2f}", more <= SLACK,
        ))  # fmt: skip
