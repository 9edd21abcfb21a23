"""A receiver of the webhook, which believes a call only for its HMAC and its quote.

It is written from what docs/operations.md asks of a receiver, and knows nothing of the sender.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from .http_service import HttpService, Request, Response
from .quote_pki import QuotePki
from .tests.quote_verifier import Rejection, verify_event_log, verify_quote

MEMBERS = {"app_id", "challenge", "domain", "instance_id", "records", "timestamp", "version"}
RECORD_MEMBERS = {"exact", "name", "note", "type", "value"}


@dataclass(frozen=True)
class Call:
    """One that was believed. `proof` is "quote", "attestation" (not judged here) or ""."""

    payload: dict[str, Any]
    proof: str

    @property
    def records(self) -> list[tuple[str, str, str]]:
        return [(r["type"], r["name"], r["value"]) for r in self.payload["records"]]


class Refusal(Exception):
    """What is wrong with a call."""


class WebhookReceiver(HttpService):
    """`token` empty: no HMAC is asked for. `pki` None: nor a quote."""

    def __init__(
        self, token: str, pki: QuotePki | None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self._token = token
        self._root = pki and x509.load_pem_x509_certificate(pki.root_pem.read_bytes())
        self.calls: list[Call] = []
        self.refused: list[str] = []

    def respond(self, request: Request) -> Response:
        try:
            call = self._believe(request)
        except Refusal as refusal:
            self.refused.append(str(refusal))
            return Response(403, str(refusal).encode())
        self.calls.append(call)
        return Response(204)

    def settings(self) -> dict[str, str]:
        token = {"DNS_WEBHOOK_TOKEN": self._token} if self._token else {}
        url = f"{self.origin}/dns?from=ingress"
        return {"DNS_SETUP_MODE": "webhook", "DNS_WEBHOOK_URL": url, **token}

    def _believe(self, request: Request) -> Call:
        _require(request.method == "POST", f"method {request.method}")
        _require(request.headers.get("Content-Type") == "application/json", "content type")
        envelope = json.loads(request.body)
        text = envelope["payload"]
        if self._token:
            wanted = hmac.new(self._token.encode(), text.encode(), hashlib.sha256).hexdigest()
            _require(hmac.compare_digest(envelope["hmac_sha256"], wanted), "wrong HMAC")
        else:
            _require("hmac_sha256" not in envelope, "an HMAC without a token")
        payload = json.loads(text)
        _require(
            json.dumps(payload, sort_keys=True, separators=(",", ":")) == text, "not canonical"
        )
        _require(set(payload) == MEMBERS and payload["version"] == 1, "not of version 1")
        _require(bool(payload["records"]), "no records")
        for record in payload["records"]:
            _require(set(record) == RECORD_MEMBERS, "a record with other members")
        return Call(payload, self._proof(envelope, text, payload))

    def _proof(self, envelope: dict[str, Any], text: str, payload: dict[str, Any]) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        answer = envelope.get("attestation")
        if answer is None:
            _require(self._root is None, "no quote")
            return "attestation" if "attestation_v1" in envelope else ""
        _require(answer["report_data"] == digest.hex(), "another report_data")
        if self._root is not None:
            try:
                quote = verify_quote(
                    bytes.fromhex(answer["quote"]), self._root, report_data=digest + bytes(32)
                )
                events = verify_event_log(answer["event_log"], quote["rtmr3"])
            except Rejection as rejection:
                raise Refusal(str(rejection)) from rejection
            _require(events["app-id"].hex() == payload["app_id"], "another app's quote")
            _require(events["instance-id"].hex() == payload["instance_id"], "another instance's")
        return "quote"


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise Refusal(reason)
