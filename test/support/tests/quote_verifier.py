"""Verifies a TDX quote step by step, knowing nothing of the code that makes them for tests.

    python3 -m support.tests.quote_verifier QUOTE --root ROOT.pem [--at 2025-07-01T00:00:00]

It accepts Intel's quotes as well as those of the test PKI; only the root differs. It is stricter
than a verifier has to be in one point: the certificates must be exactly what re-encoding them
gives, so that no byte of a quote is free but those of the padding.

Sources: Intel TDX DCAP Quote Generation Library, appendix A; PCK certificate profile; dstack's
cc-eventlog for the replay.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import re
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

# The steps of a verification; a Rejection says at which it ended.
STRUCTURE = 1
CHAIN = 2
QE_SIGNATURE = 3
QE_BINDING = 4
QE_IDENTITY = 5
QUOTE_SIGNATURE = 6
TD_POLICY = 7
REPORT_DATA = 8
EVENT_LOG = 9

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)
PCK_CA_NAMES = ("Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA")

TD10_FIELDS = (
    ("tee_tcb_svn", 16),
    ("mr_seam", 48),
    ("mr_signer_seam", 48),
    ("seam_attributes", 8),
    ("td_attributes", 8),
    ("xfam", 8),
    ("mr_td", 48),
    ("mr_config_id", 48),
    ("mr_owner", 48),
    ("mr_owner_config", 48),
    ("rtmr0", 48),
    ("rtmr1", 48),
    ("rtmr2", 48),
    ("rtmr3", 48),
    ("report_data", 64),
)
TD15_FIELDS = (*TD10_FIELDS, ("tee_tcb_svn2", 16), ("mr_service_td", 48))
BODIES = {2: (584, TD10_FIELDS), 3: (648, TD15_FIELDS)}

QE_VENDOR = "939a7233f79c4ca9940a0db3957f0607"
QE_SIGNER = "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5"
QE_ATTRIBUTES = "11" + "00" * 15
QE_ATTRIBUTES_MASK = "fbffffffffffffff0000000000000000"
QE_PRODUCT = 2
QE_MIN_SVN = 4

RUNTIME_EVENT = 134217729


class Rejection(Exception):
    """The quote is not to be trusted, as `step` found."""

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step


def require(condition: bool, step: int, reason: str) -> None:
    if not condition:
        raise Rejection(step, reason)


@dataclass
class Quote:
    """The parts of a quote by name, and where each of them lies in the file."""

    data: bytes
    parts: dict[str, slice] = field(default_factory=dict)
    end: int = 0

    def __getitem__(self, name: str) -> bytes:
        return self.data[self.parts[name]]

    def take(self, name: str, size: int) -> bytes:
        """The next `size` bytes are the part `name`."""
        require(self.end + size <= len(self.data), STRUCTURE, f"ends inside of {name}")
        self.parts[name] = slice(self.end, self.end + size)
        self.end += size
        return self[name]

    def number(self, name: str, code: str) -> int:
        """A part that is a number, coded as struct has it."""
        return int(struct.unpack("<" + code, self.take(name, struct.calcsize("<" + code)))[0])

    def constant(self, name: str, code: str, expected: int) -> None:
        value = self.number(name, code)
        require(value == expected, STRUCTURE, f"{name} is {value}, must be {expected}")


def parse(data: bytes) -> Quote:
    quote = Quote(data)
    version = quote.number("version", "H")
    require(version in (4, 5), STRUCTURE, f"version is {version}")
    quote.constant("att_key_type", "H", 2)
    quote.constant("tee_type", "I", 0x81)
    quote.take("reserved", 4)
    require(quote.take("qe_vendor", 16).hex() == QE_VENDOR, STRUCTURE, "unknown QE vendor")
    quote.take("user_data", 20)
    body_type = 2
    if version == 5:
        body_type = quote.number("body_type", "H")
        require(body_type in BODIES, STRUCTURE, f"body type is {body_type}")
        quote.constant("body_size", "I", BODIES[body_type][0])
    for name, size in BODIES[body_type][1]:
        quote.take(name, size)
    _parse_signature(quote)
    return quote


def _parse_signature(quote: Quote) -> None:
    quote.parts["signed"] = slice(0, quote.end)
    signature_size = quote.number("signature_size", "I")
    end = quote.end + signature_size
    quote.take("signature", 64)
    quote.take("attestation_key", 64)
    quote.constant("qe_data_type", "H", 6)
    quote.constant("qe_data_size", "I", signature_size - 134)
    quote.take("qe_report", 384)
    quote.take("qe_signature", 64)
    quote.take("auth_data", quote.number("auth_size", "H"))
    quote.constant("chain_type", "H", 5)
    quote.constant("chain_size", "I", end - quote.end - 4)
    quote.take("chain", end - quote.end)


def verify_quote(
    data: bytes,
    root: x509.Certificate,
    *,
    report_data: bytes | None = None,
    at: datetime.datetime | None = None,
) -> Quote:
    """Returns the quote, or raises Rejection. `at` is naive and in UTC; now, if it is left out."""
    quote = parse(data)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    leaf = _leaf_key(quote["chain"], root, at or now)
    _verify_raw(leaf, quote["qe_signature"], quote["qe_report"], QE_SIGNATURE)
    _verify_binding(quote)
    _verify_qe_identity(quote["qe_report"])
    key = _attestation_key(quote["attestation_key"])
    _verify_raw(key, quote["signature"], quote["signed"], QUOTE_SIGNATURE)
    _verify_policy(quote)
    if report_data is not None:
        require(quote["report_data"] == report_data, REPORT_DATA, "not the REPORTDATA asked for")
    return quote


def _leaf_key(
    pem: bytes, root: x509.Certificate, at: datetime.datetime
) -> ec.EllipticCurvePublicKey:
    try:
        return _verify_chain(pem, root, at)
    except Rejection:
        raise
    except Exception as error:
        # The library reads certificates lazily, and answers malformed ones with exceptions of
        # many kinds: a KeyError for a string of unknown type, for example. All of them are a no.
        raise Rejection(CHAIN, f"certificate: {error!r}") from error


def _verify_chain(
    pem: bytes, root: x509.Certificate, at: datetime.datetime
) -> ec.EllipticCurvePublicKey:
    chain = [x509.load_pem_x509_certificate(text) for text in PEM.findall(pem)]
    canonical = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain)
    require(len(chain) == 3, CHAIN, f"has {len(chain)} certificates")
    require(pem in (canonical, canonical + b"\0"), CHAIN, "not canonical PEM")
    leaf, middle, embedded_root = chain
    require(embedded_root == root, CHAIN, "not the pinned root")
    require(_common_name(middle) in PCK_CA_NAMES, CHAIN, "not a PCK CA")
    _verify_certificate(root, root, True, at)
    _verify_certificate(middle, root, True, at)
    _verify_certificate(leaf, middle, False, at)
    return _p256_key(leaf)


def _verify_certificate(
    certificate: x509.Certificate, issuer: x509.Certificate, is_ca: bool, at: datetime.datetime
) -> None:
    name = _common_name(certificate)
    require(certificate.issuer == issuer.subject, CHAIN, f"{name}: other issuer")
    start, end = _validity(certificate)
    require(start <= at <= end, CHAIN, f"{name}: not valid at {at}")
    algorithm = certificate.signature_hash_algorithm
    require(isinstance(algorithm, hashes.SHA256), CHAIN, f"{name}: not SHA-256")
    _p256_key(issuer).verify(
        certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
    )
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    require((basic.ca, usage.key_cert_sign) == (is_ca, is_ca), CHAIN, f"{name}: CA flags")


def _validity(certificate: x509.Certificate) -> tuple[datetime.datetime, datetime.datetime]:
    if hasattr(certificate, "not_valid_before_utc"):  # cryptography 42 and later
        return (
            certificate.not_valid_before_utc.replace(tzinfo=None),
            certificate.not_valid_after_utc.replace(tzinfo=None),
        )
    return certificate.not_valid_before, certificate.not_valid_after


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    require(len(names) == 1, CHAIN, "a certificate has no common name, or several")
    return str(names[0].value)


def _p256_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise Rejection(CHAIN, "a certificate's key is not on P-256")
    return key


def _verify_raw(
    key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, step: int
) -> None:
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Rejection(step, "wrong signature") from error


def _verify_binding(quote: Quote) -> None:
    digest = hashlib.sha256(quote["attestation_key"] + quote["auth_data"]).digest()
    bound = quote["qe_report"][320:384]
    require(bound == digest + bytes(32), QE_BINDING, "the QE speaks of another attestation key")


def _verify_qe_identity(report: bytes) -> None:
    product, svn = struct.unpack_from("<HH", report, 256)
    attributes = bytes(a & m for a, m in zip(report[48:64], bytes.fromhex(QE_ATTRIBUTES_MASK)))
    require(report[128:160].hex() == QE_SIGNER, QE_IDENTITY, "not signed by Intel")
    require(product == QE_PRODUCT, QE_IDENTITY, f"product is {product}")
    require(report[16:20] == bytes(4), QE_IDENTITY, "MISCSELECT is set")
    require(attributes.hex() == QE_ATTRIBUTES, QE_IDENTITY, "wrong attributes")
    require(svn >= QE_MIN_SVN, QE_IDENTITY, f"SVN is {svn}")


def _attestation_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + raw)
    except ValueError as error:
        raise Rejection(QUOTE_SIGNATURE, "attestation key is not on the curve") from error


def _verify_policy(quote: Quote) -> None:
    require(quote["td_attributes"][0] == 0, TD_POLICY, "debug TD")
    for name in ("mr_signer_seam", "seam_attributes", "mr_service_td"):
        if name in quote.parts:
            require(not any(quote[name]), TD_POLICY, f"{name} is set")


def verify_event_log(text: str, rtmr3: bytes) -> dict[str, bytes]:
    """Replays RTMR3; returns the first payload of each event before system-ready, by name."""
    payloads: dict[str, bytes] = {}
    mr, booting = bytes(48), True
    for entry in json.loads(text):
        if entry["imr"] != 3:
            continue
        require(entry["event_type"] == RUNTIME_EVENT, EVENT_LOG, "unknown event type in RTMR3")
        name, payload = entry["event"], bytes.fromhex(entry["event_payload"])
        require(":" not in name, EVENT_LOG, f"event name {name!r}")
        digest = _event_digest(entry.get("version", 1), name, payload)
        require(entry["digest"] in ("", digest.hex()), EVENT_LOG, f"digest of {name}")
        mr = hashlib.sha384(mr + digest).digest()
        if booting:
            payloads.setdefault(name, payload)
        booting = booting and name != "system-ready"
    require(mr == rtmr3, EVENT_LOG, "the log is not that of RTMR3")
    require({"app-id", "compose-hash"} <= set(payloads), EVENT_LOG, "no identity")
    return payloads


def _event_digest(version: int, name: str, payload: bytes) -> bytes:
    require(version in (1, 2), EVENT_LOG, f"log version {version}")
    if version == 1:
        return hashlib.sha384(b"\x01\x00\x00\x08:" + name.encode() + b":" + payload).digest()
    quoted = json.dumps(name, ensure_ascii=False)
    content = f'{{"name":{quoted},"payload":"{payload.hex()}","type":{RUNTIME_EVENT}}}'
    return hashlib.sha384(content.encode()).digest()


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies a TDX quote.")
    parser.add_argument("quote", type=Path, help="binary, or the JSON of a guest agent")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--at", type=datetime.datetime.fromisoformat)
    arguments = parser.parse_args()
    data = arguments.quote.read_bytes()
    answer = json.loads(data) if data.startswith(b"{") else None
    if answer is not None:
        data = bytes.fromhex(answer["quote"])
    try:
        root = x509.load_pem_x509_certificate(arguments.root.read_bytes())
        quote = verify_quote(data, root, at=arguments.at)
        identity = verify_event_log(answer["event_log"], quote["rtmr3"]) if answer else {}
    except Rejection as rejection:
        print(f"rejected at {rejection}", file=sys.stderr)
        return 1
    for name in ("mr_td", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "report_data"):
        print(f"{name} {quote[name].hex()}")
    for name, payload in identity.items():
        print(f"{name}: {payload.hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
