"""CPU per connection, per request and per byte: this product's HAProxy against its like.

The contestants take turns in short slices, in another order each round, so that what else the
machine does hits all of them.  One slice may be off by half, so the full handshakes, whose goals
are close, take many short ones, and what all of them cost together is compared.

An interval says how sure a ratio is: 95 % of what the rounds say when they are drawn anew, in
blocks of neighbours (bootstrap).  "No worse" means that the interval is not all above 1, and none
of it above ALIKE: a run too noisy to tell does not pass.
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
DRAWS, BLOCK = 2000, 10
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
        blocks = [pairs[at : at + BLOCK] for at in range(0, len(pairs), BLOCK)]
        draws = sorted(
            _ratio([pair for block in random.choices(blocks, k=len(blocks)) for pair in block])
            for _ in range(DRAWS)
        )
        return Interval(draws[DRAWS // 40], _ratio(pairs), draws[-DRAWS // 40])

    def ratios(self, entry: Entry, base: Entry) -> list[float]:
        """Of neighbours."""
        return [a / b for a, b in zip(self.cpu[entry], self.cpu[base], strict=True)]


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(a for a, _ in pairs) / sum(b for _, b in pairs)


def _against(costs: Costs, entry: Entry) -> str:
    if entry is costs.base:
        return ""
    if len(costs.cpu[entry]) < BLOCK * BLOCK:  # too few for an interval that means anything
        return spread(costs.ratios(entry, costs.base), "times HAProxy's CPU", digits=2)
    return f"{costs.interval(entry, costs.base)} times HAProxy's CPU"


def _rows(
    report: Report,
    what: str,
    costs: Costs,
    entries: Sequence[Entry],
    goals: dict[Entry, tuple[str, bool | None]],
) -> None:
    """`mean (where the middle half of the slices lies)`: few of them are very slow."""
    for entry in entries:
        values = costs.cpu[entry]
        goal, met = goals.get(entry, ("", None))
        low, _, high = (round(v * 1e6) for v in statistics.quantiles(values, n=4))
        measured = f"{statistics.mean(values) * 1e6:.0f} ({low}-{high}) us of CPU"
        report.add(Row(f"{what}: {entry.title}", measured, _against(costs, entry), goal, met))


def _goals(
    costs: Costs, ours: Sequence[Entry], uninspected: Sequence[Entry], rivals: Sequence[Entry]
) -> dict[Entry, tuple[str, bool | None]]:
    """Inspection is judged for each of `ours`, the rivals against the first."""
    goals: dict[Entry, tuple[str, bool | None]] = {}
    for entry in ours:
        parts = []
        for other in uninspected:
            ratio = costs.interval(entry, other)
            text = f"at most {INSPECTION_BOUND} times {other.title}: {ratio}"
            parts.append((text, ratio.value <= INSPECTION_BOUND))
        for rival in rivals if entry is ours[0] else ():
            ratio = costs.interval(entry, rival)
            parts.append((f"no worse than {rival.title}: {ratio}", ratio.is_no_worse()))
        goals[entry] = ("; ".join(text for text, _ in parts), all(met for _, met in parts))
    return goals


def bench_connections(report: Report, folder: Path) -> None:
    with field(folder) as place:
        ours = place.ingress("ingress", "this product")
        routing = place.ingress(
            "routing", "this product, EVIDENCE_SERVER=false", EVIDENCE_SERVER="false"
        )
        # One route for the one domain: sessions are resumed.
        one_name = place.ingress(
            "one", "this product, one name", ROUTING_MAP=place.route_all(place.h1_port)
        )
        one_h2 = place.ingress(
            "one-h2", "this product, one name", ROUTING_MAP=place.route_all(place.h2_port)
        )
        plain = place.haproxy()
        h1, h2 = Entry(ours, "http/1.1"), Entry(ours, "h2", ", client with h2")
        uninspected = Entry(routing, "http/1.1")
        one = Entry(one_name, "http/1.1")
        base = Entry(plain, "http/1.1")
        nginx, hitch = Entry(place.nginx(), "http/1.1"), Entry(place.hitch(), "http/1.1")
        half_close = Entry(place.nginx_half_close(), "http/1.1")
        stunnel = Entry(place.stunnel(), "http/1.1")
        no_alpn = Entry(ours, "-", ", client without ALPN")
        others = [base, nginx, half_close, hitch, stunnel]
        entries = [h1, no_alpn, h2, uninspected, one, *others]
        comparison = Comparison(place, entries, base)
        full = comparison.run("full", FULL_CONNECTIONS, FULL_ROUNDS)
        goals = _goals(full, [h1, h2], [uninspected, base], [nginx, hitch])
        goals[one] = (f"{full.interval(one, h1)} times {h1.title}", None)
        _rows(report, "new connection, full handshake, one request", full, entries, goals)
        one_no_alpn = Entry(one_name, "-", ", client without ALPN")
        one_with_h2 = Entry(one_h2, "h2", ", client with h2")
        resuming = [one, one_no_alpn, one_with_h2, *others]
        _bench_resumption(report, Comparison(place, [*resuming, h1], base), resuming, h1)


def _bench_resumption(
    report: Report, comparison: Comparison, resuming: Sequence[Entry], several: Entry
) -> None:
    """Clients that offer the session of their last connection: `resuming` take it, the one that
    serves several names does a full handshake."""
    costs = comparison.run("resume", RESUMED_CONNECTIONS, RESUMED_ROUNDS)
    wrong = costs.resumed.symmetric_difference(resuming)
    if wrong:
        titles = ", ".join(entry.title for entry in wrong)
        raise RuntimeError(f"resumed, or not, against expectation: {titles}")
    _rows(report, "new connection, resumed", costs, resuming, {})
    one = resuming[0]
    ratio = spread(costs.ratios(several, one), f"times {one.title}, resumed", digits=2)
    _rows(report, "new connection, comes back, full handshake", costs, [several],
          {several: (ratio, None)})  # fmt: skip


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
