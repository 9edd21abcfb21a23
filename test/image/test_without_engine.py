"""The image without an engine: buildah runs it wherever it was built, on the network of the test.

What only an engine has (compose files, published ports, restarts) is tested elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ingress import request_on
from support.process import Child, clean_environment, wait_until
from support.stack import Stack

from .builds import Built, make_storage

NAME = "app.demo.test"
DEADLINE = 120.0
CA, AGENT = "/acme-ca.pem", "/dstack.sock"


class Container:
    """Of buildah's, from the archive that `docker load` would take."""

    def __init__(self, archive: Path, storage: Path) -> None:
        self.environment = clean_environment(
            CONTAINERS_STORAGE_CONF=str(make_storage(storage)), HOME=str(storage)
        )
        self.name = self._buildah("from", "--quiet", f"docker-archive:{archive}")

    def configure(self, variables: dict[str, str]) -> None:
        settings = [word for pair in variables.items() for word in ("--env", "=".join(pair))]
        self._buildah("config", *settings, self.name)

    def command(self, *command: str, volumes: dict[Path, str]) -> list[str]:
        binds = [word for source, at in volumes.items() for word in ("--volume", f"{source}:{at}")]
        return ["/usr/bin/buildah", "run", "--isolation", "chroot", *binds, self.name, "--", *command]

    def _buildah(self, *arguments: str) -> str:
        return subprocess.run(
            ["/usr/bin/buildah", *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip


@pytest.fixture
def container(built: Built, work: Path) -> Container:
    return Container(built.archive, work / "without-engine")


@pytest.fixture
def local_stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, guest_agent="dstack") as stack:
        yield stack


def test_it_gets_a_certificate_and_serves(
    container: Container, local_stack: Stack, work: Path
) -> None:
    stack = local_stack
    assert stack.agent is not None
    world = stack.environment()
    mine = ("DNS_", "RFC2136_", "ACME_", "GATEWAY_", "PORT", "EVIDENCE_PORT")
    container.configure(
        {name: world[name] for name in world if name.startswith(mine)}
        | {"DOMAIN": NAME, "TARGET_ENDPOINT": stack.app.address, "ACME_CA_BUNDLE": CA}
        | {"DSTACK_SOCKET": AGENT}
    )
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(cadata=stack.pebble.root_pem())

    def fetch(path: str) -> dict[str, object]:
        with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as plain:
            with trust.wrap_socket(plain, server_hostname=NAME) as tls:
                return dict(request_on(tls, NAME, path).json())

    def answers(path: str, key: str) -> bool:
        try:
            return key in fetch(path)
        except (OSError, ValueError):
            return False

    volumes = {Path(world["DSTACK_SOCKET"]): AGENT, stack.pebble.ca_bundle: CA}
    command = container.command("ingressd", volumes=volumes)
    with Child(command, work / "without-engine.log", env=container.environment) as child:
        child.wait_for(lambda: answers("/", "name"), what="the app", deadline=DEADLINE)
        assert fetch("/")["name"] == "app"
        wait_until(
            lambda: answers("/evidences/quote.json", "quote"),
            what="evidence", deadline=DEADLINE, detail=child.log_tail,
        )  # fmt: skip
    assert stack.pebble.orders() == 1
