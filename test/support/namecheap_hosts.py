"""The hosts of one zone at Namecheap, and what setHosts makes of them.

Numbers and messages are those of the documentation and of answers that users of API clients
published; for values that are refused the API has been seen to say 2050900 with a sentence.
"""

from __future__ import annotations

import ipaddress
import functools
import itertools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from .txt import txt_quoted, txt_value

KNOWN_TYPES = frozenset("A AAAA ALIAS CAA CNAME MX MXE NS TXT URL URL301 FRAME".split())
TARGET_TYPES = frozenset({"ALIAS", "CNAME", "MX", "NS"})
EMAIL_TYPES = frozenset({"NONE", "MXE", "MX", "FWD", "OX", "GMAIL"})
TTL_RANGE = range(60, 60000 + 1)
TTL_DEFAULT = "1800"
CAA = re.compile(r'\d{1,3} (issue|issuewild|iodef) "[^" ]*"')

_ids = itertools.count(140000001)


class ApiError(Exception):
    """Becomes an answer with Status="ERROR"."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.message = message


@dataclass
class Host:
    """`name` is relative, "@" for the zone itself. `extra` are attributes that nobody knows."""

    name: str
    type: str
    address: str
    mx_pref: str = "10"
    ttl: str = TTL_DEFAULT
    title: str = ""
    friendly_name: str = ""
    active: bool = True
    ddns: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    id: int = field(default_factory=lambda: next(_ids))

    @classmethod
    def from_dns(cls, name: str, ttl: int, record_type: str, text: str) -> Host:
        """`text` is rdata in presentation form."""
        host = cls(name, record_type, text, ttl=str(ttl))
        if record_type == "MX":
            host.mx_pref, host.address = text.split()
        elif record_type == "TXT":
            host.address = txt_value(text)
        return host

    @property
    def is_served(self) -> bool:
        return not (self.type == "CNAME" and self.address.startswith("_."))

    def as_dns(self) -> tuple[int, str, str]:
        """TTL, type, and rdata in presentation form (nonsense for types without one)."""
        text = self.address
        if self.type == "TXT":
            text = txt_quoted(self.address)
        elif self.type == "MX":
            text = f"{self.mx_pref} {self.address}"
        return int(self.ttl), self.type, text

    def as_xml(self) -> str:
        attributes = (
            ("Name", self.name),
            ("Type", self.type),
            ("Address", self.address),
            ("MXPref", self.mx_pref),
            ("TTL", self.ttl),
            ("AssociatedAppTitle", self.title),
            ("FriendlyName", self.friendly_name),
            ("IsActive", str(self.active).lower()),
            ("IsDDNSEnabled", str(self.ddns).lower()),
            *self.extra.items(),
        )
        return f'<host HostId="{self.id}" {_attributes(attributes)} />'

    def shown(self) -> str:
        """Everything that a user could have set."""
        flags = f"{'' if self.active else ' inactive'}{' ddns' if self.ddns else ''}"
        return (
            f"{self.name} {self.ttl} {self.type} {self.mx_pref} {self.address}{flags} "
            f"{self.extra or ''}"
        ).rstrip()


@dataclass
class NamecheapZone:
    """A domain of the account.

    - `our_dns`: whether its name servers are Namecheap's
    - `listed`: whether getList has it (what another account shares with this one is not there)
    """

    name: str
    email_type: str = "NONE"
    our_dns: bool = True
    listed: bool = True
    hosts: list[Host] = field(default_factory=list)

    def whole_name(self, host: Host) -> str:
        is_apex = host.name in ("@", self.name)
        return self.name if is_apex else f"{host.name}.{self.name}".lower()

    def relative(self, name: str) -> str:
        return "@" if name == self.name else name.removesuffix(f".{self.name}")

    def put(self, host: Host) -> Host:
        """Takes a host as it is, unchecked: what is in a zone already may be anything."""
        if host.type in ("MX", "MXE"):
            self.email_type = host.type
        self.hosts.append(host)
        return host

    def replace(self, form: Mapping[str, str]) -> None:
        """setHosts: what is not in the form is gone, and so is what it cannot carry."""
        known = KNOWN_TYPES | {h.type for h in self.hosts}
        hosts = [_parse(form, n, known) for n in _numbers(form)]
        # What these two had been put up for is lost with any call.
        email_type = form.get("emailtype", "NONE").upper() or "NONE"
        if email_type not in EMAIL_TYPES:
            raise ApiError(2050900, "EmailType is invalid")
        if self.email_type in ("OX", "GMAIL"):
            email_type = "NONE"
        self.email_type = email_type
        # Without a word.
        self.hosts = [h for h in hosts if h.type not in ("MX", "MXE") or h.type == email_type]


@functools.lru_cache(maxsize=4096)
def _attributes(pairs: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{name}={quoteattr(value)}" for name, value in pairs)


def _parse(form: Mapping[str, str], number: int, known: Collection[str]) -> Host:
    host = Host(
        name=form[f"hostname{number}"],
        type=form.get(f"recordtype{number}", ""),
        address=form.get(f"address{number}", ""),
        mx_pref=form.get(f"mxpref{number}", "10"),
        ttl=form.get(f"ttl{number}", TTL_DEFAULT),
    )
    if host.type not in known:
        raise ApiError(2050900, f"RecordType{number} is invalid")
    if not host.ttl.isdecimal() or int(host.ttl) not in TTL_RANGE:
        raise ApiError(2050900, f"TTL{number} is invalid")
    if not host.mx_pref.isdecimal():
        raise ApiError(2050900, f"MXPref{number} is invalid")
    _check_address(host)
    if host.type in TARGET_TYPES:
        host.address = f"{host.address.rstrip('.')}."
    return host


def _numbers(form: Mapping[str, str]) -> range:
    """The hosts are numbered from 1 without a gap."""
    count = sum(n.startswith("hostname") and n[len("hostname") :].isdecimal() for n in form)
    if any(f"hostname{n}" not in form for n in range(1, count + 1)):
        raise ApiError(2050900, "HostName is missing")
    return range(1, count + 1)


@functools.lru_cache(maxsize=4096)
def _is_valid(record_type: str, address: str) -> bool:
    return bool(ADDRESS_CHECKS.get(record_type, bool)(address))


def _check_address(host: Host) -> None:
    if _is_valid(host.type, host.address):
        return
    if host.type == "CAA":
        raise ApiError(2050900, "The CAA record is invalid.")
    raise ApiError(2050900, "Invalid Address")


def _is_address(address_class: Callable[[str], object], text: str) -> bool:
    try:
        address_class(text)
    except ValueError:
        return False
    return True


ADDRESS_CHECKS: dict[str, Callable[[str], bool]] = {
    "A": lambda text: _is_address(ipaddress.IPv4Address, text),
    "AAAA": lambda text: _is_address(ipaddress.IPv6Address, text),
    "CAA": lambda text: CAA.fullmatch(text) is not None,
    "CNAME": lambda text: re.fullmatch(r"([\w-]+\.)+[\w-]+\.?", text) is not None,
    "URL": lambda text: "://" in text,
    "URL301": lambda text: "://" in text,
    "FRAME": lambda text: "://" in text,
}
