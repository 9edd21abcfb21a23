"""What the name servers have in common that ingress-dns is tried with, beside BIND."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from .named import NameServer, PortInUse
from .ports import ReservedPort
from .process import Child, clean_environment

ADDRESS = "127.0.0.1"
START_ATTEMPTS = 5

# Kinds of record that every server takes in a zone file.
ZONE_FILE = """\
$ORIGIN {zone}.
$TTL 60
@ SOA ns1 hostmaster 1 86400 86400 604800 1
@ NS ns1
ns1 A 127.0.0.1
gateway A 127.0.0.1
gateway AAAA ::1
{records}
"""


def other_clock(directory: Path, seconds: int) -> dict[str, str]:
    """Variables by which a program that is linked with libc has a clock that is off by so much."""
    directory.mkdir(parents=True, exist_ok=True)
    library = directory / "other_clock.so"
    source = Path(__file__).with_name("other_clock.c")
    subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    return {"LD_PRELOAD": str(library), "OTHER_CLOCK": str(seconds)}


class UpdatedServer(NameServer):
    """A name server for one zone on loopback; a context manager.

    The key `key_name` may update all of the zone, the key "part", with the same secret (base64),
    only TXT records at the name `part` and below. Anybody may transfer the zone. The zone has the
    names of Bind's, and `records`, lines of a zone file with names relative to the zone.
    """

    key_name = "ingress-test"
    key_algorithm = "hmac-sha256"

    def __init__(
        self,
        directory: Path,
        zone: str = "demo.test",
        *,
        records: str = "",
        part: str = "part.demo.test",
        clock: dict[str, str] | None = None,
    ) -> None:
        super().__init__(ADDRESS, 0)
        self.directory = directory.resolve()
        self.zone = zone
        self.part = part
        self.key_secret = base64.b64encode(os.urandom(32)).decode()
        self._records = records
        self._environment = clean_environment(**(clock or {}))
        self._child: Child | None = None

    @property
    def server(self) -> str:
        return f"{self.address}:{self.port}"

    def __enter__(self) -> UpdatedServer:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.zone_file.write_text(ZONE_FILE.format(zone=self.zone, records=self._records))
        for attempt in range(START_ATTEMPTS):
            self._reserved = ReservedPort(self.address)
            self.port = self._reserved.number
            try:
                self._start()
                return self
            except PortInUse:
                self.stop()
                if attempt == START_ATTEMPTS - 1:
                    raise
            except BaseException:
                self.stop()
                raise
        raise AssertionError("unreachable")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._reserved.release()

    @property
    def zone_file(self) -> Path:
        return self.directory / f"{self.zone}.zone"

    # For a kind of server

    def prepare(self) -> list[str]:
        """Writes what it reads, for `self.port`; its command line, in the foreground."""
        raise NotImplementedError

    def state(self, log: str) -> bool:
        """Whether it serves the zone, by its log. Raises PortInUse."""
        raise NotImplementedError

    def _start(self) -> None:
        log = self.directory / "server.log"
        log.unlink(missing_ok=True)
        child = Child(self.prepare(), log, env=self._environment, cwd=self.directory)
        self._child = child
        child.wait_for(lambda: self.state(child.log_text()), what=f"{child.argv[0]} to serve")
