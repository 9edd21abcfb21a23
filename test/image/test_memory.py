"""What the container needs of memory, and what becomes of one that has too little."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.volume import Volume

from .conftest import measured, stack_for_containers
from .deployment import Deployment
from .engine import Container, Engine

DOMAINS = [f"app{number}.demo.test" for number in range(8)]
NAME = DOMAINS[0]
DEADLINE = 240.0
MB = 1 << 20
# Of version 2 and of version 1, below the folder of control groups.
PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
NOW = ("memory.current", "memory.usage_in_bytes")


@contextlib.contextmanager
def _limited(
    engine: Engine, image: str, folder: Path, limit: str, *, on_the_volume: bool
) -> Iterator[Deployment]:
    """With eight domains; a certificate of each is on the volume, or has to be ordered."""
    with stack_for_containers(folder) as stack:
        running = Deployment(
            engine, image, stack, "docker-compose.yaml", "ingress", {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136", "DOMAINS": "\n".join(DOMAINS)},
            variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.demo.test"},
            options={"mem_limit": limit, "memswap_limit": limit},
        )  # fmt: skip
        if on_the_volume:
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


@pytest.mark.parametrize("limit", [64, 96, 128])
def test_it_orders_and_renews_with_what_is_documented(
    engine: Engine, image: str, tmp_path: Path, limit: int
) -> None:
    with _limited(engine, image, tmp_path, f"{limit}m", on_the_volume=False) as running:
        container = running.container()
        container.wait_served(DEADLINE)
        before = {name: running.serial(name) for name in DOMAINS}
        done = container.run("ingressctl", "renew", "--force")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{container.log[-4000:]}"
        assert all(running.serial(name) != before[name] for name in DOMAINS)
        assert "killed" not in container.log
        measured(
            f"memory of a container with {limit} MB and {len(DOMAINS)} domains: "
            f"{_bytes(container, PEAKS) / MB:.0f} MB at most, first orders and renewals included, "
            f"{_bytes(container, NOW) / MB:.0f} MB afterwards"
        )


def test_with_too_little_it_serves_on_and_says_so(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    limited = "the container's memory limit is 48 MB"
    with _limited(engine, image, tmp_path, "48m", on_the_volume=True) as running:
        container = running.container()
        container.wait_served(DEADLINE)
        done = container.run("ingressctl", "renew", NAME, "--force")
        assert done.returncode == 1
        assert "certbot: it was killed by signal 9 (Killed); the kernel has ended " in done.stdout
        assert "of the container so far for want of memory: " in done.stdout
        assert limited in done.stdout
        assert limited in container.run("ingressctl", "status").stdout
        assert running.try_backend(NAME) == "app"
        assert container.run("ingressctl", "health").returncode == 0
        assert limited in container.run("ingressctl", "health", "--all").stdout
        assert container.state["Running"]
