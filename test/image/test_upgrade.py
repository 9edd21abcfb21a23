"""An upgrade by `docker compose up -d` under load: who comes anew is turned away for as long as the
engine takes between two containers, whatever connections are open."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.process import wait_until
from support.volume import Volume

from .conftest import measured, stack_for_containers
from .crowd import Connect, Crowd, Outage, newcomers
from .deployment import Deployment
from .engine import Engine

NAME = "app.demo.test"
SERVICE = "ingress"
BARE, BARE_PORT = "bare", 444
UP = ("up", "--detach", "--no-deps", "--force-recreate")
DEADLINE = 60.0
ROUNDS = 3
EACH = 20
DOWNLOAD_SECONDS = 8
# Noise: the medians are the same.  It was 5 seconds when the listening socket was closed first.
SLACK = 0.5
# The same where much else runs, of what the engine takes there (1.5 seconds elsewhere).
SHARE = 1 / 3

# It closes all connections as soon as it is told to stop.
BARE_CONFIGURATION = """\
global
    hard-stop-after 1ms
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
    """A compose file with HAProxy alone, which ends at once, in a container that is made as ours
    is: what the engine costs."""
    folder = running.stack.directory
    live = folder / "letsencrypt" / "live" / NAME
    (folder / "bare.pem").write_text(
        (live / "fullchain.pem").read_text() + (live / "privkey.pem").read_text()
    )
    (folder / "bare.cfg").write_text(BARE_CONFIGURATION)
    project = json.loads(running.compose("config", "--format", "json").stdout)
    service = project["services"][SERVICE]
    service["container_name"] = BARE
    service["command"] = ["haproxy", "-W", "-db", "-f", "/bare.cfg"]
    service["ports"] = [f"{BARE_PORT}:443"]
    service["volumes"] += [f"{folder}/bare.cfg:/bare.cfg:ro", f"{folder}/bare.pem:/bare.pem:ro"]
    service["healthcheck"] = {"disable": True}
    del service["depends_on"]
    project["services"] = {BARE: service}
    file = folder / "bare.yaml"
    file.write_text(json.dumps(project).replace("$", "$$"))
    return file


def test_an_upgrade_turns_clients_away_for_as_long_as_the_engine_takes(
    running: Deployment, bare: Path, nothing_else_runs: None
) -> None:
    def ours(timeout: float) -> ssl.SSLSocket:
        return running.connect(NAME, timeout)

    def theirs(timeout: float) -> ssl.SSLSocket:
        return running.connect(NAME, timeout, port=BARE_PORT)

    def start_ours() -> None:
        running.compose(*UP, SERVICE)

    def start_theirs() -> None:
        done = running.engine.compose([bare], *UP, BARE, environment={})
        assert done.returncode == 0, done.stderr

    running.container().wait_served(DEADLINE)
    start_theirs()
    engines, whole = [], []
    for _ in range(ROUNDS):
        outage, _downloaded = _upgrade(theirs, start_theirs, after_downloads=True)
        engines.append(outage)
        outage, downloaded = _upgrade(ours, start_ours, after_downloads=False)
        whole.append(outage)
        assert all(downloaded)
        running.container().wait_served(DEADLINE)
    measured(f"an upgrade with {4 * EACH} open connections: {_told(whole)}")
    measured(f"the same with HAProxy alone, which cuts them off: {_told(engines)}")
    assert _best(whole) < _best(engines) + max(SLACK, SHARE * _best(engines))


def _upgrade(
    connect: Connect, start_anew: Callable[[], None], *, after_downloads: bool
) -> tuple[Outage, list[bool]]:
    """What newcomers see of it, and which downloads were whole.

    The engine takes the longer, the more connections there have been: it is to be told after just
    as many, be it to a container that sees the downloads' end or to one that does not.
    """
    with newcomers(connect, NAME) as outage:
        _wait_served(outage)
        crowd = Crowd(connect, NAME, each=EACH, seconds=DOWNLOAD_SECONDS)
        if after_downloads:
            crowd.downloaded()
        start_anew()
        _wait_served(outage)
    downloaded = crowd.downloaded()
    crowd.gone()
    return outage, downloaded


def _wait_served(outage: Outage) -> None:
    """By newcomers from now on."""
    count = len(outage.served)
    wait_until(lambda: len(outage.served) > count + 20, what="newcomers", deadline=DEADLINE)


def _best(outages: list[Outage]) -> float:
    return min(outage.seconds for outage in outages)


def _told(outages: list[Outage]) -> str:
    return ", ".join(f"{o.seconds:.2f} s ({len(o.failed)} failed)" for o in outages)
