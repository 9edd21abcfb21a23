"""How a release comes about: what is published was compared before, by actions that stay the same."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .builds import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
RELEASE = (ROOT / ".github" / "workflows" / "release.yaml").read_text()
USAGE = 64
OTHER = "sha256:" + "0" * 64

# Stands in for buildah: makes a small image of the sources' VERSION, and notes what is pushed where.
BUILDAH = r"""#!/bin/sh
set -eu
here=$(dirname "$0")
case $1 in
bud)
	while [ $# -gt 0 ]; do
		[ "$1" != --iidfile ] || echo an-image >"$2"
		shift
	done
	;;
push)
	while [ $# -gt 1 ]; do
		[ "$1" != --digestfile ] || pushed=$2
		last=$2
		shift
	done
	case $last in
	dir:*)
		folder=${last#dir:}
		mkdir -p "$folder" "$here/root/var/lib/dpkg"
		head -c 2000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 >"$here/root/data" 2>/dev/null
		printf 'Package: libc6\nStatus: install ok installed\nInstalled-Size: 1\nVersion: 1\nArchitecture: amd64\n' \
			>"$here/root/var/lib/dpkg/status"
		tar -C "$here/root" --mtime=@0 --owner=0 --group=0 --sort=name -cf - data var |
			gzip -n >"$folder/layer"
		echo '{"history":[]}' >"$folder/1111"
		printf '{"config":{"size":15,"digest":"sha256:1111"}}' >"$folder/manifest.json"
		;;
	docker://*)
		echo "$last" >>"$here/pushed"
		cp "$here/digest" "$pushed"
		;;
	docker-archive:*)
		path=${last#docker-archive:}
		: >"${path%%:*}"
		;;
	esac
	;;
pull) echo an-image ;;
tag) ;;
esac
"""


@pytest.fixture(name="engine_folder")
def _engine_folder(tmp_path: Path) -> Path:
    program = tmp_path / "buildah"
    program.write_text(BUILDAH)
    program.chmod(0o755)
    (tmp_path / "digest").write_text("")
    return tmp_path


def build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "build-image.sh", "--engine", "buildah", "--cached", *arguments],
        env={
            "PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin",
            "IMAGE_DIR": str(folder / "out"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_has_another_digest_is_not_pushed(engine_folder: Path) -> None:
    first = build(engine_folder)
    assert first.returncode == 0, first.stderr
    digest = (engine_folder / "out" / "digest").read_text().strip()
    (engine_folder / "digest").write_text(digest)  # as a registry would tell
    push = ("--push", "registry.example.com/dstack-ingress:test")
    refused = build(engine_folder, *push, "--expect", OTHER)
    assert refused.returncode == 1
    assert f"the digest is {digest}, and {OTHER} was expected" in refused.stderr
    assert not (engine_folder / "pushed").exists()
    done = build(engine_folder, *push, "--expect", digest)
    assert done.returncode == 0, done.stderr
    assert (engine_folder / "pushed").read_text() == f"docker://{push[1]}\n"


@pytest.mark.parametrize("value", ["latest", "sha256:", OTHER[:-1], OTHER + "0", f"{OTHER}\nx"])
def test_what_is_expected_has_to_be_a_digest(engine_folder: Path, value: str) -> None:
    done = build(engine_folder, "--expect", value)
    assert done.returncode == USAGE
    assert "it must be sha256: and 64 hex digits" in done.stderr
    assert not (engine_folder / "out").exists()


def test_the_release_expects_what_was_compared(engine_folder: Path) -> None:
    """The workflow's own command for the push, with the digest that the builds came to."""
    assert build(engine_folder).returncode == 0
    digest = (engine_folder / "out" / "digest").read_text()
    (engine_folder / "digest").write_text(digest)
    pushes = re.findall(r"^ +(\./build-image\.sh [^|]*?--push [^\n]*\n)", RELEASE, re.M)
    assert len(pushes) == 1
    assert RELEASE.count("--push") == 1
    for told, status in ((OTHER + "\n", 1), (digest, 0)):
        compared = engine_folder / "digests" / "digest-first"
        compared.mkdir(parents=True, exist_ok=True)
        (compared / "digest").write_text(told)
        (engine_folder / "VERSION").write_text("test")
        command = pushes[0].replace("./build-image.sh", f'"{ROOT}/build-image.sh" --cached')
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=engine_folder,
            env={
                "PATH": f"{engine_folder}:/usr/sbin:/usr/bin:/sbin:/bin",
                "IMAGE_DIR": str(engine_folder / "out"),
                "GITHUB_REPOSITORY": "example/dstack-ingress",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
    assert (engine_folder / "pushed").read_text() == "docker://ghcr.io/example/dstack-ingress:test\n"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_their_commits(workflow: Path) -> None:
    used = re.findall(r"\buses: *(.*)", workflow.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_job_has_the_permissions_that_it_needs(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.search(r"^permissions: \{\}", text, re.MULTILINE), "a job gets nothing unasked"
    jobs = re.split(r"^  (\w+):\n", text[text.index("\njobs:\n") + 7 :], flags=re.MULTILINE)[1:]
    found = dict(zip(jobs[::2], jobs[1::2]))
    assert found
    for name, job in found.items():
        granted = re.search(r"^    permissions:\n((?:      .*\n)+)", job, re.MULTILINE)
        assert granted, name
        writes = re.findall(r"^ +([\w-]+): write$", granted.group(1), re.MULTILINE)
        assert writes == WRITES.get((workflow.name, name), []), name


WRITES = {
    ("release.yaml", "publish"): ["packages", "id-token", "attestations"],
    ("release.yaml", "release"): ["contents"],
}


# ---- what the compiler is told


def flags() -> list[str]:
    done = subprocess.run(
        ["make", "-s", "--eval", "show-flags: ; @echo $(ALL_CFLAGS)", "show-flags"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_compiler_checks_sizes_that_are_known_at_run_time_only(tmp_path: Path) -> None:
    """_FORTIFY_SOURCE=2 does not see them; gcc 12 and later can."""
    major = int(subprocess.run(["cc", "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0])
    told = flags()
    assert ("-D_FORTIFY_SOURCE=3" in told) == (major >= 12)
    assert ("-ftrivial-auto-var-init=zero" in told) == (major >= 12)
    source = tmp_path / "probe.c"
    source.write_text(
        "#include <stdlib.h>\n#include <string.h>\n"
        "void *probe(size_t n, const void *s, size_t m);\n"
        "void *probe(size_t n, const void *s, size_t m)\n"
        "{ char *p = malloc(n); return p == NULL ? NULL : memcpy(p, s, m); }\n"
    )
    options = [f for f in told if not f.startswith(("-DVERSION", "-MMD", "-MP"))]
    subprocess.run(["cc", *options, "-c", source, "-o", tmp_path / "probe.o"], cwd=ROOT, check=True)
    symbols = subprocess.run(
        ["nm", tmp_path / "probe.o"], capture_output=True, text=True, check=True
    ).stdout
    assert ("__memcpy_chk" in symbols) == (major >= 12)
