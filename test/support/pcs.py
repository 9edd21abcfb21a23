"""Intel's Provisioning Certification Service (PCS, API version 4) as far as a verifier asks it, and a
cache of it (PCCS): collateral by the test PKI, over TLS.

Parameters, statuses and headers as the API's documentation has them. The two differ in the list of
what the root revoked: Intel's own service does not have it (it lies at another server, by the root
certificate's word), a PCCS answers it in hex.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping

from .certificates import LocalCa
from .http_service import HttpService, Request, Response

TCB = "/tdx/certification/v4/tcb"
QE_IDENTITY = "/tdx/certification/v4/qe/identity"
PCK_CRL = "/sgx/certification/v4/pckcrl"
ROOT_CRL = "/sgx/certification/v4/rootcacrl"
ROOT_CRL_ELSEWHERE = "/IntelSGXRootCA.der"
FMSPC = re.compile("[0-9a-fA-F]{12}")
PARAMETERS = {
    TCB: {"fmspc", "update", "tcbEvaluationDataNumber"},
    QE_IDENTITY: {"update", "tcbEvaluationDataNumber"},
    PCK_CRL: {"ca", "encoding"},
    ROOT_CRL: set(),
    ROOT_CRL_ELSEWHERE: set(),
}


class Pcs(HttpService):
    """Answers out of `collateral` (see quote_collateral.py), for one platform and one PCK CA."""

    def __init__(
        self, authority: LocalCa, collateral: Mapping[str, str], fmspc: str, *, is_cache: bool = True
    ) -> None:
        super().__init__(tls=authority.server_context("pcs"))
        self.collateral = dict(collateral)
        self.fmspc = fmspc.upper()
        self.is_cache = is_cache
        self.tcb_chain_header = "TCB-Info-Issuer-Chain"

    def respond(self, request: Request) -> Response:
        if request.path not in PARAMETERS:
            return Response(404)
        if request.method != "GET":
            return Response(405)
        if not set(request.query) <= PARAMETERS[request.path]:
            return Response(400)
        if request.path == TCB:
            return self._tcb(request.query)
        if request.path == QE_IDENTITY:
            return self._signed("enclaveIdentity", "qe_identity", "SGX-Enclave-Identity-Issuer-Chain")
        if request.path == PCK_CRL:
            return self._pck_crl(request.query)
        return self._root_crl(request.path)

    def _tcb(self, query: Mapping[str, str]) -> Response:
        if not FMSPC.fullmatch(query.get("fmspc", "")):
            return Response(400)
        if query["fmspc"].upper() != self.fmspc:
            return Response(404)
        return self._signed("tcbInfo", "tcb_info", self.tcb_chain_header)

    def _signed(self, member: str, name: str, header: str) -> Response:
        """The signed text to the byte, as it is signed."""
        text, signature = self.collateral[name], self.collateral[f"{name}_signature"]
        chain = urllib.parse.quote(self.collateral[f"{name}_issuer_chain"])
        return Response(
            200,
            f'{{"{member}":{text},"signature":"{signature}"}}'.encode(),
            "application/json",
            {header: chain, "Request-ID": "0"},
        )

    def _pck_crl(self, query: Mapping[str, str]) -> Response:
        if query.get("ca") not in ("platform", "processor"):
            return Response(400)
        if query.get("encoding", "pem") != "der":
            return Response(400 if query.get("encoding", "pem") != "pem" else 501)
        if query["ca"] != "platform":
            return Response(404)
        chain = urllib.parse.quote(self.collateral["pck_crl_issuer_chain"])
        return Response(
            200,
            bytes.fromhex(self.collateral["pck_crl"]),
            "application/pkix-crl",
            {"SGX-PCK-CRL-Issuer-Chain": chain},
        )

    def _root_crl(self, path: str) -> Response:
        if (path == ROOT_CRL) != self.is_cache:
            return Response(404)
        text = self.collateral["root_ca_crl"]
        return Response(200, text.encode() if self.is_cache else bytes.fromhex(text))
