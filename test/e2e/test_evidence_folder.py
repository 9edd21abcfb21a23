"""EVIDENCE_DIR is shared with the app's other containers: what they put there harms nobody."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.folder_vandal import FOLDER_MODE, READERS_NAMES
from support.process import Child, clean_environment

from .evidence_bench import Bench, bench, check_generation, everything_in, read_generation
from .evidence_http import curl

TRY_LATER = 75
NOBODY = 65534
EVIDENCE_USER = 59302 if os.geteuid() == 0 else os.geteuid()  # common/privileges.h
PUBLICATIONS = 20  # by each kind of vandal
VANDAL = Path(__file__).resolve().parent.parent / "support" / "folder_vandal.py"
NAME = "app.example.com"


@pytest.fixture(name="dstack")
def _dstack() -> Iterator[Bench]:
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        os.chmod(folder, 0o755)
        with bench(Path(folder)) as made:
            yield made


def make_outside(dstack: Bench) -> Path:
    """Files that bear the names of evidence, and are none."""
    outside = dstack.folder / "outside"
    outside.mkdir()
    for name in READERS_NAMES:
        (outside / name).write_text("outside: not to be read or written")
    return outside


def test_a_lock_that_a_reader_holds_stops_nothing(dstack: Bench) -> None:
    dstack.publish(NAME)
    folder = os.open(dstack.evidence, os.O_RDONLY)
    current = os.open(dstack.evidence / "..data", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        fcntl.flock(current, fcntl.LOCK_EX)
        dstack.publish("other.example.com")
    finally:
        os.close(current)
        os.close(folder)
    assert "cert-other.example.com.pem" in read_generation(dstack.evidence)


@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "dangling"])
@pytest.mark.parametrize("name", ["quote.json", f"cert-{NAME}.pem", "..data"])
def test_what_is_in_the_way_is_moved_aside_and_told_once(dstack: Bench, name: str, kind: str) -> None:
    outside = make_outside(dstack)
    before = everything_in(outside)
    dstack.evidence.mkdir()
    path = dstack.evidence / name
    if kind == "folder":
        path.mkdir()
        (path / "kept").write_text("not ours")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(outside / "quote.json" if kind == "link" else "/nonexistent/place")
    first = dstack.run(*dstack.publish_arguments(NAME))
    assert first.returncode == 0, first.stderr
    told = [line for line in first.stderr.splitlines() if "was in the way of the evidence" in line]
    assert len(told) == 1
    assert f"warn ingress-evidence: {path}, a " in told[0]
    aside = dstack.evidence / told[0].rpartition(" ")[2]
    assert aside.name.startswith("..aside-")
    assert aside.is_symlink() or aside.is_fifo() or (aside / "kept").read_text() == "not ours"
    second = dstack.run(*dstack.publish_arguments(NAME))
    assert (second.returncode, "in the way" in second.stderr) == (0, False)
    check_generation(read_generation(dstack.evidence))
    assert everything_in(outside) == before


@pytest.mark.parametrize("user", [0, NOBODY])
def test_a_vandal_at_work_spoils_no_generation_and_reaches_nothing_outside(
    dstack: Bench, user: int
) -> None:
    outside = make_outside(dstack)
    before = everything_in(outside)
    dstack.evidence.mkdir()
    dstack.evidence.chmod(0o777)
    commands = [dstack.publish_arguments(NAME), dstack.publish_arguments(NAME, "other.example.com")]
    vandal = [sys.executable, str(VANDAL), str(dstack.evidence), str(outside), "20261129"]
    published = seen = 0
    with Child(
        [*vandal, *([str(user)] if user else [])],
        dstack.folder / "vandal.log",
        env=clean_environment(),
    ) as child:
        child.wait_for(lambda: "at work" in child.log_text(), what="its first act")
        for number in range(PUBLICATIONS):
            result = dstack.run(*commands[number % 2])
            if result.returncode == 0:
                published += 1
            else:
                assert result.returncode == TRY_LATER, result.stderr
                assert "somebody else keeps changing what is in" in result.stderr
            seen += check_all_of_ours(dstack.evidence)
        assert child.running
    assert everything_in(outside) == before
    assert published > 0
    assert seen > PUBLICATIONS
    dstack.publish(NAME)
    check_generation(read_generation(dstack.evidence))


def check_all_of_ours(evidence: Path) -> int:
    """Every folder that was opened to readers and has not been emptied is whole, whatever it is
    called by now. Returns their number."""
    count = 0
    for name in os.listdir(evidence):
        try:
            folder = os.open(evidence / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # no folder, or it has another name since
            continue
        try:
            info = os.fstat(folder)
            mode = stat.S_IMODE(info.st_mode)
            files = {entry: read_at(folder, entry) for entry in os.listdir(folder)}
        finally:
            os.close(folder)
        if mode == FOLDER_MODE or not files:
            continue
        assert info.st_uid == EVIDENCE_USER
        if mode == 0o755:
            check_generation(files)
            count += 1
        else:
            assert mode == 0o700
    return count


def read_at(folder: int, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()


@pytest.mark.parametrize("kind", ["..data", "..gen-link", "file", "fifo"])
def test_the_server_follows_no_link_out_of_the_folder(dstack: Bench, kind: str) -> None:
    """As a user without root, who cannot confine itself to the folder."""
    outside = make_outside(dstack)
    dstack.publish(NAME)
    current = dstack.evidence / os.readlink(dstack.evidence / "..data")
    if kind == "..data":
        (dstack.evidence / "..data").unlink()
        (dstack.evidence / "..data").symlink_to(outside)
    elif kind == "..gen-link":
        current.rename(dstack.folder / "moved")
        current.symlink_to(outside)
    elif kind == "file":
        (current / "quote.json").unlink()
        (current / "quote.json").symlink_to(outside / "quote.json")
    else:
        os.mkfifo(current / "another.json")
    os.chown(dstack.folder, NOBODY, NOBODY)
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    with dstack.serving(prefix=prefix, leaks=True) as server:
        answer = curl(dstack, "/evidences/quote.json")
        assert answer.status == 503
        assert b"outside" not in answer.body
        dstack.publish(NAME)
        assert curl(dstack, "/evidences/quote.json").status == 200
        assert server.running
