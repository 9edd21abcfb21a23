"""How long a container takes to serve with certificates on its volume: told, not judged."""

from __future__ import annotations

import shutil
import time
from datetime import datetime, timezone

from support.process import wait_until
from support.stack import Stack
from support.volume import Volume

from .conftest import measured
from .deployment import PROJECT, Deployment
from .engine import Engine

NAME = "app.demo.test"
STARTS = 5
DEADLINE = 60.0


def test_the_first_handshake_after_a_start(
    engine: Engine, image: str, stack: Stack, nothing_else_runs: None
) -> None:
    deployment = Deployment(
        engine, image, stack, "docker-compose.yaml", "dstack-ingress", {"app": "app"},
        settings={"DNS_PROVIDER": "rfc2136"},
        variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"},
    )  # fmt: skip
    volume = Volume(stack)
    serial = volume.put(NAME)
    deployment.trust(stack.directory / "volume-ca.pem")
    engine.docker("volume", "create", f"{PROJECT}_cert-data")
    shutil.copytree(volume.path, deployment.volume("cert-data"), symlinks=True, dirs_exist_ok=True)
    try:
        container = deployment.up().container()
        taken = []
        for _ in range(STARTS):
            engine.docker("stop", "--time", "30", container.name)
            engine.docker("start", container.name)
            wait_until(
                lambda: deployment.try_serial(NAME) == serial, what="a handshake", deadline=DEADLINE
            )
            live = time.time()
            # To the nanosecond, which Python does not read.
            started = container.state["StartedAt"][:26].rstrip("Z")
            begun = datetime.fromisoformat(started).replace(tzinfo=timezone.utc)
            taken.append(live - begun.timestamp())
        measured("start to live: " + ", ".join(f"{seconds:.2f} s" for seconds in sorted(taken)))
    finally:
        deployment.down()
