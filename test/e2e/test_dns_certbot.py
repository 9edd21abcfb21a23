"""ingress-dns as the hooks of a real certbot, with Pebble as the CA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.bind import Bind
from support.pebble import Pebble
from support.process import Child

from .dns_bench import PROGRAM, Bench, rfc2136_bench
from .dns_places import SERVERS, ZONE, Opening

CERTBOT_DEADLINE = 120.0


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", second=True) as started:
        yield started


@pytest.fixture(name="pebble")
def _pebble(tmp_path: Path, bind: Bind) -> Iterator[Pebble]:
    with Pebble(tmp_path / "pebble", bind.server) as started:
        yield started


def certbot(folder: Path, bench: Bench, pebble: Pebble, *domains: str, **extra: str) -> Child:
    arguments = [
        "certbot", "certonly", "--manual", "--preferred-challenges", "dns",
        "--manual-auth-hook", f"{PROGRAM} auth || kill 0", "--manual-cleanup-hook", f"{PROGRAM} cleanup",
        "--server", pebble.directory_url, "--non-interactive", "--agree-tos",
        "--register-unsafely-without-email",
        "--config-dir", str(folder / "letsencrypt"),
        "--work-dir", str(folder / "work"), "--logs-dir", str(folder / "logs"),
    ]
    for domain in domains:
        arguments += ["-d", domain]
    environment = bench.environment(REQUESTS_CA_BUNDLE=str(pebble.ca_bundle), **extra)
    return Child(arguments, folder / "certbot.log", env=environment)


def test_a_domain_and_its_wildcard_in_one_order(
    tmp_path: Path, bind: Bind, pebble: Pebble
) -> None:
    bench = rfc2136_bench(tmp_path, bind)
    bench.ok("apply", DOMAINS="*.demo.test,demo.test")
    before = bind.snapshot("demo.test")
    child = certbot(tmp_path, bench, pebble, "demo.test", "*.demo.test")
    assert child.wait(CERTBOT_DEADLINE) == 0, child.log_text()
    assert (tmp_path / "letsencrypt/live/demo.test/fullchain.pem").exists()
    assert pebble.failed_validations() == 0
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []


def test_no_validation_is_spent_on_a_value_that_is_not_there(
    tmp_path: Path, bind: Bind, pebble: Pebble
) -> None:
    """certbot itself would only warn about the hook, and have the CA look."""
    bench = rfc2136_bench(tmp_path, bind)
    before = bind.snapshot("demo.test")
    with bind.second.held():
        child = certbot(
            tmp_path, bench, pebble, "app.demo.test", PROPAGATION_TIMEOUT="1",
        )
        assert child.wait(CERTBOT_DEADLINE) != 0
    assert pebble.orders() == 1
    assert pebble.failed_validations() == 0
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []


@pytest.mark.parametrize("opening", SERVERS.values(), ids=SERVERS)
def test_a_first_certificate_by_each_name_server(tmp_path: Path, opening: Opening) -> None:
    with ExitStack() as running:
        place = opening(running, tmp_path / "ns", {})
        pebble = running.enter_context(
            Pebble(tmp_path / "pebble", f"{place.written.address}:{place.written.port}")
        )
        bench = place.bench(tmp_path)
        bench.ok("apply", DOMAINS=f"new.{ZONE},*.new.{ZONE}")
        before = place.written.snapshot(ZONE)
        place.follow()
        child = certbot(tmp_path, bench, pebble, f"new.{ZONE}", f"*.new.{ZONE}")
        assert child.wait(CERTBOT_DEADLINE) == 0, child.log_text()
        assert (tmp_path / f"letsencrypt/live/new.{ZONE}/fullchain.pem").exists()
        assert pebble.failed_validations() == 0
        assert place.written.snapshot(ZONE) == before
        assert bench.noted() == []
