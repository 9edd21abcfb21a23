"""What the tests of the image share: the builds, an engine, and numbers for whoever reads the log.

INGRESS_BUILT=FOLDER, which build-image.sh left in this clone, has that image tested, and none built.

A test that is left out names what is missing (`missing`).  Under CI, one that does not has failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from support.stack import Stack

from . import builds
from .builds import KEPT, Built, Tree
from .buildx import Buildx, start_engine
from .engine import Engine
from .registry import Registry
from .relay import Relay

BUILT = os.environ.get("INGRESS_BUILT")

MISSING = "missing: "

_measures: list[str] = []
_left_out: list[str] = []


def measured(text: str) -> None:
    """To be told at the end."""
    _measures.append(text)


def missing(thing: str, why: str) -> NoReturn:
    """Leaves a test out for a thing that no package brings."""
    pytest.skip(f"{MISSING}{thing}: {why}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = (yield).get_result()  # type: ignore[misc]
    if not report.skipped:
        return
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    _left_out.append(f"not run: {item.name}; {reason}")
    if os.environ.get("CI") and not reason.startswith(MISSING):
        report.outcome = "failed"
        report.longrepr = f"left out under CI, without a missing thing that excuses it: {reason}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for text in (*_measures, *_left_out):
        terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """Large, and gone at the end but for the logs."""
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=KEPT))
    yield folder
    patterns = ("*.log", "docker/*.log", "buildx/*.log", "some/*/*.log")
    for log in (log for pattern in patterns for log in folder.glob(pattern)):
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
def registry(work: Path) -> Iterator[Registry]:
    with Registry(work / "registry") as registry:
        yield registry


@dataclass
class LaterBuilds:
    """Under way while other tests go on."""

    again: Future[Built]
    """From another copy of the sources, in a storage of its own, from clean."""
    changed: Future[Built]
    """With one byte of the sources changed, and pushed to the registry."""


@pytest.fixture(scope="session")
def later_builds(tree: Tree, built: Built, registry: Registry, work: Path) -> Iterator[LaterBuilds]:
    elsewhere = work / "some" / "where" / "else"
    elsewhere.parent.mkdir(parents=True)

    def again() -> Built:
        other = Tree(elsewhere, tree.base)
        shutil.copy(tree.pins, other.pins)
        return other.run()

    def changed() -> Built:
        other = Tree(work / "changed", tree.base, like=tree)
        source = other.folder / "supervisor" / "ctl" / "ingressctl.c"
        text = source.read_text()
        assert text.count("what is served, until when") == 1
        source.write_text(text.replace("what is served, until when", "What is served, until when"))
        return other.run(
            "--cached", "--push", f"{registry.address}/dstack-ingress:test",
            CONTAINERS_REGISTRIES_CONF=str(registry.client_configuration),
        )  # fmt: skip

    with ThreadPoolExecutor(1) as worker:
        yield LaterBuilds(worker.submit(again), worker.submit(changed))


def _are_built(request: pytest.FixtureRequest) -> bool:
    """Whether a test of this run is about the later builds."""
    return not BUILT and any("later_builds" in i.fixturenames for i in request.session.items)


@pytest.fixture(scope="session", autouse=True)
def _in_the_background(request: pytest.FixtureRequest) -> None:
    """They begin before the first test."""
    if _are_built(request):
        request.getfixturevalue("later_builds")


@pytest.fixture
def nothing_else_runs(request: pytest.FixtureRequest) -> None:
    if _are_built(request):
        later: LaterBuilds = request.getfixturevalue("later_builds")
        for build in (later.again, later.changed):
            build.exception()


@pytest.fixture(scope="session")
def root(built: Built, work: Path) -> Path:
    """The image's files."""
    folder = work / "root"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", built.layer(), "-C", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def compose(work: Path) -> Path:
    """Docker's plugin."""
    return builds.find_compose(work / "compose")


@pytest.fixture(scope="session")
def engine(work: Path, compose: Path) -> Iterator[Engine]:
    with _started(lambda: Engine(work / "docker", compose)) as engine:
        yield engine


@contextmanager
def _started(start: Callable[[], Engine]) -> Iterator[Engine]:
    try:
        engine = start()
    except (TimeoutError, ChildProcessError) as error:
        said = str(error).strip().splitlines()
        missing("an engine", f"{said[0]} ({said[-1]}); what buildah can do is tested")
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def buildx(tree: Tree, registry: Registry, work: Path) -> Iterator[Buildx]:
    """With an engine beside the other one."""
    with _started(lambda: start_engine(work / "buildx")) as engine:
        with Relay(work / "relay.log") as relay:
            yield Buildx(engine, tree, registry, relay)


@pytest.fixture(scope="session")
def image(engine: Engine, built: Built) -> str:
    return engine.load(built.archive)


def stack_for_containers(folder: Path, **options: Any) -> Stack:
    return Stack(folder, guest_agent="dstack", outside=os.environ["INGRESS_OUTSIDE"], **options)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with stack_for_containers(tmp_path) as stack:
        yield stack
