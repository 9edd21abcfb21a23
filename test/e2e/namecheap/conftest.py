"""BIND, the emulated API in front of it, and ingress-dns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi

from ..dns_bench import Bench, api_bench
from .zone import ZONE

FOREIGN = 30


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", (ZONE, "acme.test", "example.co.test")) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[NamecheapApi]:
    with NamecheapApi(bind) as started:
        started.seed_foreign(ZONE, FOREIGN)
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: NamecheapApi) -> Bench:
    return api_bench(tmp_path, bind, api)
