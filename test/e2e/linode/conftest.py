"""BIND, Linode's API in front of it, emulated, and ingress-dns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi

from ..dns_bench import FOREIGN, Bench, api_bench


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "bind", zones, records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[LinodeApi]:
    with LinodeApi(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: LinodeApi) -> Bench:
    return api_bench(tmp_path, bind, api)
