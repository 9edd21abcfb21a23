"""dstack's own attestation format, which is not a quote: MessagePack that names its platform.

As newer guest agents give it (`/v1/Attest`): {version: 1, platform: {kind, data}, stack: {kind:
"dstack", data: {report_data, runtime_events, config}}}. What is in `data` differs by platform; here
it is bytes that stand for the platform's evidence.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

KINDS = ("tdx", "gcp-tdx", "sev-snp", "nitro-enclave", "aws-nitro-tpm")


def build_attestation(
    kind: str, evidence: bytes, report_data: bytes, events: Sequence[Mapping[str, object]], config: str
) -> bytes:
    return pack(
        {
            "version": 1,
            "platform": {"kind": kind, "data": evidence},
            "stack": {
                "kind": "dstack",
                "data": {"report_data": report_data, "runtime_events": events, "config": config},
            },
        }
    )


def pack(value: object) -> bytes:
    """MessagePack of whole numbers, text, bytes, lists and objects."""
    if isinstance(value, int):
        return struct.pack("B", value) if value < 0x80 else b"\xce" + struct.pack(">I", value)
    if isinstance(value, str):
        text = value.encode()
        return _head(len(text), 0xA0, 32, 0xDA, 0xDB) + text
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, Mapping):
        parts = [pack(name) + pack(member) for name, member in value.items()]
        return _head(len(parts), 0x80, 16, 0xDE, 0xDF) + b"".join(parts)
    if isinstance(value, Sequence):
        return _head(len(value), 0x90, 16, 0xDC, 0xDD) + b"".join(map(pack, value))
    raise TypeError(f"nothing of type {type(value).__name__} is in an attestation")


def _head(count: int, short: int, short_end: int, middle: int, long: int) -> bytes:
    if count < short_end:
        return bytes([short | count])
    if count < 1 << 16:
        return struct.pack(">BH", middle, count)
    return struct.pack(">BI", long, count)
