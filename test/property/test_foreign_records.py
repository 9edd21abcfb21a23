"""Whatever goes wrong with a provider: other people's records stay, and what is said is true.

    PROPERTY_SEED=7        other sequences than those of seed 1, the default
    PROPERTY_SEQUENCES=50  how many sequences for each provider
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.http_service import LoggedRequest

from .lab import MANY_FOREIGN_RECORDS, PROVIDERS, SEED, ZONE, Lab
from .plan import (
    ACCOUNTS,
    APPS,
    CHANGE,
    NAMES,
    STALE,
    Plan,
    Step,
    Trouble,
    faults_of,
    random_plan,
)
from .sequence import Judge, is_write

SEQUENCES = int(os.environ.get("PROPERTY_SEQUENCES", "2000"))
PARTS = 4
"""Into so many tests the sequences of a provider are cut, to be shared among processes."""

BROKEN_SHOWN = 5

APP, MIXED = f"app.{ZONE}", f"mixed.{ZONE}"
STALE_APP = Step(("stale", *STALE[1]))
OPERATIONS: dict[str, Plan] = {
    "apply": Plan((APP, MIXED), True, (Step(("apply", "all", "all")),)),
    "apply a change": Plan(
        (APP,),
        True,
        (
            STALE_APP,
            Step(("apply", "txt,caa", APP)),
            Step(("app", APPS[1])),
            Step(("account", ACCOUNTS[1])),
            Step(("apply", "all", "all")),
        ),
    ),
    "apply a CNAME": Plan((APP,), False, (STALE_APP, Step(("apply", "alias", APP)))),
    "set-txt": Plan((APP,), False, (Step(("set-txt", NAMES[0], "own-txt-0-1")),)),
    "del-txt": Plan(
        (APP,),
        False,
        (Step(("set-txt", NAMES[0], "own-txt-0-1")), Step(("del-txt", NAMES[0], "own-txt-0-1"))),
    ),
    "auth": Plan((APP,), False, (Step(("auth", APP, "own-challenge-1", "seen")),)),
    "auth in vain": Plan((MIXED,), False, (Step(("auth", MIXED, "own-challenge-1", "unseen")),)),
    "cleanup": Plan(
        (APP,),
        False,
        (
            Step(("auth", APP, "own-challenge-1", "seen")),
            Step(("auth", APP, "own-challenge-2", "seen")),
            Step(("cleanup", APP, "own-challenge-1")),
        ),
    ),
}
SEEDS = {
    "apply": (2, 4, 7),
    "apply a change": (4, 7),
    "apply a CNAME": (6, 7),
    "set-txt": (3,),
    "del-txt": (3,),
    "auth": (0, 6),
    "auth in vain": (0,),
    "cleanup": (0,),
}
"""Of MEANWHILE what comes near the operation."""


@pytest.fixture(name="judge")
def _judge(lab: Lab) -> Judge:
    return Judge(lab)


def faults_at(judge: Judge) -> dict[str, dict[str, Any]]:
    return faults_of(judge.lab.provider, judge.lab.fresh().fault_kinds)


def troubles(
    faults: dict[str, dict[str, Any]], requests: list[LoggedRequest], seeds: Iterable[int]
) -> Iterator[Trouble]:
    """Every fault at the first, the second and the last of the requests and at the first write,
    once and from there on; and somebody else's writes, `seeds` of MEANWHILE, at every one."""
    count = len(requests)
    skips = sorted({0, 1, [is_write(r) for r in requests].index(True), count - 1})
    for name, detail in faults.items():
        if name == CHANGE:
            for seed, skip in itertools.product(seeds, range(count)):
                yield Trouble(name, detail, skip, 1, seed)
            continue
        for skip, times in itertools.product(skips, (1, None)):
            yield Trouble(name, detail, skip, times)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_fault_at_every_operation(judge: Judge, operation: str) -> None:
    judge.lab.foreign_records = MANY_FOREIGN_RECORDS
    plan = OPERATIONS[operation]
    *before, last = plan.steps
    requests = judge.requests_of(plan)
    assert len(requests) >= 2
    broken: list[str] = []
    for trouble in troubles(faults_at(judge), requests, SEEDS[operation]):
        steps = (*before, Step(last.operation, (trouble,)))
        problem = judge.first_broken(replace(plan, steps=steps), to_the_end=False)
        if problem is not None:
            broken.append(problem)
    if broken:
        shown = "\n\n".join(broken[:BROKEN_SHOWN])
        pytest.fail(f"{len(broken)} promises were broken:\n{shown}", pytrace=False)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_random_operations_and_faults(judge: Judge, provider: str, part: int) -> None:
    faults = faults_at(judge)
    for number in range(part, SEQUENCES, PARTS):
        plan = random_plan(random.Random(f"{SEED} {provider} {number}"), faults)
        broken = judge.first_broken(plan)
        if broken is not None:
            message = f"PROPERTY_SEED={SEED}, {provider}, sequence {number}:\n{broken}"
            pytest.fail(message, pytrace=False)
