"""kill -9 of any process at any moment: the service resumes by itself."""

from __future__ import annotations

import os
import signal

import pytest

from support.ingress import Ingress
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"


@pytest.mark.parametrize("victim", ["master", "worker"])
def test_haproxy_comes_back(serving: tuple[Ingress, Volume], victim: str) -> None:
    ingress, _ = serving
    serial = ingress.serial(NAME)
    before = ingress.status()["haproxy"]
    assert before["worker"] > 0
    os.kill(before["pid" if victim == "master" else "worker"], signal.SIGKILL)
    after = ingress.wait_status(
        lambda s: s["haproxy"]["worker"] not in (0, before["worker"]), "a new worker"
    )["haproxy"]
    assert after["restarts"] == 1
    # Killed is killed, whatever HAProxy said last.
    how = {
        "master": "HAProxy was killed by signal 9 (Killed); ",
        "worker": "HAProxy ended since its worker was killed by signal 9 (Killed); ",
    }[victim]
    assert how in ingress.log
    assert "when memory runs out" not in ingress.log
    told = [line for line in ingress.log.splitlines() if " error " in line]
    assert len(told) == 1, told
    assert ingress.serial(NAME) == serial
    assert ingress.ctl("reload").returncode == 0
    assert ingress.fetch(NAME).json()["name"] == "app"


def test_the_evidence_server_comes_back_and_no_request_fails(world: World) -> None:
    """After pauses that grow, should it not live for long."""
    volume = Volume(world.make_stack(guest_agent="dstack"))
    volume.put(NAME)
    volume.put("api.demo.test")
    ingress = world.ingress()
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
    for pause in (1, 2, 4):
        killed = ingress.wait_status(lambda s: s["evidence"]["pid"], "it")["evidence"]["pid"]
        os.kill(killed, signal.SIGKILL)
        # Asked at once: it waits in the socket's queue.
        assert ingress.fetch(NAME, "/evidences/sha256sum.txt").status == 200
        after = ingress.wait_status(lambda s: s["evidence"]["pid"], "it")
        assert after["evidence"]["pid"] != killed
        assert f"; it is started again in {pause} s" in ingress.log


@pytest.mark.parametrize("program", ["certonly", "ingress-dns apply"])
def test_a_killed_job_is_a_failed_attempt_that_is_repeated(world: World, program: str) -> None:
    stack = world.make_stack()
    if program != "certonly":
        stack.bind.first.child.pause()  # a server that keeps silent keeps the job in sight
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    victims: list[int] = []
    ingress.wait_for(lambda: victims.extend(ingress.processes(program)) or victims, program)
    os.kill(victims[0], signal.SIGKILL)
    if program != "certonly":
        stack.bind.first.child.resume()
    told = ingress.wait_domain(NAME, lambda d: d["failures"] or d["served"], "the failure")
    if program == "certonly":
        assert "signal 9" in told["error"]
        assert ingress.ctl("renew", NAME).returncode == 0
    ingress.wait_settled()
    assert stack.bind.query(f"_acme-challenge.{NAME}", "TXT") == []
    assert ingress.fetch(NAME).json()["name"] == "app"
