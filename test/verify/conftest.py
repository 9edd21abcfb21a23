"""A PKI, a quote and its collateral that both judges accept."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.quote_collateral import Collateral
from support.quote_pki import QuotePki
from support.tdx_quote import TdBody, build_quote

from .judges import Library, Product, Qvl


@dataclass(frozen=True)
class Bench:
    pki: QuotePki
    now: datetime.datetime
    product: Product
    library: Library
    qvl: Qvl

    @property
    def at(self) -> int:
        return int(self.now.timestamp())

    def quote(self, **options: Any) -> bytes:
        return build_quote(self.pki, TdBody(bytes(64)), **options)

    def collateral(self, **options: Any) -> dict[str, str]:
        return Collateral(self.pki, self.now, **options).build()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("verify")
    pki = QuotePki(directory / "pki")
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    qvl = Qvl(pki)
    library = Library(pki)
    yield Bench(pki, now, Product(Path(directory), pki), library, qvl)
    library.stop()
    qvl.stop()
