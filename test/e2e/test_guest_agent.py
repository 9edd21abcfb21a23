"""Serving and issuing go on whatever the guest agent does."""

from __future__ import annotations

import os

import pytest

from support.ingress import Ingress
from support.volume import Volume

from .conftest import World

FAULTS = ("status-500", "html", "half-json", "not-a-quote", "wrong-report-data", "close")
SUMS = "/evidences/sha256sum.txt"


def _start(world: World) -> tuple[Ingress, Volume]:
    volume = Volume(world.make_stack(guest_agent="dstack"))
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    ingress = world.ingress(APP_ID="0123456789abcdef")
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "the first evidence")
    return ingress, volume


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_keeps_the_last_generation_and_is_told_until_it_is_over(
    world: World, mode: str
) -> None:
    ingress, volume = _start(world)
    agent = world.stack.agent
    assert agent is not None
    before = ingress.fetch("app.demo.test", SUMS)
    generation = os.readlink(ingress.evidence / "..data")
    agent.fault(mode)
    fresh = volume.put("app.demo.test")
    ingress.ctl("renew", "app.demo.test")
    ingress.wait_for(lambda: ingress.try_serial("app.demo.test") == fresh, "the new certificate")
    status = ingress.wait_status(lambda s: s["evidence"]["error"], "the trouble to be told")
    assert status["evidence"]["failing_since"] is not None
    assert ingress.fetch("app.demo.test", SUMS).body == before.body
    assert os.readlink(ingress.evidence / "..data") == generation
    agent.fault("none")
    status = ingress.wait_status(lambda s: not s["evidence"]["error"], "the recovery")
    assert status["evidence"]["failing_since"] is None
    assert ingress.fetch("app.demo.test", SUMS).body != before.body


def test_without_an_agent_domains_are_issued_and_evidence_follows_later(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    assert stack.agent is not None
    stack.agent.stop()
    volume = Volume(stack)
    serial = volume.put("app.demo.test")
    volume.put("api.demo.test")
    ingress = world.ingress()
    ingress.wait_for(lambda: ingress.try_serial("app.demo.test") == serial, "the certificate")
    status = ingress.wait_status(lambda s: s["guest_agent"]["error"], "the missing agent")
    assert "there is no guest agent" in status["guest_agent"]["error"]
    assert status["app_id"] is None
    told = ingress.wait_domain("app.demo.test", lambda d: d["note"], "the missing id to be told")
    assert "APP_ID" in told["note"]
    stack.agent.start()
    ingress.wait_settled()
    ingress.wait_status(
        lambda s: s["evidence"]["published_at"] and not s["guest_agent"]["error"], "evidence"
    )
    assert ingress.fetch("app.demo.test", SUMS).status == 200
