"""What holds for all tests in Python."""

from __future__ import annotations

from support.signals import take_end_signals

take_end_signals()
