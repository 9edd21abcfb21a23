"""Event logs of a dstack guest, and the RTMRs that replaying them gives.

RTMR 0 to 2 measure the boot (TCG PC Client Platform Firmware Profile), RTMR 3 what dstack itself
starts: application, instance, key provider (dstack's cc-eventlog). An entry is `{imr, event_type,
digest, event, event_payload}`; runtime events of log version 2 add `version` and `preimage`.
"""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

RUNTIME_EVENT_TYPE = 0x08000001
RUNTIME_IMR = 3

# TCG PC Client Platform Firmware Profile, table "Events".
EV_SEPARATOR = 0x00000004
EV_EVENT_TAG = 0x00000006
EV_PLATFORM_CONFIG_FLAGS = 0x0000000A
EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001
EV_EFI_VARIABLE_BOOT = 0x80000002
EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003
EV_EFI_ACTION = 0x80000007
EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000A
EV_EFI_HANDOFF_TABLES2 = 0x8000000B

# UEFI specification, sections 3.3 and 32.3.
EFI_GLOBAL_VARIABLE = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
EFI_IMAGE_SECURITY_DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")


@dataclass(frozen=True)
class Event:
    """One entry; `digest` is what the RTMR `imr` was extended with.

    `preimage` is what the digest is the SHA-384 of; entries show it only in log version 2.
    """

    imr: int
    event_type: int
    name: str
    payload: bytes
    digest: bytes
    version: int = 1
    preimage: bytes = b""

    def entry(self, *, digests: bool = True) -> dict[str, object]:
        """As in the JSON. Without `digests`, runtime events leave theirs to be computed."""
        shown = digests or self.event_type != RUNTIME_EVENT_TYPE
        entry: dict[str, object] = {
            "imr": self.imr,
            "event_type": self.event_type,
            "digest": self.digest.hex() if shown else "",
            "event": self.name,
            "event_payload": self.payload.hex(),
        }
        if self.version != 1:
            entry["version"] = self.version
            entry["preimage"] = self.preimage.hex()
        return entry


class EventLog:
    """A sequence of events."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)

    def rtmr(self, index: int) -> bytes:
        """The register after all events for it: 48 zeros, extended by each digest in order."""
        digests = (event.digest for event in self.events if event.imr == index)
        return reduce(lambda mr, digest: hashlib.sha384(mr + digest).digest(), digests, bytes(48))

    def rtmrs(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.rtmr(0), self.rtmr(1), self.rtmr(2), self.rtmr(3)

    def entries(self, *, digests: bool = True) -> list[dict[str, object]]:
        return [event.entry(digests=digests) for event in self.events]

    def to_json(self, *, digests: bool = True) -> str:
        return json.dumps(self.entries(digests=digests), separators=(",", ":"))

    def __add__(self, other: Iterable[Event]) -> EventLog:
        return EventLog((*self.events, *other))


def runtime_event(name: str, payload: bytes = b"", version: int = 1) -> Event:
    """An event that dstack extends RTMR3 with."""
    preimage = _preimage(name, payload, version)
    return Event(
        imr=RUNTIME_IMR,
        event_type=RUNTIME_EVENT_TYPE,
        name=name,
        payload=payload,
        digest=hashlib.sha384(preimage).digest(),
        version=version,
        preimage=preimage,
    )


def _preimage(name: str, payload: bytes, version: int) -> bytes:
    if version == 1:
        return struct.pack("<I", RUNTIME_EVENT_TYPE) + b":" + name.encode() + b":" + payload
    if version != 2:
        raise ValueError(f"event log version is {version}, must be 1 or 2")
    # RFC 8785: sorted keys, no spaces, and no escapes but those JSON needs.
    content = {"name": name, "payload": payload.hex(), "type": RUNTIME_EVENT_TYPE}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def guest_event_log(
    *,
    app_id: bytes,
    compose_hash: bytes,
    instance_id: bytes,
    os_image_hash: bytes,
    key_provider: bytes,
    storage_fs: str = "zfs",
    version: int = 1,
) -> EventLog:
    """The whole log of a guest that has started its application."""
    runtime = (
        ("system-preparing", b""),
        ("app-id", app_id),
        ("compose-hash", compose_hash),
        ("instance-id", instance_id),
        ("boot-mr-done", b""),
        ("os-image-hash", os_image_hash),
        ("key-provider", key_provider),
        ("storage-fs", storage_fs.encode()),
        ("system-ready", b""),
    )
    events = [runtime_event(name, payload, version) for name, payload in runtime]
    return EventLog((*boot_events(os_image_hash), *events))


def boot_events(os_image_hash: bytes) -> list[Event]:
    """What firmware and boot loader measure of an OS image, with all its usual events."""

    def loaded(imr: int, event_type: int, what: str, payload: bytes) -> Event:
        """An event that describes something measured, which itself is not in the log."""
        digest = hashlib.sha384(f"simulated {what} of ".encode() + os_image_hash).digest()
        return Event(imr, event_type, "", payload, digest)

    return [
        loaded(0, EV_EFI_HANDOFF_TABLES2, "hand-off block", _table_description("TdxTable")),
        loaded(0, EV_EFI_PLATFORM_FIRMWARE_BLOB2, "configuration", _blob_description("Fv(CFV)")),
        *(_secure_boot_variable(name) for name in ("SecureBoot", "PK", "KEK", "db", "dbx")),
        _measured(0, EV_SEPARATOR, bytes(4)),
        *(
            loaded(0, EV_PLATFORM_CONFIG_FLAGS, f"ACPI data {n}", b"ACPI DATA")
            for n in ("loader", "RSDP", "tables")
        ),
        _measured(0, EV_EFI_VARIABLE_BOOT, _variable(EFI_GLOBAL_VARIABLE, "BootOrder", bytes(2))),
        _measured(0, EV_EFI_VARIABLE_BOOT, _variable(EFI_GLOBAL_VARIABLE, "Boot0000", _UI_APP)),
        loaded(1, EV_EFI_BOOT_SERVICES_APPLICATION, "kernel", _image_load("kernel")),
        _measured(1, EV_EFI_ACTION, b"Calling EFI Application from Boot Option"),
        _measured(1, EV_SEPARATOR, bytes(4)),
        loaded(2, EV_EVENT_TAG, "command line", _tagged("LOADED_IMAGE::LoadOptions")),
        loaded(2, EV_EVENT_TAG, "initrd", _tagged("Linux initrd")),
        _measured(1, EV_EFI_ACTION, b"Exit Boot Services Invocation"),
        _measured(1, EV_EFI_ACTION, b"Exit Boot Services Returned with Success"),
    ]


_UI_APP = struct.pack("<IH", 9, 44) + "UiApp\0".encode("utf-16-le") + bytes(44)


def _measured(imr: int, event_type: int, payload: bytes) -> Event:
    """An event whose payload is what was measured."""
    return Event(imr, event_type, "", payload, hashlib.sha384(payload).digest())


def _secure_boot_variable(name: str) -> Event:
    vendor = EFI_IMAGE_SECURITY_DATABASE if name.startswith("db") else EFI_GLOBAL_VARIABLE
    return _measured(0, EV_EFI_VARIABLE_DRIVER_CONFIG, _variable(vendor, name, b""))


def _variable(vendor: uuid.UUID, name: str, data: bytes) -> bytes:
    """UEFI_VARIABLE_DATA."""
    lengths = struct.pack("<QQ", len(name), len(data))
    return vendor.bytes_le + lengths + name.encode("utf-16-le") + data


def _table_description(name: str) -> bytes:
    """UEFI_HANDOFF_TABLE_POINTERS2, with one table."""
    label = name.encode() + b"\0"
    return bytes([len(label)]) + label + struct.pack("<Q", 1) + bytes(24)


def _blob_description(name: str) -> bytes:
    """UEFI_PLATFORM_FIRMWARE_BLOB2."""
    label = name.encode() + b"\0"
    return bytes([len(label)]) + label + struct.pack("<QQ", 0xFFC00000, 0x84000)


def _image_load(name: str) -> bytes:
    """UEFI_IMAGE_LOAD_EVENT: address, length, link address, and a device path of one file."""
    file_name = (name + "\0").encode("utf-16-le")
    path = struct.pack("<BBH", 4, 4, 4 + len(file_name)) + file_name + b"\x7f\xff\x04\0"
    return struct.pack("<QQQQ", 0x7B0D4018, 0x7DD400, 0, len(path)) + path


def _tagged(name: str) -> bytes:
    """TCG_PCClientTaggedEvent."""
    label = name.encode() + b"\0"
    return struct.pack("<II", 0x8F3B22EC, len(label)) + label
