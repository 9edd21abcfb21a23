"""Knot DNS, whose zone may be updated."""

from __future__ import annotations

from .named import PortInUse
from .updated_server import UpdatedServer

CONFIGURATION = """\
server:
    rundir: "."
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "knot.sock"
log:
  - target: stderr
    any: info
database:
    storage: "{directory}"
    journal-db-max-size: 10M
    kasp-db-max-size: 10M
    timer-db-max-size: 10M
    catalog-db-max-size: 10M
key:
  - id: {key}
    algorithm: {algorithm}
    secret: {secret}
  - id: part
    algorithm: {algorithm}
    secret: {secret}
acl:
  - id: all
    key: {key}
    action: update
  - id: part
    key: part
    action: update
    update-owner: name
    update-owner-match: sub-or-equal
    update-owner-name: {part}.
    update-type: TXT
  - id: transfers
    address: 127.0.0.0/8
    action: transfer
zone:
  - domain: {zone}
    storage: "{directory}"
    file: "{zone}.zone"
    zonefile-sync: -1
    acl: [all, part, transfers]
"""


class Knot(UpdatedServer):
    def prepare(self) -> list[str]:
        configuration = self.directory / "knot.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(
                directory=self.directory,
                address=self.address,
                port=self.port,
                key=self.key_name,
                algorithm=self.key_algorithm,
                secret=self.key_secret,
                part=self.part,
                zone=self.zone,
            )
        )
        return ["/usr/sbin/knotd", "-c", str(configuration)]

    def state(self, log: str) -> bool:
        if "address already in use" in log:
            raise PortInUse(self.server)
        return "server started" in log and f"[{self.zone}.] loaded" in log
