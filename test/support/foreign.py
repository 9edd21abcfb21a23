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


OPAQUE_TYPES = ("A", "AAAA", "CNAME", "CAA", "NS", "MX", "TXT", "SRV", "HTTPS")
OPAQUE_ODD = (
    *('"', '"open', '\\"', "\\", "\\000", "..", "@", "*", " ", "a b", "0 issue", "%s%n", "<&>'"),
    *("münchen", "日本", "\U0001f30d", "\u202e", "\u00a0", "\u2028", "{}", "null", "999.1.1.1", "::g"),
)
OPAQUE_ELSEWHERE = 12
OPAQUE_LONGEST = 600


def opaque_text(rng: random.Random, *, with_controls: bool = False) -> str:
    """What no value is, and a listing may show all the same; control characters where the form of
    the API's answers has them."""
    words = [rng.choice(OPAQUE_ODD) for _ in range(rng.randint(1, 4))]
    letters = [chr(rng.choice((*range(0x20, 0x7F), *range(0xA0, 0x180)))) for _ in range(8)]
    if with_controls:
        words += [chr(rng.randrange(0x20)), "\x7f", "\ud800", "\x00"]
    rng.shuffle(words)
    text = "".join((*words, *letters))
    return text * (OPAQUE_LONGEST // len(text)) if rng.random() < 0.1 else text


def opaque_places(zone: str, *, with_sets: bool) -> Iterator[tuple[str, str]]:
    """Types and whole names of foreign records whose values nobody can read: at the names where the
    product writes, and elsewhere. Where an API writes whole sets, `with_sets`, none stands in a set
    that the product adds to: such an API takes none of them."""
    added_to = () if with_sets else ("TXT",)
    for name in ("_acme-challenge.mixed", "_acme-challenge.app", "_dstack-app-address.app", "txt"):
        for record_type in ("A", "AAAA", "CAA", *added_to):
            yield record_type, f"{name}.{zone}"
    for record_type in ("HTTPS", "SRV", *added_to):
        yield record_type, f"mixed.{zone}"
    for number in range(OPAQUE_ELSEWHERE):
        yield OPAQUE_TYPES[number % len(OPAQUE_TYPES)], f"opaque-{number}.{zone}"
