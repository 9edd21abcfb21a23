"""A volume that cannot be written: the last good state keeps serving."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support import plain_certbot
from support.ingress import BIN, Ingress
from support.process import Child
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
COMPOSE_CAPABILITIES = "-all,+chown,+kill,+net_bind_service,+setgid,+setpcap,+setuid,+sys_chroot"


@pytest.mark.parametrize("trouble", ["read-only", "full"])
def test_the_last_good_state_serves_and_the_trouble_is_told(world: World, trouble: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("a mount namespace of its own takes root")
    stack = world.make_stack()
    volume = Volume(stack)
    serial = volume.put(NAME)
    volume.put("api.demo.test")
    ingress = Ingress(stack)
    inside = (
        f"mount -t tmpfs -o size=256k none {ingress.volume}.mnt && "
        f"cp -a {ingress.volume}/. {ingress.volume}.mnt && "
        f"find {ingress.volume}.mnt/live -type l -exec sh -c "
        f"'ln -sf $(readlink $1 | sed s,letsencrypt/,letsencrypt.mnt/,) $1' _ {{}} \\; && "
    )
    if trouble == "full":
        inside += f"(cat /dev/zero > {ingress.volume}.mnt/filler || true) 2>/dev/null && "
    else:
        inside += f"mount -o remount,ro {ingress.volume}.mnt && "
    Path(f"{ingress.volume}.mnt").mkdir()
    ingress.environment["LETSENCRYPT_DIR"] = f"{ingress.volume}.mnt"
    ingress.child = Child(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", inside + f"exec {BIN}/ingressd"],
        ingress.log_file,
        env=ingress.environment,
    )
    with ingress.child:
        ingress.wait_settled()
        assert ingress.serial(NAME) == serial
        ingress.control("POST", f"/v1/renew?domain={NAME}&force=1")
        told = ingress.wait_domain(NAME, lambda d: d["error"], "the trouble to be told")
        words = "Read-only file system" if trouble == "read-only" else "No space left"
        assert words in told["error"]
        assert told["next_at"] is not None
        assert stack.pebble.orders() == 0  # an order that cannot be counted is not made
        assert ingress.serial(NAME) == serial
        assert ingress.ctl("reload").returncode == 0
        if trouble == "read-only":
            subprocess.run(
                ["nsenter", "--target", str(ingress.child.pid), "--mount", "--root",
                 "mount", "-o", "remount,rw", f"{ingress.volume}.mnt"],
                check=True, timeout=10,
            )  # fmt: skip
            ingress.wait_domain(NAME, lambda d: d["next_at"], "the retry")
        assert ingress.fetch("api.demo.test").json()["name"] == "api"


def test_a_certificate_that_the_volume_does_not_take_is_served_and_not_ordered_again(
    world: World, tmp_path: Path
) -> None:
    stack = world.make_stack(guest_agent="dstack")
    ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.volume.mkdir()
    in_the_way = ingress.volume / "archive"
    in_the_way.write_text("")
    with ingress:
        ingress.wait_settled()
        serial = ingress.serial(NAME)
        told = ingress.domain(NAME)
        assert "the certificate cannot be put onto the volume" in told["note"]
        assert str(in_the_way) in told["note"]
        assert ingress.fetch(NAME).json()["name"] == "app"
        assert ingress.ctl("renew", NAME).returncode == 0
        ingress.wait_domain(NAME, lambda d: d["state"] == "settled" and d["note"], "another try")
        in_the_way.unlink()
        assert ingress.ctl("renew", NAME).returncode == 0
        ingress.wait_log("the volume has taken the certificate")
        ingress.wait_domain(NAME, lambda d: d["state"] == "settled" and not d["note"], "no note")
        assert plain_certbot.certificates(ingress, tmp_path) == {NAME: [NAME]}
        assert not list((ingress.run_dir / "kept").rglob("*.pem"))
        ingress.restart()
        ingress.wait_settled()
        assert ingress.serial(NAME) == serial
        assert told["certificate"]["key"] == "made here"
        ingress.wait_domain(NAME, lambda d: d["certificate"]["key"] == "made here", "its origin")
        assert stack.pebble.orders() == 1


def test_no_account_is_registered_that_the_volume_would_not_take(world: World) -> None:
    stack = world.make_stack()
    ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.volume.mkdir()
    in_the_way = ingress.volume / "accounts"
    in_the_way.symlink_to("nowhere")
    with ingress:
        told = ingress.wait_domain(NAME, lambda d: d["error"], "the trouble to be told")
        assert "an ACME account could not be put onto the volume" in told["error"]
        assert "POST /sign-me-up" not in stack.pebble.child.log_text()
        in_the_way.unlink()
        ingress.ctl("renew", NAME)
        ingress.wait_settled()
        assert stack.pebble.child.log_text().count("POST /sign-me-up") == 1


def test_a_volume_of_somebody_else_is_told_with_what_to_do(world: World) -> None:
    """To a root that is kept out by modes, as in our compose files."""
    if os.geteuid() != 0:
        pytest.skip("giving files away takes root")
    stack = world.make_stack()
    volume = Volume(stack)
    serial = volume.put(NAME)
    for path in (volume.path, *volume.path.rglob("*")):
        os.chown(path, 1000, 1000, follow_symlinks=False)
    (volume.path / "live").chmod(0o700)
    volume.path.chmod(0o700)
    ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.child = Child(
        ["setpriv", f"--bounding-set={COMPOSE_CAPABILITIES}", f"{BIN}/ingressd"],
        ingress.log_file,
        env=ingress.environment,
    )
    with ingress.child:
        ingress.wait_log(f"{volume.path} belongs to user 1000 and has mode 0700")
        ingress.wait_log("Give all of the volume to user 0 (chown -R)")
        ingress.wait_domain(NAME, lambda d: d["error"], "the trouble to be told")
    for path in (volume.path, *volume.path.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    with ingress:
        ingress.wait_for(lambda: ingress.try_serial(NAME) == serial, "what is on the volume")
