"""A provider that does not answer is given up in time: minutes of the program's own clock."""

from __future__ import annotations

import pytest

from support.dns_api import EMULATORS

from .lab import ZONE, Lab
from .plan import APPS

TRY_LATER = 75
ONE_CALL_MS = 15_000
GIVEN_UP_MS = 90_000


@pytest.mark.parametrize("answered", [0, 1, 3])
@pytest.mark.parametrize("provider", EMULATORS)
def test_an_api_that_hangs(lab: Lab, answered: int) -> None:
    """From the first request on, or after some that were answered."""
    api = lab.fresh()
    before = api.dump(ZONE)
    lab.set(DOMAINS=f"app.{ZONE}", APP_ID=APPS[0])
    hang = api.fault("hang", times=None, skip=answered)
    result = lab.run("apply", hangs=True)
    api.settle()
    assert result.exit == TRY_LATER, result.said
    assert "timed out" in result.said
    assert ONE_CALL_MS <= result.ms <= GIVEN_UP_MS
    assert hang.hits > 0
    assert api.dump(ZONE) == before
