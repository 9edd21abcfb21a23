"""The image as a container, by the compose files that users start from."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from support.process import wait_until
from support.volume import Volume

from .conftest import measured, stack_for_containers
from .deployment import PROJECT, Deployment, child_processes
from .engine import Container, Engine

NAME = "app.demo.test"
# What takes a second on an idle machine.
DEADLINE = 60.0
STARTS = 5
# Generous: it is a tenth of that on an idle machine, and 1 s is the goal.
MOST_SECONDS_TO_LIVE = 3.0
MORE_CAPABILITIES_THAN_NONE = {
    "CHOWN": 0, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_BIND_SERVICE": 10, "SYS_CHROOT": 18,
}  # fmt: skip

OLD_RENEWAL = """\
version = 2.11.0
archive_dir = /etc/letsencrypt/archive/{name}
cert = /etc/letsencrypt/live/{name}/cert.pem
privkey = /etc/letsencrypt/live/{name}/privkey.pem
chain = /etc/letsencrypt/live/{name}/chain.pem
fullchain = /etc/letsencrypt/live/{name}/fullchain.pem

[renewalparams]
account = 0123456789abcdef
authenticator = dns-cloudflare
dns_cloudflare_credentials = /root/.cloudflare/cloudflare.ini
dns_cloudflare_propagation_seconds = 120
server = {server}
key_type = ecdsa
"""


def _fill_as_the_older_product_did(deployment: Deployment, volume: Volume) -> None:
    """Both volumes, before the first start: lineages of certbot's plugin, evidence as files."""
    engine = deployment.engine
    for name in ("cert-data", "evidences"):
        engine.docker("volume", "create", f"{PROJECT}_{name}")
    letsencrypt, evidences = deployment.volume("cert-data"), deployment.volume("evidences")
    renewal = volume.path / "renewal"
    renewal.mkdir()
    server = deployment.stack.acme.url
    (renewal / f"{NAME}.conf").write_text(OLD_RENEWAL.format(name=NAME, server=server))
    shutil.copytree(volume.path, letsencrypt, symlinks=True, dirs_exist_ok=True)
    (evidences / "acme-account.json").write_text("{}")
    (evidences / f"cert-{NAME}.pem").write_text("an old certificate")
    (evidences / "sha256sum.txt").write_text("")
    (evidences / "quote.json").write_text('{"quote": "00"}')


@pytest.fixture(scope="module")
def deployment(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, str]]:
    """docker-compose.yaml on volumes of the older product; and the serial of the certificate."""
    with stack_for_containers(tmp_path_factory.mktemp("stack")) as stack:
        deployment = Deployment(
            engine, image, stack, "docker-compose.yaml", "ingress", {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136"},
            variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"},
        )  # fmt: skip
        volume = Volume(stack)
        serial = volume.put(NAME)
        deployment.trust(stack.directory / "volume-ca.pem")
        _fill_as_the_older_product_did(deployment, volume)
        try:
            deployment.up()
            deployment.container().wait_healthy(DEADLINE)
            yield deployment, serial
        finally:
            deployment.down()


def test_it_is_swapped_in_for_the_older_product_and_lives_through_what_happens(
    deployment: tuple[Deployment, str],
) -> None:
    """One test, since starting is what takes the time."""
    running, serial = deployment
    _volumes_are_adopted(running, serial)
    _nobody_has_more_rights_than_needed(running.container())
    _a_backend_that_comes_back_elsewhere_is_reached(running)
    _killed_it_comes_back(running, serial)
    _told_to_stop_it_stops_in_order_and_starts_again(running, serial)
    assert running.stack.pebble.orders() == 0


def test_it_serves_within_a_second_of_its_start(
    deployment: tuple[Deployment, str], nothing_else_runs: None
) -> None:
    """With certificates on its volume. The engine's own part is told beside ours: what it takes
    to start the same image, with the same options, for a program that does nothing."""
    running, serial = deployment
    container = running.container()
    idle = _same_options_for_nothing(container)
    ours, whole, engines = [], [], []
    try:
        for _ in range(STARTS):
            running.engine.docker("stop", "--time", "30", container.name)
            container.wait_ended(DEADLINE)
            engines.append(_timed(lambda: running.engine.docker("start", idle)))
            # Both publish the same port.
            Container(running.engine, idle).wait_ended(DEADLINE)
            began = time.time()
            with running.watched(NAME, serial) as live:
                running.engine.docker("start", container.name)
                answered = live.result(DEADLINE)
            whole.append(answered - began)
            ours.append(answered - _started_at(container))
    finally:
        running.engine.docker("rm", "--force", idle)
    measured(f"start to live, from the start of the process: {_listed(ours)}")
    measured(f"start to live, from `docker start`: {_listed(whole)}")
    measured(f"`docker start` of /usr/bin/true with the same options: {_listed(engines)}")
    assert min(ours) < MOST_SECONDS_TO_LIVE


def _same_options_for_nothing(container: Container) -> str:
    host = container.engine.inspect(container.name)["HostConfig"]
    options = [
        *(word for bind in host["Binds"] for word in ("--volume", bind)),
        *(word for name in host["CapAdd"] for word in ("--cap-add", name)),
        *(word for option in host["SecurityOpt"] for word in ("--security-opt", option)),
        *(word for path in host["Tmpfs"] for word in ("--tmpfs", path)),
        "--cap-drop", "ALL", "--read-only", "--network", host["NetworkMode"],
        "--publish", "443:443", "--entrypoint", "true",
    ]  # fmt: skip
    image = container.engine.inspect(container.name)["Image"]
    return container.engine.docker("create", *options, image).strip()


def _timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def _started_at(container: Container) -> float:
    # To the nanosecond, which Python does not read.
    stamp = container.state["StartedAt"][:26].rstrip("Z")
    return datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp()


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{each:.2f} s" for each in sorted(seconds))


def _volumes_are_adopted(running: Deployment, serial: str) -> None:
    assert running.serial(NAME) == serial
    assert running.try_backend(NAME) == "app"

    def published() -> bool:
        return running.fetch(NAME, "/evidences/quote.json").json().get("quote") != "00"

    wait_until(published, what="new evidence", deadline=DEADLINE, detail=lambda: running.container().log)
    sums = running.fetch(NAME, "/evidences/sha256sum.txt").body.decode()
    assert f"  cert-{NAME}.pem\n" in sums
    certificate = running.fetch(NAME, f"/evidences/cert-{NAME}.pem").body
    lineage = running.volume("cert-data") / "live" / NAME / "fullchain.pem"
    assert certificate == lineage.read_bytes()
    # The app's own view of the volume, as the older product's users have it.
    shown = running.container("app").run("cat", f"/evidences/cert-{NAME}.pem")
    assert shown.stdout.encode() == certificate


def _nobody_has_more_rights_than_needed(container: Container) -> None:
    host = container.engine.inspect(container.name)["HostConfig"]
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
    allowed = sum(1 << number for number in MORE_CAPABILITIES_THAN_NONE.values())
    assert set(host["CapAdd"]) == set(MORE_CAPABILITIES_THAN_NONE)
    assert _process(container.pid)["CapBnd"] == f"{allowed:016x}"
    assert _process(container.pid)["NoNewPrivs"] == "1"
    worker = container.status()["haproxy"]["worker"]  # type: ignore[index]
    haproxies = child_processes(container, "haproxy")
    # The one of attest that starts a process for each question stays root to become another user.
    evidence = child_processes(container, "ingress-evidence")
    servers = [pid for pid in evidence if "0" not in _process(pid)["Uid"].split()]
    assert len(haproxies) == 2 and len(evidence) == 3 and len(servers) == 2
    workers = [pid for pid in haproxies if _process(pid)["NSpid"].split()[-1] == str(worker)]
    for pid in (*workers, *servers):
        process = _process(pid)
        assert "0" not in process["Uid"].split() and "0" not in process["Gid"].split(), process
        assert process["CapEff"] == process["CapPrm"] == "0" * 16
        inside = {path.name for path in Path(f"/proc/{pid}/root").iterdir()}
        assert not inside & {"usr", "etc", "run"}, inside
    assert len(workers) == 1


def _process(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _a_backend_that_comes_back_elsewhere_is_reached(running: Deployment) -> None:
    before = running.address("app")
    generation = running.container().status()["haproxy"]["generation"]  # type: ignore[index]
    running.compose("rm", "--stop", "--force", "app")
    assert running.try_backend(NAME) is None
    # Takes the address that is free now.
    squatter = running.engine.docker(
        "run", "--detach", "--network", f"{PROJECT}_default", "--entrypoint", "sleep",
        running.image, "600",
    ).strip()  # fmt: skip
    try:
        running.up()
        assert running.address("app") != before
        wait_until(
            lambda: running.try_backend(NAME) == "app",
            what="the app at its new address",
            deadline=DEADLINE,
            detail=lambda: running.container().log,
        )
    finally:
        running.engine.docker("rm", "--force", squatter)
    status = running.container().status()
    assert status and status["haproxy"]["generation"] == generation, "it took a reload"


def _killed_it_comes_back(running: Deployment, serial: str) -> None:
    container = running.container()
    pid = container.pid
    began = container.crash()
    wait_until(
        lambda: container.pid not in (0, pid) and running.try_serial(NAME) == serial,
        what="it to serve again after kill -9",
        deadline=DEADLINE,
        detail=lambda: container.log,
    )
    measured(f"kill -9 to live, the engine's restart included: {time.monotonic() - began:.2f} s")
    assert container.engine.inspect(container.name)["RestartCount"] == 1
    container.wait_served(DEADLINE)


def _told_to_stop_it_stops_in_order_and_starts_again(running: Deployment, serial: str) -> None:
    container = running.container()
    running.engine.docker("stop", "--time", "30", container.name)
    state = container.state
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), container.log
    running.engine.docker("start", container.name)
    wait_until(
        lambda: running.try_serial(NAME) == serial, what="it to serve again", deadline=DEADLINE
    )
    container.wait_served(DEADLINE)
    status = container.status()
    assert status and [d["orders_in_last_hour"] for d in status["domains"]] == [0]
