#!/usr/bin/python3
"""Runs the benchmarks; writes Markdown and JSON under build/bench/.

    test/bench/run.py            all
    test/bench/run.py start      only these

Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test"))

from bench.lifecycle import bench_issue, bench_memory, bench_start  # noqa: E402
from bench.report import Report  # noqa: E402

BENCHES: dict[str, Callable[[Report, Path], None]] = {
    "start": bench_start,
    "issue": bench_issue,
    "memory": bench_memory,
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are: {' '.join(BENCHES)}", file=sys.stderr)
        return 64
    report = Report("Start, issuance, memory")
    for name in wanted or BENCHES:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            BENCHES[name](report, Path(folder))
    report.write(ROOT / "build" / "bench", "lifecycle")
    return 0 if all(row.met is not False for row in report.rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
