"""The image as a container of buildah's: a chroot on the network of the test, with no daemon."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.process import clean_environment

from .builds import make_storage

NONE: Mapping[Path, str] = {}


class Container:
    """Made from `image`, as buildah names it, in a storage of its own."""

    def __init__(self, image: str, storage: Path, **environment: str) -> None:
        self.environment = clean_environment(
            CONTAINERS_STORAGE_CONF=str(make_storage(storage)), HOME=str(storage), **environment
        )
        self.name = self._buildah("from", "--quiet", image)

    def configure(self, variables: Mapping[str, str]) -> None:
        settings = [word for pair in variables.items() for word in ("--env", "=".join(pair))]
        self._buildah("config", *settings, self.name)

    def command(self, *command: str, volumes: Mapping[Path, str] = NONE) -> list[str]:
        binds = [word for source, at in volumes.items() for word in ("--volume", f"{source}:{at}")]
        return ["/usr/bin/buildah", "run", "--isolation", "chroot", *binds, self.name, "--", *command]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*command),
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _buildah(self, *arguments: str) -> str:
        return subprocess.run(
            ["/usr/bin/buildah", *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
