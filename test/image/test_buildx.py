"""build-image.sh with docker's buildx: what it leaves, what it pushes, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .builds import ROOT, Tree
from .buildx import Buildx
from .engine import Engine

FAILED, UNAVAILABLE = 1, 69
SOURCE = "https://example.com/someone/dstack-ingress"
OTHER = "sha256:" + "0" * 64
VERSION = (ROOT / "VERSION").read_text().strip()
PREFIX = "org.opencontainers.image."


@dataclass
class Image:
    """What a build left in `folder`."""

    tree: Tree
    folder: Path
    output: str
    told: str
    reference: str
    """Where it was pushed."""

    @property
    def digest(self) -> str:
        return (self.folder / "digest").read_text().strip()

    def blob(self, digest: str) -> bytes:
        content = (self.folder / "layout" / "blobs" / digest.replace(":", "/")).read_bytes()
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
        return content

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.blob(self.digest)))

    @property
    def config(self) -> dict[str, Any]:
        return dict(json.loads(self.blob(self.manifest["config"]["digest"])))


@pytest.fixture(scope="module")
def image(buildx: Buildx) -> Image:
    """Built twice, and pushed."""
    tree = buildx.small_sources("twice")
    reference = f"{buildx.registry.address}/buildx:test"
    done = buildx.run(tree, "--verify", "--source", SOURCE, "--push", reference)
    assert done.returncode == 0, done.stderr
    return Image(tree, buildx.out_of(tree), done.stdout, done.stderr, reference)


def test_what_the_script_promises_is_there(image: Image) -> None:
    assert "built twice, with the same digest" in image.told
    assert f"digest     {image.digest}\n" in image.output
    assert {path.name for path in image.folder.iterdir()} == {
        "digest", "dstack-ingress.tar", "files", "layout", "packages", "report", "sbom.spdx.json",
    }  # fmt: skip
    index = json.loads((image.folder / "layout" / "index.json").read_text())
    assert [manifest["digest"] for manifest in index["manifests"]] == [image.digest]
    assert len(image.manifest["layers"]) == 1
    image.blob(image.manifest["layers"][0]["digest"])
    packages = json.loads((image.folder / "sbom.spdx.json").read_text())["packages"]
    assert {package["name"] for package in packages} == {"dstack-ingress", "libc6"}
    assert "libc6" in (image.folder / "packages").read_text()
    assert "large" in (image.folder / "files").read_text()


def test_the_last_stage_is_in_the_configuration(image: Image) -> None:
    config = image.config["config"]
    assert config["Cmd"] == ["ingressd"]
    assert config["Healthcheck"]["Test"] == ["CMD", "ingressctl", "health"]
    assert config["StopSignal"] == "SIGTERM"
    assert "PATH=/usr/local/bin:/usr/sbin:/usr/bin" in config["Env"]
    assert list(config["ExposedPorts"]) == ["443/tcp"]


def test_the_manifest_has_as_annotations_what_labels_say(buildx: Buildx, image: Image) -> None:
    labels = image.config["config"]["Labels"]
    name, _, digest = buildx.base.partition("@")
    assert image.manifest["annotations"] == {
        f"{PREFIX}source": SOURCE,
        f"{PREFIX}url": SOURCE,
        f"{PREFIX}documentation": f"{SOURCE}/blob/v{VERSION}/README.md",
        f"{PREFIX}version": VERSION,
        f"{PREFIX}base.name": name,
        f"{PREFIX}base.digest": digest,
    }
    assert image.manifest["annotations"].items() <= labels.items()


def test_what_is_pushed_and_what_docker_loads_is_what_was_built(
    buildx: Buildx, image: Image
) -> None:
    assert image.output.endswith(f"pushed: {image.reference.rpartition(':')[0]}@{image.digest}\n")
    assert buildx.digest_in_registry(image.reference) == image.digest
    loaded = buildx.engine.load(image.folder / "dstack-ingress.tar")
    assert loaded == f"dstack-ingress:{VERSION}"
    inspected = json.loads(buildx.engine.docker("image", "inspect", loaded))[0]
    # Where the store is containerd's, the digest is the image's name.
    assert inspected["Id"] == image.digest


def test_a_docker_with_the_older_store_loads_it_too(engine: Engine, image: Image) -> None:
    loaded = engine.load(image.folder / "dstack-ingress.tar")
    inspected = json.loads(engine.docker("image", "inspect", loaded))[0]
    engine.docker("rmi", loaded)
    assert inspected["Id"] == image.manifest["config"]["digest"]
    assert inspected["Config"]["Healthcheck"]["Test"] == ["CMD", "ingressctl", "health"]


def test_other_times_of_the_files_make_the_same_digest(buildx: Buildx, image: Image) -> None:
    for path in (image.tree.folder / "small").rglob("*"):
        os.utime(path, (2e9, 2e9))
    done = buildx.run(image.tree, "--source", SOURCE, "--expect", image.digest)
    assert done.returncode == 0, done.stderr


def test_what_has_another_digest_is_not_pushed(buildx: Buildx, image: Image) -> None:
    reference = f"{buildx.registry.address}/buildx:other"
    done = buildx.run(
        image.tree, "--cached", "--source", SOURCE, "--expect", OTHER, "--push", reference
    )
    assert done.returncode == FAILED
    assert f"the digest is {image.digest}, and {OTHER} was expected" in done.stderr
    assert buildx.digest_in_registry(reference) is None


def test_a_registry_that_cannot_be_reached_is_told(buildx: Buildx, image: Image) -> None:
    reference = "127.0.0.1:1/dstack-ingress:test"
    done = buildx.run(image.tree, "--cached", "--source", SOURCE, "--push", reference)
    assert done.returncode == FAILED
    assert f"nothing is pushed to {reference}; why stands above" in done.stderr


def test_the_pins_are_those_that_buildah_finds(buildx: Buildx, tree: Tree) -> None:
    """The stages that only install, by the Dockerfile as it is."""
    sources = buildx.sources("pins")
    expected = tree.pins.read_text()
    sources.pins.write_text("")
    done = buildx.run(sources, "--update-pins", "--cached")
    assert done.returncode == 0, done.stderr
    assert sources.pins.read_text() == expected


# ---- how it ends


@pytest.mark.parametrize(("status", "expected"), [(69, UNAVAILABLE), (68, FAILED)])
def test_a_step_that_misses_something_is_not_one_that_fails(
    buildx: Buildx, status: int, expected: int
) -> None:
    tree = buildx.small_sources(f"ends-with-{status}", step=f"RUN exit {status}")
    done = buildx.run(tree, "--cached")
    assert done.returncode == expected, done.stderr
    assert f"exit code: {status}" in done.stderr


def test_where_the_pinned_buildkit_cannot_be_had_it_says_what_to_do(
    buildx: Buildx, image: Image
) -> None:
    """In this network there is no registry that has it."""
    for _ in range(2):  # what the first one left is no builder for the second
        done = buildx.run(image.tree, "--cached", builder="")
        assert done.returncode == UNAVAILABLE, done.stderr
        assert re.search(r"runs? moby/buildkit:v[0-9.]+@sha256:.*, does not", done.stderr)
        assert "--builder NAME" in done.stderr


@pytest.mark.parametrize(
    ("builder", "words"),
    [("", "no docker daemon answers"), ("default", "the builder default does not run")],
)
def test_a_daemon_that_does_not_answer_is_told(
    buildx: Buildx, image: Image, tmp_path: Path, builder: str, words: str
) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    done = buildx.run(image.tree, "--cached", builder=builder, DOCKER_HOST=nowhere)
    assert done.returncode == UNAVAILABLE, done.stderr
    assert words in done.stderr


def test_a_builder_that_is_not_there_is_told(buildx: Buildx, image: Image) -> None:
    done = buildx.run(image.tree, "--cached", builder="nobody")
    assert done.returncode == UNAVAILABLE
    assert "the builder nobody does not run" in done.stderr


def test_a_base_that_is_not_there_is_told(buildx: Buildx, image: Image) -> None:
    missing = f"{buildx.registry.address}/debian:nothing"
    done = buildx.run(image.tree, "--cached", "--base", missing)
    assert done.returncode == UNAVAILABLE
    assert f"the base image {missing} cannot be had" in done.stderr
