"""What holds for all tests in Python."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from support.signals import take_end_signals

take_end_signals()

CPU_SECONDS = "cpu_seconds"
"""The property in a JUnit report: what a test and all that it started and waited for have used."""


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.stash[_begun] = _cpu_seconds()
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    item.user_properties.append((CPU_SECONDS, f"{_cpu_seconds() - item.stash[_begun]:.2f}"))


_begun: pytest.StashKey[float] = pytest.StashKey()
