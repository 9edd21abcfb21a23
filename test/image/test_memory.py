"""What the container needs of memory, and what becomes of one that has too little."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import wait_until
from support.volume import Volume

from .conftest import measured, stack_for_containers
from .deployment import Deployment
from .engine import Container, Engine

DOMAINS = [f"app{number}.demo.test" for number in range(8)]
NAME = DOMAINS[0]
DEADLINE = 180.0
MB = 1 << 20
# Of version 2 and of version 1, below the folder of control groups.
PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
NOW = ("memory.current", "memory.usage_in_bytes")


@contextlib.contextmanager
def _limited(engine: Engine, image: str, folder: Path, limit: str) -> Iterator[Deployment]:
    """With eight domains, each with a certificate; at most two orders at a time as documented."""
    with stack_for_containers(folder) as stack:
        running = Deployment(
            engine, image, stack, "docker-compose.yaml", "ingress", {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136", "DOMAINS": "\n".join(DOMAINS)},
            variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"},
            options={"mem_limit": limit, "memswap_limit": limit},
        )  # fmt: skip
        volume = Volume(stack)
        for name in DOMAINS:
            volume.put(name)
        running.trust(stack.directory / "volume-ca.pem")
        running.fill("cert-data", volume.path)
        try:
            yield running.up()
        finally:
            running.down()


def _bytes(container: Container, names: tuple[str, ...]) -> int:
    """Of the container, by its own control group."""
    for line in Path(f"/proc/{container.pid}/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        folders = {"": ("", "unified"), "memory": ("memory",)}.get(controllers, ())
        for folder in folders:
            for name in names:
                file = Path("/sys/fs/cgroup") / folder / group.lstrip("/") / name
                if file.exists():
                    return int(file.read_text())
    raise FileNotFoundError(names)


@pytest.mark.parametrize("limit", [96, 128])
def test_it_serves_and_renews_with_what_is_documented(
    engine: Engine, image: str, tmp_path: Path, limit: int
) -> None:
    with _limited(engine, image, tmp_path, f"{limit}m") as running:
        container = running.container()
        container.wait_served(DEADLINE)
        rest = _bytes(container, NOW)
        before = {name: running.serial(name) for name in DOMAINS}
        for name in DOMAINS:
            assert container.run("ingressctl", "renew", name, "--force").returncode == 0
        wait_until(
            lambda: all(running.try_serial(name) not in (None, before[name]) for name in DOMAINS),
            what="all to be renewed",
            deadline=DEADLINE,
            detail=lambda: container.log[-4000:],
        )
        assert "killed" not in container.log
        peak = _bytes(container, PEAKS)
        measured(
            f"memory of a container with {limit} MB: {rest / MB:.0f} MB at rest, at most "
            f"{peak / MB:.0f} MB while {len(DOMAINS)} certificates are renewed"
        )


def test_with_too_little_it_serves_on_and_says_so(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    with _limited(engine, image, tmp_path, "48m") as running:
        container = running.container()
        container.wait_served(DEADLINE)
        assert container.run("ingressctl", "renew", NAME, "--force").returncode == 0

        def error() -> str:
            status = container.status()
            return str(status["domains"][0]["error"]) if status else ""

        wait_until(
            lambda: "killed by signal 9" in error(), what="certbot to be killed", deadline=DEADLINE,
            detail=lambda: container.log[-4000:],
        )  # fmt: skip
        assert error().startswith("certbot: it was killed by signal 9 (Killed)")
        assert "the container's memory limit is 48 MB" in error()
        assert "the container's memory limit is 48 MB" in container.run("ingressctl", "status").stdout
        assert running.try_backend(NAME) == "app"
        assert container.run("ingressctl", "health").returncode == 0
        everything = container.run("ingressctl", "health", "--all")
        assert "the container's memory limit is 48 MB" in everything.stdout
        assert container.state["Running"] and not container.state["OOMKilled"]
