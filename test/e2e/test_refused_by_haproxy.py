"""A certificate that HAProxy does not start with keeps nobody else's from being served.

HAProxy refuses what our own check lets pass where its OpenSSL is stricter than we know, as by a
policy of the system: here RSA of 2048 bits, of which the CA's own keys are as well.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from support.ingress import Ingress, serial_text
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME, NEIGHBOUR = "app.demo.test", "api.demo.test"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
STRICT = """\
openssl_conf = init
[init]
ssl_conf = modules
[modules]
system_default = tls
[tls]
CipherString = DEFAULT@SECLEVEL=3
"""
WRAPPER = """\
#!/bin/bash
[ "$1" = -vv ] || [ ! -e {strict} ] || export OPENSSL_CONF={strict}
exec -a "$0" {program} "$@"
"""


@pytest.fixture
def stack(world: World) -> Stack:
    return world.make_stack(guest_agent="dstack")


@pytest.fixture
def volume(stack: Stack) -> Volume:
    return Volume(stack, account=False)


def _ingress(world: World, tmp_path: Path, **settings: str) -> Ingress:
    wrapper, strict = tmp_path / "haproxy", tmp_path / "strict.cnf"
    strict.write_text(STRICT)
    wrapper.write_text(WRAPPER.format(program=HAPROXY, strict=strict))
    wrapper.chmod(0o755)
    return world.ingress(HAPROXY=str(wrapper), **settings)


def _order_without_the_policy(ingress: Ingress, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "strict.cnf").unlink()
    stack.acme.clear_faults()
    assert ingress.ctl("renew", NAME).returncode == 0


def _published(ingress: Ingress) -> str:
    chain = ingress.fetch_evidence(f"/evidences/cert-{NAME}.pem").body
    return serial_text(x509.load_pem_x509_certificate(chain))


def _wait_for_another(ingress: Ingress, *serials: str) -> None:
    ingress.wait_for(
        lambda: ingress.try_serial(NAME) not in (None, *serials), "another certificate"
    )
    ingress.wait_settled()
    assert ingress.domain(NAME)["certificate"]["serial"] == ingress.serial(NAME)


def test_the_one_before_is_served_until_there_is_another(
    world: World, stack: Stack, volume: Volume, tmp_path: Path
) -> None:
    old = volume.put(NAME)
    volume.put(NEIGHBOUR)
    ingress = _ingress(world, tmp_path)
    ingress.wait_settled()
    stack.acme.refuse(times=None)
    refused, fresh = volume.put(NAME, is_rsa=True), volume.put(NEIGHBOUR)
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_for(lambda: ingress.try_serial(NEIGHBOUR) == fresh, "the neighbour's new one")
    ingress.wait_log(f"[{NAME}] HAProxy does not start with certificate {refused}: {old} is served")
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the reason")
    assert "HAProxy does not start with it" in told["error"]
    assert told["certificate"]["serial"] == old
    # Whatever is loaded meanwhile, and however often.
    assert ingress.ctl("reload").returncode == 0
    assert (ingress.serial(NAME), ingress.serial(NEIGHBOUR)) == (old, fresh)
    assert ingress.log.count("HAProxy does not start with certificate") == 1
    ingress.wait_for(lambda: _published(ingress) == old, "the evidence to say so")
    _order_without_the_policy(ingress, stack, tmp_path)
    _wait_for_another(ingress, old, refused)


def test_at_the_start_the_others_are_served_without_it(
    world: World, stack: Stack, volume: Volume, tmp_path: Path
) -> None:
    stack.acme.refuse(times=None)
    refused, good = volume.put(NAME, is_rsa=True), volume.put(NEIGHBOUR)
    also = volume.put("www.demo.test", is_rsa=True)
    ingress = _ingress(
        world, tmp_path, DOMAINS=f"{NAME},{NEIGHBOUR},www.demo.test", ROUTING_MAP="",
        TARGET_ENDPOINT=f"http://{stack.app.address}",
    )  # fmt: skip
    ingress.wait_for(lambda: ingress.try_serial(NEIGHBOUR) == good, "the good one")
    for serial in (refused, also):
        ingress.wait_log(f"HAProxy does not start with certificate {serial}, and there is no other ")
    assert ingress.try_serial(NAME) is None
    _order_without_the_policy(ingress, stack, tmp_path)
    _wait_for_another(ingress, refused)
    assert ingress.status()["haproxy"]["restarts"] <= 2


def test_another_one_that_covers_the_name_stands_in(
    world: World, stack: Stack, volume: Volume, tmp_path: Path
) -> None:
    refused, wildcard = volume.put(NAME, is_rsa=True), volume.put("*.demo.test")
    volume.put(NEIGHBOUR)
    stack.acme.refuse(times=None)
    ingress = _ingress(world, tmp_path)
    ingress.wait_for(lambda: ingress.try_serial(NAME) == wildcard, "the wildcard's")
    _order_without_the_policy(ingress, stack, tmp_path)
    _wait_for_another(ingress, refused, wildcard)


def _wait_refused(ingress: Ingress, failures: int) -> dict[str, Any]:
    domain = ingress.wait_domain(NAME, lambda d: d["failures"] >= failures, "the failure")
    assert "HAProxy does not start with it" in domain["error"]
    assert (domain["failures"], domain["state"]) == (failures, "waiting: issue")
    return domain


@pytest.mark.parametrize("has_another", [False, True], ids=["no other", "another"])
def test_what_was_ordered_and_is_refused_is_ordered_again_later_and_later(
    world: World, volume: Volume, tmp_path: Path, has_another: bool
) -> None:
    old = volume.put(NAME) if has_another else None
    good = volume.put(NEIGHBOUR)
    ingress = _ingress(world, tmp_path)
    ingress.wait_for(lambda: ingress.try_serial(NEIGHBOUR) == good, "the neighbour's")
    if has_another:
        ingress.wait_settled()
        assert "does not start with it" in ingress.ctl("renew", "--force", NAME).stdout
    first = _wait_refused(ingress, 1)
    assert "does not start with it" in ingress.ctl("renew", NAME).stdout
    second = _wait_refused(ingress, 2)
    assert first["next_at"] < second["next_at"]
    assert "all is well again" not in ingress.log
    assert (ingress.try_serial(NAME), ingress.serial(NEIGHBOUR)) == (old, good)
    # Another one on the volume is taken at once.
    mended = volume.put(NAME)
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_for(lambda: ingress.try_serial(NAME) == mended, "the one from the volume")
    ingress.wait_settled()


def test_one_that_stands_in_for_many_is_left_out_at_once(
    world: World, stack: Stack, volume: Volume, tmp_path: Path
) -> None:
    many = [f"n{number}.demo.test" for number in range(5)]
    refused, good = volume.put("*.demo.test", is_rsa=True), volume.put(NEIGHBOUR)
    stack.acme.refuse(times=None)
    ingress = _ingress(
        world, tmp_path, DOMAINS=",".join([*many, NEIGHBOUR]), ROUTING_MAP="",
        TARGET_ENDPOINT=f"http://{stack.app.address}",
    )  # fmt: skip
    ingress.wait_for(lambda: ingress.try_serial(NEIGHBOUR) == good, "the good one")
    for name in many:
        ingress.wait_log(f"[{name}] HAProxy does not start with certificate {refused}, and there")
    assert ingress.status()["haproxy"]["restarts"] == 1


def test_what_a_haproxy_said_that_served_is_no_reason(
    world: World, volume: Volume, tmp_path: Path
) -> None:
    """Of an earlier reload, say."""
    serial = volume.put(NAME)
    volume.put(NEIGHBOUR)
    wrapper = tmp_path / "haproxy"
    alert = f"[ALERT] (1) : config : unable to load certificate from file 'certs/{NAME}.pem'."
    wrapper.write_text(
        f'#!/bin/bash\n[ "$1" != -W ] || echo "{alert}" >&2\nexec -a "$0" {HAPROXY} "$@"\n'
    )
    wrapper.chmod(0o755)
    ingress = world.ingress(HAPROXY=str(wrapper))
    ingress.wait_settled()
    os.kill(ingress.status()["haproxy"]["pid"], signal.SIGKILL)
    ingress.wait_log("HAProxy serves again")
    assert "certs/app.demo.test.pem" in ingress.log
    assert "HAProxy does not start with" not in ingress.log
    assert ingress.serial(NAME) == serial


def test_a_file_that_was_damaged_is_written_again(serving: tuple[Ingress, Volume]) -> None:
    ingress, volume = serving
    before, fresh = ingress.serial(NAME), volume.put(NEIGHBOUR)
    damaged = ingress.run_dir / "certs" / "damaged"
    damaged.write_text("no certificate")
    damaged.rename(ingress.run_dir / "certs" / f"{NAME}.pem")
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_for(lambda: ingress.try_serial(NEIGHBOUR) == fresh, "the neighbour's new one")
    ingress.wait_settled()
    assert ingress.serial(NAME) == before
    ingress.wait_log(f"[{NAME}] the file with certificate {before} was damaged")
    assert "HAProxy does not start with" not in ingress.log
