"""A registry for images, on loopback: Debian's docker-registry, without encryption."""

from __future__ import annotations

import socket
from pathlib import Path

from support.ports import ReservedPort
from support.process import Child, clean_environment

HOST = "127.0.0.1"
CONFIGURATION = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}/data
http:
  addr: {host}:{port}
"""
# For buildah; dockerd takes an address of loopback for one that needs no encryption.
INSECURE = """\
[[registry]]
location = "{address}"
insecure = true
"""


class Registry:
    """`address` is where; `client_configuration` is for CONTAINERS_REGISTRIES_CONF."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._port = ReservedPort(HOST)
        self.address = f"{HOST}:{self._port.number}"
        configuration = folder / "registry.yaml"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, host=HOST, port=self._port.number)
        )
        self.client_configuration = folder / "registries.conf"
        self.client_configuration.write_text(INSECURE.format(address=self.address))
        self._child = Child(
            ["/usr/bin/docker-registry", "serve", str(configuration)],
            folder / "registry.log",
            env=clean_environment(OTEL_TRACES_EXPORTER="none"),
        )
        try:
            self._child.wait_for(self._answers, what="the registry to answer")
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self._port.number), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self._child.stop()
        self._port.release()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
