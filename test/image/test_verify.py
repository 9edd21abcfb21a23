"""`build-image.sh --verify`, of something smaller than the image: what it says of two builds.

That two builds of the image itself are the same is what test_same_digest.py is about.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .builds import Tree

SMALL = """\
ARG BASE
FROM ${{BASE}} AS files
ARG SNAPSHOT=20261126T000000Z
RUN mkdir -p /out/var/lib/dpkg /out/bin; cp /var/lib/dpkg/status /out/var/lib/dpkg/; \\
    cp /usr/bin/perl /usr/bin/bash /out/bin/; {more}
FROM scratch
COPY --from=files /out/ /
"""


def _tree(tree: Tree, folder: Path, more: str) -> Tree:
    small = Tree(folder, tree.base, like=tree)
    (small.folder / "Dockerfile").write_text(SMALL.format(more=more))
    return small


def test_two_builds_that_are_the_same_are_said_to_be(tree: Tree, work: Path) -> None:
    small = _tree(tree, work / "same", "true")
    verified = small.run("--verify")
    assert f"digest     {verified.digest}\n" in verified.output
    log = (work / "same-out.log").read_text()
    assert "built twice, with the same digest" in log


def test_of_two_builds_that_are_not_the_same_the_difference_is_named(
    tree: Tree, work: Path
) -> None:
    small = _tree(tree, work / "different", "touch /out/at-$(date +%N)")
    with pytest.raises(RuntimeError) as failure:
        small.run("--verify")
    said = str(failure.value)
    assert "the digest is not reproducible" in said
    assert said.count(" at-") == 2, said
    assert not (work / "different-out" / "digest").exists()
