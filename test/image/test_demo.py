"""`make demo-check`'s checks, all of them, of docker-compose.multi.yaml through its published port."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.ingress import BIN
from support.order_count import OrderCount
from support.stack import Stack

from .builds import ROOT
from .deployment import PUBLISHED, Deployment
from .engine import Container, Engine

BACKENDS = {"app-main": "app", "app-api": "api", "wild": "wild"}
ROUTES = {
    "app.demo.test": "app-main:80",
    "api.demo.test": "app-api:80",
    "*.wild.demo.test": "wild:80",
}
SETTINGS = {
    "DNS_PROVIDER": "rfc2136",
    "GATEWAY_DOMAIN": "gateway.demo.test",
    "DOMAINS": ",".join(ROUTES),
    "ROUTING_MAP": ",".join(f"{name}={backend}" for name, backend in ROUTES.items()),
}
CERTIFICATES_DEADLINE = 180.0
CHECK_DEADLINE = 600
# How much longer than alone ingressd may take: the engine starts a container anew, while the image
# is built once more.
SLOWNESS = 20
LOOK_INTERVAL = 0.1

INGRESSCTL = """\
#!/bin/sh
# ingressctl --socket PATH ARGUMENT...: in the container, at its own socket; verify asks from here.
if [ "$1" = verify ]; then exec {verifier} "$@"; fi
shift 2
exec {docker} --host unix://{socket} exec {container} ingressctl "$@"
"""
INGRESSD = """\
#!/bin/sh
# ingressd, in a container of its own, with the environment of this one.
exec {docker} --host unix://{socket} run --rm {variables} --env TIMEOUT_CONNECT {image}
"""


class PidFile:
    """The pid of a container's first process in a file, always the one of now."""

    def __init__(self, container: Container, file: Path) -> None:
        self._container = container
        self._file = file
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> PidFile:
        self._write(self._container.pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_INTERVAL):
            pid = self._container.pid
            if pid != 0:
                self._write(pid)

    def _write(self, pid: int) -> None:
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(f"{pid}\n")
        unfinished.rename(self._file)


@pytest.fixture
def deployment(engine: Engine, image: str, stack: Stack) -> Iterator[Deployment]:
    deployment = Deployment(
        engine, image, stack, "docker-compose.multi.yaml", "ingress", BACKENDS, settings=SETTINGS
    )
    try:
        deployment.up().container().wait_served(CERTIFICATES_DEADLINE)
        yield deployment
    finally:
        deployment.down()


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _write_variables(path: Path, variables: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={shlex.quote(v)}\n" for name, v in variables.items()))


def _look_like_a_demo(folder: Path, deployment: Deployment, orders: OrderCount) -> None:
    """What check.sh has to find in its folder."""
    stack, engine = deployment.stack, deployment.engine
    programs = folder / "bin"
    programs.mkdir()
    names = {"docker": engine.program, "socket": engine.socket, "image": deployment.image}
    _write_script(
        programs / "ingressctl",
        INGRESSCTL.format(
            **names, verifier=BIN / "ingressctl", container=deployment.container().name
        ),
    )
    quote_root = stack.directory / "quote-pki" / "root.pem"
    (folder / "quote-root.pem").write_bytes(quote_root.read_bytes())
    variables = " ".join(f"--env {name}" for name in SETTINGS)
    _write_script(programs / "ingressd", INGRESSD.format(**names, variables=variables))
    (folder / "ca.pem").write_text(stack.pebble.root_pem())
    _write_variables(folder / "ingressd.env", SETTINGS)
    assert stack.agent is not None
    _write_variables(
        folder / "demo.env",
        {
            "DEMO_BIN": str(programs),
            "DEMO_PORT": str(PUBLISHED[1]),
            "DEMO_DNS_PORT": str(stack.bind.port),
            "DEMO_APP_ID": stack.agent.guest.app_id.hex(),
            "DEMO_CAA_ISSUER": "ca.demo.test",
            "DEMO_ORDERS_URL": orders.url,
            "DEMO_SLOWNESS": str(SLOWNESS),
        },
    )


def test_the_checks_of_the_demo_hold(deployment: Deployment, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    with OrderCount(deployment.stack.pebble) as orders:
        _look_like_a_demo(folder, deployment, orders)
        with PidFile(deployment.container(), folder / "ingressd.pid"):
            done = subprocess.run(
                [ROOT / "test" / "demo" / "check.sh", folder],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=CHECK_DEADLINE,
                check=False,
            )
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{said}\n{deployment.container().log[-8000:]}"
    last = re.search(r"^(\d+) passed, 0 failed$", said, re.MULTILINE)
    assert last and int(last.group(1)) > 40, said
