"""Clients and servers of the matrix: programs of the system, and how they find the product."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.process import Child, clean_environment
from support.receive import receive

from .product import HOST, PATIENCE, Product

UNPRIVILEGED = "nobody"


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self._begun


def receive_line(connection: socket.socket) -> bytes:
    """With its end, and nothing behind it is taken."""
    line = bytearray()
    while not line.endswith(b"\n") and (byte := connection.recv(1)):
        line += byte
    return bytes(line)


def program(name: str) -> str:
    """Its path; a missing one fails the test and is never a reason to skip it."""
    found = shutil.which(name, path=clean_environment()["PATH"])
    assert found is not None, f"{name} is missing: see .ci/packages test"
    return found


def listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        with socket.create_connection((HOST, port), timeout=1):
            return True
    return False


@contextlib.contextmanager
def server(
    argv: Sequence[str | os.PathLike[str]], port: int, directory: Path, *, log: str = ""
) -> Iterator[Child]:
    """A program of the system, from when it listens on; `log` names its output's file."""
    name = log or Path(argv[0]).name
    with Child(argv, directory / f"{name}.log", cwd=directory) as child:
        child.wait_for(lambda: listens(port), what=f"{name} to listen", deadline=PATIENCE)
        yield child


def unprivileged() -> list[str]:
    """A prefix for programs that refuse to run as root."""
    if os.geteuid() != 0:
        return []
    return [program("runuser"), "-u", UNPRIVILEGED, "--"]


def run(
    argv: Sequence[str | os.PathLike[str]], *, stdin: bytes = b"", status: int = 0
) -> bytes:
    """What a client prints; it must end with `status`."""
    done = subprocess.run(
        [program(os.fspath(argv[0])), *map(os.fspath, argv[1:])],
        input=stdin,
        capture_output=True,
        env=clean_environment(),
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == status, (argv, done.returncode, done.stdout, done.stderr)
    return done.stdout


def curl(product: Product, scheme: str, name: str, *arguments: str) -> bytes:
    """curl of SCHEME://NAME:PORT with every `{url}` in the arguments replaced by it."""
    url = f"{scheme}://{name}:{product.port}"
    return run(
        [
            "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", product.ca.bundle,
            "--resolve", f"{name}:{product.port}:{HOST}", "--max-time", str(PATIENCE / 2),
            *(argument.replace("{url}", url) for argument in arguments),
        ]
    )  # fmt: skip


def private_mounts(replaced: dict[str, str], directory: Path) -> list[str | os.PathLike[str]]:
    """A prefix: the program sees other contents in the files `replaced` (path: text)."""
    script = ""
    for path, text in replaced.items():
        own = directory / f"private-{Path(path).name}"
        own.write_text(text)
        own.chmod(0o644)
        script += f'mount --bind "{own}" "{path}"\n'
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    return [
        program("unshare"), "--mount", *mapped, "sh", "-euc", f'{script}exec "$@"', "mounts",
    ]  # fmt: skip


def with_hosts(name: str, directory: Path) -> list[str | os.PathLike[str]]:
    """A prefix: to the program, `name` is the product's address."""
    return private_mounts({"/etc/hosts": f"{HOST} localhost {name}\n"}, directory)
