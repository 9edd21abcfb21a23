"""What is in the image, and what is not."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .builds import ROOT, Built

PROGRAMS = ("ingressd", "ingressctl", "ingress-dns", "ingress-evidence", "ingress-resolve")
MOST_UNPACKED = 160e6
MOST_COMPRESSED = 60e6


def test_it_is_small_and_the_build_says_what_takes_the_space(built: Built) -> None:
    with tarfile.open(built.layer()) as layer:
        unpacked = sum(member.size for member in layer)
    compressed = built.layer().stat().st_size
    assert unpacked < MOST_UNPACKED
    assert compressed < MOST_COMPRESSED
    assert f"unpacked   {unpacked / 1e6:.1f} MB" in built.output
    assert f"compressed {compressed / 1e6:.1f} MB" in built.output
    assert re.search(r"^ *\d{7} usr/bin/", built.output, re.MULTILINE)
    assert re.search(r"^ *\d{7} haproxy$", built.output, re.MULTILINE)


def test_the_release_finds_the_digest_and_the_bill_of_materials(built: Built) -> None:
    """By its own commands: what they do not find would be published as nothing."""
    workflow = (ROOT / ".github" / "workflows" / "release.yaml").read_text()
    commands = re.findall(r"^ +(sed -n '[^']*' )build\.log > digest$", workflow, re.MULTILINE)
    assert len(commands) == 1
    # Or a build that fails before `tee` would go on with an empty digest.
    assert re.search(r"^    shell: bash\b", workflow, re.MULTILINE)
    for command in commands:
        found = subprocess.run(
            ["sh", "-c", command], input=built.output, capture_output=True, text=True, check=True
        )
        assert found.stdout == f"{built.digest}\n"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", built.digest)
    published = re.findall(r"\bbuild/image/(\S+)", workflow)
    assert published == ["*.spdx.json"]
    assert list(built.folder.glob(published[0])) == [built.folder / "sbom.spdx.json"]


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if not path.is_symlink())


def test_what_was_only_needed_to_install_is_gone(root: Path) -> None:
    names = {path.name for path in _files(root) if path.is_file()}
    for program in ("apt-get", "gcc", "cc", "make", "pip", "pip3", "perl", "curl", "wget"):
        assert program not in names, program
    assert not names & {"aux-cache", "status-old"}
    assert not [path for path in _files(root) if path.name.endswith((".log", ".deb"))]
    for folder in ("var/cache", "var/log", "tmp", "run", "image", "src", "proc", "sys", "dev"):
        there = root / folder
        assert not there.exists() or not list(there.iterdir()), folder
    for path in ("var/lib/apt", "etc/apt", "etc/hostname", "etc/hosts", "etc/resolv.conf"):
        assert not (root / path).exists(), path


LOADS = """
import sys, certbot.main
print(*(m.__spec__.cached for m in sys.modules.values() if m.__spec__ and m.__spec__.cached))
"""
# A .pyc file's second word (PEP 552): by hash, and never compared with the source.
UNCHECKED = b"\1\0\0\0"


def test_what_certbot_loads_is_compiled(root: Path) -> None:
    """No run compiles, or keeps in the container's memory what it compiled."""
    done = subprocess.run(
        ["chroot", root, "python3", "-B", "-c", LOADS],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/sbin:/usr/bin"},
    )  # fmt: skip
    needed = {root / name.lstrip("/") for name in done.stdout.split()}
    assert len(needed) > 200
    compiled = {path for path in _files(root) if path.suffix == ".pyc"}
    assert needed <= compiled, needed - compiled
    assert {path.read_bytes()[4:8] for path in compiled} == {UNCHECKED}


def test_nothing_gives_more_rights_to_who_runs_it(root: Path) -> None:
    special = stat.S_ISUID | stat.S_ISGID
    assert not [p for p in _files(root) if p.is_file() and p.stat().st_mode & special]
    for path in _files(root):
        mode = path.stat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode), path
        assert not mode & stat.S_IWOTH or mode & stat.S_ISVTX, path


def test_nothing_tells_the_time_of_the_build(built: Built, root: Path) -> None:
    with tarfile.open(built.layer()) as layer:
        assert len({member.mtime for member in layer}) == 1
    for line in (root / "etc/shadow").read_text().splitlines():
        assert line.split(":")[2] == "", line


def test_the_configuration_of_the_image(built: Built) -> None:
    manifest = json.loads((built.folder / "layout" / "manifest.json").read_text())
    config_file = built.folder / "layout" / manifest["config"]["digest"].partition(":")[2]
    image = json.loads(config_file.read_text())
    config = image["config"]
    assert config["Cmd"] == ["ingressd"] and not config.get("Entrypoint")
    assert config["Healthcheck"]["Test"] == ["CMD", "ingressctl", "health"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["org.opencontainers.image.title"] == "dstack-ingress"
    version = (ROOT / "VERSION").read_text().strip()
    assert config["Labels"]["org.opencontainers.image.version"] == version
    assert image["architecture"] == "amd64"
    # An archive was its base; where these sources are published was not said.
    given = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    assert given == {"title", "description", "licenses", "version", "revision"}


def _installed(root: Path) -> dict[str, str]:
    """Version by name, as dpkg's own list has them."""
    found = {}
    for paragraph in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^(\S+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields["Version"]
    return found


def test_the_packages_are_the_pinned_ones_and_all_in_the_bill_of_materials(
    built: Built, root: Path, tree: Any
) -> None:
    installed = _installed(root)
    assert installed["haproxy"].startswith("3.0.")
    assert {"certbot", "libc6", "python3", "libssl3t64"} <= set(installed)
    pins = dict(
        line.split("=", 1) for line in tree.pins.read_text().splitlines() if line[:1] != "#"
    )
    assert {name: pins.get(name) for name in installed} == installed
    bill = json.loads((built.folder / "sbom.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    listed = {package["name"]: package["versionInfo"] for package in bill["packages"]}
    assert listed.pop("dstack-ingress") == (ROOT / "VERSION").read_text().strip()
    assert listed == installed
    identifiers = [package["SPDXID"] for package in bill["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    related = {relation["relatedSpdxElement"] for relation in bill["relationships"]}
    assert related == set(identifiers)


# ---- the programs


def _readelf(option: str, file: Path) -> str:
    return subprocess.run(
        ["readelf", "--wide", option, file], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_hardened_as_far_as_the_compiler_can(root: Path, name: str) -> None:
    file = root / "usr/local/bin" / name
    header, segments = _readelf("--file-header", file), _readelf("--program-headers", file)
    dynamic, symbols = _readelf("--dynamic", file), _readelf("--dyn-syms", file)
    # Position independent, and everything of it read-only once it is linked.
    assert re.search(r"Type:\s+DYN", header)
    assert re.search(r"FLAGS_1.*\bNOW\b.*\bPIE\b", dynamic)
    assert "GNU_RELRO" in segments
    assert "TEXTREL" not in dynamic
    stack = re.search(r"GNU_STACK(?:\s+0x[0-9a-f]+){5}\s+(\S+)", segments)
    assert stack and stack.group(1) == "RW"
    assert not re.search(r"LOAD.* RWE ", segments)
    # Canaries, and calls that check sizes.
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__\w+_chk@", symbols)
    # No search path for libraries but the system's.
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert ".debug_info" not in _readelf("--section-headers", file)


def test_the_programs_find_their_libraries_and_there_is_nothing_else_of_ours(root: Path) -> None:
    there = {path.name for path in (root / "usr/local").rglob("*") if path.is_file()}
    assert there == set(PROGRAMS)
    for name in PROGRAMS:
        done = subprocess.run(
            ["chroot", root, f"/usr/local/bin/{name}", "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "error while loading" not in done.stderr, done.stderr
        assert done.returncode in (0, 64), (name, done.stderr)
