"""A DNS server for tests: BIND, authoritative for a few zones that a TSIG key may update."""

from __future__ import annotations

import base64
import contextlib
import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dns.name
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from .named import Doh, Named, PortInUse, Record
from .ports import ReservedPort
from .second_server import SecondServer
from .txt import txt_quoted, txt_value

FIRST_ADDRESS = "127.0.0.1"
SECOND_ADDRESS = "127.0.0.2"
DEFAULT_TTL = 60
NEGATIVE_TTL = 1
# Long enough that only NOTIFY makes the secondary look at the primary during a test.
REFRESH = 86400
START_ATTEMPTS = 5
UPDATE_TIMEOUT = 5.0

OWN_KEY = "own"  # of the tests

KEY = """\
key "{name}" {{
    algorithm {algorithm};
    secret "{secret}";
}};
"""

ZONE = """\
    zone "{zone}" {{
        type primary;
        file "{zone}.zone";
        {may_update}
        {also_notify}
    }};
"""

POLICY = """\
update-policy {{
            grant "{own}" zonesub ANY; grant "{key}" zonesub ANY; grant "part" subdomain {part} TXT; }};"""

# Three views, so that one port can be both things that real names have: authoritative servers
# (questions without RD; REFUSED for foreign names) and a resolver that follows a CNAME into
# another zone (questions with RD, as a CA asks them). A view only refers to zones of earlier
# ones, hence the first, which nobody can reach. The empty root keeps the resolver from ever
# asking anybody on the network.
VIEWS = """\
view "zones" {{
    match-clients {{ none; }};
{zones}}};
view "resolver" {{
    match-recursive-only yes;
    recursion yes;
    zone "." {{ type primary; file "root.zone"; }};
{references}}};
view "authoritative" {{
{references}}};
"""

REFERENCE = """\
    zone "{zone}" {{ in-view "zones"; }};
"""

ROOT_ZONE = """\
$TTL 1
@ SOA localhost. nobody.localhost. 1 60 60 60 1
@ NS localhost.
localhost. A 127.0.0.1
"""


class Bind:
    """One or two name servers for `zones`, on loopback, all on one port.

    Every zone has NS records ns1.ZONE (and ns2.ZONE), and gateway.ZONE with A 127.0.0.1 and AAAA
    ::1. A zone below another one of the list is delegated from it. `records` adds lines of zone
    file to a zone; names in them are relative to it.

    The servers are where programs on this machine reach them; with `outside`, another address of
    it, the first one is there too, and is known by it.

    `closed` are zones that a second key alone may update, which none but `add` and `delete` have.

    With `doh` (the files of a certificate and its key) the first server has DNS over HTTPS too.

    With `second`, a secondary answers on 127.0.0.2, which `second.held()` makes lag. It forwards
    updates.

    `key_secret` is base64, as TSIG keys are written everywhere. With `part`, a name, the key `part`,
    with the same secret, may update TXT records there and below. `clock`: see other_clock().
    """

    def __init__(
        self,
        directory: Path,
        zones: Sequence[str] = ("demo.test",),
        *,
        records: Mapping[str, str] | None = None,
        closed: Sequence[str] = (),
        second: bool = False,
        outside: str | None = None,
        doh: tuple[Path, Path] | None = None,
        key_name: str = "ingress-test",
        key_algorithm: str = "hmac-sha256",
        part: str | None = None,
        clock: Mapping[str, str] | None = None,
    ) -> None:
        self.zones = tuple(zones)
        self.key_name = key_name
        self.key_algorithm = key_algorithm
        self.key_secret = base64.b64encode(os.urandom(32)).decode()
        self._closed = tuple(closed)
        self._own_secret = base64.b64encode(os.urandom(32)).decode()
        # named changes into it, and would look for a relative path from there.
        self._directory = directory.resolve()
        self._records = dict(records or {})
        self._with_second = second
        self._part = part
        self._clock = clock
        self._doh_files = doh
        self._doh: Doh | None = None
        self._public_address = outside or FIRST_ADDRESS
        self._running = contextlib.ExitStack()
        self.first: Named
        self.second: SecondServer

    # Starting and stopping

    def start(self) -> Bind:
        for attempt in range(START_ATTEMPTS):
            try:
                self._start_on(self._reserve())
                return self
            except PortInUse:
                self.stop()
                if attempt == START_ATTEMPTS - 1:
                    raise
            except BaseException:
                self.stop()
                raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Bind:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self.first.port

    @property
    def server(self) -> str:
        """The first server as "address:port", as it is known."""
        return f"{self._public_address}:{self.first.port}"

    @property
    def doh_url(self) -> str:
        assert self._doh is not None
        return self._doh.url(FIRST_ADDRESS)

    def _reserve(self) -> ReservedPort:
        addresses = {FIRST_ADDRESS, self._public_address}
        addresses |= {SECOND_ADDRESS} if self._with_second else set()
        return self._running.enter_context(ReservedPort(*sorted(addresses)))

    def _start_on(self, port: ReservedPort) -> None:
        if self._with_second:
            self.second = SecondServer(SECOND_ADDRESS, port.number)
            self._running.callback(self.second.stop)
        if self._doh_files is not None:
            doh_port = self._running.enter_context(ReservedPort(FIRST_ADDRESS))
            self._doh = Doh(doh_port.number, *self._doh_files)
        self.first = Named(
            self._subdirectory("ns1"),
            FIRST_ADDRESS,
            port.number,
            self._write_zones(),
            also=sorted({self._public_address} - {FIRST_ADDRESS}),
            clock=self._clock,
            doh=self._doh,
        )
        self._running.callback(self.first.stop)
        if self._with_second:
            self.second.start(
                self._subdirectory("ns2"), self.zones, self.first, self._keys(), self._clock
            )

    def _subdirectory(self, name: str) -> Path:
        directory = self._directory / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def _write_zones(self) -> str:
        """Writes the zone files; returns the key and zone statements of named.conf."""
        directory = self._subdirectory("ns1")
        also_notify = (
            f"also-notify {{ {FIRST_ADDRESS} port {self.second.notify_port}; }};"
            if self._with_second
            else ""
        )
        (directory / "root.zone").write_text(ROOT_ZONE)
        zones = ""
        for zone in self.zones:
            (directory / f"{zone}.zone").write_text(self._zone_file(zone))
            (directory / f"{zone}.zone.jnl").unlink(missing_ok=True)
            zones += ZONE.format(
                zone=zone, may_update=self._may_update(zone), also_notify=also_notify
            )
        references = "".join(REFERENCE.format(zone=zone) for zone in self.zones)
        return self._keys() + VIEWS.format(zones=zones, references=references)

    def _may_update(self, zone: str) -> str:
        if self._part:
            return POLICY.format(key=self.key_name, own=OWN_KEY, part=self._part)
        keys = [OWN_KEY, *([] if zone in self._closed else [self.key_name])]
        return "allow-update {{ {} }};".format(" ".join(f'key "{key}";' for key in keys))

    def _keys(self) -> str:
        secrets = {self.key_name: self.key_secret, OWN_KEY: self._own_secret}
        if self._part:
            secrets["part"] = self.key_secret
        return "".join(
            KEY.format(name=name, algorithm=self.key_algorithm, secret=secret)
            for name, secret in secrets.items()
        )

    def _zone_file(self, zone: str) -> str:
        lines = [
            f"$ORIGIN {zone}.",
            f"$TTL {DEFAULT_TTL}",
            f"@ SOA ns1 hostmaster 1 {REFRESH} {REFRESH} {REFRESH * 7} {NEGATIVE_TTL}",
            "gateway A 127.0.0.1",
            "gateway AAAA ::1",
            *self._name_servers("@", ""),
        ]
        for child in self.zones:
            if child.endswith(f".{zone}") and self.zone_of(child.partition(".")[2]) == zone:
                relative = child.removesuffix(f".{zone}")
                lines += self._name_servers(relative, f".{relative}")
        return "\n".join([*lines, self._records.get(zone, ""), ""])

    def _name_servers(self, owner: str, suffix: str) -> Iterator[str]:
        """NS records of `owner`, and the addresses of the servers they name."""
        yield f"{owner} NS ns1{suffix}"
        yield f"ns1{suffix} A {self._public_address}"
        if self._with_second:
            yield f"{owner} NS ns2{suffix}"
            yield f"ns2{suffix} A {SECOND_ADDRESS}"

    def only(self, zones: Sequence[str]) -> Bind:
        """The same servers, as somebody sees them who has only these zones; not to be stopped."""
        limited = copy.copy(self)
        limited.zones = tuple(zones)
        return limited

    # Reading and writing

    def query(self, name: str, record_type: str) -> list[str]:
        """NameServer.query at the first server."""
        return self.first.query(name, record_type)

    def add(self, name: str, ttl: int, record_type: str, text: str) -> None:
        """Adds one record; `text` is rdata in presentation form, a TXT value may lack quotes."""
        update = self.update(name)
        update.add(dns.name.from_text(name), ttl, record_type, _presentation(record_type, text))
        self.send(update)

    def delete(self, name: str, record_type: str | None = None, text: str | None = None) -> None:
        """Deletes one record, or all of a type, or all of a name. None there is no error."""
        update = self.update(name)
        what = [] if record_type is None else [record_type]
        if record_type is not None and text is not None:
            what.append(_presentation(record_type, text))
        update.delete(dns.name.from_text(name), *what)
        self.send(update)

    def update(self, name: str) -> dns.update.UpdateMessage:
        """An empty, signed update of the zone that holds `name`."""
        return dns.update.UpdateMessage(
            self.zone_of(name),
            keyring=dns.tsigkeyring.from_text({OWN_KEY: self._own_secret}),
            keyalgorithm=dns.name.from_text(self.key_algorithm),
        )

    def send(self, update: dns.update.UpdateMessage) -> None:
        answer = dns.query.tcp(
            update, self.first.address, timeout=UPDATE_TIMEOUT, port=self.first.port
        )
        if answer.rcode() != dns.rcode.NOERROR:
            raise RuntimeError(f"update refused: {dns.rcode.to_text(answer.rcode())}\n{update}")

    def zone_of(self, name: str) -> str:
        """The longest of the zones that `name` lies in."""
        asked = dns.name.from_text(name)
        holding = [zone for zone in self.zones if asked.is_subdomain(dns.name.from_text(zone))]
        if not holding:
            raise ValueError(f"{name} is in none of the zones {', '.join(self.zones)}")
        return max(holding, key=len)

    def snapshot(self, zone: str) -> frozenset[Record]:
        """NameServer.snapshot of the first server."""
        return self.first.snapshot(zone)


def _presentation(record_type: str, text: str) -> str:
    return txt_quoted(txt_value(text)) if record_type.upper() == "TXT" else text
