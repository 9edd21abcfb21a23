"""What the compose files leave to the host: the guest agent's socket, and secrets in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.volume import Volume

from .builds import ROOT
from .conftest import stack_for_containers
from .deployment import Deployment
from .engine import Engine

NAME = "app.demo.test"
DEADLINE = 60.0
VARIABLES = {"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"}


@pytest.mark.parametrize("file", ["docker-compose.yaml", "docker-compose.multi.yaml"])
def test_without_a_guest_agent_the_start_fails_and_the_host_stays_as_it_was(
    engine: Engine, image: str, tmp_path: Path, file: str
) -> None:
    override = tmp_path / "override.yaml"
    override.write_text(json.dumps({"services": {"ingress": {"image": image}}}))
    socket = Path("/var/run/dstack.sock")  # of this namespace
    assert not socket.exists()
    files = [ROOT / file, override]
    try:
        done = engine.compose(files, "up", "--detach", "--no-deps", "ingress", environment=VARIABLES)
        assert done.returncode != 0
        assert "/var/run/dstack.sock" in done.stderr, done.stderr
        assert not socket.exists()
    finally:
        engine.compose(files, "down", "--volumes", environment=VARIABLES)


@pytest.fixture
def secretive(engine: Engine, image: str, tmp_path: Path) -> Iterator[tuple[Deployment, Path]]:
    """With the key of DNS in a folder that is mounted; and that folder."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with stack_for_containers(tmp_path) as stack:
        key = secrets / "key"
        key.write_text(stack.environment()["RFC2136_KEY_SECRET"])
        running = Deployment(
            engine, image, stack, "docker-compose.yaml", "ingress", {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136", "RFC2136_KEY_SECRET_FILE": "/secrets/key"},
            variables=VARIABLES, without=("RFC2136_KEY_SECRET",), volumes=(f"{secrets}:/secrets:ro",),
        )  # fmt: skip
        volume = Volume(stack)
        volume.put(NAME)
        running.trust(stack.directory / "volume-ca.pem")
        running.fill("cert-data", volume.path)
        try:
            yield running.up(), secrets
        finally:
            running.down()


def _put(secrets: Path, text: str) -> None:
    """As programs write: another file takes the name."""
    (secrets / "new").write_text(text)
    os.replace(secrets / "new", secrets / "key")


def test_a_secret_in_a_folder_is_exchanged_without_a_restart(
    secretive: tuple[Deployment, Path],
) -> None:
    running, secrets = secretive
    container = running.container()
    container.wait_served(DEADLINE)
    version = (ROOT / "VERSION").read_text().strip()
    assert f"this image is dstack-ingress, version {version}" in container.log.splitlines()[0]
    good = (secrets / "key").read_text()
    assert container.run("ingressctl", "dns", "plan").returncode == 0
    _put(secrets, "d3Jvbmc=")
    refused = container.run("ingressctl", "dns", "plan")
    assert refused.returncode != 0, refused.stdout
    _put(secrets, good)
    assert container.run("ingressctl", "dns", "plan").returncode == 0
