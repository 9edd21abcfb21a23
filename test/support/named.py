"""One `named` process of Debian's BIND, unprivileged, answering on one loopback address."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone

from .process import Child, clean_environment

# Without a reason; but the one it has on loopback is that the address is in use.
CANNOT_LISTEN = re.compile(r"creating IPv4 interface \S+ failed|address (already )?in use")
REFUSED_ZONE = re.compile(r"zone \S+: (not loaded|loading from \S+ .*failed).*")
QUERY_TIMEOUT = 5.0
TRANSFER_TIMEOUT = 5.0
APPARMOR_SWITCH = Path("/sys/module/apparmor/parameters/enabled")

OPTIONS = """\
options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} {{ {listening} }};
    listen-on-v6 {{ none; }};
    allow-transfer {{ 127.0.0.0/8; }};
    recursion no;
    dnssec-validation no;
    max-cache-size 8m;
    empty-zones-enable no;
    check-names primary ignore;
    check-mx ignore;
    check-integrity no;
    notify explicit;
    notify-delay 0;
    notify-rate 1000;
    startup-notify-rate 1000;
    serial-query-rate 1000;
    {more}
}};
controls {{ }};
"""

DOH = """\
tls "doh" {{ cert-file "{certificate}"; key-file "{key}"; }};
http "doh" {{ endpoints {{ "/dns-query"; }}; }};
"""


@dataclass(frozen=True)
class Doh:
    """DNS over HTTPS (RFC 8484; HTTP/2 alone) beside plain DNS."""

    port: int
    certificate: Path
    key: Path

    def url(self, address: str) -> str:
        return f"https://{address}:{self.port}/dns-query"

    def statements(self) -> str:
        return DOH.format(certificate=self.certificate, key=self.key)

    def option(self, listening: str) -> str:
        return f'listen-on port {self.port} tls "doh" http "doh" {{ {listening} }};'


Record = tuple[str, int, str, str]
"""Owner name, TTL, type, rdata in presentation form."""


class PortInUse(Exception):
    """The port was taken between choosing it and binding it."""


class NameServer:
    """Where a name server is, and how to ask it."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port

    def query(self, name: str, record_type: str, *, recursive: bool = False) -> list[str]:
        """Asks this server what it is authoritative for, or to resolve as a CA would.

        Returns the records of that type in presentation form, sorted; a TXT record as its strings
        joined, without quotes. No such name and no such type are both the empty list; any other
        refusal raises RuntimeError.
        """
        wanted = dns.rdatatype.from_text(record_type)
        question = dns.message.make_query(dns.name.from_text(name), wanted)
        if not recursive:
            question.flags &= ~dns.flags.RD
        answer, _ = dns.query.udp_with_fallback(
            question, self.address, timeout=QUERY_TIMEOUT, port=self.port
        )
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise RuntimeError(
                f"{self.address}:{self.port} answers {dns.rcode.to_text(answer.rcode())} "
                f"to {name} {record_type}"
            )
        return sorted(
            b"".join(rdata.strings).decode() if wanted == dns.rdatatype.TXT else rdata.to_text()
            for rrset in answer.answer
            if rrset.rdtype == wanted
            for rdata in rrset
        )

    def snapshot(self, zone: str) -> frozenset[Record]:
        """Everything in the zone but its SOA, whose serial every update changes."""
        transfer = dns.query.xfr(
            self.address,
            dns.name.from_text(zone),
            port=self.port,
            lifetime=TRANSFER_TIMEOUT,
            relativize=False,
        )
        content = dns.zone.from_xfr(transfer, relativize=False)
        return frozenset(
            (owner.to_text(), ttl, dns.rdatatype.to_text(rdata.rdtype), rdata.to_text())
            for owner, ttl, rdata in content.iterate_rdatas()
            if rdata.rdtype != dns.rdatatype.SOA
        )


class Named(NameServer):
    """A running named, at `address` and `also`; `statements` are its keys and zones, as named.conf
    has them. `clock`: see other_clock().

    File names in them are relative to `directory`. Raises PortInUse, or ValueError for a zone that
    named does not load.
    """

    def __init__(
        self,
        directory: Path,
        address: str,
        port: int,
        statements: str,
        *,
        also: Sequence[str] = (),
        clock: Mapping[str, str] | None = None,
        doh: Doh | None = None,
    ) -> None:
        super().__init__(address, port)
        listening = " ".join(f"{each};" for each in (address, *also))
        more = doh.option(listening) if doh else ""
        options = (doh.statements() if doh else "") + OPTIONS.format(
            directory=directory, listening=listening, port=port, more=more
        )
        configuration = directory / "named.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(options + statements)
        log = directory / "named.log"
        log.unlink(missing_ok=True)
        self.child = Child(
            [_program(directory), "-g", "-n", "1", "-c", "named.conf"],
            log,
            env=clean_environment(**(clock or {})),
            cwd=directory,
        )
        try:
            self._await_start()
        except BaseException:
            self.stop()
            raise

    def _await_start(self) -> None:
        self.child.wait_for(self._running_or_failed, what="named to run")
        refused = REFUSED_ZONE.search(self.child.log_text())
        if refused:  # named runs all the same
            raise ValueError(f"{refused.group(0)}\n{self.child.log_tail()}")

    def _running_or_failed(self) -> bool:
        log = self.child.log_text()
        if CANNOT_LISTEN.search(log):
            raise PortInUse(f"{self.address}:{self.port}")
        return re.search(r" running$", log, re.MULTILINE) is not None

    def stop(self) -> None:
        self.child.stop()


def _program(directory: Path) -> Path:
    """The program to run: a copy where AppArmor is on.

    Its profile for /usr/sbin/named forbids every file outside of /etc/bind and /var, and applies
    to that path only.
    """
    found = shutil.which("named", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError("named (package bind9) is needed for the DNS tests")
    if not (APPARMOR_SWITCH.exists() and APPARMOR_SWITCH.read_text().startswith("Y")):
        return Path(found)
    return Path(shutil.copy(found, directory / "named"))
