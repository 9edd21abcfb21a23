#!/usr/bin/python3
"""Has the lying peers (CA, DNS, providers, guest agent, volume) tell new lies, round after round,
until one finds something.

    test/property/lies.py --seconds N     no round begins after so many; 0: without end

Each round has a seed of its own, which is told: PROPERTY_SEED=N makes it again.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = (
    *sorted(Path(__file__).parent.glob("test_lying_*.py")),
    Path(__file__).parent / "test_spoiled_volume.py",
    ROOT / "test" / "e2e" / "test_lying_ca.py",
)
TAIL_LINES = 80


def run_round(seed: int) -> bool:
    """Whether every peer was borne."""
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "-n", "2", "--dist", "load", *TESTS],
        cwd=ROOT,
        env={**os.environ, "PROPERTY_SEED": str(seed)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    print(f"PROPERTY_SEED={seed}  {lines[-1] if lines else 'said nothing'}", flush=True)
    if done.returncode != 0:
        print("\n".join(lines[-TAIL_LINES:]), flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, required=True)
    seconds = parser.parse_args().seconds
    end = time.monotonic() + seconds
    while run_round(random.SystemRandom().randrange(1 << 32)):
        if seconds > 0 and time.monotonic() >= end:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
