"""Collateral by the test PKI: what Intel would say about its platforms and quoting enclaves.

Shapes and names as Intel's PCS API version 4 has them ("TCB Info V3", "Enclave Identity V2"), put
together as dcap-qvl and others pass it around. To get one that must be refused, give other values.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .quote_pki import CPU_SVN, FMSPC, PCE_ID, PCE_SVN, Identity, QuotePki, issue_signer

STATUSES = (
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
)
DAYS_IN_FORCE = 30
# The TDX module's versions in TEE_TCB_SVN count by tdxModuleIdentities, not here.
TDX_SVN = (0, 0, 4) + (0,) * 13


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _sign(key: ec.EllipticCurvePrivateKey, text: bytes) -> str:
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return (r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@dataclass
class Collateral:
    """The defaults say that what build_quote() makes is up to date."""

    pki: QuotePki
    now: datetime.datetime
    platform_status: str = "UpToDate"
    module_status: str = "UpToDate"
    qe_status: str = "UpToDate"
    cpu_svn: Sequence[int] = tuple(CPU_SVN)
    tdx_svn: Sequence[int] = TDX_SVN
    pce_svn: int = PCE_SVN
    fmspc: bytes = FMSPC
    module_id: str = "TDX_01"
    module_svn: int = 11
    qe_svn: int = 7
    advisories: Sequence[str] = ()
    tcb_id: str = "TDX"
    qe_id: str = "TD_QE"
    issued_days_ago: int = 1
    revoked: Sequence[x509.Certificate] = ()
    more_levels: Sequence[Mapping[str, Any]] = ()
    signer: Identity | None = field(default=None)

    def tcb_info(self) -> dict[str, Any]:
        level: dict[str, Any] = {
            "tcb": {
                "sgxtcbcomponents": [{"svn": svn} for svn in self.cpu_svn],
                "pcesvn": self.pce_svn,
                "tdxtcbcomponents": [{"svn": svn} for svn in self.tdx_svn],
            },
            "tcbDate": "2026-03-13T00:00:00Z",
            "tcbStatus": self.platform_status,
        }
        if self.advisories:
            level["advisoryIDs"] = list(self.advisories)
        module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
        return {
            "id": self.tcb_id,
            "version": 3,
            **self._validity(),
            "fmspc": self.fmspc.hex().upper(),
            "pceId": PCE_ID.hex(),
            "tcbType": 0,
            "tcbEvaluationDataNumber": 17,
            "tdxModule": module,
            "tdxModuleIdentities": [
                {
                    "id": self.module_id,
                    **module,
                    "tcbLevels": [
                        {
                            "tcb": {"isvsvn": self.module_svn},
                            "tcbDate": "2026-03-13T00:00:00Z",
                            "tcbStatus": self.module_status,
                        }
                    ],
                }
            ],
            "tcbLevels": [level, *self.more_levels],
        }

    def qe_identity(self) -> dict[str, Any]:
        return {
            "id": self.qe_id,
            "version": 2,
            **self._validity(),
            "tcbEvaluationDataNumber": 17,
            "miscselect": "00000000",
            "miscselectMask": "FFFFFFFF",
            "attributes": "11" + "00" * 15,
            "attributesMask": "FB" + "FF" * 7 + "00" * 8,
            "mrsigner": "DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5",
            "isvprodid": 2,
            "tcbLevels": [
                {
                    "tcb": {"isvsvn": self.qe_svn},
                    "tcbDate": "2026-03-13T00:00:00Z",
                    "tcbStatus": self.qe_status,
                }
            ],
        }

    def build(self) -> dict[str, str]:
        signer = self.signer or issue_signer(self.pki)
        chain = (signer.pem() + self.pki.root.pem()).decode()
        tcb_info, qe_identity = _compact(self.tcb_info()), _compact(self.qe_identity())
        return {
            "pck_crl_issuer_chain": (self.pki.platform_ca.pem() + self.pki.root.pem()).decode(),
            "root_ca_crl": self._crl(self.pki.root),
            "pck_crl": self._crl(self.pki.platform_ca),
            "tcb_info_issuer_chain": chain,
            "tcb_info": tcb_info,
            "tcb_info_signature": _sign(signer.key, tcb_info.encode()),
            "qe_identity_issuer_chain": chain,
            "qe_identity": qe_identity,
            "qe_identity_signature": _sign(signer.key, qe_identity.encode()),
        }

    def _validity(self) -> dict[str, str]:
        issued = self.now - datetime.timedelta(days=self.issued_days_ago)
        return {
            "issueDate": _time(issued),
            "nextUpdate": _time(issued + datetime.timedelta(days=DAYS_IN_FORCE)),
        }

    def _crl(self, issuer: Identity) -> str:
        """Hex of DER: the revoked ones among the issuer's own."""
        issued = self.now - datetime.timedelta(days=self.issued_days_ago)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(issued)
            .next_update(issued + datetime.timedelta(days=DAYS_IN_FORCE))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
                critical=False,
            )
        )
        for certificate in self.revoked:
            if certificate.issuer == issuer.certificate.subject:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(certificate.serial_number)
                    .revocation_date(issued)
                    .build()
                )
        crl = builder.sign(issuer.key, hashes.SHA256())
        return crl.public_bytes(serialization.Encoding.DER).hex()
