"""What every end-to-end test starts from, and what it leaves behind when it fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ingress import Ingress
from support.stack import Stack
from support.volume import Volume

LOG_TAIL = 200

TLS_ROW = "TLS"  # the property of a test that is a row of the table


class World:
    """Starts the parts a test asks for, in the test's own directory, and stops all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running = contextlib.ExitStack()
        self.stack: Stack

    def make_stack(self, **options: Any) -> Stack:
        self.stack = self._running.enter_context(Stack(self.directory, **options))
        return self.stack

    def ingress(self, **settings: str | None) -> Ingress:
        """Running, against the stack made before."""
        return self._running.enter_context(Ingress(self.stack, **settings))

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def serving(world: World) -> tuple[Ingress, Volume]:
    """Both domains served with certificates from the volume; no CA had to be asked."""
    volume = Volume(world.make_stack())
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    ingress = world.ingress()
    ingress.wait_settled()
    return ingress, volume


def _logs(directory: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        yield str(path.relative_to(directory)), "\n".join(lines)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The logs of all parts with a failure; and where CI is set, a skip is one."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be missing: {report.longrepr}"
    directory = getattr(item, "funcargs", {}).get("tmp_path")
    if report.when == "call" and report.failed and directory is not None:
        report.sections.extend(_logs(directory))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of TLS: a row for each test that has recorded one, whichever worker ran it."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    rows = {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == TLS_ROW
    }
    if rows:
        terminalreporter.section("TLS offers and their outcomes")
        terminalreporter.write_line("\n".join(sorted(rows)))
