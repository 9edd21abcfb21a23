"""The records of one Cloudflare zone, and the rules by which the API takes or refuses them.

Codes and messages are those that users of API clients reported up to 2026, but for 9001 and 9002:
what the API answers there was not to be found.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .txt import txt_quoted, txt_value

TTL_AUTOMATIC = 1
TTL_OF_AUTOMATIC = 300
TTL_RANGE = range(60, 86400 + 1)
KNOWN_TYPES = frozenset(
    "A AAAA CAA CERT CNAME DNSKEY DS HTTPS LOC MX NAPTR NS OPENPGPKEY PTR SMIMEA SRV SSHFP SVCB "
    "TLSA TXT URI".split()
)
PROXIABLE_TYPES = frozenset({"A", "AAAA", "CNAME"})
HOST_NAME_TYPES = frozenset({"CNAME", "NS", "MX", "PTR"})
CAA_TAGS = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc"})
SAME_NAME_HELP = (
    "For more details, refer to "
    "<https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/"
    "records-with-same-name/>."
)
LABELS = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}")


class ApiError(Exception):
    """Becomes an answer with `status` and one error."""

    def __init__(self, status: int, code: int, message: str, *chain: tuple[int, str]) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message}
        if chain:
            self.error["error_chain"] = [{"code": c, "message": m} for c, m in chain]


def invalid(code: int, message: str) -> ApiError:
    return ApiError(400, 1004, "DNS Validation Error", (code, message))


@dataclass
class Record:
    type: str
    name: str
    content: str
    ttl: int = TTL_AUTOMATIC
    proxied: bool = False
    data: dict[str, Any] | None = None
    priority: int | None = None
    comment: str | None = None
    tags: list[str] = field(default_factory=list)
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created_on: str = field(default_factory=lambda: _now())
    modified_on: str = field(default_factory=lambda: _now())

    @property
    def value(self) -> str:
        """The content by which two records are the same one, however they were written."""
        if self.type == "TXT":
            return txt_value(self.content)
        return self.content.rstrip(".").lower() if self.type in HOST_NAME_TYPES else self.content

    @classmethod
    def from_dns(cls, name: str, ttl: int, record_type: str, text: str) -> Record:
        """`text` is rdata in presentation form."""
        record = cls(record_type, name, text, ttl)
        if record_type == "CAA":
            flags, tag, value = text.split(None, 2)
            record.data = {"flags": int(flags), "tag": tag, "value": value.strip('"')}
        elif record_type == "MX":
            priority, record.content = text.split()
            record.priority = int(priority)
        if record_type in HOST_NAME_TYPES:
            record.content = record.content.rstrip(".")
        return record

    def as_dns(self) -> tuple[int, str, str]:
        """TTL, type, and rdata in presentation form (nonsense for types without one)."""
        text = self.content
        if self.type == "TXT":
            text = txt_quoted(self.value)
        elif self.type in HOST_NAME_TYPES:
            text = f"{self.content}." if self.type != "MX" else f"{self.priority} {self.content}."
        return TTL_OF_AUTOMATIC if self.ttl == TTL_AUTOMATIC else self.ttl, self.type, text

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "content": self.content,
            "proxiable": self.type in PROXIABLE_TYPES,
            "proxied": self.proxied,
            "ttl": self.ttl,
            "settings": {},
            "meta": {},
            "comment": self.comment,
            "tags": self.tags,
            "created_on": self.created_on,
            "modified_on": self.modified_on,
        }
        if self.data is not None:
            shown["data"] = self.data
        if self.priority is not None:
            shown["priority"] = self.priority
        return shown


class RecordStore:
    """The records of the zone `zone`, in the order they were made.

    One rule is stricter than the real API: that completes any name outside of the zone with the
    zone's, and here such a name is refused, since a client that sends one has picked the wrong
    zone.
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._records: dict[str, Record] = {}

    def all(self) -> list[Record]:
        return list(self._records.values())

    def at(self, name: str) -> list[Record]:
        return [record for record in self._records.values() if record.name == name]

    def get(self, record_id: str) -> Record:
        if record_id not in self._records:
            raise ApiError(404, 81044, "Record does not exist.")
        return self._records[record_id]

    def put(self, record: Record) -> Record:
        """Takes a record as it is, unchecked: what is in a zone already may be anything."""
        self._records[record.id] = record
        return record

    def create(self, body: Mapping[str, Any]) -> Record:
        record = self._parse(body)
        self._check_neighbours(record)
        return self.put(record)

    def replace(self, record_id: str, body: Mapping[str, Any]) -> Record:
        """PUT: what the body does not say gets its default."""
        old = self.get(record_id)
        record = self._parse(body)
        record.id, record.created_on = old.id, old.created_on
        self._check_neighbours(record)
        return self.put(record)

    def edit(self, record_id: str, body: Mapping[str, Any]) -> Record:
        """PATCH: what the body does not say stays."""
        old = self.get(record_id).as_json()
        if "data" in body:
            old.pop("content")
        return self.replace(record_id, {**old, **body})

    def delete(self, record_id: str) -> Record:
        record = self.get(record_id)
        del self._records[record_id]
        return record

    def _parse(self, body: Mapping[str, Any]) -> Record:
        record_type = body.get("type")
        if record_type not in KNOWN_TYPES:
            raise invalid(9001, f"DNS record type {record_type!r} is invalid.")
        record = Record(
            type=str(record_type),
            name=self._parse_name(body.get("name")),
            content="",
            ttl=_parse_ttl(body.get("ttl", TTL_AUTOMATIC)),
            proxied=_parse_proxied(body.get("proxied", False), str(record_type)),
            priority=body.get("priority"),
            comment=body.get("comment"),
            tags=list(body.get("tags") or []),
        )
        if record.type == "CAA":
            record.data = _parse_caa(body.get("data"))
            record.content = '{flags} {tag} "{value}"'.format(**record.data)
        else:
            record.data = body.get("data")
            record.content = _parse_content(record.type, body.get("content"))
        return record

    def _parse_name(self, name: object) -> str:
        if not isinstance(name, str) or not name:
            raise invalid(9000, "DNS name is invalid.")
        name = self.zone if name == "@" else name.rstrip(".").lower()
        inside = name == self.zone or name.endswith(f".{self.zone}")
        if not inside or len(name) > 253 or not LABELS.fullmatch(name):
            raise invalid(9000, "DNS name is invalid.")
        return name

    def _check_neighbours(self, record: Record) -> None:
        for other in self.at(record.name):
            if other.id == record.id:
                continue
            if (other.type, other.value) == (record.type, record.value):
                if (other.ttl, other.proxied) == (record.ttl, record.proxied):
                    raise ApiError(400, 81058, "An identical record already exists.")
                raise ApiError(400, 81057, "The record already exists.")
            if record.type == "CNAME" and other.type in PROXIABLE_TYPES:
                raise ApiError(
                    400,
                    81053,
                    "An A, AAAA, or CNAME record with that host already exists. "
                    + SAME_NAME_HELP,
                )
            if record.type in ("A", "AAAA") and other.type == "CNAME":
                raise ApiError(
                    400, 81054, "A CNAME record with that host already exists. " + SAME_NAME_HELP
                )


def _parse_ttl(ttl: object) -> int:
    if type(ttl) is not int or (ttl != TTL_AUTOMATIC and ttl not in TTL_RANGE):
        raise invalid(9021, "TTL must be between 60 and 86400 seconds, or 1 for Automatic.")
    return ttl


def _parse_proxied(proxied: object, record_type: str) -> bool:
    if proxied and record_type not in PROXIABLE_TYPES:
        raise ApiError(400, 9004, "This record type cannot be proxied.")
    return bool(proxied)


def _parse_content(record_type: str, content: object) -> str:
    if not isinstance(content, str) or not content:
        raise invalid(9002, f"Content for {record_type} record is missing.")
    check = CONTENT_CHECKS.get(record_type)
    if check is not None:
        code, message, is_valid = check
        if not is_valid(content):
            raise invalid(code, message)
    return content.rstrip(".") if record_type in HOST_NAME_TYPES else content


def _parse_caa(data: object) -> dict[str, Any]:
    given = data if isinstance(data, Mapping) else {}
    for name in ("flags", "tag", "value"):
        if name not in given:
            raise ApiError(400, 9101, f"{name} is a required data field.")
    flags, tag, value = given["flags"], given["tag"], given["value"]
    flags_valid = type(flags) is int and 0 <= flags <= 255
    if not flags_valid or tag not in CAA_TAGS or not isinstance(value, str):
        raise invalid(9036, "Content for CAA record is invalid.")
    return {"flags": flags, "tag": tag, "value": value}


def _is_address(address_class: Callable[[str], object], content: str) -> bool:
    try:
        address_class(content)
    except ValueError:
        return False
    return True


CONTENT_CHECKS: dict[str, tuple[int, str, Callable[[str], bool]]] = {
    "A": (
        9005,
        "Content for A record must be a valid IPv4 address.",
        lambda content: _is_address(ipaddress.IPv4Address, content),
    ),
    "AAAA": (
        9006,
        "Content for AAAA record must be a valid IPv6 address.",
        lambda content: _is_address(ipaddress.IPv6Address, content),
    ),
    "CNAME": (
        9007,
        "Content for CNAME record is invalid.",
        lambda content: LABELS.fullmatch(content.rstrip(".").lower()) is not None,
    ),
}


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
