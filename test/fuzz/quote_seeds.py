#!/usr/bin/python3
"""Makes the seeds of the verifier's targets (attestation, collateral, event_log, policy, ct_list).

    PYTHONPATH=test test/fuzz/quote_seeds.py

They are signed by a PKI that is made for them and thrown away, so they are made all at once, and
with them test/fuzz/quote_seeds.h: the PKI's root, a time at which the seeds are in force, and
digests of what that PKI signed.  A target by these finds out whether anything else passes.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import struct
import tempfile
from pathlib import Path

from support.event_log import EventLog, guest_event_log, runtime_event
from support.quote_collateral import Collateral
from support.quote_pki import QuotePki
from support.tdx_quote import PADDING, TdBody, build_quote

HERE = Path(__file__).resolve().parent
APP_ID = bytes(range(20))
HEADER_SIZE, TD10_SIZE, TD15_SIZE, V5_DESCRIPTOR = 48, 584, 648, 6


def log_of(version: int) -> EventLog:
    return guest_event_log(
        app_id=APP_ID,
        compose_hash=b"c" * 32,
        instance_id=b"i" * 20,
        os_image_hash=b"o" * 32,
        key_provider=b'{"name":"kms"}',
        version=version,
    )


LOGS = {
    "v1": log_of(1),
    "v2": log_of(2),
    "of-the-app": log_of(1) + [runtime_event("my-event", b"x")],
    "late-identity": log_of(1) + [runtime_event("app-id", bytes(20))],
}


def put(target: str, name: str, content: bytes | str) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def signed_part(quote: bytes) -> bytes:
    if quote[0] == 4:
        return quote[: HEADER_SIZE + TD10_SIZE]
    size = TD15_SIZE if quote[HEADER_SIZE] == 3 else TD10_SIZE
    return quote[: HEADER_SIZE + V5_DESCRIPTOR + size]


def quotes(pki: QuotePki) -> list[bytes]:
    """Each with a log behind it; what they sign."""
    signed = []
    for name, version, td15, log in (
        ("v4", 4, False, LOGS["v1"]),
        ("v5", 5, False, LOGS["v2"]),
        ("v5-td15", 5, True, LOGS["of-the-app"]),
        ("v4-late-identity", 4, False, LOGS["late-identity"]),
    ):
        quote = build_quote(
            pki, TdBody(bytes(64), rtmrs=log.rtmrs()), version=version, td15=td15, padding=PADDING
        )
        signed.append(signed_part(quote))
        put("attestation", name, struct.pack("<I", len(quote)) + quote + log.to_json().encode())
        put("attestation", f"{name}-alone", struct.pack("<I", len(quote)) + quote)
    return signed


def collaterals(pki: QuotePki, now: datetime.datetime) -> list[bytes]:
    signed = []
    for name, made in {
        "good": Collateral(pki, now),
        "advisories": Collateral(
            pki, now, platform_status="OutOfDate", advisories=("INTEL-SA-00837",)
        ),
        "revoked": Collateral(pki, now, revoked=[pki.platform_ca.certificate]),
        "sgx": Collateral(pki, now, tcb_id="SGX", qe_id="QE"),
        "old": Collateral(pki, now, issued_days_ago=60),
    }.items():
        built = made.build()
        signed += [built["tcb_info"].encode(), built["qe_identity"].encode()]
        put("collateral", name, json.dumps(built))
    return signed


def event_logs() -> None:
    for name, log in LOGS.items():
        put("event_log", name, log.to_json())
        put("event_log", f"{name}-without-digests", log.to_json(digests=False))
    put("event_log", "empty", "[]")


def policies() -> None:
    everything = {
        "app_id": APP_ID.hex(),
        "compose_hash": "c0" * 32,
        "os_image_hash": "0F" * 32,
        **{name: "ab" * 48 for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2")},
        "tcb": "SWHardeningNeeded",
        "require": ["tls-chain", "tcb,caa", "all"],
    }
    put("policy", "everything", json.dumps(everything))
    put("policy", "nothing", "{}")
    put("policy", "unknown", '{"app-id": "00"}')
    put("policy", "revoked", '{"tcb": "Revoked"}')
    put("policy", "required", '{"require": ["checksums", 5]}')


def ct_lists() -> None:
    manifest = json.dumps(
        {
            "schema": "dstack-ingress/manifest/v1",
            "names": [
                {"name": "app.demo.test", "certificate_sha256": "00" * 32, "origin": "made here"},
                {"name": "*.demo.test", "certificate_sha256": "11" * 32},
            ],
            "history": [{"serial": "04ab"}, {"serial": "00"}, {}],
        }
    )

    def entry(serial: object, names: str) -> dict[str, object]:
        return {
            "serial_number": serial,
            "common_name": "other.test",
            "name_value": names,
            "issuer_name": "C=US, O=CA",
            "not_before": "2026-11-01T00:00:00",
        }

    known = [entry("4AB", "a.test\napp.demo.test"), entry("0", "*.demo.test"), entry(1, "b.test")]
    for name, listed in {
        "explained": known,
        "unexplained": [*known, entry("666", "APP.demo.test")],
        "no-serial": [entry(None, "app.demo.test")],
        "empty": [],
        "no-list": {},
    }.items():
        put("ct_list", name, manifest + "\n" + json.dumps(listed))
    put("ct_list", "no-manifest", "{}\n[]")


def c_bytes(value: bytes) -> str:
    return ", ".join(f"0x{byte:02x}" for byte in value)


def c_array(name: str, rows: list[bytes]) -> str:
    body = "".join(f"    {{{c_bytes(row)}}},\n" for row in rows)
    return f"static const unsigned char {name}[][{len(rows[0])}] = {{\n{body}}};\n"


def header(pki: QuotePki, now: datetime.datetime, quotes: list[bytes], texts: list[bytes]) -> str:
    root = "".join(f'    "{line}\\n"\n' for line in pki.root.pem().decode().splitlines())
    registers = [b"".join(log.rtmrs()) for log in LOGS.values()]
    return (
        "/* Made by quote_seeds.py, together with the seeds. */\n"
        "#ifndef TEST_FUZZ_QUOTE_SEEDS_H\n#define TEST_FUZZ_QUOTE_SEEDS_H\n\n"
        "/* clang-format off */\n"
        f"enum {{ SEEDS_AT = {int(now.timestamp())} }};\n\n"
        f"static const char seeds_root[] =\n{root.rstrip()};\n\n"
        f'#define SEEDS_APP_ID "{APP_ID.hex()}"\n\n'
        "/* sha256 of what the PKI signed. */\n"
        + c_array("seeds_quotes", [hashlib.sha256(part).digest() for part in quotes])
        + c_array("seeds_texts", [hashlib.sha256(text).digest() for text in texts])
        + "/* The registers that each log gives. */\n"
        + c_array("seeds_registers", registers)
        + "/* clang-format on */\n\n#endif\n"
    )


def main() -> None:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as directory:
        pki = QuotePki(Path(directory) / "pki")
        text = header(pki, now, quotes(pki), collaterals(pki, now))
    event_logs()
    policies()
    ct_lists()
    (HERE / "quote_seeds.h").write_text(text)


if __name__ == "__main__":
    main()
