"""Programs for DNS_PROVIDER=exec: one that tells BIND, and any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.axfr import zone_lines
from support.bind import Bind

NSUPDATE = """\
#!/bin/sh
set -eu
printf '%s\\n' "$*" >>"{folder}/calls"
case $1 in
present) update="add $2 1 TXT \\"$3\\"" ;;
cleanup) update="delete $2 TXT \\"$3\\"" ;;
esac
echo "telling BIND to $1"
nsupdate -k "{folder}/key" <<end
server {address} {port}
update $update
send
end
"""


def program(folder: Path, text: str) -> str:
    path = folder / "dns-program"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def nsupdate(folder: Path, bind: Bind) -> str:
    """A program that knows where its credentials are, as those of operators have to."""
    key = f'key "{bind.key_name}" {{ algorithm {bind.key_algorithm}; secret "{bind.key_secret}"; }};'
    (folder / "key").write_text(key)
    address = bind.server.rpartition(":")[0]
    return program(folder, NSUPDATE.format(folder=folder, address=address, port=bind.port))


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


class ExecApi:
    """As much of a DnsApi as a program can be."""

    provider = "exec"

    def __init__(self, folder: Path, bind: Bind) -> None:
        self._bind = bind
        self.settings = {"DNS_PROVIDER": self.provider, "DNS_EXEC": nsupdate(folder, bind)}
        self.credentials = [bind.key_secret]

    def dump(self, zone: str) -> list[str]:
        return zone_lines(self._bind.first.address, self._bind.port, zone)

    def seed_value(self, _: str, record_type: str, name: str, value: str) -> None:
        self._bind.add(f"{name}.", 300, record_type, value)

    def __enter__(self) -> ExecApi:
        return self

    def __exit__(self, *_: Any) -> None:
        pass
