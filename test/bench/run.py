#!/usr/bin/python3
"""Runs the benchmarks; writes Markdown, JSON and a plot under build/bench/.

    test/bench/run.py                all
    test/bench/run.py start          only these
    test/bench/run.py datapath       all that go into this report

Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test"))

from bench.datapath import bench_connections, bench_throughput  # noqa: E402
from bench.evidence import bench_evidence  # noqa: E402
from bench.first_byte import bench_first_byte  # noqa: E402
from bench.lifecycle import bench_issue, bench_memory, bench_start  # noqa: E402
from bench.names import bench_names  # noqa: E402
from bench.plot import plot_datapath  # noqa: E402
from bench.providers import bench_providers  # noqa: E402
from bench.reload import bench_reload  # noqa: E402
from bench.report import Report  # noqa: E402
from bench.scale import (  # noqa: E402
    bench_scale_answers,
    bench_scale_check,
    bench_scale_memory,
    bench_scale_start,
)
from bench.verify import bench_nonces, bench_verify  # noqa: E402

Bench = Callable[[Report, Path], None]

REPORTS: dict[str, tuple[str, dict[str, Bench]]] = {
    "datapath": (
        "Data path",
        {
            "connections": bench_connections,
            "throughput": bench_throughput,
            "first-byte": bench_first_byte,
            "evidence": bench_evidence,
            "names": bench_names,
            "reload": bench_reload,
        },
    ),
    "lifecycle": (
        "Start, issuance, memory",
        {
            "start": bench_start,
            "issue": bench_issue,
            "memory": bench_memory,
            "providers": bench_providers,
            "verify": bench_verify,
            "nonces": bench_nonces,
        },
    ),
    "scale": (
        "Thousands of domains",
        {
            "scale-start": bench_scale_start,
            "scale-answers": bench_scale_answers,
            "scale-check": bench_scale_check,
            "scale-memory": bench_scale_memory,
        },
    ),
}


def run_report(key: str, wanted: list[str]) -> bool:
    """Whether every goal was met."""
    title, benches = REPORTS[key]
    report = Report(title)
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            benches[name](report, Path(folder))
    output = ROOT / "build" / "bench"
    report.write(output, key)
    if key == "datapath":
        plot_datapath(report, output / "datapath.png")
    return all(row.met is not False for row in report.rows)


def main(wanted: list[str]) -> int:
    known = {name for _, benches in REPORTS.values() for name in benches}
    unknown = [name for name in wanted if name not in known and name not in REPORTS]
    if unknown:
        names = " ".join([*REPORTS, *sorted(known)])
        print(f"no benchmark {unknown[0]}; there are: {names}", file=sys.stderr)
        return 64
    good = True
    for key, (_, benches) in REPORTS.items():
        chosen = [n for n in benches if not wanted or n in wanted or key in wanted]
        if chosen:
            good = run_report(key, chosen) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
