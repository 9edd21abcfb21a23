"""What verifying a site costs its client, and what a flood of nonces leaves to everybody else.

With and without the flood take turns in short slices, since machines have moods.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import socket
import ssl
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.ingress import BIN, Ingress
from support.quote_pki import QuotePki
from support.stack import Stack
from support.volume import Volume

from .report import Report, Row, spread

NAME = "app.demo.test"
VERIFICATIONS = 15
CPU_GOAL = 0.3
SLICES, ASKED = 6, 100
FLOODERS = 12
SLACK = 0.002
TIMEOUT = 15.0


@contextlib.contextmanager
def attested_site(folder: Path) -> Iterator[Ingress]:
    with Stack(folder, guest_agent="dstack") as stack:
        Volume(stack).put(NAME)
        with Ingress(
            stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}"
        ) as ingress:
            ingress.wait_settled()
            ingress.wait_for(
                lambda: ingress.fetch(NAME, "/evidences/quote.json").status == 200, "the evidence"
            )
            yield ingress


# ---- the client


def cpu_of_verifying(ingress: Ingress) -> float:
    """Seconds of CPU, ingress-dns included, which asks for the CAA records."""
    stack = ingress.stack
    process = subprocess.Popen(
        [
            str(BIN / "ingressctl"), "verify", f"https://{NAME}:{ingress.port}",
            "--connect-to", f"127.0.0.1:{ingress.port}",
            "--ca", str(stack.directory / "volume-ca.pem"),
            "--root", str(QuotePki(stack.directory / "quote-pki").root_pem),
        ],
        env=ingress.environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"ingressctl verify ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def bench_verify(report: Report, folder: Path) -> None:
    with attested_site(folder) as ingress:
        spent = [cpu_of_verifying(ingress) for _ in range(VERIFICATIONS)]
    middle = statistics.median(spent)
    report.add(Row(
        f"CPU of `ingressctl verify https://...` ({VERIFICATIONS} times)",
        spread(spent, "ms", 1000), "",
        f"under {CPU_GOAL * 1000:.0f} ms", middle < CPU_GOAL,
    ))  # fmt: skip


# ---- the server


class Connection:
    """One that is kept; `get` gives the seconds until the whole answer is there."""

    def __init__(self, ingress: Ingress) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        self._client = http.client.HTTPSConnection(
            "127.0.0.1", ingress.port, timeout=TIMEOUT, context=context
        )
        # The client takes the SNI from its host, and an address is none.
        plain = _connect(ingress.port)
        self._client.sock = context.wrap_socket(plain, server_hostname=NAME)

    def get(self, path: str) -> tuple[int, float]:
        begun = time.perf_counter()
        self._client.request("GET", path, headers={"Host": NAME})
        answer = self._client.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - begun

    def close(self) -> None:
        self._client.close()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), TIMEOUT)


class Flood:
    """Clients that ask for quotes over nonces of theirs as fast as they get answers."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(FLOODERS)]
        self.answered = self.refused = 0

    def _run(self) -> None:
        connection = Connection(self._ingress)
        try:
            while not self._ended.is_set():
                nonce = secrets.token_hex(32)
                status, _ = connection.get(f"/evidences/attestation.json?nonce={nonce}")
                self.answered += status == 200
                self.refused += status == 503
        finally:
            connection.close()

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def ask(ingress: Ingress, path: str) -> list[float]:
    connection = Connection(ingress)
    try:
        answers = [connection.get(path) for _ in range(ASKED)]
    finally:
        connection.close()
    if any(status != 200 for status, _ in answers):
        raise RuntimeError(f"{path} was not answered: {answers}")
    return [seconds for _, seconds in answers]


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def told(values: list[float]) -> str:
    rate = len(values) / sum(values)
    return f"{rate:.0f} answers/s, p99 {p99(values) * 1000:.1f} ms"


def bench_nonces(report: Report, folder: Path) -> None:
    quiet, flooded, app_quiet, app_flooded = [], [], [], []
    answered = refused = 0
    with attested_site(folder) as ingress:
        for _ in range(SLICES):
            quiet += ask(ingress, "/evidences/quote.json")
            app_quiet += ask(ingress, "/")
            with Flood(ingress) as flood:
                flooded += ask(ingress, "/evidences/quote.json")
                app_flooded += ask(ingress, "/")
            answered += flood.answered
            refused += flood.refused
    what = f"flood of nonces by {FLOODERS} clients ({answered} answered, {refused} told to wait)"
    report.add(Row(f"{what}: quote.json on one connection", told(flooded), f"without {told(quiet)}"))
    more = statistics.median(app_flooded) - statistics.median(app_quiet)
    report.add(Row(
        f"{what}: answer of the app", spread(app_flooded, "ms", 1000, 2),
        f"without {spread(app_quiet, 'ms', 1000, 2)}",
        f"at most {SLACK * 1000:g} ms more: {more * 1000:.2f}", more <= SLACK,
    ))  # fmt: skip
