"""Records that belong to somebody else, of every standard type that could be hurt."""

from __future__ import annotations

import random
from collections.abc import Iterator

BESIDE_OURS = (
    ("TXT", "_acme-challenge.mixed", '"somebody else\'s challenge"'),
    ("TXT", "_dstack-app-address.app", '"not an app address"'),
    ("MX", "mixed", "10 mail.elsewhere.test."),
    ("TXT", "mixed", '"v=spf1 -all"'),
    ("TXT", "", '"v=spf1 include:elsewhere.test -all"'),
    ("MX", "", "10 mail.elsewhere.test."),
    ("CAA", "", '0 iodef "mailto:security@elsewhere.test"'),
    ("CAA", "mixed", '0 iodef "mailto:security@elsewhere.test"'),
    ("TXT", "_acme-challenge.app.away.test", '"somebody else\'s challenge"'),
    ("TXT", "_dstack-app-address.app.away.test", '"not an app address"'),
    ("CAA", "app.away.test", '0 iodef "mailto:security@elsewhere.test"'),
)
"""At names where the product writes too: the domains app, mixed, the apex, and app.away.test where
it is delegated."""

ELSEWHERE = (
    ("A", "192.0.2.{n}"),
    ("AAAA", "2001:db8::{n:x}"),
    ("CNAME", "target-{n}.elsewhere.test."),
    ("MX", "{n} mail-{n}.elsewhere.test."),
    ("TXT", '"one {n}" "two; \\"quoted\\" and \\\\ too"'),
    ("NS", "ns{n}.elsewhere.test."),
    ("SRV", "1 {n} 5060 sip-{n}.elsewhere.test."),
    ("CAA", '0 issue "ca-{n}.test"'),
    ("PTR", "host-{n}.elsewhere.test."),
    ("TLSA", "3 1 1 {n:064x}"),
    ("SSHFP", "4 2 {n:064x}"),
    ("NAPTR", '{n} 10 "u" "E2U+sip" "!^.*$!sip:{n}@elsewhere.test!" .'),
    ("HTTPS", "1 . alpn=h2"),
    ("DS", "{n} 13 2 {n:064x}"),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"),
    ("URI", '10 1 "https://elsewhere.test/{n}"'),
    ("TXT", '"{raw}" "" "{raw}"'),
)


def foreign_records(zone: str, count: int) -> Iterator[tuple[str, str, str]]:
    """Type, whole name and value in the form of a zone file; the same `count` each time."""
    for record_type, name, value in BESIDE_OURS[:count]:
        yield record_type, f"{name}.{zone}" if name else zone, value
    for n in range(1, count - len(BESIDE_OURS) + 1):
        record_type, value = ELSEWHERE[n % len(ELSEWHERE)]
        yield record_type, f"foreign-{n}.{zone}", value.format(n=n, raw=_random_bytes(n))


def _random_bytes(n: int) -> str:
    """Any bytes but those that no API can show, as a zone file has them."""
    chosen = random.Random(n).choices([*range(0x20, 0x7F), *range(0x80, 0x100)], k=40)
    return "".join(f"\\{byte:03d}" for byte in chosen)
