"""What build-image.sh says before it builds anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .builds import ROOT

USAGE, UNAVAILABLE = 64, 69
TOOLS = ("sh", "cat", "dirname", "sed", "tar", "gzip", "awk", "sha256sum", "uname", "date", "xargs")


def _run(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "build-image.sh", *arguments],
        env={"PATH": os.fspath(path) if path else os.environ["PATH"]},
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
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    done = _run(*(("--engine", engine) if engine else ()), path=tmp_path)
    assert done.returncode == UNAVAILABLE
    assert words in done.stderr


def test_a_base_that_is_not_there_is_named() -> None:
    done = _run("--engine", "buildah", "--base", "nowhere.tar")
    assert done.returncode == UNAVAILABLE
    assert "nowhere.tar: there is no such file" in done.stderr
