"""What is pushed is what was built, under the digest that was printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .buildah import Container
from .conftest import LaterBuilds
from .engine import Engine
from .registry import Registry

DEADLINE = 900
# The byte that was changed: what is pulled is that build.
CHANGED = "What is served, until when"


@pytest.fixture
def reference(later_builds: LaterBuilds, registry: Registry) -> str:
    pushed = later_builds.changed.result(DEADLINE)
    reference = f"{registry.address}/dstack-ingress@{pushed.digest}"
    assert pushed.output.endswith(f"pushed: {reference}\n")
    return reference


def test_buildah_pulls_it_by_the_digest_that_was_printed(
    reference: str, registry: Registry, work: Path
) -> None:
    container = Container(
        f"docker://{reference}",
        work / "pulled",
        CONTAINERS_REGISTRIES_CONF=str(registry.client_configuration),
    )
    assert CHANGED in container.run("ingressctl", "--help").stdout


def test_an_engine_pulls_it_by_the_digest_that_was_printed(reference: str, engine: Engine) -> None:
    engine.docker("pull", reference)
    told = engine.try_docker("run", "--rm", reference, "ingressctl", "--help")
    assert CHANGED in told.stdout
