"""What is pushed is what was built, under the digest that was printed."""

from __future__ import annotations

from .conftest import LaterBuilds
from .engine import Engine
from .registry import Registry

DEADLINE = 900


def test_an_engine_pulls_it_by_the_digest_that_was_printed(
    later_builds: LaterBuilds, engine: Engine, registry: Registry
) -> None:
    pushed = later_builds.changed.result(DEADLINE)
    reference = f"{registry.address}/dstack-ingress@{pushed.digest}"
    assert pushed.output.endswith(f"pushed: {reference}\n")
    engine.docker("pull", reference)
    # It has the byte in it that was changed.
    told = engine.try_docker("run", "--rm", "--entrypoint", "ingressctl", reference, "--nonsense")
    assert "Usage: ingressctl" in told.stderr
