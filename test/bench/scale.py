"""Thousands of domains: start, answers meanwhile, memory, and what a check of all of them costs.

Everything lies in memory (/dev/shm): a disk's moods are nobody's merit.  Certificates are put on
the volume by hand, as certbot leaves them.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.ingress import BIN, Ingress
from support.process import Child, clean_environment
from support.stack import Stack
from support.volume import Volume

from .report import Report, Row, spread

ROUNDS = {1: 15, 100: 9, 1000: 5, 10_000: 3}
START_BOUND = 1.5
DEADLINE = 900.0
POLL = 0.002

MANY, FEW = 1000, 10
P99_BOUND = 0.1
LOOK_EVERY = 0.02
SIGHUPS, RELOADS = 10, 5
RSS_BOUNDS = {FEW: 8, MANY: 32}  # MB
CPU_BOUND = 2.0


def _names(count: int) -> list[str]:
    return [f"n{i}.demo.test" for i in range(count)]


@contextlib.contextmanager
def _in_memory() -> Iterator[Path]:
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place if place.is_dir() else None) as f:
        Path(f).chmod(0o755)
        yield Path(f)


def _ingress(stack: Stack, names: list[str]) -> Ingress:
    """More names than a variable may hold come from a file."""
    listed = stack.directory / "domains"
    listed.write_text("\n".join(names))
    return Ingress(
        stack, DOMAINS=None, DOMAINS_FILE=str(listed), ROUTING_MAP=None,
        TARGET_ENDPOINT=stack.app.address, SET_CAA="true", RUN_DIR=str(stack.directory / "run"),
    )  # fmt: skip


# ---- start


def _shakes_hands(port: int, name: str, context: ssl.SSLContext) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as raw:
            with context.wrap_socket(raw, server_hostname=name):
                return True
    except OSError:
        return False


def _time_start(argv: list[str], environment: dict[str, str], port: int, log: Path) -> float:
    """Until a handshake with a name's certificate, verified to be for that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(log.parent / "volume-ca.pem")
    begun = time.monotonic()
    with Child(argv, log, env=environment) as child:
        while not _shakes_hands(port, "n0.demo.test", context):
            if time.monotonic() - begun > DEADLINE:
                raise TimeoutError(f"no handshake\n{child.log_tail()}")
            time.sleep(POLL)
        took = time.monotonic() - begun
        child.stop(DEADLINE)
    return took


def _bench_start_of(report: Report, stack: Stack, count: int) -> None:
    ingress = _ingress(stack, _names(count))
    rendered = stack.directory / f"rendered-{count}"
    done = ingress.run("ingressd", "--render", str(rendered))
    assert done.returncode == 0, done.stderr
    ours, alone = [], []
    for _ in range(ROUNDS[count]):
        alone.append(
            _time_start(
                ["haproxy", "-f", str(rendered / "haproxy.cfg")],
                clean_environment(),
                ingress.port,
                stack.directory / "haproxy.log",
            )
        )
        ours.append(
            _time_start(
                [str(BIN / "ingressd")],
                ingress.environment,
                ingress.port,
                stack.directory / "start.log",
            )
        )
    ratio = statistics.median(ours) / statistics.median(alone)
    report.add(
        Row(
            f"start to first handshake, {count:,} certificates ({ROUNDS[count]} pairs)",
            spread(ours, "ms", 1000),
            f"`haproxy -f` on the rendered configuration {spread(alone, 'ms', 1000)}",
            f"at most {START_BOUND} times: {ratio:.2f}",
            ratio <= START_BOUND,
        )
    )


def bench_scale_start(report: Report, _: Path) -> None:
    with _in_memory() as folder, Stack(folder, guest_agent="dstack") as stack:
        volume = Volume(stack)
        there = 0
        for count in ROUNDS:
            for name in _names(count)[there:]:
                volume.put(name)
            there = count
            _bench_start_of(report, stack, count)


# ---- answers


class Watcher:
    """Asks for the status again and again, on a new connection each time, as `ingressctl` does."""

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.begun = time.monotonic()
        self.first: float | None = None  # since then
        self.took: list[float] = []
        self.failed = 0

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def take(self) -> list[float]:
        took, self.took = self.took, []
        return took

    def _work(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            if self._ask():
                self.took.append(time.monotonic() - begun)
                self.first = self.first or time.monotonic() - self.begun
            elif self.first is not None:
                self.failed += 1
            self._stop.wait(LOOK_EVERY if self.first else POLL)

    def _ask(self) -> bool:
        answer = b""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(DEADLINE)
            try:
                asking.connect(self._path)
                asking.sendall(
                    b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                while part := asking.recv(1 << 20):
                    answer += part
            except OSError:
                return False
        return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"}\n")


def _p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


def _cpu_seconds(pid: int) -> float:
    """User and system time of the process itself, without its children's."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmRSS")


def _wait_settled(ingress: Ingress) -> None:
    """Seldom asked: an answer costs CPU as well."""
    end = time.monotonic() + DEADLINE
    while not _is_settled(ingress):
        if time.monotonic() > end:
            raise TimeoutError(f"the domains do not settle\n{ingress.child.log_tail()}")
        time.sleep(1)


def _is_settled(ingress: Ingress) -> bool:
    status = ingress.try_status()
    return status is not None and all(
        d["state"] == "settled" and d["served"] for d in status["domains"]
    )


def _add_answers(report: Report, during: str, took: list[float], more: str = "") -> None:
    p99 = _p99(took)
    report.add(
        Row(
            f"`GET /v1/status` with {MANY:,} domains, {during}",
            f"p99 {p99 * 1000:.0f} ms of {len(took):,}",
            f"median {statistics.median(took) * 1000:.1f} ms, longest {max(took) * 1000:.0f} ms{more}",
            f"p99 at most {P99_BOUND * 1000:.0f} ms",
            p99 <= P99_BOUND,
        )
    )


def _check_all(ingress: Ingress) -> tuple[float, float]:
    """How long a pass of all domains took, and the supervisor's own CPU for it."""
    cpu, begun = _cpu_seconds(ingress.child.pid), time.monotonic()
    status, answer = ingress.control("POST", "/v1/renew")
    assert status == 202, answer
    _wait_settled(ingress)
    return time.monotonic() - begun, _cpu_seconds(ingress.child.pid) - cpu


def _hang_up(ingress: Ingress) -> None:
    for _ in range(SIGHUPS):
        ingress.child.signal(signal.SIGHUP)
        time.sleep(1)
    _wait_settled(ingress)


def _reload(ingress: Ingress) -> None:
    for _ in range(RELOADS):
        done = ingress.ctl("reload")
        assert done.returncode == 0, done.stderr


def _add_resident(report: Report, count: int, pid: int) -> None:
    mb = _resident_mb(pid)
    report.add(
        Row(
            f"ingressd resident, {count:,} domains settled and checked",
            f"{mb:.1f} MB",
            "",
            f"under {RSS_BOUNDS[count]} MB",
            mb < RSS_BOUNDS[count],
        )
    )


def _put_all(stack: Stack, names: list[str]) -> None:
    volume = Volume(stack)
    for name in names:
        volume.put(name)


def bench_scale_answers(report: Report, _: Path) -> None:
    with _in_memory() as folder, Stack(folder, guest_agent="dstack") as stack:
        _put_all(stack, _names(MANY))
        ingress = _ingress(stack, _names(MANY))
        with Watcher(ingress.control_socket) as watcher, ingress:
            _wait_settled(ingress)
            assert watcher.first is not None
            _add_answers(
                report, "while they start", watcher.take(),
                f"; the first one {watcher.first * 1000:.0f} ms after the start",
            )  # fmt: skip
            doings: dict[str, Callable[[Ingress], object]] = {
                f"{SIGHUPS} times SIGHUP": _hang_up,
                f"{RELOADS} reloads": _reload,
                "all are checked": _check_all,
            }
            for during, do in doings.items():
                do(ingress)
                _add_answers(report, during, watcher.take())
            _add_resident(report, MANY, ingress.child.pid)
            assert watcher.failed == 0, f"{watcher.failed} requests had no good answer"


def bench_scale_check(report: Report, _: Path) -> None:
    with _in_memory() as folder, Stack(folder, guest_agent="dstack") as stack:
        _put_all(stack, _names(MANY))
        with _ingress(stack, _names(MANY)) as ingress:
            _wait_settled(ingress)
            took, cpu = _check_all(ingress)
            report.add(
                Row(
                    f"check of {MANY:,} settled domains",
                    f"{cpu:.2f} s of CPU of ingressd itself",
                    f"done after {took:.0f} s",
                    f"under {CPU_BOUND:.0f} s",
                    cpu < CPU_BOUND,
                )
            )


def bench_scale_memory(report: Report, _: Path) -> None:
    with _in_memory() as folder, Stack(folder, guest_agent="dstack") as stack:
        _put_all(stack, _names(FEW))
        with _ingress(stack, _names(FEW)) as ingress:
            _wait_settled(ingress)
            _check_all(ingress)
            _add_resident(report, FEW, ingress.child.pid)
