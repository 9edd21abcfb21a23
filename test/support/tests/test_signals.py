"""The test run ends its programs by SIGINT and SIGTERM, whoever has started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.signals import END_SIGNALS

TEST = Path(__file__).resolve().parent.parent.parent
IGNORING = ["env", "--ignore-signal=INT,TERM"]


def _ignored(status: str) -> set[int]:
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    bits = int(mask.split()[1], 16)
    return {number for number in END_SIGNALS if bits >> (number - 1) & 1}


def _of_a_child() -> set[int]:
    command = ["cat", "/proc/self/status"]
    return _ignored(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_programs_of_a_test_ignore_neither() -> None:
    assert _of_a_child() == set()


def test_pytest_takes_them_when_it_was_started_ignoring_them() -> None:
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*IGNORING, *again, f"{__file__}::test_programs_of_a_test_ignore_neither"],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("runs", [True, False])
def test_the_runner_takes_them_when_it_was_started_ignoring_them(runs: bool) -> None:
    """Without it they stay ignored: that is what tells that it is the runner's doing."""
    code = "import run, subprocess\n"
    code += "assert run.main(['no such stage']) == 64\n" if runs else ""
    code += "subprocess.run(['cat', '/proc/self/status'], check=True)\n"
    done = subprocess.run(
        [*IGNORING, sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TEST)},
        text=True,
    )
    assert _ignored(done.stdout) == (set() if runs else set(END_SIGNALS))
