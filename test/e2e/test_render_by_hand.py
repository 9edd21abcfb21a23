"""`ingressd --render DIR` and `haproxy -f DIR/haproxy.cfg`, as the README has it, from nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ingress import BIN, Ingress
from support.process import Child
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
NOBODY = 65534
RENDER_DEADLINE = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for sockets in it, and open to whoever HAProxy runs as."""
    path = Path(tempfile.mkdtemp(prefix="hand-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def hand_over(path: Path) -> None:
    for entry in [path, *path.rglob("*")]:
        os.chown(entry, NOBODY, NOBODY, follow_symlinks=False)


@pytest.mark.parametrize("routing", ["connection", "request"])
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_haproxy_serves_from_what_was_rendered(
    world: World, folder: Path, user: str, routing: str
) -> None:
    if os.geteuid() != 0 and user == "root":
        pytest.skip("only root can be root")
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put(NAME)
    volume.put("api.demo.test")
    # What only root may see is no place for others' volumes and programs.
    shutil.copytree(volume.path, folder / "letsencrypt", symlinks=True)
    shutil.copy(BIN / "ingressd", folder)
    ingress = Ingress(
        stack,
        ALPN="h2,http/1.1",
        EVIDENCE_ROUTING=routing,
        ACME_CA_BUNDLE=None,
        LETSENCRYPT_DIR=str(folder / "letsencrypt"),
    )
    (folder / "made").mkdir()
    become = []
    if os.geteuid() == 0 and user == "nobody":
        hand_over(folder)
        ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        become = ["setpriv", *ids, "--"]
    rendered = folder / "made" / "by-hand"
    done = Child(
        [*become, folder / "ingressd", "--render", rendered],
        stack.directory / "render.log",
        env=ingress.environment,
    )
    assert done.wait(RENDER_DEADLINE) == 0, done.log_text()
    assert not ingress.run_dir.exists()
    haproxy = ["haproxy", "-f", rendered / "haproxy.cfg"]
    with Child([*become, *haproxy], stack.directory / "haproxy.log") as child:
        child.wait_for(lambda: ingress.try_serial(NAME), what="a handshake")
        assert ingress.fetch(NAME).json()["name"] == "app"
        # The evidence server is not HAProxy's, so there is none; but HAProxy asked for it.
        assert ingress.fetch(NAME, "/evidences/quote.json").status == 503
