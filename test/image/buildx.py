"""build-image.sh with buildx, by the BuildKit that is in Debian 13's dockerd.

The pinned BuildKit is an image of a registry that these tests do not reach; this one is older and
makes another digest.  What takes minutes, the files, buildah has built already: the last stage of
the Dockerfile copies a few others here, and is as it is otherwise.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .builds import BUILDX, Tree, unpack_docker
from .engine import Engine
from .registry import Registry
from .relay import Relay

DEADLINE = 300
BRIDGE, ADDRESS = "buildx0", "10.88.2.1"
STORE = '{"features": {"containerd-snapshotter": true}}'
COPY = "COPY --from=runtime /root-of-image/ /\n"
STATUS = """\
Package: libc6
Status: install ok installed
Installed-Size: 1
Version: 1
Architecture: amd64
"""


def start_engine(folder: Path) -> Engine:
    """Beside another one: on a bridge of its own, without rules for the firewall.

    Raises as Engine does, also where there are no bridges.
    """
    usr = unpack_docker(folder.with_name("docker-of-debian-13"))
    for command in (
        f"link add {BRIDGE} type bridge", f"address add {ADDRESS}/24 dev {BRIDGE}", f"link set {BRIDGE} up",
    ):  # fmt: skip
        done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ChildProcessError(f"ip {command}\n{done.stderr}")
    return Engine(
        folder, usr.parent / BUILDX, usr=usr, configuration=STORE,
        network=("--bridge", BRIDGE, "--iptables=false", "--ip6tables=false"),
    )  # fmt: skip


class Buildx:
    """`engine`, and copies of the sources that it builds."""

    def __init__(self, engine: Engine, tree: Tree, registry: Registry, relay: Relay) -> None:
        self.engine = engine
        self.registry = registry
        self.mirror = f"http://{ADDRESS}:{relay.port}/debian"
        self._tree = tree
        self._home = Path(engine.environment["HOME"])
        skopeo = self._home / ".config" / "containers" / "registries.conf"
        skopeo.parent.mkdir(parents=True)
        skopeo.symlink_to(registry.client_configuration)
        self.base = self._push_base(tree.base)

    def _push_base(self, archive: Path) -> str:
        """As NAME@DIGEST."""
        name = f"{self.registry.address}/debian:trixie"
        self.engine.docker("import", str(archive), name)
        self.engine.docker("push", "--quiet", name)
        reference = self.engine.docker("image", "inspect", "--format", "{{.Id}}", name)
        return f"{name}@{reference.strip()}"

    def sources(self, name: str) -> Tree:
        return Tree(self._home.parent / f"buildx-{name}", self._tree.base, like=self._tree)

    def small_sources(self, name: str, *, step: str = "") -> Tree:
        """Whose image has next to nothing in it, after a step of its own."""
        tree = self.sources(name)
        dockerfile = tree.folder / "Dockerfile"
        text = dockerfile.read_text()
        assert text.count(COPY) == 1
        small = f"FROM ${{BASE}} AS small\n{step}\nCOPY small /root-of-image\n"
        stages, last = text[: text.rindex("\nFROM ")], text[text.rindex("\nFROM ") :]
        dockerfile.write_text(f"{stages}\n{small}{last}".replace(COPY, COPY.replace("runtime", "small")))
        with (tree.folder / ".dockerignore").open("a") as ignored:
            ignored.write("!small\n")
        status = tree.folder / "small" / "var" / "lib" / "dpkg" / "status"
        status.parent.mkdir(parents=True)
        status.write_text(STATUS)
        (tree.folder / "small" / "large").write_bytes(os.urandom(2 << 20))
        return tree

    def run(
        self, tree: Tree, *arguments: str, builder: str = "default", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """build-image.sh of `tree`, into out_of(tree)."""
        named = ["--builder", builder] if builder else []
        return subprocess.run(
            [
                tree.folder / "build-image.sh", "--engine", "buildx", *named,
                "--base", self.base, "--mirror", self.mirror, *arguments,
            ],
            env={**self.engine.environment, "IMAGE_DIR": str(self.out_of(tree)), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )  # fmt: skip

    @staticmethod
    def out_of(tree: Tree) -> Path:
        return tree.folder.with_name(f"{tree.folder.name}-out")

    def digest_in_registry(self, reference: str) -> str | None:
        """None if it is not there."""
        done = subprocess.run(
            ["skopeo", "inspect", "--format", "{{.Digest}}", f"docker://{reference}"],
            env=self.engine.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else None
