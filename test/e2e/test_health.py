"""`ingressctl health`, which an image asks whether its container is well."""

from __future__ import annotations

import os
import signal

from support.ingress import Ingress
from support.process import wait_until
from support.volume import Volume

from .conftest import World

OK, FAILED, USAGE, UNREACHABLE = 0, 1, 64, 69


def test_it_is_well_when_every_domain_is_served(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    asked = ingress.ctl("health")
    assert (asked.returncode, asked.stderr) == (OK, "")
    assert asked.stdout == "ingressd and HAProxy are up, domains served: 2\n"
    assert ingress.ctl("health", "--live").stdout == "ingressd and HAProxy are up\n"
    assert ingress.ctl("health", "twice").returncode == USAGE


def test_a_domain_without_a_certificate_is_named_and_the_rest_is_live(world: World) -> None:
    stack = world.make_stack()
    Volume(stack).put("app.demo.test")
    stack.acme.refuse()
    ingress = world.ingress()
    ingress.wait_domain("app.demo.test", lambda d: d["served"], "to be served")
    ingress.wait_domain("api.demo.test", lambda d: d["error"], "to fail")
    asked = ingress.ctl("health")
    assert asked.returncode == FAILED
    assert asked.stdout.startswith("api.demo.test has no certificate: ")
    assert asked.stdout.count("\n") == 1
    assert ingress.ctl("health", "--live").returncode == OK


def test_without_haproxy_it_is_not_live_until_that_is_back(
    serving: tuple[Ingress, Volume],
) -> None:
    ingress, _ = serving
    os.kill(ingress.status()["haproxy"]["pid"], signal.SIGKILL)
    wait_until(lambda: ingress.ctl("health", "--live").returncode == FAILED, what="the loss")
    wait_until(lambda: ingress.ctl("health").returncode == OK, what="HAProxy to be back")


def test_without_a_daemon_nobody_is_well(world: World) -> None:
    world.make_stack()
    asked = Ingress(world.stack).ctl("health")
    assert asked.returncode == UNREACHABLE
    assert "ingressd does not answer at" in asked.stderr
