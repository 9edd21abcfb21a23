"""What is done in a sequence, and what goes wrong meanwhile; at random from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .lab import AWAY, ZONE, place

APPS = ("aaaa1111aaaa1111", "bbbb2222bbbb2222", "cccc3333cccc3333")
ACCOUNTS = tuple(f"https://ca.{ZONE}/acme/acct/{number}" for number in (7, 8))
DOMAINS = (
    (f"app.{ZONE}",),
    (f"mixed.{ZONE}",),
    (ZONE,),
    (f"app.{ZONE}", f"mixed.{ZONE}"),
    (ZONE, f"*.{ZONE}"),
    (f"app.{AWAY}",),
    (f"app.{AWAY}", f"wild.{AWAY}", f"*.wild.{AWAY}"),
)
"""Those of the zone AWAY are delegated."""

NAMES = (f"txt.{ZONE}", f"app.{ZONE}", f"mixed.{ZONE}", ZONE, place(f"app.{AWAY}"))
"""Where TXT values are set by hand: alone, beside our alias, beside other people's records."""

STALE = (
    ("CNAME", f"old-gateway.{ZONE}."),
    ("A", "198.51.100.1"),
    ("AAAA", "2001:db8:1::1"),
)
"""Aliases to where the gateway used to be."""

MEANWHILE = (
    ("TXT", f"_acme-challenge.app.{ZONE}", '"another client\'s challenge"'),
    ("TXT", f"_acme-challenge.{ZONE}", '"another client\'s challenge at the apex"'),
    ("TXT", f"_dstack-app-address.mixed.{ZONE}", '"not an app address either"'),
    ("TXT", f"txt.{ZONE}", '"set by another hand"'),
    ("CAA", f"app.{ZONE}", '0 iodef "mailto:new@elsewhere.test"'),
    ("CAA", ZONE, '0 iodef "mailto:new@elsewhere.test"'),
    ("A", f"new.{ZONE}", "192.0.2.201"),
    ("MX", f"app.{ZONE}", "20 new.elsewhere.test."),
    ("TXT", place(f"_acme-challenge.app.{AWAY}"), '"another client\'s challenge"'),
    ("MX", place(f"app.{AWAY}"), "20 new.elsewhere.test."),
)
"""What somebody else writes between a read and a write: type, name, value."""

BESIDE_ALIAS = frozenset({4, 7, 9})
"""Those of them that let no CNAME stand at the name."""

Operation = tuple[str, ...]
"""Of these forms:

("apply", kinds, domain), "all" for either; ("set-txt", name, value); ("del-txt", name, value);
("auth", domain, value, "seen" or "unseen"); ("cleanup", domain, value); ("cleanup --all",);
("list", name); ("app", APP_ID) and ("account", URI), a change of the settings;
("stale", type, value), an alias that is there before anything else happens.
"""


@dataclass(frozen=True)
class Trouble:
    """A fault of a provider: `kind` and the rest as support.faults.Fault has them.

    `seed` is what somebody else writes then, of MEANWHILE; "refused" is an outage from that
    request on.
    """

    name: str
    detail: Mapping[str, Any] = field(hash=False)
    skip: int = 0
    times: int | None = 1
    seed: int | None = None

    def __repr__(self) -> str:
        written = "" if self.seed is None else f", while {MEANWHILE[self.seed]} is written"
        after = " after it was carried out" if self.detail.get("after") else ""
        until = "all" if self.times is None else f"{self.times}"
        return f"<{self.name}{after}: {until} from request {self.skip} on{written}>"


@dataclass(frozen=True)
class Step:
    operation: Operation
    troubles: tuple[Trouble, ...] = ()

    def __str__(self) -> str:
        return "  ".join([repr(self.operation), *map(repr, self.troubles)])


@dataclass(frozen=True)
class Plan:
    domains: tuple[str, ...]
    caa: bool
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        head = f"DOMAINS={','.join(self.domains)} SET_CAA={str(self.caa).lower()}"
        return "\n".join([head, *(f"  {step}" for step in self.steps)])

    def smaller(self) -> list[Plan]:
        """The same with one thing left out, the largest first."""
        steps = self.steps
        fewer = [replace(self, steps=steps[:i] + steps[i + 1 :]) for i in range(len(steps))]
        for i, step in enumerate(steps):
            for j in range(len(step.troubles)):
                left = Step(step.operation, step.troubles[:j] + step.troubles[j + 1 :])
                fewer.append(replace(self, steps=(*steps[:i], left, *steps[i + 1 :])))
        return fewer


HTML = "<html><body><h1>Something else answers here</h1></body></html>"
NO_ANSWER: dict[str, dict[str, Any]] = {
    "connection closed": {"kind": "closed"},
    "connection reset": {"kind": "reset"},
    "time-out": {"kind": "hang"},
}
HTTP_STATUS: dict[str, dict[str, Any]] = {
    "401": {"kind": "status", "status": 401, "body": {"message": "who are you?"}},
    "403": {"kind": "status", "status": 403, "body": HTML},
    "404": {"kind": "status", "status": 404, "body": {"message": "not found"}},
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}},
    "500": {"kind": "status", "status": 500, "body": {"message": "sorry"}},
    "502 HTML": {"kind": "status", "status": 502, "body": HTML},
}
HTTP_BODY: dict[str, dict[str, Any]] = {
    "truncated body": {"kind": "truncated"},
    "empty body": {"kind": "empty"},
    "wrong content type": {"kind": "content_type"},
    "200 HTML": {"kind": "status", "status": 200, "body": HTML},
}
DNS_BODY: dict[str, dict[str, Any]] = {
    "truncated body": {"kind": "truncated"},
    "empty body": {"kind": "empty"},
}
OUTAGE = "connection refused"
CHANGE = "changed meanwhile"
NOT_BEFORE: dict[str, str] = {"namecheap": "^(?!.*setHosts)"}
"""Requests before which nobody writes: what replaces a whole zone, and offers no way to ask that
it still be the one that was read, can take notice of others only up to there."""


def faults_of(provider: str, own: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every fault by name: what goes wrong with all of them, and the provider's `own`.

    Where it matters, once before the request is carried out and once after.
    """
    before = {**NO_ANSWER, **({} if provider == "rfc2136" else HTTP_STATUS)}
    after = {f"{name}, carried out": {**d, "after": True} for name, d in before.items()}
    always = DNS_BODY if provider == "rfc2136" else HTTP_BODY
    return {
        OUTAGE: {"kind": "closed"},
        CHANGE: {"kind": "meanwhile", "match": NOT_BEFORE.get(provider, "")},
        **before,
        **after,
        **always,
        **own,
    }


def _operation(rng: random.Random, domains: tuple[str, ...]) -> Operation:
    base = rng.choice(domains).removeprefix("*.")
    name, number = rng.choice(NAMES), rng.randint(1, 2)
    value = f"own-txt-{NAMES.index(name)}-{number}" + (' "q" \\ ' if number == 2 else "")
    challenge = f"own-challenge-{len(base)}-{rng.randint(1, 3)}"
    return rng.choice(
        (
            ("apply", "all", "all"),
            ("apply", rng.choice(("alias", "txt", "caa", "alias,txt")), rng.choice(domains)),
            ("apply", rng.choice(("alias", "txt")), rng.choice(domains)),
            ("set-txt", name, value),
            ("set-txt", name, value),
            ("del-txt", name, value),
            ("auth", base, challenge, "seen"),
            ("auth", base, challenge, rng.choice(("seen", "unseen"))),
            ("cleanup", base, challenge),
            ("cleanup --all",),
            ("list", name),
            ("app", rng.choice(APPS)),
            ("account", rng.choice(ACCOUNTS)),
        )
    )


def _trouble(rng: random.Random, faults: Mapping[str, dict[str, Any]]) -> Trouble:
    name = rng.choice((CHANGE, *faults))
    seed = None
    times: int | None = rng.choice((1, 1, 2, None))
    if name == CHANGE:
        seed, times = rng.randrange(len(MEANWHILE)), 1
    # Most operations are a handful of requests, and the first few are the same in all.
    return Trouble(name, faults[name], rng.randint(0, 9), times, seed)


def random_plan(rng: random.Random, faults: Mapping[str, dict[str, Any]]) -> Plan:
    domains = rng.choice(DOMAINS)
    steps = []
    if rng.random() < 0.25:
        steps.append(Step(("stale", *rng.choice(STALE))))
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        troubles = [_trouble(rng, faults) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
        steps.append(Step(_operation(rng, domains), tuple(troubles)))
    is_delegated = domains[0].endswith(AWAY)  # then there are CAA records anyway
    return Plan(domains, rng.random() < 0.5 or is_delegated, tuple(steps))
