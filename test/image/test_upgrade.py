"""An upgrade by `docker compose up -d` under load: who comes anew is turned away for as long as the
engine takes between two containers, whatever connections are open."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import wait_until
from support.volume import Volume

from .conftest import measured, stack_for_containers
from .crowd import Crowd, Outage, newcomers
from .deployment import Deployment
from .engine import Engine

NAME = "app.demo.test"
SERVICE = "ingress"
BARE, BARE_PORT = "bare", 444
DEADLINE = 60.0
ROUNDS = 3
EACH = 20
DOWNLOAD_SECONDS = 8
# What an ordinary start of ours takes longer than HAProxy's, and noise.  It was 5 seconds when the
# listening socket was closed first.
SLACK = 1.0

BARE_CONFIGURATION = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend tls
    bind :443 ssl crt /bare.pem
    default_backend app
backend app
    server app app:80
"""


@pytest.fixture(scope="module")
def running(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with stack_for_containers(tmp_path_factory.mktemp("stack")) as stack:
        running = Deployment(
            engine, image, stack, "docker-compose.yaml", SERVICE, {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136"},
            variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"},
        )  # fmt: skip
        volume = Volume(stack)
        volume.put(NAME)
        running.trust(stack.directory / "volume-ca.pem")
        running.fill("cert-data", volume.path)
        try:
            yield running.up()
        finally:
            running.down()


@pytest.fixture(scope="module")
def bare(running: Deployment) -> Path:
    """A compose file with HAProxy alone, which ends at once: what the engine costs."""
    folder = running.stack.directory
    live = folder / "letsencrypt" / "live" / NAME
    (folder / "bare.pem").write_text(
        (live / "fullchain.pem").read_text() + (live / "privkey.pem").read_text()
    )
    (folder / "bare.cfg").write_text(BARE_CONFIGURATION)
    service = {
        "image": running.image,
        "command": ["haproxy", "-W", "-db", "-f", "/bare.cfg"],
        "ports": [f"{BARE_PORT}:443"],
        "volumes": [f"{folder}/bare.cfg:/bare.cfg:ro", f"{folder}/bare.pem:/bare.pem:ro"],
        "healthcheck": {"disable": True},
    }
    file = folder / "bare.yaml"
    file.write_text(json.dumps({"services": {BARE: service}}))
    return file


def test_an_upgrade_turns_clients_away_for_as_long_as_the_engine_takes(
    running: Deployment, bare: Path, nothing_else_runs: None
) -> None:
    def ours(timeout: float) -> ssl.SSLSocket:
        return running.connect(NAME, timeout)

    def theirs(timeout: float) -> ssl.SSLSocket:
        return running.connect(NAME, timeout, port=BARE_PORT)

    up = ("up", "--detach", "--no-deps", "--force-recreate")
    running.container().wait_served(DEADLINE)
    running.engine.compose([bare], *up, BARE, environment={})
    engines, whole = [], []
    for _ in range(ROUNDS):
        with newcomers(theirs, NAME) as outage:
            _wait_served(outage)
            done = running.engine.compose([bare], *up, BARE, environment={})
            assert done.returncode == 0, done.stderr
            _wait_served(outage)
        engines.append(outage)
        with newcomers(ours, NAME) as outage:
            _wait_served(outage)
            crowd = Crowd(ours, NAME, each=EACH, seconds=DOWNLOAD_SECONDS)
            running.compose(*up, SERVICE)
            _wait_served(outage)
        assert all(crowd.downloaded())
        crowd.gone()
        whole.append(outage)
        running.container().wait_served(DEADLINE)
    measured(f"an upgrade with {4 * EACH} open connections: {_told(whole)}")
    measured(f"the same for HAProxy alone with none: {_told(engines)}")
    assert _best(whole) < _best(engines) + SLACK


def _wait_served(outage: Outage) -> None:
    """By newcomers from now on."""
    count = len(outage.served)
    wait_until(lambda: len(outage.served) > count + 20, what="newcomers", deadline=DEADLINE)


def _best(outages: list[Outage]) -> float:
    return min(outage.seconds for outage in outages)


def _told(outages: list[Outage]) -> str:
    return ", ".join(f"{o.seconds:.2f} s ({len(o.failed)} failed)" for o in outages)
