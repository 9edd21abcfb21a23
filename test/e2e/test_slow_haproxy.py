"""A HAProxy that takes long to load, as with thousands of certificates on a slow disk, is waited
for: at its start, at a reload, and whoever asks meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from support.ingress import Ingress
from support.process import clean_environment, wait_until
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
# The log tells after 30 s.
LONG = 45.0

# `exec -a`: the master executes itself again by the name it was started with.
GATED_HAPROXY = """\
#!/bin/bash
if [ "$1" != -c ] && [ "$1" != -vv ]; then
    while [ -e {gate} ]; do sleep 0.05; done
fi
exec -a "$0" {program} "$@"
"""


class Gate:
    """HAProxy does not load while it is closed."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "haproxy"
        self._gate = folder / "gate"
        haproxy = shutil.which("haproxy", path=clean_environment()["PATH"])
        self.program.write_text(GATED_HAPROXY.format(gate=self._gate, program=haproxy))
        self.program.chmod(0o755)

    def close(self) -> None:
        self._gate.touch()

    def open(self) -> None:
        self._gate.unlink()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def begin(world: World, gate: Gate) -> tuple[Ingress, Volume]:
    volume = Volume(world.make_stack())
    volume.put(NAME)
    settings = {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={world.stack.app.address}"}
    return world.ingress(**settings, HAPROXY=str(gate.program)), volume


def loading_told(ingress: Ingress) -> bool:
    """That it has been loading for long."""
    return "HAProxy has been loading its configuration for" in ingress.log


def test_a_start_that_takes_long_ends_in_service_and_a_reload_waits_for_it(
    world: World, gate: Gate
) -> None:
    gate.close()
    ingress, _ = begin(world, gate)
    status = ingress.wait_status(lambda s: s["haproxy"]["loading_since"], "the start")
    assert (status["haproxy"]["worker"], status["haproxy"]["old_workers"]) == (0, 0)
    assert "LOADING its configuration since" in ingress.ctl("status").stdout
    live = ingress.ctl("health", "--live")
    assert live.returncode == 1
    assert live.stdout.startswith("HAProxy is still loading its configuration, since 20")
    # Nobody is held for good: the answer comes in time, the reload when it can.
    asked = ingress.ctl("reload")
    assert asked.returncode == 75
    assert "HAProxy is still loading its configuration; the reload goes on" in asked.stderr
    wait_until(lambda: loading_told(ingress), what="the log to tell")
    assert "nothing is served until it has" in ingress.log
    gate.open()
    ingress.wait_status(lambda s: s["haproxy"]["generation"] == 2, "the reload")
    haproxy = ingress.wait_settled()["haproxy"]
    assert (haproxy["worker"] > 0, haproxy["loading_since"], haproxy["error"]) == (True, None, None)
    assert ingress.ctl("health", "--live").returncode == 0
    assert ingress.ctl("reload").returncode == 0


def test_a_reload_that_takes_long_is_a_success_when_its_worker_comes(
    world: World, gate: Gate
) -> None:
    ingress, volume = begin(world, gate)
    ingress.wait_settled()
    before = ingress.wait_status(lambda s: s["haproxy"]["worker"], "the worker")["haproxy"]
    gate.close()
    fresh = volume.put(NAME)
    assert ingress.control("POST", f"/v1/renew?domain={NAME}")[0] == 202
    ingress.wait_status(lambda s: s["haproxy"]["loading_since"], "the reload")
    wait_until(lambda: loading_told(ingress), what="the log to tell", deadline=LONG)
    assert "what it had before is served meanwhile" in ingress.log
    assert ingress.fetch(NAME).json()["name"] == "app"
    told = ingress.domain(NAME)
    assert (told["state"], told["error"]) == ("working: apply", None)
    assert ingress.ctl("health", "--live").returncode == 0
    gate.open()
    ingress.wait_settled()
    assert ingress.serial(NAME) == fresh
    after = ingress.status()["haproxy"]
    assert (after["generation"], after["restarts"], after["error"]) == (2, 0, None)
    assert after["worker"] not in (0, before["worker"])


def test_a_master_that_hangs_is_started_anew(world: World, gate: Gate) -> None:
    """It lives, answers nobody and does nothing: not what loading looks like."""
    ingress, _ = begin(world, gate)
    ingress.wait_settled()
    master = ingress.wait_status(lambda s: s["haproxy"]["worker"], "the worker")["haproxy"]["pid"]
    os.kill(master, signal.SIGSTOP)
    assert ingress.ctl("reload").returncode == 75
    assert started_anew(ingress) != master
    assert f"HAProxy's master (pid {master}) has neither answered nor worked" in ingress.log


def test_so_is_a_worker_that_hangs(world: World, gate: Gate) -> None:
    """Nobody asks for a reload, and none would help: a new worker would share the port with it."""
    ingress, _ = begin(world, gate)
    ingress.wait_settled()
    haproxy = ingress.wait_status(lambda s: s["haproxy"]["worker"], "the worker")["haproxy"]
    os.kill(haproxy["worker"], signal.SIGSTOP)
    assert started_anew(ingress) != haproxy["pid"]
    assert f"HAProxy's worker (pid {haproxy['worker']}) has neither answered nor" in ingress.log


def started_anew(ingress: Ingress) -> int:
    """The master, once there is another one."""
    again = ingress.wait_status(
        lambda s: s["haproxy"]["restarts"] == 1 and s["haproxy"]["worker"], "the restart", 150
    )["haproxy"]
    ingress.wait_for(lambda: ingress.try_serial(NAME), "HAProxy to serve again")
    assert ingress.ctl("reload").returncode == 0
    return int(again["pid"])
