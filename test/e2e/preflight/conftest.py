"""BIND, ingress-dns, and a CA that has a name in CAA records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.acme_directory import AcmeDirectory
from support.bind import Bind
from support.pebble import Pebble

from ..dns_bench import Bench, rfc2136_bench


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "acme.test")) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    return rfc2136_bench(tmp_path, bind, DOMAINS="app.demo.test,*.demo.test")


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, bind: Bind) -> Iterator[AcmeDirectory]:
    with (
        Pebble(tmp_path / "pebble", bind.server) as pebble,
        AcmeDirectory(pebble, ("ca.demo.test",)) as directory,
    ):
        yield directory


@pytest.fixture(name="ca")
def _ca(tmp_path: Path, directory: AcmeDirectory) -> dict[str, str]:
    """The settings for a CA that has a name in CAA records."""
    return {
        "ACME_SERVER": directory.url,
        "ACME_CA_BUNDLE": str(tmp_path / "pebble" / "ca.pem"),
    }
