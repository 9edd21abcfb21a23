"""The same sources are the same digest; others are another."""

from __future__ import annotations

import gzip
from concurrent.futures import Future

from .builds import Built

Builds = tuple["Future[Built]", "Future[Built]"]
DEADLINE = 900


def test_another_folder_and_another_time_make_the_same_digest(
    built: Built, later_builds: Builds
) -> None:
    again = later_builds[0].result(DEADLINE)
    assert gzip.decompress(again.layer().read_bytes()) == gzip.decompress(
        built.layer().read_bytes()
    ), "the files differ"
    assert again.digest == built.digest
    assert (again.folder / "sbom.spdx.json").read_text() == (
        built.folder / "sbom.spdx.json"
    ).read_text()


def test_one_changed_byte_of_source_makes_another(built: Built, later_builds: Builds) -> None:
    assert later_builds[1].result(DEADLINE).digest != built.digest
