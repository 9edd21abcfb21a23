"""Whatever DNS answers: nothing is written where it does not belong, and nothing lasts for ever.

    PROPERTY_SEED=7     other lies than those of seed 1, the default
    PROPERTY_LIES=5000  how many for each provider
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.lying_dns import LyingDns, lying_dns, maze

from .driver import Driver, Result
from .lab import PATIENCE_MS, PROVIDERS, SETTINGS, ZONE, Lab
from .plan import ACCOUNTS, APPS

SEED = os.environ.get("PROPERTY_SEED", "1")
LIES = int(os.environ.get("PROPERTY_LIES", "400"))
ADDRESS = "127.0.0.5"

APP, OTHER = f"app.{ZONE}", f"www.{ZONE}"
TARGETS = (
    OTHER,
    ZONE,
    APP,
    f"gateway.{ZONE}",
    f"foreign-3.{ZONE}",
    f"x._acme-challenge.{ZONE}",
    f"_acme-challenge.{OTHER}",
    f"_acme-challenge.{APP}",
    f"ns1.{ZONE}",
    "elsewhere.example",
    "_acme-challenge.elsewhere.example",
)
# Some providers' records are JSON, some have names below the zone's.
CHALLENGES = re.compile(r"(?<![\w.-])_acme-challenge\.")
OWN = re.compile(r"(?<![\w.-])(_dstack-app-address\.)?app(?![\w-])")
STATUSES = frozenset({0, 1, 69, 75, 78})
ORDERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What a terminal obeys, or shows as something else than it is."""
# A budget of two minutes for finding the place, one more for CAA, the longest wait for the servers
# that were found (PROPAGATION_TIMEOUT is 30), one to look at them all, and the provider's answers.
LONGEST_MS = 420_000
TIMEOUT = "30"


@pytest.fixture(name="liar")
def _liar(provider: str) -> Iterator[LyingDns]:
    seed = f"{SEED} {provider}"
    with lying_dns(ZONE, ADDRESS, TARGETS, seed, silence=True) as liar:
        yield liar


def judge(result: Result, secrets: list[str]) -> None:
    assert result.exit in STATUSES, result.said
    assert result.ms <= LONGEST_MS, result.said
    found = ORDERS.search(result.said)
    assert found is None, repr(result.said[max(0, found.start() - 200) :][:400])
    assert not [secret for secret in secrets if secret in result.said]


def aliases(rng: random.Random) -> dict[str, str]:
    """A chain from the challenge's name, some or no steps long."""
    chain = [f"_acme-challenge.{APP}", *rng.sample(TARGETS, rng.choice([0, 1, 1, 1, 2, 4]))]
    return dict(itertools.pairwise(chain))


def settings(rng: random.Random, number: int) -> dict[str, str]:
    return {
        "DOMAINS": APP,
        "APP_ID": APPS[0],
        "SET_CAA": rng.choice(["true", "false"]),
        "LOG_LEVEL": rng.choice(["warn", "debug"]),
        "CERTBOT_DOMAIN": APP,
        "CERTBOT_VALIDATION": f"own-challenge-{number}",
        "PROPAGATION_TIMEOUT": TIMEOUT,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_lies_choose_no_name(lab: Lab, liar: LyingDns, provider: str) -> None:
    api = lab.fresh()
    secrets = api.credentials
    before = set(lab.base)
    rng = random.Random(f"{SEED} {provider} runs")
    number = 0
    while sum(liar.lies.values()) < LIES:
        number += 1
        liar.eagerness = rng.choice([0, 0.02, 0.1, 0.5, 0.9])
        liar.aliases = aliases(rng)
        lab.set(
            DNS_RESOLVERS=liar.server,
            DNS_PORT=str(liar.port),
            **settings(rng, number),
        )
        told = f"PROPERTY_SEED={SEED}, {provider}, run {number}"
        for command in (("preflight",), ("auth",)):
            judge(lab.run(*command, hangs=True, seen=rng.choice([True, None])), secrets)
            strange = [line for line in set(api.dump(ZONE)) ^ before if not CHALLENGES.search(line)]
            assert not strange, f"{told}, {command}: {strange}"
        # A value that is in is taken out again, whatever DNS says by now.
        judge(lab.run("cleanup", hangs=True), secrets)
        judge(lab.run("cleanup", "--all", hangs=True), secrets)
        assert set(api.dump(ZONE)) == before, told
        if rng.random() < 0.2:
            kinds = ("--only", "alias,txt")
            judge(lab.run("plan", *kinds, hangs=True), secrets)
            assert set(api.dump(ZONE)) == before, told
            judge(lab.run("apply", *kinds, hangs=True), secrets)
            strange = [line for line in set(api.dump(ZONE)) ^ before if not OWN.search(line)]
            assert not strange, f"{told}, apply: {strange}"
            api = lab.fresh()
    assert set(liar.lies) >= {"alias", "zone_cut", "referral", "circle", "giant", "pointers"}


RECORDS_THE_CALL = """\
#!/bin/sh
printf '%s %s\\n' "$1" "$2" >>"{calls}"
"""


def test_lies_to_a_program(memory: Path) -> None:
    """What stands in DNS is all that is known there, so it is printed; and the program is told
    names."""
    calls = memory / "calls"
    program = memory / "dns-program"
    program.write_text(RECORDS_THE_CALL.format(calls=calls))
    program.chmod(0o755)
    rng = random.Random(f"{SEED} exec runs")
    shutil.rmtree(memory / "le", ignore_errors=True)
    environment = {**SETTINGS, "DNS_EXEC": str(program), "LETSENCRYPT_DIR": str(memory / "le")}
    number = 0
    with (
        lying_dns(ZONE, ADDRESS, TARGETS, f"{SEED} exec", silence=True) as liar,
        Driver(memory, {**environment, "DNS_PROVIDER": "exec"}) as driver,
    ):
        while sum(liar.lies.values()) < LIES:
            number += 1
            liar.eagerness = rng.choice([0, 0.02, 0.1, 0.5, 0.9])
            liar.aliases = aliases(rng)
            change = {"DNS_RESOLVERS": liar.server, "DNS_PORT": str(liar.port)}
            for command in (
                ("plan", "--account-uri", ACCOUNTS[0]),
                ("preflight",),
                ("auth",),
                ("cleanup", "--all"),
            ):
                judge(
                    driver.run(
                        *command,
                        environment={**change, **settings(rng, number)},
                        patience_ms=PATIENCE_MS,
                        seen=rng.choice([True, None]),
                    ),
                    [],
                )
    told = calls.read_text().splitlines()
    assert told and not [call for call in told if not CHALLENGES.search(call)]
    assert sum(call.startswith("present") for call in told) == sum(
        call.startswith("cleanup") for call in told
    )


@pytest.mark.parametrize("provider", ["cloudflare"])
@pytest.mark.parametrize("command", ["preflight", "auth", "plan", "apply"])
def test_no_answer_leads_on_without_end(lab: Lab, command: str) -> None:
    api = lab.fresh()
    with maze(ZONE, ADDRESS) as server:
        lab.set(DNS_RESOLVERS=server.server, DNS_PORT=str(server.port))
        lab.set(**{**settings(random.Random(0), 0), "SET_CAA": "false"})
        result = lab.run(command, hangs=True)
        judge(result, api.credentials)
        assert "DNS has taken too long" in result.said
        assert result.exit == (75 if command in ("preflight", "auth") else 0)

