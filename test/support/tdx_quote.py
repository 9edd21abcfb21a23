"""TDX quotes of the real structure, signed by a test PKI.

The layouts are those of Intel's TDX DCAP Quote Generation Library: quote version 4 (appendix A.3)
with a TD 1.0 body, and version 5 with a descriptor in front of a TD 1.0 or TD 1.5 body. Everything
is little-endian, except the 32-byte integers of ECDSA keys and signatures.

Each part of a quote is a frozen dataclass whose defaults make a quote that verifies. To get one
that must be refused although every signature in it is right, replace a field:

    build_quote(pki, TdBody(report_data, td_attributes=b"\\x01" + bytes(7)))  # a debug TD
    build_quote(pki, TdBody(report_data), qe_report=QeReport(isv_svn=3))
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .quote_pki import CPU_SVN, QuotePki

__all__ = ["QeReport", "QuotePki", "TdBody", "build_quote"]

ATT_KEY_TYPE_ECDSA_P256 = 2
TEE_TYPE_TDX = 0x81
INTEL_QE_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")

# Version 5 says in front of the body which one it is.
BODY_TYPE_TD10 = 2
BODY_TYPE_TD15 = 3

CERT_TYPE_PCK_CHAIN = 5
CERT_TYPE_QE_REPORT = 6

INTEL_QE_SIGNER = bytes.fromhex("dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5")
# INIT and MODE64BIT, with the PROVISION key: what Intel's QE runs with. Then its XFRM.
QE_ATTRIBUTES = bytes.fromhex("1500000000000000e700000000000000")

# SEPT_VE_DISABLE, and not DEBUG.
TD_ATTRIBUTES = bytes.fromhex("0000001000000000")
TD_XFAM = bytes.fromhex("e702060000000000")
# Module SVN 11 of module version 1; SEAM loader SVN 4.
TEE_TCB_SVN = bytes.fromhex("0b010400") + bytes(12)
# SVN of the module the TD was started under (TD 1.5): a live update may have raised it since.
TEE_TCB_SVN2 = bytes.fromhex("0d010400") + bytes(12)

# What the QE puts beside the attestation key; the value in the quotes of Intel's library.
QE_AUTH_DATA = bytes(range(32))

# Quotes come in a buffer whose rest is neither signed nor counted: 70 zeros in most of version 4.
PADDING = bytes(70)


def simulated_measurement(what: str) -> bytes:
    """48 bytes that stand for a measurement of something that does not exist here."""
    return hashlib.sha384(b"simulated " + what.encode()).digest()


def _fixed(value: bytes, size: int, what: str) -> bytes:
    if len(value) != size:
        raise ValueError(f"{what} has {len(value)} bytes, must have {size}")
    return value


@dataclass(frozen=True)
class TdBody:
    """What the TDX module reports about the TD (TDREPORT's TEE_TCB_INFO and TDINFO)."""

    report_data: bytes
    rtmrs: tuple[bytes, bytes, bytes, bytes] = (bytes(48), bytes(48), bytes(48), bytes(48))
    mrtd: bytes = simulated_measurement("firmware")
    tee_tcb_svn: bytes = TEE_TCB_SVN
    mr_seam: bytes = simulated_measurement("TDX module")
    mr_signer_seam: bytes = bytes(48)
    seam_attributes: bytes = bytes(8)
    td_attributes: bytes = TD_ATTRIBUTES
    xfam: bytes = TD_XFAM
    mr_config_id: bytes = bytes(48)
    mr_owner: bytes = bytes(48)
    mr_owner_config: bytes = bytes(48)
    tee_tcb_svn2: bytes = TEE_TCB_SVN2
    mr_service_td: bytes = bytes(48)

    def encode_td10(self) -> bytes:
        """584 bytes."""
        return b"".join(
            (
                _fixed(self.tee_tcb_svn, 16, "TEE_TCB_SVN"),
                _fixed(self.mr_seam, 48, "MRSEAM"),
                _fixed(self.mr_signer_seam, 48, "MRSIGNERSEAM"),
                _fixed(self.seam_attributes, 8, "SEAMATTRIBUTES"),
                _fixed(self.td_attributes, 8, "TDATTRIBUTES"),
                _fixed(self.xfam, 8, "XFAM"),
                _fixed(self.mrtd, 48, "MRTD"),
                _fixed(self.mr_config_id, 48, "MRCONFIGID"),
                _fixed(self.mr_owner, 48, "MROWNER"),
                _fixed(self.mr_owner_config, 48, "MROWNERCONFIG"),
                *(_fixed(rtmr, 48, f"RTMR{n}") for n, rtmr in enumerate(self.rtmrs)),
                _fixed(self.report_data, 64, "REPORTDATA"),
            )
        )

    def encode_td15(self) -> bytes:
        """648 bytes."""
        return (
            self.encode_td10()
            + _fixed(self.tee_tcb_svn2, 16, "TEE_TCB_SVN2")
            + _fixed(self.mr_service_td, 48, "MRSERVICETD")
        )


@dataclass(frozen=True)
class QeReport:
    """The SGX report (384 bytes) by which the quoting enclave vouches for an attestation key.

    Without `report_data` it has the binding: what makes the report speak of that key.
    """

    cpu_svn: bytes = CPU_SVN
    misc_select: int = 0
    attributes: bytes = QE_ATTRIBUTES
    mr_enclave: bytes = simulated_measurement("quoting enclave")[:32]
    mr_signer: bytes = INTEL_QE_SIGNER
    isv_prod_id: int = 2
    isv_svn: int = 7
    report_data: bytes | None = None

    def encode(self, binding: bytes) -> bytes:
        """SGX SDK: sgx_report_body_t."""
        report_data = binding if self.report_data is None else self.report_data
        return struct.pack(
            "<16sI28x16s32s32x32s96xHH60x64s",
            _fixed(self.cpu_svn, 16, "CPUSVN"),
            self.misc_select,
            _fixed(self.attributes, 16, "ATTRIBUTES"),
            _fixed(self.mr_enclave, 32, "MRENCLAVE"),
            _fixed(self.mr_signer, 32, "MRSIGNER"),
            self.isv_prod_id,
            self.isv_svn,
            _fixed(report_data, 64, "REPORTDATA of the QE"),
        )


def build_quote(
    pki: QuotePki,
    body: TdBody,
    *,
    version: int = 4,
    td15: bool = True,
    qe_report: QeReport = QeReport(),
    qe_vendor: bytes = INTEL_QE_VENDOR,
    chain_pem: bytes | None = None,
    padding: bytes = PADDING,
) -> bytes:
    """A quote about `body`, with an attestation key of its own, as a real guest would get it.

    `version` is 4 or 5; of version 5, `td15` says which body it has. `chain_pem` goes into the
    quote instead of the PKI's own certificates.
    """
    attestation_key = ec.generate_private_key(ec.SECP256R1())
    signed = _header(version, qe_vendor, pki.qe_id) + _body(version, td15, body)
    chain = (pki.chain_pem if chain_pem is None else chain_pem) + b"\0"
    certified = _qe_certification(pki, attestation_key, qe_report, chain)
    signature_data = (
        _sign(attestation_key, signed)
        + _raw_public_key(attestation_key)
        + _certification_data(CERT_TYPE_QE_REPORT, certified)
    )
    return signed + struct.pack("<I", len(signature_data)) + signature_data + padding


def _header(version: int, qe_vendor: bytes, qe_id: bytes) -> bytes:
    """48 bytes; the user data is the QE's id and four zeros."""
    return struct.pack(
        "<HHI4x16s16s4x",
        version,
        ATT_KEY_TYPE_ECDSA_P256,
        TEE_TYPE_TDX,
        _fixed(qe_vendor, 16, "QE vendor"),
        _fixed(qe_id, 16, "QE id"),
    )


def _body(version: int, td15: bool, body: TdBody) -> bytes:
    if version == 4:
        return body.encode_td10()
    if version != 5:
        raise ValueError(f"quote version is {version}, must be 4 or 5")
    body_type = BODY_TYPE_TD15 if td15 else BODY_TYPE_TD10
    content = body.encode_td15() if td15 else body.encode_td10()
    return struct.pack("<HI", body_type, len(content)) + content


def _qe_certification(
    pki: QuotePki, attestation_key: ec.EllipticCurvePrivateKey, qe: QeReport, chain: bytes
) -> bytes:
    """The QE's report, which binds the attestation key, signed by the platform's PCK."""
    binding = hashlib.sha256(_raw_public_key(attestation_key) + QE_AUTH_DATA).digest()
    report = qe.encode(binding + bytes(32))
    return (
        report
        + _sign(pki.leaf.key, report)
        + struct.pack("<H", len(QE_AUTH_DATA))
        + QE_AUTH_DATA
        + _certification_data(CERT_TYPE_PCK_CHAIN, chain)
    )


def _certification_data(kind: int, content: bytes) -> bytes:
    return struct.pack("<HI", kind, len(content)) + content


def _sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """r and s, 32 bytes each, big-endian."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _raw_public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """X and Y, 32 bytes each, big-endian."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
