"""PowerDNS with its SQLite backend, whose zone may be updated."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

from .named import PortInUse
from .updated_server import UpdatedServer

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
TOOL_TIMEOUT = 30.0

CONFIGURATION = """\
launch=gsqlite3
gsqlite3-database={directory}/zones.sqlite3
local-address={address}
local-port={port}
socket-dir=.
security-poll-suffix=
daemon=no
guardian=no
disable-syslog=yes
loglevel=6
receiver-threads=1
distributor-threads=1
retrieval-threads=1
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
allow-axfr-ips=127.0.0.0/8
lua-dnsupdate-policy-script={directory}/policy.lua
"""

POLICY = """\
function updatepolicy(input)
    if input:getTsigName():toString() == "{key}." then
        return true
    end
    return input:getQType() == pdns.TXT and input:getQName():isPartOf(newDN("{part}"))
end
"""


class PowerDns(UpdatedServer):
    def prepare(self) -> list[str]:
        self._write("pdns.conf", CONFIGURATION.format(
            directory=self.directory, address=self.address, port=self.port
        ))
        self._write("policy.lua", POLICY.format(key=self.key_name, part=self.part))
        database = self.directory / "zones.sqlite3"
        database.unlink(missing_ok=True)
        with sqlite3.connect(database) as connection:
            connection.executescript(SCHEMA.read_text())
        connection.close()
        self._tool("load-zone", self.zone, str(self.zone_file))
        self._tool("set-kind", self.zone, "primary")
        for key in (self.key_name, "part"):
            self._tool("import-tsig-key", key, self.key_algorithm, self.key_secret)
        self._tool("set-meta", self.zone, "TSIG-ALLOW-DNSUPDATE", self.key_name, "part")
        return [_program("pdns_server"), f"--config-dir={self.directory}"]

    def state(self, log: str) -> bool:
        if "Address already in use" in log:
            raise PortInUse(self.server)
        return "operating unthreaded" in log

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _tool(self, *arguments: str) -> None:
        done = subprocess.run(
            [_program("pdnsutil"), f"--config-dir={self.directory}", *arguments],
            cwd=self.directory, capture_output=True, text=True, timeout=TOOL_TIMEOUT, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"pdnsutil {arguments[0]}: {done.stdout}{done.stderr}")


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        raise FileNotFoundError(f"{name} (packages pdns-server, pdns-backend-sqlite3) is needed")
    return found
