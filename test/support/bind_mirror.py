"""Lets a CA see what was written through a provider's emulated API."""

from __future__ import annotations

from collections.abc import Iterable

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from .bind import Bind

Rdata = tuple[int, str, str]
"""TTL, type, rdata in presentation form."""


class BindMirror:
    """Writes an emulator's records to BIND, one name at a time.

    Where the two cannot hold the same, BIND gets less. Beside a CNAME no other record can stand:
    of a name that has both, only the others are written, and a CNAME at the apex is not. Types
    that are not known, and names that a delegation hides, are left out.
    """

    def __init__(self, bind: Bind) -> None:
        self._bind = bind

    def sync(self, zone: str, name: str, records: Iterable[Rdata]) -> None:
        """Makes BIND's records of `name` these, whatever it had there."""
        if self._bind.zone_of(name) != zone:
            return
        known = [record for record in records if _is_known(record)]
        others = [record for record in known if record[1] != "CNAME"]
        update = self._bind.update(name)
        # At the apex this spares SOA and NS (RFC 2136, 3.4.2.3).
        update.delete(f"{name}.")
        for record in others if others or name == zone else known:
            update.add(f"{name}.", *record)
        self._bind.send(update)

    def read(self, zone: str) -> list[tuple[str, Rdata]]:
        """What BIND has, by name, but for what belongs to the zone itself: SOA and apex NS."""
        return [
            (owner.rstrip(".").lower(), (ttl, record_type, text))
            for owner, ttl, record_type, text in sorted(self._bind.snapshot(zone))
            if (owner.rstrip(".").lower(), record_type) != (zone, "NS")
        ]


def _is_known(record: Rdata) -> bool:
    _, record_type, text = record
    try:
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record_type), text)
    except dns.exception.DNSException:
        return False
    return True
