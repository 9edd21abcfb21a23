"""A commit to the volume that is killed leaves what real certbot reads without a complaint.

The unit test kills it at each system call and looks with its own eyes; here certbot looks too.
"""

from __future__ import annotations

import re
import subprocess

from support.ingress import BIN
from support.process import clean_environment

PROGRAM = BIN.parent / "unit" / "supervisor" / "test_store_commit"
# At each it would take a minute.
EVERY = 5
DEADLINE = 300


def test_certbot_reads_what_a_killed_commit_leaves() -> None:
    done = subprocess.run(
        [PROGRAM],
        env={**clean_environment(), "INGRESS_CERTBOT_EVERY": str(EVERY)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = re.findall(r"(\d+) kills, .* certbot asked (\d+) times", done.stdout + done.stderr)
    assert len(asked) == 2  # a renewal and a new lineage
    for kills, times in asked:
        assert int(times) == int(kills) // EVERY
