"""What several tests of the harness start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.guest_agent import GuestAgent
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> QuotePki:
    return QuotePki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def agent(pki: QuotePki, tmp_path: Path) -> Iterator[GuestAgent]:
    with GuestAgent(tmp_path / "dstack.sock", SimulatedGuest(pki)) as started:
        yield started


@pytest.fixture
def tappd(pki: QuotePki, tmp_path: Path) -> Iterator[GuestAgent]:
    with GuestAgent(tmp_path / "tappd.sock", SimulatedGuest(pki), api="tappd") as started:
        yield started
