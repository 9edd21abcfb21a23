"""Carries a plan out, and looks after every step whether anybody was hurt or lied to."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from support.dns_api import DnsApi
from support.http_service import LoggedRequest

from .driver import Result
from .lab import AWAY, GATEWAY, ZONE, Lab, place
from .plan import ACCOUNTS, APPS, BESIDE_ALIAS, MEANWHILE, OUTAGE, Operation, Plan, Step

KINDS = ("alias", "txt", "caa")
GATEWAY_ADDRESSES = ("127.0.0.1", "::1")
SMALLER_TRIES = 80
REQUESTS_SHOWN = 40
NUMBER = re.compile(r"(?<![\w.:/-])\d+(?![\w.:/-])")
READS = frozenset({"GET", "QUERY", "CHECK"})

Lines = Counter[str]
OwnRecords = dict[tuple[str, str], Lines]
"""By domain and kind."""


def is_write(request: LoggedRequest) -> bool:
    """By its method, but for Namecheap's, of which all are POSTs."""
    if request.method in READS:
        return False
    return "Command=" not in request.body or "Command=namecheap.domains.dns.setHosts" in request.body


class Broken(AssertionError):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Wishes:
    """What the product's own records depend on, but for the app and the ACME account."""

    domains: tuple[str, ...]
    caa: bool
    seeds: frozenset[int]  # of MEANWHILE, those that stand at an alias

    @property
    def is_delegated(self) -> bool:
        """Then a wildcard shares the alias of its base."""
        return self.domains[0].endswith(AWAY)


class Unknown(Exception):
    """The product's own records for some wishes have to be looked at first."""

    def __init__(self, wishes: Wishes) -> None:
        super().__init__(wishes)
        self.wishes = wishes


class Sequence:
    """One run of a plan in a fresh zone, or one with other `lines`."""

    def __init__(
        self, judge: Judge, plan: Plan, api: DnsApi, lines: Lines | None = None
    ) -> None:
        self._judge = judge
        self._lab = judge.lab
        self._plan = plan
        self._api = api
        self._lines = Counter(judge.lab.base) if lines is None else lines
        self._foreign = self._lines
        self._app, self._account = APPS[0], ACCOUNTS[0]
        self._landed: set[int] = set()
        self._by_hand: set[tuple[str, str]] = set()
        self._defects: list[Exception] = []
        self._lab.set(
            DOMAINS=",".join(plan.domains),
            SET_CAA=str(plan.caa).lower(),
            APP_ID=self._app,
            DELEGATION_ZONE=ZONE if plan.domains[0].endswith(AWAY) else None,
        )

    def carry_out(self, to_the_end: bool) -> None:
        """Raises Broken, with the requests since the last step began."""
        try:
            for step in self._plan.steps:
                self._api.forget_requests()
                self.take(step)
            if to_the_end:
                self._api.forget_requests()
                self._finish()
        except Broken as broken:
            requests = [
                f"    {r.method} {r.target} {r.body[:200]} -> {r.status}"
                for r in self._api.requests()[:REQUESTS_SHOWN]
            ]
            raise Broken("\n".join([str(broken), "Requests:", *requests])) from None

    def _dump(self) -> Lines:
        return Counter(self._api.dump(ZONE))

    # One step

    def take(self, step: Step) -> None:
        landed = set(self._landed)
        for trouble in step.troubles:
            call = None
            if trouble.seed is not None:
                call = functools.partial(self._write_meanwhile, trouble.seed)
            elif trouble.name == OUTAGE:
                call = self._api.down
            self._api.fault(
                times=trouble.times, skip=trouble.skip, call=call, **trouble.detail
            )
        hangs = any(trouble.detail["kind"] == "hang" for trouble in step.troubles)
        result = self._do(step.operation, hangs)
        if hangs or any(trouble.name == OUTAGE for trouble in step.troubles):
            self._api.settle()
        self._api.clear_faults()
        if self._defects:
            raise self._defects[0]
        if self._landed != landed or any(map(is_write, self._api.requests())):
            self._lines = self._dump()
        self._expect_foreign(self._lines)
        if result is not None:
            self._check_claim(step.operation, result, self._lines, self._landed != landed)

    def _do(self, operation: Operation, hangs: bool) -> Result | None:
        """None if nothing ran."""
        verb, *rest = operation
        if verb == "app":
            self._app = rest[0]
            self._lab.set(APP_ID=self._app)
            return None
        if verb == "account":
            self._account = rest[0]
            return None
        if verb == "stale":
            self._api.seed_value(ZONE, rest[0], place(self._plan.domains[0]), rest[1])
            self._lines = self._dump()
            return None
        if verb == "apply":
            return self.apply(rest[0], rest[1], hangs)
        if verb in ("auth", "cleanup"):
            self._lab.set(CERTBOT_DOMAIN=rest[0], CERTBOT_VALIDATION=rest[1])
            return self._lab.run(verb, hangs=hangs, seen=rest[-1] != "unseen")
        if verb == "cleanup --all":
            return self._lab.run("cleanup", "--all", hangs=hangs)
        if verb == "set-txt":
            self._by_hand.add((rest[0], rest[1]))
        return self._lab.run(verb, *rest, hangs=hangs)

    def apply(self, kinds: str, domain: str, hangs: bool = False) -> Result:
        arguments = ["apply", "--account-uri", self._account]
        arguments += [] if kinds == "all" else ["--only", kinds]
        arguments += [] if domain == "all" else [domain]
        return self._lab.run(*arguments, hangs=hangs)

    def _write_meanwhile(self, number: int) -> None:
        """Called in the middle of a request."""
        try:
            if number in self._landed:
                return
            before = self._dump()
            record_type, name, value = MEANWHILE[number]
            self._api.seed_value(ZONE, record_type, name, value)
            after = self._dump()
            # A server with rules may have dropped it; and with a set it changes a TTL of ours.
            new = Counter(line for line in (after - before).elements() if not _is_ours(line))
            if new:
                self._landed.add(number)
            self._foreign += new
            self._foreign -= before - after
        except Exception as defect:  # noqa: BLE001 - raised by the step
            self._defects.append(defect)

    # What must hold

    def _expect_foreign(self, lines: Lines) -> None:
        lost = self._foreign - lines
        if lost:
            raise Broken("foreign records were hurt:\n" + _listed(lost))

    def _check_claim(
        self, operation: Operation, result: Result, after: Lines, changed: bool
    ) -> None:
        """What the exit status says is so; in any case no challenge value is forgotten."""
        verb, *rest = operation
        good = result.exit == 0
        problem = None
        if verb == "auth" and not good:
            if _holds(after, rest[1]) and rest[1] not in self._lab.noted():
                problem = "the value is in the zone, and nobody will know"
        elif not good:
            return
        elif verb in ("set-txt", "auth"):
            problem = None if _holds(after, rest[1]) else "the value is not in the zone"
        elif verb in ("del-txt", "cleanup"):
            problem = "the value is still in the zone" if _holds(after, rest[1]) else None
        elif verb == "cleanup --all":
            if self._lab.noted() or _holds(after, "own-challenge-"):
                problem = "challenge values are still noted, or in the zone"
        elif verb == "list":
            problem = self._missing_in_list(rest[0], result.said)
        elif verb == "apply" and not changed:
            wanted = self._wanted(rest[0], rest[1], self._kinds_known(after))
            missing = wanted - self._own(after)
            problem = f"not in the zone:\n{_listed(missing)}" if missing else None
        if problem is not None:
            raise Broken(f"{operation} ended with {result.exit}, but {problem}\n{result.said}")

    def _missing_in_list(self, name: str, said: str) -> str | None:
        beside = {
            f"mixed.{ZONE}": ("mail.elsewhere.test", "v=spf1 -all", "security@elsewhere.test"),
            ZONE: ("mail.elsewhere.test", "include:elsewhere.test", "security@elsewhere.test"),
        }
        missing = [word for word in beside.get(name, ()) if word not in said]
        return f"these are not listed: {missing}" if missing else None

    def _kinds_known(self, lines: Lines) -> tuple[str, ...]:
        """All kinds; without aliases while a value set by hand stands beside one: that may make
        addresses of a CNAME."""
        is_beside = any(
            name in map(place, self._plan.domains) and _holds(lines, value)
            for name, value in self._by_hand
        )
        return KINDS[1:] if is_beside else KINDS

    def _wanted(self, kinds: str, domain: str, known: tuple[str, ...] = KINDS) -> Lines:
        seeds = frozenset(self._landed & BESIDE_ALIAS)
        own = self._judge.own_records(Wishes(self._plan.domains, self._plan.caa, seeds))
        wanted: Lines = Counter()
        for (of_domain, kind), lines in own.items():
            if kind in known and (kinds == "all" or kind in kinds.split(",")):
                if domain in ("all", of_domain):
                    wanted.update(
                        line.replace(APPS[0], self._app).replace(ACCOUNTS[0], self._account)
                        for line in lines.elements()
                    )
        return wanted

    def _own(self, lines: Lines) -> Lines:
        """What is not foreign."""
        return Counter(_without_numbers(line) for line in (lines - self._foreign).elements())

    def _finish(self) -> None:
        """With nothing going wrong any more everything comes to be as it should."""
        self._succeed(self._lab.run("cleanup", "--all"), "cleaning up")
        if self._lab.noted():
            raise Broken(f"still noted: {self._lab.noted()}")
        for name, value in sorted(self._by_hand):
            self._succeed(self._lab.run("del-txt", name, value), f"removing {value}")
        result = self.apply("all", "all")
        self._succeed(result, "applying")
        lines = self._dump()
        self._expect_foreign(lines)
        expected, own = self._wanted("all", "all"), self._own(lines)
        if own != expected:
            raise Broken(
                f"in the end there is missing:\n{_listed(expected - own)}\n"
                f"and too much:\n{_listed(own - expected)}\n{result.said}"
            )

    def _succeed(self, result: Result, what: str) -> None:
        if result.exit != 0:
            raise Broken(f"{what} without faults ended with {result.exit}\n{result.said}")


class Judge:
    """Tells whether plans keep the promises, and which part of one that does not is to blame."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._own: dict[Wishes, OwnRecords] = {}

    def first_broken(self, plan: Plan, to_the_end: bool = True) -> str | None:
        """What broke a promise, with the smallest plan that was found to do so; None if none is.

        `to_the_end`: afterwards all is put right, with nothing going wrong any more.
        """
        broken = self._try(plan, to_the_end)
        if broken is None:
            return None
        tries = 0
        progress = True
        while progress and tries < SMALLER_TRIES:
            progress = False
            for smaller in plan.smaller():
                tries += 1
                also = self._try(smaller, to_the_end)
                if also is not None:
                    plan, broken, progress = smaller, also, True
                    break
        return f"{plan}\n{broken}"

    def requests_of(self, plan: Plan) -> list[LoggedRequest]:
        """The requests that the last step makes when nothing goes wrong."""
        broken = self.first_broken(plan)
        assert broken is None, broken
        api = self.lab.fresh()
        sequence = Sequence(self, plan, api)
        for step in plan.steps:
            api.forget_requests()
            sequence.take(step)
        return api.requests()

    def _try(self, plan: Plan, to_the_end: bool) -> Broken | None:
        while True:
            try:
                Sequence(self, plan, self.lab.fresh()).carry_out(to_the_end)
                return None
            except Broken as broken:
                return broken
            except Unknown as unknown:
                wishes = unknown.wishes
            try:
                self._own[wishes] = self._look(wishes)
            except Broken as broken:
                return broken

    def own_records(self, wishes: Wishes) -> OwnRecords:
        """What the product makes in a zone without it, nothing going wrong; with the first of
        APPS and of ACCOUNTS."""
        if wishes not in self._own:
            raise Unknown(wishes)
        return self._own[wishes]

    def _look(self, wishes: Wishes) -> OwnRecords:
        """In a zone of its own; it is checked to be what is promised."""
        own: OwnRecords = {}
        api = self.lab.fresh()
        for number in sorted(wishes.seeds):
            record_type, name, value = MEANWHILE[number]
            api.seed_value(ZONE, record_type, name, value)
        lines = Counter(api.dump(ZONE))
        sequence = Sequence(self, Plan(wishes.domains, wishes.caa, ()), api, lines)
        for domain in wishes.domains:
            for kind in KINDS:
                before = Counter(api.dump(ZONE))
                result = sequence.apply(kind, domain)
                after = Counter(api.dump(ZONE))
                gone, made = before - after, after - before
                if result.exit != 0 or gone or not _promised(kind, made, wishes):
                    raise Broken(
                        f"{wishes}: applying {kind} of {domain} ended with {result.exit}, "
                        f"removed\n{_listed(gone)}\nand made\n{_listed(made)}\n{result.said}"
                    )
                own[domain, kind] = Counter(map(_without_numbers, made.elements()))
        return own


def _promised(kind: str, made: Lines, wishes: Wishes) -> bool:
    lines = list(made.elements())
    if kind == "txt":
        return len(lines) == 1 and APPS[0] in lines[0]
    if kind == "alias":
        names = [line for line in lines if GATEWAY in line]
        addresses = [line for line in lines if any(a in line for a in GATEWAY_ADDRESSES)]
        return (len(names), len(addresses), len(lines)) in (
            ((1, 0, 1), (0, 2, 2), (0, 0, 0)) if wishes.is_delegated else ((1, 0, 1), (0, 2, 2))
        )
    if not wishes.caa:
        return not lines
    # Of a wildcard and its base the first that is applied makes the records of both.
    return len(lines) <= len(wishes.domains) and all(ACCOUNTS[0] in line for line in lines)


def _without_numbers(line: str) -> str:
    """Above all without the TTL, which a record keeps when it is changed in place."""
    return NUMBER.sub("#", line)


def _is_ours(line: str) -> bool:
    return any(mark in line for mark in ("own-txt-", "own-challenge-", "/acme/acct/", *APPS))


def _holds(lines: Lines, value: str) -> bool:
    """By its first word, which no other value has and every notation leaves alone."""
    word = value.split()[0]
    return any(word in line for line in lines)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in sorted(lines)) or "    (nothing)"
