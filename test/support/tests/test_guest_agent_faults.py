"""What the guest-agent simulator does on order: recording calls, and answering them badly."""

from __future__ import annotations

import hashlib
import http.client
import json
import time

import pytest

from support.guest_agent import GuestAgent
from support.guest_api import FAULT_MODES
from support.process import wait_until

from .guest_agent_client import DEADLINE, UnixConnection, ask, call, refusal, verified
from .quote_verifier import Rejection

ASKED = bytes(range(1, 65))


def test_calls_are_recorded(agent: GuestAgent) -> None:
    ask(agent, "/GetQuote?report_data=00")
    ask(agent, "/GetQuote", {"report_data": "01"})
    agent.fault("close")
    with pytest.raises(http.client.RemoteDisconnected):
        call(agent.socket, "/Info")
    expected = [
        {"method": "GET", "path": "/GetQuote", "query": "report_data=00", "body": ""},
        {"method": "POST", "path": "/GetQuote", "query": "", "body": '{"report_data": "01"}'},
        {"method": "GET", "path": "/Info", "query": "", "body": ""},
    ]
    assert agent.requests() == expected
    assert json.loads(call(agent.socket, "/_sim/requests")[2]) == expected


def test_faults_are_ordered_over_the_socket(agent: GuestAgent) -> None:
    status, _, answer = call(agent.socket, "/_sim/fault", {"mode": "status-500"})
    assert (status, json.loads(answer)["mode"]) == (200, "status-500")
    assert call(agent.socket, "/Info")[0] == 500
    assert call(agent.socket, "/_sim/fault", {"mode": "none"})[0] == 200
    ask(agent, "/Info")


@pytest.mark.parametrize("order", [{"mode": "unknown"}, {}, [], {"mode": "slow", "seconds": -1}])
def test_wrong_orders_are_refused_and_change_nothing(agent: GuestAgent, order: object) -> None:
    agent.fault("status-500")
    assert refusal(agent, "/_sim/fault", order)
    assert call(agent.socket, "/Info")[0] == 500


def test_a_fault_lasts_until_the_next_order(agent: GuestAgent) -> None:
    agent.fault("empty")
    assert [call(agent.socket, "/Info")[2] for _ in range(2)] == [b"", b""]
    with pytest.raises(ValueError, match="must be one of none, status-500"):
        agent.fault("unknown")
    assert call(agent.socket, "/Info")[2] == b""
    agent.fault("none")
    ask(agent, "/Info")


def test_every_fault_has_a_test() -> None:
    tested = {name.removeprefix("test_fault_") for name in globals() if "test_fault_" in name}
    for mode in set(FAULT_MODES) - {"none"}:
        assert any(name.startswith(mode.replace("-", "_")) for name in tested), mode


def test_fault_status_500(agent: GuestAgent) -> None:
    agent.fault("status-500")
    status, content_type, answer = call(agent.socket, "/GetQuote?report_data=00")
    assert (status, content_type) == (500, "application/json")
    assert "error" in json.loads(answer)


def test_fault_no_quote(agent: GuestAgent) -> None:
    agent.fault("no-quote")
    status, content_type, answer = call(agent.socket, "/GetQuote?report_data=00")
    assert (status, content_type) == (400, "application/json")
    assert "error" in json.loads(answer)
    ask(agent, "/Info")


def test_fault_html(agent: GuestAgent) -> None:
    agent.fault("html")
    status, content_type, answer = call(agent.socket, "/GetQuote?report_data=00")
    assert (status, content_type) == (200, "text/html")
    assert answer.startswith(b"<!DOCTYPE html>")


def test_fault_empty(agent: GuestAgent) -> None:
    agent.fault("empty")
    assert call(agent.socket, "/Info") == (200, "application/json", b"")


def test_fault_close(agent: GuestAgent) -> None:
    agent.fault("close")
    with pytest.raises(http.client.RemoteDisconnected):
        call(agent.socket, "/Info")


def test_fault_truncated(agent: GuestAgent) -> None:
    agent.fault("truncated")
    with pytest.raises(http.client.IncompleteRead) as error:
        call(agent.socket, "/Info")
    assert error.value.expected is not None
    assert 0 <= error.value.expected - len(error.value.partial) <= 1
    assert error.value.partial.startswith(b'{"app_id": "')


def test_fault_half_json(agent: GuestAgent) -> None:
    agent.fault("half-json")
    status, content_type, answer = call(agent.socket, "/Info")
    assert (status, content_type) == (200, "application/json")
    assert answer.startswith(b'{"app_id": "')
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer)


def test_fault_not_a_quote(agent: GuestAgent, tappd: GuestAgent) -> None:
    for answering, target in (
        (agent, "/GetQuote?report_data=00"),
        (tappd, f"/prpc/Tappd.RawQuote?report_data={ASKED.hex()}"),
    ):
        answering.fault("not-a-quote")
        with pytest.raises(Rejection, match="step 1"):
            verified(answering, ask(answering, target), bytes(64))


def test_fault_wrong_report_data(agent: GuestAgent) -> None:
    """The quote is a good one, and the JSON around it claims what was asked for."""
    agent.fault("wrong-report-data")
    answer = ask(agent, f"/GetQuote?report_data={ASKED.hex()}")
    assert answer["report_data"] == ASKED.hex()
    with pytest.raises(Rejection, match="step 8"):
        verified(agent, answer, ASKED)
    verified(agent, answer, hashlib.sha512(ASKED).digest())


def test_fault_huge(agent: GuestAgent) -> None:
    agent.fault("huge")
    connection = UnixConnection(agent.socket)
    connection.request("GET", "/Info")
    response = connection.getresponse()
    assert (response.status, response.length) == (200, None)
    assert response.read(8 << 20)[:12] == b'{"app_id": "'
    assert len(response.read(1 << 20)) == 1 << 20  # and it goes on
    response.close()
    connection.close()


def test_fault_slow(agent: GuestAgent) -> None:
    agent.fault("slow", seconds=0.5)
    connection = UnixConnection(agent.socket)
    start = time.monotonic()
    connection.request("GET", "/GetQuote?report_data=00")
    response = connection.getresponse()
    first = response.read1(1 << 20)
    assert len(first) < 1 << 10
    answer = json.loads(first + response.read())
    assert time.monotonic() - start >= 0.5
    verified(agent, answer, bytes(64))
    connection.close()


def _hanging_call(agent: GuestAgent) -> UnixConnection:
    """A call that the agent has seen and does not answer."""
    agent.fault("hang")
    connection = UnixConnection(agent.socket)
    connection.request("GET", "/Info")
    wait_until(agent.requests, what="the call to arrive", deadline=DEADLINE)
    return connection


def test_fault_hang_does_not_block_other_calls(agent: GuestAgent) -> None:
    hanging = _hanging_call(agent)
    agent.fault("none")
    ask(agent, "/Info")
    assert hanging.sock is not None
    hanging.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        hanging.getresponse()
    hanging.close()


def test_stop_ends_hanging_and_endless_calls(agent: GuestAgent) -> None:
    hanging = _hanging_call(agent)
    agent.fault("huge")
    endless = UnixConnection(agent.socket)
    endless.request("GET", "/Info")
    endless.getresponse()
    agent.stop()
    with pytest.raises(http.client.RemoteDisconnected):
        hanging.getresponse()
    endless.close()
