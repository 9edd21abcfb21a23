"""The simulated guest agent as dstack's own SDK sees it: apps cannot tell it from a real one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.guest_agent import GuestAgent
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

from .judges import MODULES, Library

REPORT_DATA = bytes(range(64))


@pytest.fixture(name="agent", params=[1, 2], ids=["v1-events", "v2-events"])
def _agent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GuestAgent]:
    guest = SimulatedGuest(QuotePki(tmp_path / "pki"), event_log_version=request.param)
    with GuestAgent(tmp_path / "dstack.sock", guest) as agent:
        yield agent


def sdk(agent: GuestAgent) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("sdk.js")), str(MODULES), str(agent.socket),
         REPORT_DATA.hex()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_sdk_is_content(agent: GuestAgent) -> None:
    seen, guest = sdk(agent), agent.guest
    assert seen["reachable"]
    info = seen["info"]
    assert info["app_id"] == guest.app_id.hex()
    assert info["compose_hash"] == guest.compose_hash.hex()
    assert info["tcb_info"]["app_compose"]
    assert seen["reportData"] == REPORT_DATA.hex()
    # Replayed by the SDK out of the log; the quote has the same, and Info says so too.
    replayed = seen["replayed"]
    assert replayed == [info["tcb_info"][f"rtmr{n}"] for n in range(4)]
    assert replayed == [rtmr.hex() for rtmr in guest.event_log.rtmrs()]
    assert all(rtmr in seen["quote"] for rtmr in replayed)
    first, same, other = seen["keys"]
    assert first == same != other and len(first) == 64
    assert [len(signature) for signature in seen["chain"]] == [130, 130]


def test_what_the_sdk_gets_is_verified(agent: GuestAgent) -> None:
    seen = sdk(agent)
    library = Library(agent.guest.pki)
    try:
        verdict = library.judge(
            bytes.fromhex(seen["quote"]),
            int(time.time()),
            report_data=REPORT_DATA.hex(),
            event_log=agent.guest.event_log_json(),
        )
    finally:
        library.stop()
    assert verdict["good"] and verdict["app_id"] == agent.guest.app_id.hex(), verdict


def test_the_sdks_own_limit(agent: GuestAgent) -> None:
    assert "too large" in sdk(agent)["tooLong"]
    asked = [request["path"] for request in agent.requests()]
    assert asked.count("/GetQuote") == 1
