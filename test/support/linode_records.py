"""The records of one Linode domain, and the rules by which the API takes or refuses them.

Rules are those of the API's reference (2026); a reason marked "seen" is what users of clients
reported, the wording of the others was not to be found.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .txt import txt_quoted, txt_value

KNOWN_TYPES = ("A", "AAAA", "NS", "MX", "CNAME", "TXT", "SRV", "PTR", "CAA")
HOST_NAME_TYPES = frozenset({"CNAME", "NS", "MX", "PTR", "SRV"})
CAA_TAGS = ("issue", "issuewild", "iodef")
NAME_MAX = 100
TTL_STEPS = (
    30, 120, 300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200,
)  # fmt: skip
TTL_OF_DEFAULT = 86400
LABELS = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}", re.I)
CAA_DOMAIN = re.compile(r"([a-z0-9-]+\.)+[a-z0-9-]+", re.I)

_ids = itertools.count(10_000_000 + secrets.randbelow(10_000_000))


class ApiError(Exception):
    """Becomes an answer with `status` and these errors: pairs of field (or None) and reason."""

    def __init__(self, status: int, *errors: tuple[str | None, str]) -> None:
        super().__init__(errors)
        self.status = status
        self.errors = [
            {"reason": reason} if name is None else {"reason": reason, "field": name}
            for name, reason in errors
        ]


def invalid(name: str, reason: str) -> ApiError:
    return ApiError(400, (name, reason))


CNAME_CONFLICT = "Record conflict - CNAMES must be unique"  # seen


def new_id() -> int:
    return next(_ids)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Record:
    """`name` is relative to the domain, "" its apex; `ttl_sec` 0 is the domain's default."""

    type: str
    name: str
    target: str
    ttl_sec: int = 0
    tag: str | None = None
    priority: int = 0
    weight: int = 0
    port: int = 0
    id: int = field(default_factory=new_id)
    created: str = field(default_factory=_now)

    @classmethod
    def from_dns(cls, name: str, ttl: int, record_type: str, text: str) -> Record:
        """`text` is rdata in presentation form."""
        record = cls(record_type, name, text, ttl)
        if record_type == "TXT":
            record.target = txt_value(text)
        elif record_type == "CAA":
            _, record.tag, value = text.split(None, 2)
            record.target = value.strip('"')
        elif record_type == "MX":
            priority, record.target = text.split()
            record.priority = int(priority)
        elif record_type == "SRV":
            priority, weight, port, record.target = text.split()
            record.priority, record.weight, record.port = int(priority), int(weight), int(port)
        if record_type in HOST_NAME_TYPES:
            record.target = record.target.rstrip(".")
        return record

    def as_dns(self, hurried: bool) -> tuple[int, str, str]:
        """TTL, type, and rdata in presentation form (nonsense for types without one)."""
        text = self.target
        if self.type == "TXT":
            text = txt_quoted(text)
        elif self.type == "CAA":
            text = f'0 {self.tag} "{text}"'
        elif self.type == "MX":
            text = f"{self.priority} {text}."
        elif self.type == "SRV":
            text = f"{self.priority} {self.weight} {self.port} {text}."
        elif self.type in HOST_NAME_TYPES:
            text += "."
        return self.ttl_sec or (1 if hurried else TTL_OF_DEFAULT), self.type, text

    def as_json(self, domain: str = "") -> dict[str, Any]:
        """With the whole name when `domain` is given."""
        whole = ".".join(part for part in (self.name, domain) if part)
        return {
            "id": self.id,
            "type": self.type,
            "name": whole if domain else self.name,
            "target": self.target,
            "priority": self.priority,
            "weight": self.weight,
            "port": self.port,
            "service": None,
            "protocol": None,
            "ttl_sec": self.ttl_sec,
            "tag": self.tag,
            "created": self.created,
            "updated": self.created,
        }


class RecordStore:
    """The records of `domain`, in the order they were made.

    A record may be there several times: the API does not mind, but for CNAMEs.
    """

    def __init__(
        self, domain: str, ttl_steps: Sequence[int] = TTL_STEPS, *, issuewild_parameters: bool = True
    ) -> None:
        self.domain = domain
        self.ttl_steps = tuple(ttl_steps)
        self.issuewild_parameters = issuewild_parameters
        self._records: dict[int, Record] = {}

    def all(self) -> list[Record]:
        return list(self._records.values())

    def at(self, name: str) -> list[Record]:
        return [record for record in self._records.values() if record.name == name]

    def get(self, record_id: int) -> Record:
        if record_id not in self._records:
            raise ApiError(404, (None, "Not found"))  # seen
        return self._records[record_id]

    def put(self, record: Record) -> Record:
        """Takes a record as it is, unchecked: what is in a domain already may be anything."""
        self._records[record.id] = record
        return record

    def delete(self, record_id: int) -> Record:
        record = self.get(record_id)
        del self._records[record_id]
        return record

    def create(self, body: Mapping[str, Any]) -> Record:
        record_type = body.get("type")
        if record_type not in KNOWN_TYPES:
            raise invalid("type", f"Must be one of {', '.join(KNOWN_TYPES)}")
        record = self._parse(Record(str(record_type), "", ""), body)
        # Reported by users: the TTL is kept only by an update.
        record.ttl_sec = 0
        return self.put(record)

    def edit(self, record_id: int, body: Mapping[str, Any]) -> Record:
        """PUT: what the body does not say stays; the type always does."""
        old = self.get(record_id)
        return self.put(self._parse(old, {**old.as_json(), **body}))

    def relative(self, name: str) -> str:
        name = name.rstrip(".").lower()
        if name == self.domain:
            return ""
        return name.removesuffix(f".{self.domain}")

    def _parse(self, old: Record, body: Mapping[str, Any]) -> Record:
        record = Record(
            old.type,
            self._parse_name(body.get("name", "")),
            "",
            self._parse_ttl(body.get("ttl_sec", 0)),
            priority=body.get("priority") or 0,
            weight=body.get("weight") or 0,
            port=body.get("port") or 0,
            id=old.id,
            created=old.created,
        )
        if record.type == "CAA":
            record.tag = body.get("tag")
        elif body.get("tag") is not None:
            raise invalid("tag", "Only valid for CAA records")
        record.target = self._parse_target(record, body.get("target"))
        self._check_neighbours(record)
        return record

    def _parse_name(self, name: object) -> str:
        if not isinstance(name, str) or len(name) > NAME_MAX:
            raise invalid("name", f"Length must be 0-{NAME_MAX} characters")
        relative = self.relative(name)
        if relative not in ("", "*") and not LABELS.fullmatch(relative):
            # seen, both
            raise ApiError(
                400, ("name", "Name contains invalid characters"), ("name", "Invalid hostname")
            )
        return relative

    def _parse_ttl(self, ttl: object) -> int:
        if type(ttl) is not int or ttl < 0:
            raise invalid("ttl_sec", "Must be a positive integer")
        if ttl == 0:
            return 0
        return next((step for step in self.ttl_steps if step >= ttl), self.ttl_steps[-1])

    def _parse_target(self, record: Record, target: object) -> str:
        if not isinstance(target, str) or not target:
            raise invalid("target", "Target is required")
        if record.type in ("A", "AAAA"):
            version = 4 if record.type == "A" else 6
            if not _is_address(target, version):
                raise invalid("target", f"Must be a valid IPv{version} address")
        elif record.type == "CAA":
            self._check_caa(record.tag, target)
        elif record.type in HOST_NAME_TYPES:
            target = target.rstrip(".").lower()
            if not LABELS.fullmatch(target):
                raise invalid("target", "Must be a valid domain")
        return target

    def _check_caa(self, tag: object, target: str) -> None:
        if tag not in CAA_TAGS:
            raise invalid("tag", f"Must be one of {', '.join(CAA_TAGS)}")
        if re.search(r"\s", target):
            raise invalid("target", "Must not contain whitespace")
        issuer, semicolon, _ = target.partition(";")
        if tag == "iodef":
            return
        # Users keep ";" (nobody may issue) there.
        if issuer and not CAA_DOMAIN.fullmatch(issuer):
            raise invalid("target", "Must be a valid domain")
        if tag == "issuewild" and issuer and semicolon and not self.issuewild_parameters:
            raise invalid("target", "Must be a valid domain")

    def _check_neighbours(self, record: Record) -> None:
        others = [other for other in self.at(record.name) if other.id != record.id]
        if record.type == "CNAME" and (others or record.name == ""):
            raise invalid("name", CNAME_CONFLICT)
        if any(other.type == "CNAME" for other in others):
            raise invalid("name", CNAME_CONFLICT)


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False
