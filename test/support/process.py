"""Children of a test: logged to a file, awaited with a deadline, never outliving the test run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHORTEST_POLL, LONGEST_POLL = 0.01, 0.2
POLLS_PER_WAIT = 20
"""Of what was waited for so far, a poll waits for one part more in so many: a predicate that asks
the product costs both of them time."""
MOST_PATIENCE = 4
"""A deadline is at most so many times as long where much else runs."""
START_DEADLINE = 15.0
STOP_GRACE = 5.0
LOG_TAIL_LINES = 40

# The kernel sends the parent-death signal when the *thread* that forked ends. Parts are started
# from worker threads, so every fork is done by this one thread, which lives as long as the run.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


def clean_environment(**extra: str) -> dict[str, str]:
    """The whole environment of a child: nothing of the host's proxies, CA bundles or locale."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        **extra,
    }


def wait_until(
    predicate: Callable[[], object],
    *,
    what: str,
    deadline: float = START_DEADLINE,
    detail: Callable[[], str] = str,
) -> None:
    """Polls until `predicate` is true.

    After `deadline` seconds, of a machine that has nothing else to do, raises TimeoutError naming
    `what`, with `detail()` (a log, a last answer) appended.
    """
    start = last = time.monotonic()
    used = 0.0
    while not predicate():
        now = time.monotonic()
        used += (now - last) / _crowding()
        last = now
        if used > deadline:
            message = f"after {now - start:.0f} s still waiting for {what}\n{detail()}"
            raise TimeoutError(message.rstrip())
        time.sleep(min(max(SHORTEST_POLL, (now - start) / POLLS_PER_WAIT), LONGEST_POLL))


def _crowding() -> float:
    """How many want each core at this moment: 1 where no more do than there are."""
    runnable = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    return min(max(1.0, runnable / (os.cpu_count() or 1)), MOST_PATIENCE)


def session_members(session: int) -> list[int]:
    """The pids of all processes of a session that are not zombies."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything; state, ppid, pgrp and session follow it.
            state, _, _, sid = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue  # it ended while we looked
        if int(sid) == session and state != "Z":
            members.append(int(entry.name))
    return members


class Child:
    """A program running in a session of its own, its stdout and stderr in the file `log`.

    A session, not only a process group: a supervisor puts its jobs into groups of their own, and
    the session still tells which processes are its descendants after it was killed.

    `death_signal` is what it gets when the test run dies: SIGTERM for programs that have children
    of their own to stop.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.argv = [os.fspath(argument) for argument in argv]
        self.log = log
        setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
        if setpriv is None:
            raise FileNotFoundError("setpriv (package util-linux) is needed to start children")
        command = [
            *(setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"),
            # A shell that starts the test run in the background has it ignore some of these, and
            # everything below it would.
            *("env", "--default-signal=HUP,INT,QUIT,TERM", *self.argv),
        ]
        with open(log, "ab") as output:
            self._process = _forker.submit(
                subprocess.Popen,
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment() if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs, negative for a signal, as subprocess has it."""
        return self._process.poll()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def log_tail(self) -> str:
        lines = self.log_text().splitlines()[-LOG_TAIL_LINES:]
        return f"--- end of {self.log} ---\n" + "\n".join(lines)

    def wait_for(
        self, predicate: Callable[[], object], *, what: str, deadline: float = START_DEADLINE
    ) -> None:
        """Like wait_until, but an exit of the child ends the wait at once."""

        def holds_or_gone() -> bool:
            if predicate():
                return True
            if not self.running:
                raise ChildProcessError(
                    f"{self.argv[0]} exited with status {self.exit_status} "
                    f"before {what}\n{self.log_tail()}"
                )
            return False

        wait_until(holds_or_gone, what=what, deadline=deadline, detail=self.log_tail)

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    def pause(self) -> None:
        """Stops it in its tracks: connections to it hang from here on."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def wait(self, deadline: float) -> int:
        """Waits for the child to exit by itself; returns the exit status, or raises TimeoutError."""
        wait_until(lambda: not self.running, what=f"{self.argv[0]} to exit", deadline=deadline)
        return self._process.wait()

    def survivors(self) -> list[int]:
        """Pids of its descendants (and itself) that are still there."""
        return session_members(self.pid)

    def stop(self, grace: float = STOP_GRACE) -> int:
        """TERM to the child; after `grace` seconds, KILL. Returns the exit status.

        Descendants that are left are killed too, so that no test leaves anything behind; a test
        that wants to know about them asks `survivors()` after `terminate()`.
        """
        try:
            return self.terminate(grace)
        except TimeoutError:
            return self.kill()
        finally:
            wait_until(self._killed_all, what=f"the descendants of {self.argv[0]} to be gone")

    def _killed_all(self) -> bool:
        survivors = self.survivors()
        for pid in survivors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not survivors

    def terminate(self, grace: float = STOP_GRACE) -> int:
        """TERM to the child alone; raises TimeoutError if it is not enough."""
        self.signal(signal.SIGTERM)
        self.resume()  # a paused child would not see the TERM
        return self.wait(grace)

    def kill(self) -> int:
        """What a crash or the kernel's OOM killer does: no chance to clean up."""
        self.signal(signal.SIGKILL)
        return self._process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
