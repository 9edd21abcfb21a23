"""What thousands of names cost: checking, starting, memory, against a configuration that an
administrator would write by hand for the same names, backends and certificates.

Every name has a backend of its own.  Up to 200 certificates, each a wildcard for its share of
the names.  Linux takes at most 128 KiB in one environment variable, about 4,000 routes: larger
configurations are rendered in parts and put together.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support.process import Child

from .first_byte import TIMEOUT
from .load import h1_request
from .proxies import CIPHERS, CURVES, DOMAIN, MARKER, PROXY_CPU, Field, field, pinned
from .report import Report, Row, spread

SIZES = (1, 100, 1000, 10000)
ROUNDS = 7
CERTIFICATES_MAX = 200
ROUTES_A_PART = 2000
BOUND = 1.3
DEADLINE = 60.0
POLL = 0.002

BY_HAND = """\
global
    maxconn 4396
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers {ciphers}
    ssl-default-bind-curves {curves}
defaults
    mode tcp
    timeout connect 10s
    timeout client 24h
    timeout server 24h
frontend tls
    bind :::{port} v4v6 ssl crt {certificates} alpn h2,http/1.1
    use_backend %[ssl_fc_sni,lower,map_str({map})]
    default_backend b0
{backends}
"""


class Names:
    """Routes for `size` names; the first leads to a backend that answers."""

    def __init__(self, place: Field, size: int) -> None:
        self._place = place
        self.size = size
        self.zones = [f"c{i}.{DOMAIN}" for i in range(min(size, CERTIFICATES_MAX))]
        self.names = [f"n{i}.{self.zones[i % len(self.zones)]}" for i in range(size)]
        self.targets = [f"127.0.0.1:{place.h1_port}"]
        self.targets += [f"127.1.{i // 250}.{i % 250 + 1}:80" for i in range(1, size)]

    def rendered(self, port: int) -> Path:
        parts = range(0, self.size, ROUTES_A_PART)
        folders = [self._render(port, start).parent for start in parts]
        first, others = folders[0], folders[1:]
        with open(first / "routes.map", "a") as routes, open(first / "haproxy.cfg", "a") as config:
            for folder in others:
                routes.write((folder / "routes.map").read_text())
                config.write(_app_backends((folder / "haproxy.cfg").read_text()))
        return first / "haproxy.cfg"

    def _render(self, port: int, start: int) -> Path:
        part = slice(start, start + ROUTES_A_PART)
        pairs = zip(self.names[part], self.targets[part], strict=True)
        routes = [f"{name}={target}" for name, target in pairs]
        return self._place.render(
            f"names-{self.size}-{start}",
            port,
            DOMAINS="\n".join(f"*.{zone}" for zone in self.zones),
            # Every domain needs a route, also in a part that has none of its names.
            TARGET_ENDPOINT=self.targets[0],
            ROUTING_MAP="\n".join(routes),
        )

    def by_hand(self, port: int) -> Path:
        folder = self._place.folder / f"by-hand-{self.size}"
        certificates = folder / "certs"
        certificates.mkdir(parents=True)
        for zone in self.zones:
            shutil.copy(self._place.folder / f"{zone}.pem", certificates)
        routes = folder / "routes.map"
        routes.write_text("".join(f"{name} b{i}\n" for i, name in enumerate(self.names)))
        backends = [
            f"backend b{i}\n    server app {target}" for i, target in enumerate(self.targets)
        ]
        config = folder / "haproxy.cfg"
        config.write_text(
            BY_HAND.format(
                ciphers=CIPHERS, curves=CURVES, port=port, map=routes,
                certificates=certificates, backends="\n".join(backends),
            )  # fmt: skip
        )
        return config


def _app_backends(config: str) -> str:
    """The sections of a rendered configuration that its routes lead to, but for the first
    target's, which all parts have."""
    sections = ["backend " + text for text in config.split("\nbackend ")[1:]]
    return "".join(
        "\n" + section.partition("\ndefaults ")[0] + "\n"
        for section in sections
        if section.startswith("backend 127.1.")
    )


def time_check(config: Path) -> float:
    # Not run()'s own timeout: with it, Python only looks every 50 ms.
    argv = pinned(PROXY_CPU, ["timeout", str(DEADLINE), "haproxy", "-c", "-q", "-f", config])
    begun = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def _answers(port: int, name: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname=name) as tls:
                tls.sendall(h1_request(name))
                return MARKER.encode() in tls.recv(65536)
    except OSError:
        return False


def start(config: Path, port: int, name: str, log: Path) -> tuple[float, float]:
    """Seconds to the first answer, and MB of resident memory then."""
    begun = time.monotonic()
    with Child(pinned(PROXY_CPU, ["haproxy", "-f", config]), log) as child:
        while not _answers(port, name):
            if not child.running or time.monotonic() - begun > DEADLINE:
                raise TimeoutError(child.log_tail())
            time.sleep(POLL)
        took = time.monotonic() - begun
        pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
        return took, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _compare(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _add(
    report: Report,
    what: str,
    ours: list[float],
    theirs: list[float],
    shown: Callable[[list[float]], str],
    judged: bool,
) -> None:
    ratio = _compare(ours, theirs)
    goal = f"at most {BOUND} times: {ratio:.2f}" if judged else f"{ratio:.2f} times"
    report.add(
        Row(what, shown(ours), f"by hand {shown(theirs)}", goal, ratio <= BOUND if judged else None)
    )


def bench_names(report: Report, folder: Path) -> None:
    with field(folder) as place:
        for i in range(CERTIFICATES_MAX):
            place.put_lineage(f"*.c{i}.{DOMAIN}")
        port = place.reserve()
        for size in SIZES:
            _bench_size(report, place, Names(place, size), port)


def _bench_size(report: Report, place: Field, names: Names, port: int) -> None:
    configs = (names.rendered(port), names.by_hand(port))
    checks: tuple[list[float], list[float]] = ([], [])
    starts: tuple[list[float], list[float]] = ([], [])
    memory: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for i, config in enumerate(configs):
            checks[i].append(time_check(config))
            took, resident = start(config, port, names.names[0], place.folder / "names.log")
            starts[i].append(took)
            memory[i].append(resident)

    def milliseconds(values: list[float]) -> str:
        return spread(values, "ms", 1000)

    def megabytes(values: list[float]) -> str:
        return spread(values, "MB")

    judged = names.size == max(SIZES)
    label = f"{names.size:,} names, {len(names.zones)} certificates"
    _add(report, f"`haproxy -c`, {label}", *checks, milliseconds, judged)
    _add(report, f"start to first answer, {label}", *starts, milliseconds, judged)
    _add(report, f"resident, {label}", *memory, megabytes, False)
