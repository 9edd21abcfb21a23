"""A volume that cannot be written: the last good state keeps serving."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.ingress import BIN, Ingress
from support.process import Child
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"


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
