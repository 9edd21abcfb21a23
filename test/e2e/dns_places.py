"""Name servers as people have them, each with the zone demo.test that a key may update."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from support.bind import Bind
from support.knot import Knot
from support.named import NameServer
from support.powerdns import PowerDns
from support.process import wait_until

from .dns_bench import FOREIGN, Bench

ZONE = "demo.test"
UPDATE_TIMEOUT = 5.0
PART = f"_acme-challenge.part.{ZONE}"
"""The key "part" may update TXT records there."""


@dataclass
class Place:
    """A server to update, and the one that has what was written at once."""

    updated: NameServer
    written: NameServer
    key_name: str
    key_secret: str

    def bench(self, folder: Path, **extra: str) -> Bench:
        return Bench(
            folder,
            {
                "DNS_RESOLVERS": f"{self.written.address}:{self.written.port}",
                "DNS_PORT": str(self.written.port),
                "RFC2136_SERVER": f"{self.updated.address}:{self.updated.port}",
                "RFC2136_KEY_NAME": self.key_name,
                "RFC2136_KEY_SECRET": self.key_secret,
                **extra,
            },
            [self.key_secret],
        )

    def add(self, name: str, record_type: str, value: str) -> None:
        """By another client than ours."""
        update = dns.update.UpdateMessage(
            ZONE,
            keyring=dns.tsigkeyring.from_text({self.key_name: self.key_secret}),
            keyalgorithm="hmac-sha256",
        )
        update.add(name, 60, record_type, value)
        answer = dns.query.tcp(
            update, self.written.address, timeout=UPDATE_TIMEOUT, port=self.written.port
        )
        assert answer.rcode() == dns.rcode.NOERROR, answer

    def query(self, name: str, record_type: str) -> list[str]:
        return self.written.query(name, record_type)

    def follow(self) -> None:
        """Waits until the server that is asked has what was written."""
        wait_until(
            lambda: self.updated.snapshot(ZONE) == self.written.snapshot(ZONE),
            what="the secondary to follow",
        )


Opening = Callable[[ExitStack, Path, dict[str, str]], Place]


def knot(running: ExitStack, folder: Path, clock: dict[str, str]) -> Place:
    server = running.enter_context(Knot(folder, ZONE, records=FOREIGN, part=PART, clock=clock))
    return Place(server, server, server.key_name, server.key_secret)


def powerdns(running: ExitStack, folder: Path, clock: dict[str, str]) -> Place:
    server = running.enter_context(
        PowerDns(folder, ZONE, records=FOREIGN, part=PART, clock=clock)
    )
    return Place(server, server, server.key_name, server.key_secret)


def forwarding_bind(running: ExitStack, folder: Path, clock: dict[str, str]) -> Place:
    bind = running.enter_context(
        Bind(folder, records={ZONE: FOREIGN}, second=True, part=PART, clock=clock)
    )
    return Place(bind.second, bind.first, bind.key_name, bind.key_secret)


SERVERS: dict[str, Opening] = {"knot": knot, "powerdns": powerdns, "forwarding BIND": forwarding_bind}
