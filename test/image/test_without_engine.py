"""The image without an engine: buildah runs it wherever it was built, on the network of the test.

What only an engine has (compose files, published ports, restarts) is tested elsewhere.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ingress import request_on
from support.process import Child, wait_until
from support.stack import Stack

from .buildah import Container
from .builds import Built

NAME = "app.demo.test"
DEADLINE = 120.0
CA, AGENT = "/acme-ca.pem", "/dstack.sock"


@pytest.fixture
def container(built: Built, work: Path) -> Container:
    return Container(f"docker-archive:{built.archive}", work / "without-engine")


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
