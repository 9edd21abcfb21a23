"""What build-image.sh says before it builds anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .builds import ROOT, make_storage

USAGE, UNAVAILABLE = 64, 69
TOOLS = ("sh", "cat", "dirname", "sed", "tar", "gzip", "awk", "sha256sum", "uname", "date", "xargs")


def _put_tools(folder: Path) -> None:
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)


def _run(
    *arguments: str, path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "build-image.sh", *arguments],
        env={"PATH": os.fspath(path) if path else os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nonsense",), "--nonsense is not understood"),
        (("--push",), "--push needs a value"),
        (("--push", "registry.example.com/ingress"), "a repository and a tag are needed"),
        (("--engine", "kaniko"), "--engine kaniko: it must be buildx or buildah"),
        (("--mirror", "ftp://mirror.example.com/debian"), "it must be a URL that ends in /debian"),
        (("--source", "http://example.com"), "it must be a URL that begins with https://"),
        (("--source", "https://example.com/a b"), "it must be a URL"),
        (("--verify", "--cached"), "--verify builds from clean"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    done = _run(*arguments)
    assert done.returncode == USAGE
    assert words in done.stderr
    assert "--update-pins" in done.stderr, "the usage"


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("", "on Debian: apt-get install buildah"),
        ("buildah", "on Debian: apt-get install buildah"),
        ("buildx", "docker is needed for --engine buildx"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_built(
    tmp_path: Path, engine: str, words: str
) -> None:
    _put_tools(tmp_path)
    done = _run(*(("--engine", engine) if engine else ()), path=tmp_path)
    assert done.returncode == UNAVAILABLE
    assert words in done.stderr


def test_a_base_that_is_not_there_is_named() -> None:
    done = _run("--engine", "buildah", "--base", "nowhere.tar")
    assert done.returncode == UNAVAILABLE
    assert "nowhere.tar: there is no such file" in done.stderr


# Of which `build` and `pull` end as they are told to.
FAKE_BUILDAH = """\
#!/bin/sh
case $1 in
pull) exit {pull} ;;
bud) exit {bud} ;;
esac
"""


@pytest.mark.parametrize(
    ("pull", "bud", "status", "words"),
    [
        (125, 0, UNAVAILABLE, ["cannot be had from its registry", "--base root.tar", "--mirror "]),
        (0, 125, 1, []),
        # A step of the Dockerfile that does not reach the archive of packages.
        (0, UNAVAILABLE, UNAVAILABLE, []),
    ],
)
def test_whatever_fails_the_exit_status_is_a_documented_one(
    tmp_path: Path, pull: int, bud: int, status: int, words: list[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    _put_tools(tools)
    for tool in ("mkdir", "rm", "tr"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    buildah = tools / "buildah"
    buildah.write_text(FAKE_BUILDAH.format(pull=pull, bud=bud))
    buildah.chmod(0o755)
    done = _run("--engine", "buildah", path=tools, IMAGE_DIR=str(tmp_path / "out"))
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr


def test_without_a_registry_it_says_what_to_do(tmp_path: Path) -> None:
    """In this network there is none."""
    storage = make_storage(tmp_path / "storage")
    done = _run(
        "--engine", "buildah", IMAGE_DIR=str(tmp_path / "out"), HOME=str(tmp_path),
        CONTAINERS_STORAGE_CONF=str(storage),
    )  # fmt: skip
    assert done.returncode == UNAVAILABLE, done.stderr
    assert "--base root.tar --mirror http://MIRROR/debian" in done.stderr
