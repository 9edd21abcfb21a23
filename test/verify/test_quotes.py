"""What is wrong with a quote, its time or its event log, each refused by a sentence of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from support.event_log import Event, EventLog, guest_event_log, runtime_event
from support.quote_pki import QuotePki
from support.tdx_quote import PADDING, TdBody, build_quote

from .conftest import Bench

YEARS = 365 * 86400
APP_ID = bytes(range(20))


def test_a_good_quote(bench: Bench) -> None:
    for version in (4, 5):
        verdict = bench.library.judge(bench.quote(version=version), bench.at)
        assert verdict["good"], verdict


@pytest.mark.parametrize("version", [4, 5])
def test_every_byte_counts(bench: Bench, version: int) -> None:
    """But for those of the padding, which nobody signs."""
    quote = bench.quote(version=version)
    for at in range(len(quote) - len(PADDING)):
        changed = quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1 :]
        verdict = bench.library.judge(changed, bench.at)
        assert not verdict["good"] and len(verdict["failed"]) >= 1, (at, verdict)


@pytest.mark.parametrize("version", [4, 5])
def test_every_length_that_is_too_short(bench: Bench, version: int) -> None:
    quote = bench.quote(version=version, padding=b"")
    for length in range(len(quote)):
        verdict = bench.library.judge(quote[:length], bench.at)
        assert list(verdict["failed"]) == ["quote layout"], (length, verdict)


def failure(verdict: dict[str, Any], step: str) -> str:
    assert list(verdict["failed"]) == [step], verdict
    return str(verdict["failed"][step])


def test_root_of_the_same_name(bench: Bench, tmp_path: Any) -> None:
    other = QuotePki(tmp_path / "other")
    verdict = bench.library.judge(build_quote(other, TdBody(bytes(64))), bench.at)
    assert "not the trusted one" in failure(verdict, "certificate chain")


def test_root_of_the_same_name_grafted_on(bench: Bench, tmp_path: Any) -> None:
    """The chain ends at the right root, by which nothing in it is signed."""
    other = QuotePki(tmp_path / "other")
    chain = other.leaf.pem() + other.platform_ca.pem() + bench.pki.root.pem()
    quote = build_quote(other, TdBody(bytes(64)), chain_pem=chain)
    assert failure(bench.library.judge(quote, bench.at), "certificate chain")


@pytest.mark.parametrize("years, word", [(8, "expired"), (-2, "not yet valid")])
def test_the_time(bench: Bench, years: int, word: str) -> None:
    verdict = bench.library.judge(bench.quote(), bench.at + years * YEARS)
    assert word in failure(verdict, "certificate chain")


def test_other_report_data(bench: Bench) -> None:
    verdict = bench.library.judge(bench.quote(), bench.at, report_data="01" + "00" * 63)
    assert "over other data" in failure(verdict, "report data")


# ---- the event log

LOG = guest_event_log(
    app_id=APP_ID,
    compose_hash=b"c" * 32,
    instance_id=b"i" * 20,
    os_image_hash=b"o" * 32,
    key_provider=b"{}",
)
LOG_V2 = guest_event_log(
    app_id=APP_ID,
    compose_hash=b"c" * 32,
    instance_id=b"",
    os_image_hash=b"o" * 32,
    key_provider=b"{}",
    version=2,
)


def judge_log(bench: Bench, log: EventLog, text: str | None = None) -> dict[str, Any]:
    """A quote whose registers are those of `log`, with `text` for its log."""
    quote = build_quote(bench.pki, TdBody(bytes(64), rtmrs=log.rtmrs()))
    return bench.library.judge(quote, bench.at, event_log=text or log.to_json())


@pytest.mark.parametrize("log", [LOG, LOG_V2], ids=["v1", "v2"])
@pytest.mark.parametrize("digests", [True, False])
def test_good_logs(bench: Bench, log: EventLog, digests: bool) -> None:
    verdict = judge_log(bench, log, log.to_json(digests=digests))
    assert verdict["good"] and verdict["app_id"] == APP_ID.hex(), verdict


def test_events_of_the_app_are_no_identity(bench: Bench) -> None:
    assert judge_log(bench, LOG + [runtime_event("my-event", b"x")])["good"]


def without(log: EventLog, name: str) -> EventLog:
    return EventLog(event for event in log.events if event.name != name)


def entries(change: Any) -> str:
    """The good log's JSON, its entries changed in place."""
    made = LOG.entries()
    change(made)
    return json.dumps(made)


WRONG_LOGS = {
    "empty": (LOG, "[]", "is empty"),
    "no list": (LOG, "{}", "is empty, or no list"),
    "no JSON": (LOG, "[", "is not JSON"),
    "a name twice": (LOG, LOG.to_json().replace("{", '{"imr":3,', 1), "twice"),
    "an event is missing": (LOG, without(LOG, "key-provider").to_json(), "RTMR3"),
    "of another quote": (LOG, LOG_V2.to_json(), "RTMR3"),
    "a payload changed": (
        LOG,
        LOG.to_json().replace(APP_ID.hex(), bytes(20).hex()),
        "another digest than its content",
    ),
    "a payload changed, its digest left out": (
        LOG,
        LOG.to_json(digests=False).replace(APP_ID.hex(), bytes(20).hex()),
        "RTMR3",
    ),
    "a register that no quote measures": (
        LOG,
        entries(lambda made: made.append({**made[-1], "imr": 99, "event": "app-id"})),
        "register 99",
    ),
    "a runtime event for another register": (
        LOG,
        entries(lambda made: made.append({**made[-1], "imr": 2})),
        "for register 2",
    ),
    "an app-id after the system was ready": (
        LOG + [runtime_event("app-id", bytes(20))],
        None,
        "the app made it",
    ),
    "an app-id twice": (
        EventLog([runtime_event("app-id", APP_ID), *LOG.events]),
        None,
        "stands twice",
    ),
    "a colon in a name": (LOG + [runtime_event("app-id:x", b"")], None, "colon"),
    "an app-id that is too short": (
        EventLog([runtime_event("app-id", b"short"), *without(LOG, "app-id").events]),
        None,
        "which it never has",
    ),
    "no app-id": (without(LOG, "app-id"), None, "neither app-id nor compose-hash"),
    "no compose-hash": (without(LOG, "compose-hash"), None, "neither app-id nor compose-hash"),
    "app-id under another type": (
        EventLog(
            [
                replace(event, event_type=1) if event.name == "app-id" else event
                for event in LOG.events
            ]
        ),
        None,
        "neither app-id nor compose-hash",
    ),
    "ten thousand events": (
        LOG + [Event(3, 1, "", b"", bytes(48))] * 10000,
        None,
        "more than 4096 events",
    ),
    "a payload that is not hex": (
        LOG,
        entries(lambda made: made[-1].update(event_payload="zz")),
        "not hex",
    ),
}


@pytest.mark.parametrize("log, text, words", WRONG_LOGS.values(), ids=WRONG_LOGS.keys())
def test_wrong_logs(bench: Bench, log: EventLog, text: str | None, words: str) -> None:
    assert words in failure(judge_log(bench, log, text), "event log")
