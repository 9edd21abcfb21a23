"""Whatever a provider answers: other people's records stay, and no credential goes elsewhere.

    PROPERTY_SEED=7     other lies than those of seed 1, the default
    PROPERTY_LIES=5000  how many for each provider
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator

import pytest

from support.dns_api import EMULATORS
from support.lying_provider import Elsewhere, LyingProvider

from .driver import Result
from .lab import ZONE, Lab
from .plan import ACCOUNTS, APPS
from .test_lying_dns import ORDERS, STATUSES

SEED = os.environ.get("PROPERTY_SEED", "1")
LIES = int(os.environ.get("PROPERTY_LIES", "400"))

APP = f"app.{ZONE}"
OWN = re.compile(
    "own-(?:challenge|txt)-|dstack-ingress-can-write-here|/acme/acct/"
    rf"|{'|'.join(APPS)}|gateway\.{re.escape(ZONE)}"
    '|"127.0.0.1"|"::1"'
)
"""What the client's records have, and nobody else's: the gateway's addresses among it."""
# A listing may have 400 pages; several are read for one change, some of them again.
TALK_SHOWN = 20
REQUESTS_MOST = 2_000
# Each step of a run has its own deadline: the longest is the provider's, with three attempts.
LONGEST_MS = 900_000


@pytest.fixture(name="elsewhere")
def _elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as started:
        yield started


def judge(result: Result, secrets: list[str], told: str) -> None:
    assert result.exit in STATUSES, f"{told}\n{result.said}"
    assert result.ms <= LONGEST_MS, f"{told}\n{result.ms} ms\n{result.said}"
    found = ORDERS.search(result.said)
    assert found is None, f"{told}\n{result.said[max(0, found.start() - 200) :][:400]!r}"
    assert not [secret for secret in secrets if secret in result.said], f"{told}\n{result.said}"


def commands(rng: random.Random, number: int) -> list[tuple[str, ...]]:
    """What is done in one run, and what takes it back."""
    challenge: list[tuple[str, ...]] = [("auth",), rng.choice([("cleanup",), ("cleanup", "--all")])]
    text: list[tuple[str, ...]] = [
        (command, f"txt.{ZONE}", f"own-txt-{number}") for command in ("set-txt", "del-txt")
    ]
    records: list[tuple[str, ...]] = [
        ("plan", "--account-uri", ACCOUNTS[0]),
        ("apply", "--account-uri", rng.choice(ACCOUNTS)),
    ]
    return [("preflight",), *rng.choice([challenge, challenge, text, records])]


@pytest.mark.parametrize("provider", EMULATORS)
def test_lies_hurt_nobody_else(lab: Lab, provider: str, elsewhere: Elsewhere) -> None:
    api = lab.fresh()
    base = set(lab.base)
    liar = LyingProvider(api, OWN, f"{SEED} {provider}", elsewhere.origin)
    rng = random.Random(f"{SEED} {provider} runs")
    number = 0
    while sum(liar.lies.values()) < LIES:
        number += 1
        liar.eagerness = rng.choice([0, 0.05, 0.2, 0.5, 0.9])
        lab.set(
            DOMAINS=APP,
            APP_ID=APPS[0],
            SET_CAA=rng.choice(["true", "false"]),
            LOG_LEVEL=rng.choice(["warn", "debug"]),
            CERTBOT_DOMAIN=APP,
            CERTBOT_VALIDATION=f"own-challenge-{number}",
        )
        liar.begin()
        for command in commands(rng, number):
            told = f"PROPERTY_SEED={SEED}, {provider}, run {number}, {command}, {liar.lies}"
            liar.requests = 0
            judge(lab.run(*command, hangs=True), api.credentials, told)
            assert not liar.breaches, "\n".join([told, *liar.breaches, *liar.talk[-TALK_SHOWN:]])
            assert liar.requests <= REQUESTS_MOST, told
        # What a client has given up on may still come.
        api.settle()
        lost = base - set(api.dump(ZONE))
        # Where all records are written at once, what was told of the others is written back.
        assert not lost or provider == "namecheap", f"{told}\n{lost}"
        lab.fresh()
    assert not elsewhere.requests()
    assert set(liar.lies) >= {"altered", "redirect", "success_without_effect", "endless"}
