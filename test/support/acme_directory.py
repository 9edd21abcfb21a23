"""The ACME directory as a public CA publishes it: Pebble's, with the CA's names for CAA records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .faults import Fault
from .http_service import HttpService, Request, Response
from .pebble import Pebble


class AcmeDirectory(HttpService):
    """Serves Pebble's directory object with `meta.caaIdentities`, which Pebble itself lacks.

    The URLs in it are Pebble's, so only the directory passes through here; the certificate is from
    Pebble's authority, so one CA bundle is good for both. Beside the faults of every HttpService,
    `refuse` answers as a CA does that is overloaded or in maintenance.
    """

    def __init__(self, pebble: Pebble, identities: Sequence[str] = ("ca.demo.test",)) -> None:
        super().__init__(host=pebble.host, tls=pebble.ca.server_context("acme-directory"))
        self.url = f"{self.origin}/dir"
        self.identities = list(identities)
        self._pebble = pebble

    def respond(self, request: Request) -> Response:
        if request.path != "/dir":
            return Response(404)
        directory: dict[str, Any] = self._pebble.directory()
        directory["meta"] = {**directory.get("meta", {}), "caaIdentities": self.identities}
        return Response.of_json(directory)

    def refuse(
        self, status: int = 503, *, retry_after: int | str | None = None, times: int | None = None
    ) -> Fault:
        """Answers with an ACME problem document; `retry_after` in seconds or as an HTTP date."""
        kind = "rateLimited" if status == 429 else "serverInternal"
        problem = {
            "type": f"urn:ietf:params:acme:error:{kind}",
            "detail": "The service is down for maintenance or had an internal error.",
            "status": status,
        }
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self.fault("status", times=times, status=status, body=problem, headers=headers)
