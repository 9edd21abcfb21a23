"""What the tests of the image share: the builds, an engine, and numbers for whoever reads the log.

INGRESS_BUILT=FOLDER, which build-image.sh left, has that image tested, and none built.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.stack import Stack

from . import builds
from .builds import KEPT, Built, Tree
from .engine import Engine

BUILT = os.environ.get("INGRESS_BUILT")

_measures: list[str] = []


def measured(text: str) -> None:
    """To be told at the end."""
    _measures.append(text)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for text in _measures:
        terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """Large, and gone at the end but for the logs."""
    KEPT.mkdir(parents=True, exist_ok=True)
    claim = (KEPT / "lock").open("w")
    fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while another run is under way
    for old in KEPT.glob("work-*"):  # of a run that was killed
        shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=KEPT))
    yield folder
    for log in (*folder.glob("*.log"), *folder.glob("docker/*.log"), *folder.glob("some/*/*.log")):
        shutil.copy(log, builds.ROOT / "build" / "test" / f"image-{log.name}")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tree(work: Path) -> Tree:
    """The sources, with pins for what the mirror has today."""
    if BUILT:
        pytest.skip("INGRESS_BUILT: nothing is built")
    base = builds.make_base(work / "base.log")
    tree = Tree(work / "here", base)
    committed = tree.pins.read_text()
    tree.run("--update-pins", "--cached", out="pins")
    drift = set(tree.pins.read_text().split()) - set(committed.split())
    measured(f"pinned packages: {len(drift)} of the mirror's are of other versions than committed")
    return tree


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest) -> Built:
    """By `tree`, whose storage is new: all of it was built just now."""
    if BUILT:
        return Built(Path(BUILT), (Path(BUILT) / "report").read_text())
    built: Built = request.getfixturevalue("tree").run("--cached")
    measured(built.output)
    return built


@pytest.fixture(scope="session")
def later_builds(tree: Tree, built: Built, work: Path) -> Iterator[tuple[Future[Built], Future[Built]]]:
    """While other tests go on: from another copy and storage, and with one byte changed."""
    elsewhere = work / "some" / "where" / "else"
    elsewhere.parent.mkdir(parents=True)

    def again() -> Built:
        other = Tree(elsewhere, builds.make_base(work / "base-again.log"))
        shutil.copy(tree.pins, other.pins)
        return other.run()

    def changed() -> Built:
        other = Tree(work / "changed", builds.make_base(work / "base-again.log"), like=tree)
        source = other.folder / "supervisor" / "ingressctl.c"
        text = source.read_text()
        assert text.count("usage: ingressctl") == 1
        source.write_text(text.replace("usage: ingressctl", "Usage: ingressctl"))
        return other.run("--cached")

    with ThreadPoolExecutor(1) as worker:
        yield worker.submit(again), worker.submit(changed)


@pytest.fixture(scope="session", autouse=True)
def _in_the_background(request: pytest.FixtureRequest) -> None:
    """They begin before the first test."""
    if not BUILT:
        request.getfixturevalue("later_builds")


@pytest.fixture
def nothing_else_runs(request: pytest.FixtureRequest) -> None:
    if not BUILT:
        for build in request.getfixturevalue("later_builds"):
            build.exception()


@pytest.fixture(scope="session")
def root(built: Built, work: Path) -> Path:
    """The image's files."""
    folder = work / "root"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", built.layer(), "-C", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def engine(work: Path) -> Iterator[Engine]:
    try:
        engine = Engine(work / "docker")
    except (TimeoutError, ChildProcessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no engine can be started here: {error}")
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def image(engine: Engine, built: Built) -> str:
    return engine.load(built.archive)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, guest_agent="dstack", outside=os.environ["INGRESS_OUTSIDE"])
    with stack:
        yield stack
