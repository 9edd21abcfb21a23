"""The resource record sets of one Route 53 zone, and the rules by which a batch is taken or refused.

Messages are those that users of API clients reported up to 2026, as far as they were to be found.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from .txt import txt_quoted

TYPES = frozenset(
    "SOA A TXT NS CNAME MX NAPTR PTR SRV SPF AAAA CAA DS TLSA SSHFP SVCB HTTPS".split()
)
TTL_MAX = 2**31 - 1
RECORDS_PER_REQUEST = 1000
CHARACTERS_PER_REQUEST = 32000
CHANGES_PER_REQUEST = 1000
TXT_VALUE = re.compile(r'\s*"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")*\s*')
OCTAL = re.compile(r"\\([0-3][0-7]{2})")
ESCAPE = re.compile(r"\\([0-9]{3}|.)")


class InvalidChangeBatch(Exception):
    """All that is wrong with a batch."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@dataclass
class RecordSet:
    """`name` has no dot at its end and is not escaped; `routing` is what makes a set more than
    plain, element by element as XML (an alias has no TTL and no values)."""

    name: str
    type: str
    ttl: int | None
    values: list[str]
    identifier: str | None = None
    routing: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.name, self.type, self.identifier or ""

    @functools.cached_property
    def order(self) -> tuple[str, str, str]:
        """Where it stands in a listing."""
        return sort_key(self.name), self.type, self.identifier or ""

    def label(self) -> str:
        identifier = f", set-identifier='{self.identifier}'" if self.identifier else ""
        return f"[name='{escape_name(self.name)}.', type='{self.type}'{identifier}]"

    def same_as(self, other: RecordSet) -> bool:
        return (self.ttl, sorted(self.values), self.routing) == (
            other.ttl, sorted(other.values), other.routing,
        )


@dataclass
class Zone:
    """A hosted zone; the same name may be there more than once, each with servers of its own."""

    name: str
    private: bool = False
    id: str = field(default_factory=lambda: "Z" + secrets.token_hex(10).upper())
    delegation_set: Sequence[str] = ()

    def __post_init__(self) -> None:
        number = int(self.id[1:9], 16) % 2048
        self.delegation_set = self.delegation_set or [
            f"ns-{number}.awsdns-{number % 64:02}.{end}" for end in ("com", "net", "org", "co.uk")
        ]
        self._sets: dict[tuple[str, str, str], RecordSet] = {}
        self._sorted: list[RecordSet] | None = None
        self.put(
            RecordSet(
                self.name, "SOA", 900,
                [f"{self.delegation_set[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"],
            )
        )
        self.put(RecordSet(self.name, "NS", 172800, [f"{s}." for s in self.delegation_set]))

    def all(self) -> list[RecordSet]:
        if self._sorted is None:
            self._sorted = sorted(self._sets.values(), key=lambda s: s.order)
        return self._sorted

    def at(self, name: str) -> list[RecordSet]:
        return [s for s in self._sets.values() if s.name == name]

    def put(self, record_set: RecordSet) -> None:
        """Takes a set as it is, unchecked."""
        self._sets[record_set.key] = record_set
        self._sorted = None

    def add_value(self, name: str, record_type: str, ttl: int, value: str) -> None:
        """Adds to the plain set of that name and type, unchecked."""
        there = self._sets.get((name, record_type, ""))
        values = [*there.values, value] if there else [value]
        self.put(RecordSet(name, record_type, there.ttl if there else ttl, values))

    def change(self, changes: Sequence[tuple[str, RecordSet]]) -> None:
        """All or nothing. Raises InvalidChangeBatch."""
        _check_size(changes)
        after = dict(self._sets)
        problems = []
        deleted: set[tuple[str, str, str]] = set()
        for action, record_set in changes:
            problems += self._apply(action, record_set, after, deleted)
        if not problems:
            problems = self._check_whole(after)
        if problems:
            raise InvalidChangeBatch(problems)
        self._sets = after
        self._sorted = None

    def _apply(
        self,
        action: str,
        new: RecordSet,
        after: dict[tuple[str, str, str], RecordSet],
        deleted: set[tuple[str, str, str]],
    ) -> list[str]:
        old = after.get(new.key)
        if action == "DELETE":
            tried = f"Tried to delete resource record set {new.label()}"
            if old is None or new.key in deleted:
                return [f"{tried} but it was not found"]
            if not old.same_as(new):
                return [f"{tried} but the values provided do not match the current values"]
            deleted.add(new.key)
            del after[new.key]
            return []
        problems = self._check_set(new)
        if action == "CREATE" and old is not None:
            problems.append(
                f"Tried to create resource record set {new.label()} but it already exists"
            )
        if not problems:
            problems = self._check_siblings(new, after)
            after[new.key] = new
        return problems

    def _check_set(self, new: RecordSet) -> list[str]:
        name = escape_name(new.name)
        if new.name != self.name and not new.name.endswith(f".{self.name}"):
            return [f"RRSet with DNS name {name}. is not permitted in zone {self.name}."]
        if new.type == "CNAME" and new.name == self.name:
            return [
                f"RRSet of type CNAME with DNS name {name}. is not permitted at apex in zone "
                f"{self.name}."
            ]
        problems = [problem for value in new.values for problem in check_value(new.type, value)]
        if new.type == "CNAME" and len(new.values) > 1:
            problems.append("Invalid Resource Record: FATAL problem: MultipleCNAME")
        for value in sorted({v for v in new.values if new.values.count(v) > 1}):
            problems.append(f"Duplicate Resource Record: '{value}'")
        return problems

    def _check_siblings(
        self, new: RecordSet, after: dict[tuple[str, str, str], RecordSet]
    ) -> list[str]:
        name = escape_name(new.name)
        others = [s for s in after.values() if s.name == new.name and s.key != new.key]
        if any(s.type == new.type and not (s.identifier and new.identifier) for s in others):
            return [
                f"RRSet with DNS name {name}., type {new.type} cannot be created as other RRSets "
                "exist with the same name and type."
            ]
        if new.type == "CNAME" and any(s.type != "CNAME" for s in others):
            return [
                f"RRSet of type CNAME with DNS name {name}. is not permitted as it conflicts with "
                f"other records with the same DNS name in zone {self.name}."
            ]
        if new.type != "CNAME" and any(s.type == "CNAME" for s in others):
            return [
                f"RRSet of type {new.type} with DNS name {name}. is not permitted because a "
                "conflicting RRSet of type  CNAME with the same DNS name already exists in zone "
                f"{self.name}."
            ]
        return []

    def _check_whole(self, after: dict[tuple[str, str, str], RecordSet]) -> list[str]:
        return [
            f"A HostedZone must contain {count} {kind} record for the zone itself."
            for kind, count in (("NS", "at least one"), ("SOA", "exactly one"))
            if (self.name, kind, "") not in after
        ]


def _check_size(changes: Sequence[tuple[str, RecordSet]]) -> None:
    """An UPSERT counts twice."""
    records = characters = 0
    for action, record_set in changes:
        times = 2 if action == "UPSERT" else 1
        records += times * len(record_set.values)
        characters += times * sum(map(len, record_set.values))
    if len(changes) > CHANGES_PER_REQUEST:
        raise InvalidChangeBatch([f"Number of changes limit of {CHANGES_PER_REQUEST} exceeded."])
    if records > RECORDS_PER_REQUEST:
        raise InvalidChangeBatch([f"Number of records limit of {RECORDS_PER_REQUEST} exceeded."])
    if characters > CHARACTERS_PER_REQUEST:
        raise InvalidChangeBatch(
            [f"Number of characters limit of {CHARACTERS_PER_REQUEST} exceeded."]
        )


# Names: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html


def escape_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_.-]", lambda m: f"\\{ord(m[0]):03o}", name)


def read_name(text: str) -> str:
    """As clients may write it: any case, with or without the dot, escaped or not."""
    return OCTAL.sub(lambda m: chr(int(m[1], 8)), text).lower().rstrip(".")


def sort_key(name: str) -> str:
    """The escaped labels in reverse, with the dot at the end that counts in comparisons."""
    return "".join(f"{label}." for label in reversed(escape_name(name).split(".")))


# Values


def check_value(record_type: str, value: str) -> Iterable[str]:
    check = CHECKS.get(record_type, lambda v: _check_rdata(record_type, v))
    problem = check(value)
    if problem:
        yield f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"


def _check_text(value: str) -> str | None:
    if not TXT_VALUE.fullmatch(value):
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"
    if any(not " " <= c <= "~" for c in value):
        return "InvalidCharacterString (not printable ASCII, and not escaped)"
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    if any(len(re.sub(r"\\([0-7]{3}|.)", "x", s)) > 255 for s in strings):
        return "CharacterStringTooLong (Value is too long)"
    return None


def _check_address(address_class: Callable[[str], object], problem: str) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        try:
            address_class(value)
        except ValueError:
            return problem
        return None

    return check


def _check_rdata(record_type: str, value: str) -> str | None:
    return None if _is_rdata(record_type, value) else f"{record_type}RDATAInvalid"


CHECKS: dict[str, Callable[[str], str | None]] = {
    "TXT": _check_text,
    "SPF": _check_text,
    "A": _check_address(
        ipaddress.IPv4Address, "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
    ),
    "AAAA": _check_address(
        ipaddress.IPv6Address, "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
    ),
}


def _is_rdata(record_type: str, text: str) -> bool:
    try:
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record_type), text)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def from_dns(record_type: str, text: str) -> str:
    """Rdata in presentation form as Route 53 writes it: escapes are octal there."""
    if record_type not in ("TXT", "SPF"):
        return text
    quoted = text if text.startswith('"') else txt_quoted(text)
    return ESCAPE.sub(lambda m: f"\\{int(m[1]):03o}" if m[1][1:] else m[0], quoted)


def as_dns(record_type: str, value: str) -> str:
    if record_type in ("CNAME", "NS", "PTR", "MX"):
        return value if value.endswith(".") else f"{value}."
    return ESCAPE.sub(lambda m: f"\\{int(m[1], 8):03d}" if m[1][1:] else m[0], value)


# What belongs to others


def lines_of(record_set: RecordSet) -> list[dict[str, Any]]:
    """A plain set value by value, since others may come to it; a routed one as a whole."""
    shown = {"name": record_set.name, "type": record_set.type, "ttl": record_set.ttl}
    if record_set.routing:
        return [
            {
                **shown,
                "values": record_set.values,
                "identifier": record_set.identifier,
                "routing": record_set.routing,
            }
        ]
    return [{**shown, "value": value} for value in record_set.values]


def routed_sets(zone: str) -> list[RecordSet]:
    """Of every routing policy, and an alias."""
    alias = {
        "AliasTarget": "<HostedZoneId>Z2FDTNDATAQYW2</HostedZoneId>"
        "<DNSName>d111111abcdef8.cloudfront.net.</DNSName>"
        "<EvaluateTargetHealth>false</EvaluateTargetHealth>"
    }
    sets = [RecordSet(f"foreign-alias.{zone}", t, None, [], None, alias) for t in ("A", "AAAA")]
    for policy, routing in (
        ("weighted", {"Weight": "3"}),
        ("latency", {"Region": "eu-west-1"}),
        ("failover", {"Failover": "PRIMARY", "HealthCheckId": "abcdef11-2222-3333"}),
        ("geo", {"GeoLocation": "<ContinentCode>EU</ContinentCode>"}),
        ("multivalue", {"MultiValueAnswer": "true"}),
    ):
        sets += [
            RecordSet(f"foreign-{policy}.{zone}", "A", 60, [f"192.0.2.{n}"], f"{policy} <{n}>", routing)
            for n in (1, 2)
        ]
    return sets
