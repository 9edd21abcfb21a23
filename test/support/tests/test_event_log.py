"""The event log and its replay, against vectors from dstack's own code."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.event_log import EventLog, boot_events, guest_event_log, runtime_event

from . import quote_verifier
from .quote_verifier import Rejection, verify_event_log

APP_ID = bytes(range(20))
COMPOSE_HASH = bytes(range(32))
INSTANCE_ID = bytes(range(100, 120))

ORDER = [
    "system-preparing",
    "app-id",
    "compose-hash",
    "instance-id",
    "boot-mr-done",
    "os-image-hash",
    "key-provider",
    "storage-fs",
    "system-ready",
]


def started_guest(version: int = 1) -> EventLog:
    return guest_event_log(
        app_id=APP_ID,
        compose_hash=COMPOSE_HASH,
        instance_id=INSTANCE_ID,
        os_image_hash=bytes(32),
        key_provider=b'{"name":"kms","id":"00"}',
        version=version,
    )


def test_digest_vector_of_version_1() -> None:
    event = runtime_event("system-preparing")
    assert event.digest.hex() == (
        "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c065"
        "36f5ddacdad4451693f48fcc72fff624"
    )
    assert EventLog([event]).rtmr(3).hex() == (
        "6a9a63f48733aba50d6892c873d838f97351040ddb0b497dcbdb0571ad78d0c1"
        "f1b8b3e87a9719706604b6cc5faedee0"
    )


def test_digest_vector_of_version_2() -> None:
    event = runtime_event("compose-hash", bytes.fromhex("abcd"), version=2)
    assert event.digest.hex() == (
        "9dde1673f544faa94b921825209593ddde08d0baf9cd6990175dffaf3081f1bb"
        "10311d56de189491feb33842a050ad7b"
    )


def test_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version is 3"):
        runtime_event("app-id", version=3)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("digests", [True, False])
def test_guest_log_replays_to_its_rtmr3(version: int, digests: bool) -> None:
    log = started_guest(version)
    payloads = verify_event_log(log.to_json(digests=digests), log.rtmr(3))
    assert list(payloads) == ORDER
    assert payloads["app-id"] == APP_ID
    assert payloads["compose-hash"] == COMPOSE_HASH
    assert payloads["instance-id"] == INSTANCE_ID
    assert payloads["storage-fs"] == b"zfs"


def test_version_2_shows_what_it_hashed() -> None:
    log = started_guest(version=2)
    entries = [entry for entry in log.entries() if entry["imr"] == 3]
    assert len(entries) == len(ORDER)
    for entry in entries:
        assert entry["version"] == 2
        preimage = bytes.fromhex(str(entry["preimage"]))
        assert hashlib.sha384(preimage).hexdigest() == entry["digest"]


def test_version_1_has_the_plain_five_fields() -> None:
    fields = {"imr", "event_type", "digest", "event", "event_payload"}
    for entry in started_guest().entries():
        assert set(entry) == fields


def test_boot_events_extend_the_other_registers_and_depend_on_the_image() -> None:
    log, other = EventLog(boot_events(bytes(32))), EventLog(boot_events(b"\1" * 32))
    assert log.rtmrs() == EventLog(boot_events(bytes(32))).rtmrs()
    for index in range(3):
        assert log.rtmr(index) not in (bytes(48), other.rtmr(index))
    assert log.rtmr(3) == bytes(48)


def test_events_of_the_application_follow() -> None:
    log = started_guest() + [runtime_event("app-id", b"forged")]
    payloads = verify_event_log(log.to_json(), log.rtmr(3))
    assert payloads["app-id"] == APP_ID


def _tampered(field: str, value: object) -> str:
    """The JSON of a log with one field of the compose-hash event replaced."""
    entries = started_guest().entries()
    [event] = [entry for entry in entries if entry["event"] == "compose-hash"]
    event[field] = value
    return json.dumps(entries)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", "compose-hasH"),
        ("event", "compose:hash"),
        ("event_payload", "00" * 32),
        ("digest", "00" * 48),
        ("event_type", 134217730),
        ("imr", 2),
        ("version", 2),
    ],
)
def test_tampered_event_is_noticed(field: str, value: object) -> None:
    rtmr3 = started_guest().rtmr(3)
    with pytest.raises(Rejection) as rejection:
        verify_event_log(_tampered(field, value), rtmr3)
    assert rejection.value.step == quote_verifier.EVENT_LOG


def test_lost_and_swapped_events_are_noticed() -> None:
    log = started_guest()
    swapped = (*log.events[:-2], log.events[-1], log.events[-2])
    for events in (log.events[:-1], swapped, ()):
        with pytest.raises(Rejection):
            verify_event_log(EventLog(events).to_json(), log.rtmr(3))
