#!/usr/bin/python3
"""Runs fuzz targets that are built, and ends with one line `N passed, N failed`.

    test/fuzz/run.py --seconds N [--seed N] TARGET...

Each target first replays its corpus, then tries inputs of its own for N seconds. One that finds
something fails: its last output is shown, and the input in hex.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "test" / "fuzz"
BUILD = ROOT / "build" / "fuzz"
SECONDS_PER_INPUT = 10
MEMORY_MB = 1024
TAIL_LINES = 60
HEX_BYTES_SHOWN = 4096
BYTES_PER_LINE = 16
# What libFuzzer takes beyond the time it was given: the replay, and one slow input at the end.
GRACE_SECONDS = 300
LAST_STATUS = re.compile(r"^#(\d+)\s+\S+\s+cov: (\d+).*corp: (\d+)/", re.MULTILINE)
RUNS = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)

_printing = threading.Lock()


def hexdump(data: bytes) -> str:
    lines = []
    for at in range(0, min(len(data), HEX_BYTES_SHOWN), BYTES_PER_LINE):
        piece = data[at : at + BYTES_PER_LINE]
        text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in piece)
        lines.append(f"{at:06x}  {piece.hex(' '):<{BYTES_PER_LINE * 3}} {text}")
    if len(data) > HEX_BYTES_SHOWN:
        lines.append(f"... {len(data) - HEX_BYTES_SHOWN} more bytes")
    return "\n".join(lines)


def command(target: str, seconds: int, seed: int | None) -> list[str]:
    dictionary = SOURCES / f"{target}.dict"
    line = [
        str(BUILD / "targets" / target),
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={BUILD}/findings/{target}/",
        "-print_final_stats=1",
    ]
    if seed is not None:
        line.append(f"-seed={seed}")
    if dictionary.exists():
        line.append(f"-dict={dictionary}")
    # What is found goes into the first folder; the seeds are only read.
    return [*line, str(BUILD / "corpus" / target), str(SOURCES / "corpus" / target)]


def run(target: str, seconds: int, seed: int | None) -> tuple[bool, str]:
    """Whether all went well, and what libFuzzer said."""
    try:
        done = subprocess.run(
            command(target, seconds, seed),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return False, (late.output or b"").decode(errors="replace") + "\nit did not end in time"
    except OSError as problem:
        return False, str(problem)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def summary(target: str, passed: bool, output: str) -> str:
    status = LAST_STATUS.findall(output)
    runs = RUNS.search(output)
    text = f"{target:16} {'ok' if passed else 'FAILED':6}"
    if runs is not None:
        text += f" {runs[1]:>10} runs in {runs[2]} s"
    if status:
        text += f", coverage {status[-1][1]}, corpus {status[-1][2]}"
    return text


def fuzz(target: str, seconds: int, seed: int | None) -> bool:
    findings = BUILD / "findings" / target
    before = set(findings.iterdir()) if findings.exists() else set()
    for folder in (findings, BUILD / "corpus" / target):
        folder.mkdir(parents=True, exist_ok=True)
    if not any((SOURCES / "corpus" / target).glob("*")):
        passed, output = False, f"there are no seeds in test/fuzz/corpus/{target}"
    else:
        passed, output = run(target, seconds, seed)
    with _printing:
        print(summary(target, passed, output), flush=True)
        if not passed:
            print("\n".join(output.splitlines()[-TAIL_LINES:]))
            for path in sorted(set(findings.iterdir()) - before):
                print(f"{path.relative_to(ROOT)}:\n{hexdump(path.read_bytes())}")
            sys.stdout.flush()
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, required=True, help="for each target")
    parser.add_argument("--seed", type=int, help="the same inputs every time, as far as time goes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    wanted = parser.parse_args()
    os.nice(10)
    with ThreadPoolExecutor(wanted.jobs) as workers:
        passed = list(
            workers.map(lambda t: fuzz(t, wanted.seconds, wanted.seed), wanted.targets)
        )
    print(f"{passed.count(True)} passed, {passed.count(False)} failed", flush=True)
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
