"""CPU per connection, per request and per byte: this product's HAProxy against its like.

The contestants take turns in short slices, so that what else the machine does hits all of them,
and every slice is compared with the plain HAProxy of the same round.  The order is another one
in each round.  One slice may be off by half, so the full handshakes, whose goals are close, take
many short ones, and what all of them cost together is compared.  The interval, within which 95 %
of such runs would be, is found by drawing the rounds anew (bootstrap).  "At least as good" means
that it is not all above 1, and none of it above ALIKE: a machine too noisy to tell passes nothing.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .load import h1_request, h2_request, run_load
from .proxies import FILE_SIZE, H1_NAME, H2_NAME, Field, Proxy, cpu_seconds, field
from .report import Report, Row, spread

FULL_ROUNDS, FULL_CONNECTIONS = 500, 50
RESUMED_ROUNDS, RESUMED_CONNECTIONS = 21, 400
DRAWS = 2000
REQUESTS = 5000
DOWNLOADS = 8
THREADS = 8
INSPECTION_BOUND = 1.05
ALIKE = 1.05


@dataclass(frozen=True)
class Entry:
    """One line of a comparison: a proxy, and how its client talks to it."""

    proxy: Proxy
    alpn: str
    note: str = ""

    @property
    def title(self) -> str:
        return f"{self.proxy.title}{self.note}"


class Comparison:
    """Rounds over the entries; what one operation costs in each, in CPU seconds of the proxy."""

    def __init__(self, place: Field, entries: Sequence[Entry], base: Entry) -> None:
        self.entries = entries
        self.base = base
        self._requests = {}
        for alpn, path, data in (
            ("h1", "/", h1_request(H1_NAME)),
            ("h2", "/", h2_request(H2_NAME)),
            ("h1", "/file", h1_request(H1_NAME, "/file")),
        ):
            file = place.folder / f"request-{alpn}{path.replace('/', '-')}"
            file.write_bytes(data)
            self._requests[alpn, path] = file

    def run(self, mode: str, count: int, rounds: int, *, path: str = "/") -> Costs:
        cpu: dict[Entry, list[float]] = {entry: [] for entry in self.entries}
        rate: dict[Entry, list[float]] = {entry: [] for entry in self.entries}
        resumed: set[Entry] = set()
        for _ in range(rounds):
            for entry in random.sample(self.entries, len(self.entries)):
                h2 = entry.alpn == "h2"
                request = self._requests["h2" if h2 else "h1", path]
                name = H2_NAME if h2 else H1_NAME
                before = cpu_seconds(entry.proxy.child)
                result = run_load(
                    entry.proxy.port, name, mode, count, THREADS, entry.alpn, request
                )
                cpu[entry].append((cpu_seconds(entry.proxy.child) - before) / count)
                rate[entry].append(count / result.seconds)
                if result.errors:
                    raise RuntimeError(f"{entry.title}: {result.errors} of {count} failed")
                if result.resumed > count / 2:
                    resumed.add(entry)
        return Costs(self.base, cpu, rate, resumed)


@dataclass(frozen=True)
class Interval:
    low: float
    value: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}-{self.high:.2f})"

    def is_no_worse(self) -> bool:
        return self.low <= 1 and self.high <= ALIKE


@dataclass(frozen=True)
class Costs:
    base: Entry
    cpu: dict[Entry, list[float]]
    rate: dict[Entry, list[float]]
    resumed: set[Entry]

    def interval(self, entry: Entry, base: Entry) -> Interval:
        """What all slices together cost, as a ratio."""
        pairs = list(zip(self.cpu[entry], self.cpu[base], strict=True))
        draws = sorted(_ratio(random.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
        return Interval(draws[DRAWS // 40], _ratio(pairs), draws[-DRAWS // 40])


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(a for a, _ in pairs) / sum(b for _, b in pairs)


def _against(costs: Costs, entry: Entry) -> str:
    if entry is costs.base:
        return ""
    return f"{costs.interval(entry, costs.base)} times HAProxy's CPU"


def _rows(report: Report, what: str, costs: Costs, goals: dict[Entry, tuple[str, bool]]) -> None:
    """`mean (where the middle half of the slices lies)`: few of them are very slow."""
    for entry, values in costs.cpu.items():
        goal, met = goals.get(entry, ("", None))
        low, _, high = (round(v * 1e6) for v in statistics.quantiles(values, n=4))
        measured = f"{statistics.mean(values) * 1e6:.0f} ({low}-{high}) us of CPU"
        report.add(Row(f"{what}: {entry.title}", measured, _against(costs, entry), goal, met))


def _goals(
    costs: Costs, ours: Entry, plain: Entry, rivals: Sequence[Entry]
) -> dict[Entry, tuple[str, bool]]:
    ratio = costs.interval(ours, plain)
    bound = f"at most {INSPECTION_BOUND} times HAProxy without inspection: {ratio}"
    parts = [(bound, ratio.value <= INSPECTION_BOUND)]
    for rival in rivals:
        ratio = costs.interval(ours, rival)
        parts.append((f"at least as good as {rival.title}: {ratio}", ratio.is_no_worse()))
    return {ours: ("; ".join(text for text, _ in parts), all(met for _, met in parts))}


def bench_connections(report: Report, folder: Path) -> None:
    with field(folder) as place:
        ours = place.ingress("ingress", "this product")
        routing = place.ingress(
            "routing", "this product, EVIDENCE_SERVER=false", EVIDENCE_SERVER="false"
        )
        plain = place.haproxy()
        h1 = Entry(ours, "http/1.1")
        base = Entry(plain, "http/1.1")
        nginx, hitch = Entry(place.nginx(), "http/1.1"), Entry(place.hitch(), "http/1.1")
        entries = [
            h1,
            Entry(ours, "-", ", client without ALPN"),
            Entry(ours, "h2", ", client with h2"),
            Entry(routing, "http/1.1"),
            base,
            nginx,
            Entry(place.nginx_half_close(), "http/1.1"),
            hitch,
            Entry(place.stunnel(), "http/1.1"),
        ]
        comparison = Comparison(place, entries, base)
        full = comparison.run("full", FULL_CONNECTIONS, FULL_ROUNDS)
        goals = _goals(full, h1, base, [nginx, hitch])
        _rows(report, "new connection, full handshake, one request", full, goals)
        resumed = comparison.run("resume", RESUMED_CONNECTIONS, RESUMED_ROUNDS)
        _rows(report, "new connection, resumed", resumed, {})
        not_resumed = [e.title for e in entries if e not in resumed.resumed]
        if not_resumed:
            raise RuntimeError(f"no resumption: {', '.join(not_resumed)}")


def bench_throughput(report: Report, folder: Path) -> None:
    """Kept connections and bulk, where the proxies copy bytes and inspect nothing."""
    with field(folder) as place:
        base = Entry(place.haproxy(), "http/1.1")
        entries = [
            Entry(place.ingress("ingress", "this product"), "http/1.1"),
            base,
            Entry(place.nginx(), "http/1.1"),
            Entry(place.hitch(), "http/1.1"),
            Entry(place.stunnel(), "http/1.1"),
        ]
        comparison = Comparison(place, entries, base)
        kept = comparison.run("kept", REQUESTS, 7)
        for entry in entries:
            report.add(
                Row(
                    f"requests on {THREADS} kept connections: {entry.title}",
                    f"{spread(kept.rate[entry], 'requests/s')}, "
                    f"{spread(kept.cpu[entry], 'us of CPU each', 1e6)}",
                    _against(kept, entry),
                )
            )
        bulk = comparison.run("kept", DOWNLOADS, 7, path="/file")
        giga = FILE_SIZE / 1e9
        for entry in entries:
            report.add(
                Row(
                    f"bulk, {DOWNLOADS} at a time: {entry.title}",
                    f"{spread([r * giga for r in bulk.rate[entry]], 'GB/s', digits=2)}, "
                    f"{spread([giga / c for c in bulk.cpu[entry]], 'GB/s of CPU', digits=2)}",
                    _against(bulk, entry),
                )
            )
