"""The test run ends its programs by SIGINT and SIGTERM, whoever has started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.process import wait_until
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


def _runs(argument: str) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if words[0] == b"sleep" and argument.encode() in words:
            return True
    return False


def test_a_stage_ends_with_the_runner_however_that_ends(tmp_path: Path) -> None:
    nap = f"60.{os.getpid():07}"  # by which it is known
    code = "import run, sys; from pathlib import Path; run.LOGS = Path(sys.argv[1])\n"
    code += "run.run('stage', ['sh', '-c', 'trap : TERM INT HUP; sleep $0; :', sys.argv[2]])\n"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), nap],
        env={**os.environ, "PYTHONPATH": str(TEST)},
    ) as runner:
        wait_until(lambda: _runs(nap), what="the stage to run")
        runner.kill()
    wait_until(lambda: not _runs(nap), what="the stage's end")
