"""A process that runs ingress-dns again and again (dns_driver.c)."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from support.process import clean_environment

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin"))
PROGRAM = BIN.parent / "property" / "dns_driver"

# More than any run takes: nothing in it sleeps.
RUN_DEADLINE = 60.0


@dataclass(frozen=True)
class Result:
    """`ms` is what the run took by its own clock, with all that it only believes to have waited."""

    exit: int
    ms: int
    said: str


class Driver:
    """`environment` is ingress-dns's, until a run changes it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / "driver.log"
        setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
        assert setpriv is not None, "setpriv (package util-linux) is needed to start children"
        self._process = subprocess.Popen(
            [setpriv, "--pdeathsig", "KILL", "--", str(PROGRAM), str(self._log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(**environment),
        )
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._pipe(), selectors.EVENT_READ)

    def run(
        self,
        *arguments: str,
        environment: dict[str, str | None] | None = None,
        patience_ms: int = 0,
        seen: bool | None = True,
    ) -> Result:
        """One run; `seen` is whether DNS comes to show the value of a challenge, None to look."""
        command = {
            "arguments": arguments,
            "environment": environment or {},
            "patience_ms": patience_ms,
            "seen": bool(seen),
            "looks": seen is None,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        if not self._waiting.select(RUN_DEADLINE):
            raise TimeoutError(f"{arguments} runs for {RUN_DEADLINE:g} s\n{self._said()}")
        answer = self._pipe().readline()
        if not answer:
            raise ChildProcessError(
                f"{arguments}: the program ended with status {self._process.wait()}\n{self._said()}"
            )
        return Result(**json.loads(answer))

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe().close()
        self._waiting.close()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _pipe(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""
