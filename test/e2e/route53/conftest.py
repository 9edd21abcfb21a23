"""BIND, Route 53's API in front of it, emulated, and ingress-dns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.route53_api import Route53Api

from ..dns_bench import FOREIGN, Bench, api_bench
from .zone import ZONE


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = (ZONE, "acme.test")
    with Bind(tmp_path / "bind", zones, records={ZONE: FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[Route53Api]:
    with Route53Api(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: Route53Api) -> Bench:
    return api_bench(tmp_path, bind, api)
