"""What a container engine does to the product's standard streams."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.ingress import BIN, Ingress
from support.process import Child, wait_until
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"


def started(ingress: Ingress, redirections: str) -> Child:
    ingress.child = Child(
        ["sh", "-ec", f"exec {BIN}/ingressd {redirections}"],
        ingress.log_file,
        env=ingress.environment,
    )
    return ingress.child


def test_a_log_whose_reader_has_gone_ends_nothing(world: World) -> None:
    """As when the log's driver has crashed; the first line is written before anything serves."""
    stack = world.make_stack()
    serial = Volume(stack).put(NAME)
    ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=None, TARGET_ENDPOINT=stack.app.address)
    ingress.environment["STRICT_SNY"] = "true"  # is warned about
    read_end, write_end = os.pipe()
    os.close(read_end)
    child = subprocess.Popen(
        [BIN / "ingressd"], env=ingress.environment, stdin=subprocess.DEVNULL,
        stdout=write_end, stderr=write_end,
    )  # fmt: skip
    os.close(write_end)
    try:
        wait_until(
            lambda: child.poll() is not None or ingress.try_serial(NAME) == serial,
            what="the certificate to be served",
        )
        assert child.poll() is None, "it ended for a line that nobody reads"
    finally:
        child.terminate()
        assert child.wait(20) == 0


def test_without_standard_streams_no_file_gets_the_log(world: World) -> None:
    stack = world.make_stack()
    Volume(stack).put(NAME)
    ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=None, TARGET_ENDPOINT=stack.app.address)
    with started(ingress, "0<&- 1>&- 2>&-") as child:
        ingress.wait_settled()
        streams = {number: os.readlink(f"/proc/{child.pid}/fd/{number}") for number in range(3)}
        assert set(streams.values()) == {"/dev/null"}, streams
        done = subprocess.run(
            ["sh", "-ec", f"exec {BIN}/ingressctl status 1>&- 2>&-"],
            env=ingress.environment, stdin=subprocess.DEVNULL, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0
    for path in (*ingress.run_dir.rglob("*"), *ingress.volume.rglob("*")):
        if path.is_file():
            assert " info ingressd: " not in Path(path).read_text(errors="replace"), path
