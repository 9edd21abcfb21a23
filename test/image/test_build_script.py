"""What build-image.sh says before it builds anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .builds import ROOT, make_storage

FAILED, USAGE, UNAVAILABLE = 1, 64, 69
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
        (("--engine", "buildah", "--builder", "mine"), "--builder mine: buildah has none"),
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
    ("engine", "docker", "words"),
    [
        ("", "", "on Debian: apt-get install buildah"),
        ("buildah", "", "on Debian: apt-get install buildah"),
        ("buildx", "", "docker is needed for --engine buildx"),
        # Podman's, under this name.
        ("", "echo buildah 1.39.3", "on Debian: apt-get install buildah"),
        ("buildx", "echo buildah 1.39.3", "docker has no buildx here"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_built(
    tmp_path: Path, engine: str, docker: str, words: str
) -> None:
    _put_tools(tmp_path)
    if docker:
        (tmp_path / "docker").write_text(f"#!/bin/sh\n{docker}\n")
        (tmp_path / "docker").chmod(0o755)
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


# Has no builder yet, and is slow to start one: what it tells then is not that it runs.
FAKE_DOCKER = """\
#!/bin/sh
echo "$*" >>{folder}/calls
case "$1 $2 $3" in
"buildx version "*) echo github.com/docker/buildx v0.13.1 ;;
"buildx inspect --bootstrap") echo Name: "$4" ;;
"buildx inspect "*) [ -e {folder}/builder ] && printf 'Status:           running\\n' ;;
"buildx create "*) : >{folder}/builder ;;
"buildx build "*) exit 1 ;;
esac
"""


# Somebody commits all the time.
FAKE_GIT = """\
#!/bin/sh
[ "$1" = rev-parse ] || exit 0
echo x >>{folder}/commits
sed -n '$=' {folder}/commits
"""


def test_buildx_builds_with_the_pinned_buildkit_unless_a_builder_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    _put_tools(tools)
    for tool in ("mkdir", "rm", "tr", "cut", "grep", "tee", "skopeo"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    for name, text in (("docker", FAKE_DOCKER), ("git", FAKE_GIT)):
        (tools / name).write_text(text.format(folder=tmp_path))
        (tools / name).chmod(0o755)
    calls = tmp_path / "calls"
    pinned = re.findall("^buildkit=(.*)$", (ROOT / "build-image.sh").read_text(), re.MULTILINE)
    assert len(pinned) == 1 and re.search("@sha256:[0-9a-f]{64}$", pinned[0])
    # A later version of the script, with another BuildKit, takes no builder of this one's.
    name = f"dstack-ingress-{pinned[0].rpartition(':')[2][:12]}"
    base = next(b for b in (ROOT / "Dockerfile").read_text().split() if b.startswith("BASE="))[5:]
    reference, _, digest = base.partition("@")
    for arguments, builder in (((), name), (("--builder", "mine"), "mine")):
        calls.unlink(missing_ok=True)
        done = _run(*arguments, "--engine", "buildx", path=tools, IMAGE_DIR=str(tmp_path / "out"))
        assert done.returncode == FAILED, done.stderr
        assert "docker buildx build has failed" in done.stderr
        told = calls.read_text().splitlines()
        created = [line for line in told if line.startswith("buildx create ")]
        of_ours = f"--name {name} --driver docker-container --driver-opt image={pinned[0]}"
        assert created == ([] if arguments else [f"buildx create {of_ours}"])
        build = told[-1]
        assert build.startswith(f"buildx build --builder {builder} --platform linux/amd64 ")
        for word in ("--provenance=false", "--no-cache", "rewrite-timestamp=true"):
            assert word in build
        told_revision = re.findall(r"--build-arg REVISION=(\S+) ", build)
        assert len(told_revision) == 1
        assert f"--annotation manifest:org.opencontainers.image.revision={told_revision[0]} " in build
        for key, value in (("name", reference), ("digest", digest)):
            assert f"--label org.opencontainers.image.base.{key}={value} " in build
            assert f"--annotation manifest:org.opencontainers.image.base.{key}={value} " in build


def test_without_a_registry_it_says_what_to_do(tmp_path: Path) -> None:
    """In this network there is none."""
    storage = make_storage(tmp_path / "storage")
    done = _run(
        "--engine", "buildah", IMAGE_DIR=str(tmp_path / "out"), HOME=str(tmp_path),
        CONTAINERS_STORAGE_CONF=str(storage),
    )  # fmt: skip
    assert done.returncode == UNAVAILABLE, done.stderr
    assert "--base root.tar --mirror http://MIRROR/debian" in done.stderr
