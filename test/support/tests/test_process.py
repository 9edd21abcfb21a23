"""Children are awaited, stopped and never left behind; ports are nobody else's."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from support import process
from support.ports import ReservedPort
from support.process import Child, clean_environment, session_members, wait_until

TEST_ROOT = Path(__file__).resolve().parents[2]


def shell(tmp_path: Path, script: str) -> Child:
    return Child(["sh", "-c", script], tmp_path / "log")


def test_the_log_has_both_outputs_and_the_environment_is_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/somewhere")
    monkeypatch.setenv("https_proxy", "http://192.0.2.1")
    child = shell(tmp_path, "env; echo error >&2")
    assert child.wait(5) == 0
    lines = child.log_text().splitlines()
    assert "error" in lines
    assert {line.partition("=")[0] for line in lines} <= {"PATH", "HOME", "LANG", "PWD", "error"}


def test_a_wait_ends_at_once_when_the_child_does_and_shows_its_log(tmp_path: Path) -> None:
    child = shell(tmp_path, "echo what went wrong; exit 3")
    with pytest.raises(ChildProcessError, match=r"(?s)status 3.*what went wrong"):
        child.wait_for(lambda: False, what="something", deadline=60)


def test_a_wait_that_runs_out_says_what_for_and_shows_the_log(tmp_path: Path) -> None:
    with shell(tmp_path, "echo still busy; exec sleep 60") as child:
        wait_until(lambda: "busy" in child.log_text(), what="the log")
        with pytest.raises(TimeoutError, match=r"(?s)waiting for spring.*still busy"):
            child.wait_for(lambda: False, what="spring", deadline=0.05)


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    child = Child(["no-such-program"], tmp_path / "log")
    with pytest.raises(ChildProcessError, match="no-such-program"):
        child.wait_for(lambda: False, what="anything")


def test_stop_tells_a_clean_end_from_a_signal(tmp_path: Path) -> None:
    polite = shell(tmp_path, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
    polite.wait_for(lambda: "ready" in polite.log_text(), what="the trap")
    assert polite.stop() == 7
    assert shell(tmp_path, "exec sleep 60").stop() == -signal.SIGTERM


def test_stop_kills_what_ignores_it_and_what_it_left_in_groups_of_their_own(
    tmp_path: Path,
) -> None:
    child = Child(
        ["bash", "-c", "set -m; trap '' TERM; sleep 60 & sleep 60 & echo ready; wait; wait"],
        tmp_path / "log",
    )
    child.wait_for(lambda: "ready" in child.log_text(), what="the jobs")
    assert len(child.survivors()) == 3
    assert child.stop(grace=0.1) == -signal.SIGKILL
    assert session_members(child.pid) == []


def test_orphans_of_a_killed_child_are_seen_and_then_stopped(tmp_path: Path) -> None:
    child = shell(tmp_path, "sleep 60 & echo ready; wait")
    child.wait_for(lambda: "ready" in child.log_text(), what="the job")
    child.kill()
    (orphan,) = child.survivors()
    assert orphan != child.pid
    child.stop()
    assert child.survivors() == []


def test_a_paused_child_can_still_be_stopped(tmp_path: Path) -> None:
    child = shell(tmp_path, "exec sleep 60")
    child.pause()
    assert child.stop() == -signal.SIGTERM


def test_nothing_survives_a_killed_test_run(tmp_path: Path) -> None:
    script = (
        "import sys, threading; from pathlib import Path; from support.process import Child\n"
        "def start():\n"
        "    print(Child(['sleep', '60'], Path(sys.argv[1])).pid, flush=True)\n"
        "starter = threading.Thread(target=start); starter.start(); starter.join()\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(PYTHONPATH=str(TEST_ROOT)),
        text=True,
    ) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        # The thread that asked for it is gone by now, which must not end the child.
        comm = Path(f"/proc/{pid}/comm")
        wait_until(lambda: comm.read_text() == "sleep\n", what="the program to replace setpriv")
        run.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), what=f"process {pid} to be gone")


def test_a_reserved_port_is_given_to_nobody_else_but_can_be_listened_on() -> None:
    with ReservedPort() as reserved:
        with socket.socket() as stranger, pytest.raises(OSError):
            stranger.bind(("127.0.0.1", reserved.number))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", reserved.number))
            server.listen()
            socket.create_connection(("127.0.0.1", reserved.number), timeout=5).close()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", reserved.number))


def test_a_port_is_reserved_on_every_address() -> None:
    with ReservedPort("127.0.0.1", "127.0.0.2", "::1") as reserved:
        for family, address in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET, "127.0.0.2"),
            (socket.AF_INET6, "::1"),
        ):
            with socket.socket(family) as stranger, pytest.raises(OSError):
                stranger.bind((address, reserved.number))


def test_the_children_are_in_a_session_of_their_own(tmp_path: Path) -> None:
    with shell(tmp_path, "exec sleep 60") as child:
        assert os.getsid(child.pid) == child.pid


def test_signals_that_the_test_run_ignores_reach_a_child(tmp_path: Path) -> None:
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in ends]
    try:
        children = [Child(["sleep", "60"], tmp_path / f"log{number}") for number in ends]
    finally:
        for number, handler in zip(ends, before):
            signal.signal(number, handler)
    for number, child in zip(ends, children):
        wait_until(partial(_runs, child, b"sleep"), what="its start")
        child.signal(number)
        assert child.wait(20) == -number


def _runs(child: Child, program: bytes) -> bool:
    return Path(f"/proc/{child.pid}/cmdline").read_bytes().startswith(program + b"\0")


@pytest.mark.parametrize(("runnable", "times"), [(1, 1), (4, 2), (1000, process.MOST_PATIENCE)])
def test_a_deadline_is_longer_where_much_else_runs(
    monkeypatch: pytest.MonkeyPatch, runnable: int, times: int
) -> None:
    """By a clock that goes on with each look at it, on two cores."""
    seconds = itertools.count(0.0)
    looks: list[None] = []
    monkeypatch.setattr(process, "time", SimpleNamespace(
        monotonic=lambda: next(seconds), sleep=lambda _: None
    ))  # fmt: skip
    monkeypatch.setattr(process.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(process.Path, "read_text", lambda _: f"0 0 0 {runnable}/2000 1")
    with pytest.raises(TimeoutError, match="still waiting for nothing"):
        wait_until(lambda: looks.append(None), what="nothing", deadline=10)
    assert len(looks) == 10 * times + 1
