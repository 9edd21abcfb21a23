"""What agents from 0.6 on have besides, and guests that are no TDX machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.attestation import KINDS, build_attestation, pack
from support.guest_agent import GuestAgent
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

from .guest_agent_client import ask, call, refusal, verified

ASKED = bytes(range(1, 65))


@pytest.fixture(params=KINDS)
def new_agent(request: pytest.FixtureRequest, pki: QuotePki, tmp_path: Path) -> Iterator[GuestAgent]:
    guest = SimulatedGuest(pki, platform=request.param)
    with GuestAgent(tmp_path / "dstack.sock", guest, is_new=True) as started:
        yield started


def test_attestations_name_their_platform(new_agent: GuestAgent) -> None:
    answer = ask(new_agent, "/v1/Attest", {"report_data": ASKED.hex()})
    assert set(answer) == {"attestation"}
    attestation = bytes.fromhex(answer["attestation"])
    kind = new_agent.guest.platform.encode()
    head = b"\x83\xa7version\x01\xa8platform\x82\xa4kind" + bytes([0xA0 | len(kind)]) + kind
    assert attestation.startswith(head) and ASKED in attestation


@pytest.mark.parametrize("size", [0, 1, 63])
def test_report_data_is_padded(new_agent: GuestAgent, size: int) -> None:
    answer = ask(new_agent, f"/v1/Attest?report_data={ASKED[:size].hex()}")
    assert pack(ASKED[:size].ljust(64, b"\0")) in bytes.fromhex(answer["attestation"])


def test_refusals(new_agent: GuestAgent) -> None:
    assert refusal(new_agent, "/v1/Attest", {"report_data": "00" * 65}) == "Report data is too long"
    assert "report_data" in refusal(new_agent, "/v1/Attest", {"report_data": "zz"})
    assert "GetQuote" in refusal(new_agent, "/v1/GetQuote")
    assert refusal(new_agent, "/v1/GetKey?algorithm=rsa") == "Unsupported algorithm"
    assert call(new_agent.socket, "/v2/Info")[:2] == (404, "text/html")


def test_quotes_where_there_are_any(new_agent: GuestAgent) -> None:
    for path in ("/GetQuote", "/v0/GetQuote"):
        answer = ask(new_agent, f"{path}?report_data={ASKED.hex()}")
        assert answer["report_data"] == ASKED.hex()
        if new_agent.guest.has_quotes:
            verified(new_agent, answer, ASKED)
        else:
            assert (answer["quote"], answer["event_log"]) == ("", "")


def test_version_and_identity(new_agent: GuestAgent) -> None:
    assert ask(new_agent, "/v1/Version")["version"] == "0.6.0"
    assert ask(new_agent, "/v1/Info") == ask(new_agent, "/v0/Info") == ask(new_agent, "/Info")


def test_keys_of_a_domain_are_others(new_agent: GuestAgent) -> None:
    key = ask(new_agent, "/v1/GetKey", {"domain": "a", "algorithm": "ed25519"})
    assert key == ask(new_agent, "/v1/GetKey?domain=a")
    assert key["key"] != ask(new_agent, "/GetKey?path=a")["key"]
    assert key["key"] != ask(new_agent, "/v1/GetKey?domain=b")["key"]


@pytest.mark.parametrize("path", ["/v1/Attest", "/v1/Version", "/v0/Info"])
def test_older_agents_have_none_of_it(agent: GuestAgent, tappd: GuestAgent, path: str) -> None:
    for older in (agent, tappd):
        assert call(older.socket, path)[:2] == (404, "text/html")


def test_a_platform_that_is_none(pki: QuotePki) -> None:
    with pytest.raises(ValueError, match="must be one of tdx"):
        SimulatedGuest(pki, platform="sgx")


def test_messagepack() -> None:
    """By the examples of its specification."""
    assert pack({"compact": 1, "schema": 0}) == b"\x82\xa7compact\x01\xa6schema\x00"
    assert pack([1, "a" * 32]) == b"\x92\x01\xda\x00\x20" + b"a" * 32
    assert pack(0x80) == b"\xce\x00\x00\x00\x80"
    assert pack([0] * 16)[:3] == b"\xdc\x00\x10"
    assert pack("a" * 65536)[:5] == b"\xdb\x00\x01\x00\x00"
    assert build_attestation("tdx", b"", bytes(64), [], "{}")[0] == 0x83
