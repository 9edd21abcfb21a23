"""Whatever a CA's directory says: nothing of it is written to DNS but the names of a CA.

    PROPERTY_SEED=7     other lies than those of seed 1, the default
    PROPERTY_LIES=5000  how many
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from support.certificates import LocalCa
from support.lying_ca import LyingCa
from support.lying_provider import Elsewhere

from .lab import ZONE, Lab
from .plan import ACCOUNTS, APPS
from .test_lying_provider import judge

SEED = os.environ.get("PROPERTY_SEED", "1")
LIES = int(os.environ.get("PROPERTY_LIES", "1000"))

APP = f"app.{ZONE}"
CAA = re.compile(
    r'"content": "0 issue \\"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}; validationmethods=dns-01; '
    rf'accounturi={re.escape(ACCOUNTS[0])}\\""'
)
"""What is written is the name of a host, our method and our account; whatever the CA is called."""
REQUESTS_MOST = 4  # three attempts
# Of a run; the product itself gives up after a minute.
LONGEST_MS = 120_000


@pytest.mark.parametrize("provider", ["cloudflare"])
def test_lies_become_no_record(lab: Lab, tmp_path: Path) -> None:
    api = lab.fresh()
    ca = LocalCa(tmp_path)
    rng = random.Random(f"{SEED} ca runs")
    directory = {name: "https://ca.test/x" for name in ("newNonce", "newAccount", "newOrder")}
    number = 0
    with (
        Elsewhere() as elsewhere,
        LyingCa(
            SEED, ca, elsewhere.origin, identities=(f"ca.{ZONE}",), directory=directory
        ) as server,
    ):
        lab.set(
            ACME_SERVER=server.url,
            ACME_CA_BUNDLE=str(ca.bundle),
            https_proxy=None,
            DOMAINS=APP,
            APP_ID=APPS[0],
            SET_CAA="true",
        )
        while sum(server.lies.lies.values()) < LIES:
            number += 1
            server.lies.eagerness = rng.choice([0.1, 0.5, 1])
            lab.set(LOG_LEVEL=rng.choice(["warn", "debug"]))
            for command in (
                ("plan", "--only", "caa", "--account-uri", ACCOUNTS[0]),
                ("preflight",),
                ("apply", "--only", "caa", "--account-uri", ACCOUNTS[0]),
            ):
                told = f"PROPERTY_SEED={SEED}, run {number}, {command}, {server.lies.lies}"
                server.forget_requests()
                result = lab.run(*command, hangs=True)
                judge(result, api.credentials, told)
                assert result.ms <= LONGEST_MS, told
                assert len(server.requests()) <= REQUESTS_MOST, told
            strange = [
                line for line in set(api.dump(ZONE)) - set(lab.base) if CAA.search(line) is None
            ]
            assert not strange, f"{told}\n{strange}"
            assert set(lab.base) <= set(api.dump(ZONE)), told
            api = lab.fresh()
        assert not elsewhere.requests()
    assert set(server.lies.lies) >= {"identities", "problem", "altered", "redirect"}
