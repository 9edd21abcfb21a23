"""Renewals and reloads under load, and what the evidence says meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from cryptography import x509

from support.ingress import Ingress, request_on, serial_text
from support.volume import Volume

from .conftest import World

RELOADS = 5
NAME = "app.demo.test"


class Load:
    """New connections one after the other, and one that is kept for as long as it lasts."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._context = ingress.trust()
        self._ended = threading.Event()
        self.requests = 0
        self.failures: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        # One set of trusted roots for all: the CA is not what is tested here.
        self._ingress.trust = lambda **_: self._context  # type: ignore[method-assign]
        threads = [threading.Thread(target=work) for work in (self._new, self._new, self._kept)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _new(self) -> None:
        while not self._ended.is_set():
            self._count(lambda: self._ingress.fetch(NAME, "/").status)

    def _kept(self) -> None:
        with self._ingress.connect(NAME) as connection:
            while not self._ended.is_set():
                self._count(lambda: request_on(connection, NAME, "/").status)

    def _count(self, request) -> None:  # type: ignore[no-untyped-def]
        self.requests += 1
        try:
            assert request() == 200
        except Exception as error:  # noqa: BLE001 - any failure counts
            self.failures.append(repr(error))


def test_reloads_drop_nothing(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    generation = ingress.status()["haproxy"]["generation"]
    with Load(ingress).running() as load:
        for _ in range(RELOADS):
            done = ingress.ctl("reload")
            assert (done.returncode, done.stderr) == (0, "")
        ingress.wait_for(lambda: load.requests > 200, "some load")
    assert load.failures == []
    assert ingress.status()["haproxy"]["generation"] == generation + RELOADS


def test_a_forced_renewal_under_load_drops_nothing_and_the_evidence_follows(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_settled()
    before = ingress.serial(NAME)
    with Load(ingress).running() as load:
        # However the name is written; the command waits for the end.
        done = ingress.ctl("renew", f"{NAME.upper()}.", "--force")
        assert done.returncode == 0, done.stderr
        assert f"[{NAME}] working" in done.stdout
    assert load.failures == []
    after = ingress.serial(NAME)
    assert after != before
    assert stack.pebble.orders() == 2
    published = ingress.fetch(NAME, f"/evidences/cert-{NAME}.pem").body
    assert serial_text(x509.load_pem_x509_certificate(published)) == after
    assert ingress.domain(NAME)["certificate"]["serial"] == after
