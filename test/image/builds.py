"""Building the image: copies of the sources, a base, and build-image.sh with a storage of its own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "build" / "image-test"

# What debian:trixie-slim is made of, as far as it matters here.
BASE_RECIPE = [
    "mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
]  # fmt: skip
# Debian 12's compose is the old one, which refuses what today's files may have, its docker has no
# BuildKit that can set times, and there is no buildx.  What is written in Go runs there too.
DOCKER_RECIPE = [
    "mmdebstrap", "--quiet", "--variant=extract",
    "--include=docker.io,docker-cli,docker-compose,docker-buildx,containerd",
]  # fmt: skip
COMPOSE = "usr/libexec/docker/cli-plugins/docker-compose"
BUILDX = "usr/libexec/docker/cli-plugins/docker-buildx"
DOCKER = (
    "usr/bin/docker", "usr/sbin/dockerd", "usr/bin/containerd", "usr/bin/containerd-shim-runc-v2", BUILDX,
)  # fmt: skip
BASE_EPOCH = "1795651200"
BASE_DEADLINE = 600
BUILD_DEADLINE = 900
LOG_TAIL = 60

APT_URI = re.compile(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(https?://\S+/debian)/?(?:\s|$)", re.MULTILINE)


def mirror() -> str:
    """The one that this machine's packages come from."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for file in files:
        if file.suffix in (".list", ".sources") and file.exists():
            found = APT_URI.search(file.read_text())
            if found:
                return found.group(1)
    raise RuntimeError("/etc/apt names no mirror of Debian to build from")


# The first process of this namespace, run.sh's shell, has it open.
ON_THE_HOST_NETWORK = ["nsenter", f"--net=/proc/1/fd/{os.environ['INGRESS_HOST_NETWORK']}"]


def run_logged(
    command: list[str], log: Path, *, deadline: float, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Raises RuntimeError with the end of what it said."""
    with log.open("w") as output:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            timeout=deadline,
            check=False,
        )
    if done.returncode != 0:
        end = "\n".join(log.read_text().splitlines()[-LOG_TAIL:])
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{end}\n{done.stdout}")
    return done


def _make_root(recipe: list[str], name: str, log: Path) -> Path:
    """A tar archive of something of Debian 13; made once and kept."""
    recipe = [*recipe, "trixie"]
    key = hashlib.sha256(" ".join([*recipe, BASE_EPOCH, mirror()]).encode()).hexdigest()[:12]
    root = KEPT / f"{name}-{key}.tar"
    if not root.exists():
        unfinished = root.with_name("unfinished.tar")
        run_logged(
            [*ON_THE_HOST_NETWORK, *recipe, str(unfinished), mirror()],
            log,
            deadline=BASE_DEADLINE,
            SOURCE_DATE_EPOCH=BASE_EPOCH,
        )
        unfinished.rename(root)
    return root


def make_base(log: Path) -> Path:
    return _make_root(BASE_RECIPE, "base", log)


def _unpack_docker(folder: Path, *names: str) -> None:
    archive = _make_root(DOCKER_RECIPE, "docker", folder.with_suffix(".log"))
    folder.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", folder, *(f"./{n}" for n in names)], check=True)


def find_compose(folder: Path) -> Path:
    """Docker's plugin: this machine's, or Debian 13's, unpacked into `folder`."""
    ours = Path("/") / COMPOSE
    if ours.exists():
        return ours
    _unpack_docker(folder, COMPOSE)
    return folder / COMPOSE


def unpack_docker(folder: Path) -> Path:
    """Debian 13's, which has BuildKit 0.13, and its buildx; what /usr is there."""
    _unpack_docker(folder, *DOCKER)
    return folder / "usr"


@dataclass
class Built:
    """What build-image.sh left, and what it printed."""

    folder: Path
    output: str

    @property
    def digest(self) -> str:
        return (self.folder / "digest").read_text().strip()

    @property
    def archive(self) -> Path:
        """For `docker load`."""
        return self.folder / "dstack-ingress.tar"

    def layer(self) -> Path:
        """The only one: compressed, as a registry has it."""
        large = [f for f in (self.folder / "layout").rglob("*") if f.stat().st_size > 1 << 20]
        assert len(large) == 1, large
        return large[0]


def make_storage(storage: Path) -> Path:
    """For buildah: a new folder, and the configuration that names it."""
    storage.mkdir()
    configuration = storage / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{storage}/root"\n'
        f'runroot = "{storage}/run"\n'
    )
    return configuration


class Tree:
    """A copy of the sources in `folder`, without git's own, that is built in a storage of its own,
    or with what another one, `like`, has built and pinned."""

    def __init__(self, folder: Path, base: Path, *, like: Tree | None = None) -> None:
        self.folder = folder
        self.base = base
        self._copy()
        if like is None:
            self._configuration = make_storage(folder.parent / f"{folder.name}-storage")
        else:
            self._configuration = like._configuration
            shutil.copy(like.pins, self.pins)

    def _copy(self) -> None:
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in map(os.fsdecode, filter(None, listed.stdout.split(b"\0"))):
            source, copy = ROOT / name, self.folder / name
            if source.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)

    @property
    def pins(self) -> Path:
        return self.folder / "pinned-packages.txt"

    def run(self, *arguments: str, out: str = "out", **environment: str) -> Built:
        """build-image.sh; RuntimeError if it fails."""
        folder = self.folder.parent / f"{self.folder.name}-{out}"
        # Nothing that is pushed is to leave the network of the tests.
        network = [] if "--push" in arguments else ON_THE_HOST_NETWORK
        done = run_logged(
            [
                *network, str(self.folder / "build-image.sh"), "--engine", "buildah",
                "--base", str(self.base), "--mirror", mirror(), *arguments,
            ],
            self.folder.parent / f"{self.folder.name}-{out}.log",
            deadline=BUILD_DEADLINE,
            IMAGE_DIR=str(folder),
            CONTAINERS_STORAGE_CONF=str(self._configuration),
            **environment,
        )  # fmt: skip
        return Built(folder, done.stdout)
