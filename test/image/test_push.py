"""What is pushed is what was built, under the digest that was printed."""

from __future__ import annotations

from pathlib import Path

from .builds import Built, Tree
from .engine import Engine
from .registry import Registry


def test_an_engine_pulls_it_by_the_digest_that_was_printed(
    tree: Tree, built: Built, engine: Engine, work: Path
) -> None:
    with Registry(work / "registry") as registry:
        repository = f"{registry.address}/dstack-ingress"
        pushed = tree.run(
            "--cached", "--push", f"{repository}:test", out="pushed",
            CONTAINERS_REGISTRIES_CONF=str(registry.client_configuration),
        )  # fmt: skip
        assert pushed.output.endswith(f"pushed: {repository}@{built.digest}\n")
        engine.docker("pull", f"{repository}@{built.digest}")
        told = engine.docker("run", "--rm", f"{repository}@{built.digest}", "--version")
        assert told.startswith("ingressd ")

