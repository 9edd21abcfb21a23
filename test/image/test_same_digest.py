"""The same sources are the same digest; others are another."""

from __future__ import annotations

import gzip

from .builds import Built
from .conftest import LaterBuilds

DEADLINE = 900


def test_another_folder_and_another_time_make_the_same_digest(
    built: Built, later_builds: LaterBuilds
) -> None:
    again = later_builds.again.result(DEADLINE)
    assert gzip.decompress(again.layer().read_bytes()) == gzip.decompress(
        built.layer().read_bytes()
    ), "the files differ"
    assert again.digest == built.digest
    assert (again.folder / "sbom.spdx.json").read_text() == (
        built.folder / "sbom.spdx.json"
    ).read_text()


def test_one_changed_byte_of_source_makes_another(built: Built, later_builds: LaterBuilds) -> None:
    assert later_builds.changed.result(DEADLINE).digest != built.digest
