"""Figures of a benchmark run: medians with their spread, as a Markdown table and as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Row:
    """One figure. `goal` is a sentence with its bound; `met` is None where there is none."""

    what: str
    value: str
    against: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass
class Report:
    title: str
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"{row.what}: {row.value} {row.against} {row.goal} {verdict(row)}", flush=True)

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", "| figure | measured | against | goal | |", "|---|---|---|---|---|"]
        lines += [
            f"| {r.what} | {r.value} | {r.against} | {r.goal} | {verdict(r)} |" for r in self.rows
        ]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.md").write_text(self.markdown())
        (folder / f"{name}.json").write_text(
            json.dumps({"title": self.title, "rows": [asdict(r) for r in self.rows]}, indent=2)
        )


def verdict(row: Row) -> str:
    return "" if row.met is None else ("met" if row.met else "MISSED")


def spread(values: Sequence[float], unit: str, scale: float = 1.0, digits: int = 0) -> str:
    """`median (minimum-maximum) unit`; machines are noisy, so one number would not be honest."""
    middle, low, high = statistics.median(values), min(values), max(values)
    shown = [f"{v * scale:.{digits}f}" for v in (middle, low, high)]
    return f"{shown[0]} ({shown[1]}-{shown[2]}) {unit}"
