"""The data path's figures as bars."""

from __future__ import annotations

import re
from pathlib import Path

from .report import Report

PANELS = (
    (
        "new connection, full handshake, one request: ",
        "CPU microseconds per new connection: mean, middle half",
    ),
    ("first byte: ", "milliseconds to the first byte (logarithmic): median, minimum, maximum"),
)
MEASURED = re.compile(r"([\d.]+) \(([\d.]+)-([\d.]+)\)")


def _numbers(report: Report, prefix: str) -> list[tuple[str, float, float, float]]:
    """Title, the value, and its spread."""
    found = []
    for row in report.rows:
        measured = MEASURED.match(row.value)
        if row.what.startswith(prefix) and measured:
            middle, low, high = map(float, measured.groups())
            found.append((row.what.removeprefix(prefix), middle, low, high))
    return found


def plot_datapath(report: Report, path: Path) -> None:
    # Here: only this needs it, and it has to be told that there is no display first.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(PANELS), 1, figsize=(10, 9), constrained_layout=True)
    for axis, (prefix, title) in zip(axes, PANELS, strict=True):
        numbers = list(reversed(_numbers(report, prefix)))
        middles = [middle for _, middle, _, _ in numbers]
        errors = [
            [middle - low for _, middle, low, _ in numbers],
            [high - middle for _, middle, _, high in numbers],
        ]
        colours = ["tab:blue" if "this product" in name else "tab:gray" for name, *_ in numbers]
        axis.barh([name for name, *_ in numbers], middles, xerr=errors, capsize=3, color=colours)
        axis.set_title(title)
        if "logarithmic" in title:
            axis.set_xscale("log")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
