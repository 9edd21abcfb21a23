"""A provider with a zone full of other people's records; the tests of a worker share one BIND."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind

from .lab import AWAY, ZONE, Lab, cnames


@pytest.fixture(name="memory", scope="session")
def _memory() -> Iterator[Path]:
    """A folder in memory if possible: every note and every update is written through."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="property-", dir=parent) as folder:
        yield Path(folder)


@pytest.fixture(name="bind", scope="session")
def _bind(memory: Path) -> Iterator[Bind]:
    with Bind(memory / "bind", (ZONE, AWAY), records={AWAY: cnames()}) as bind:
        yield bind


@pytest.fixture(name="lab")
def _lab(provider: str, bind: Bind, memory: Path) -> Iterator[Lab]:
    with Lab(provider, bind, memory) as lab:
        yield lab
