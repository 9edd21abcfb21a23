"""A CA that lies: what a true one answers passes through it, or a lie does, by a seed."""

from __future__ import annotations

import datetime
import http.client
import json
import re
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from .certificates import LocalCa
from .http_lies import ORDERS, HttpLies, Truth
from .http_service import HttpService, Request, Response

TIMEOUT = 10.0
HOUR = datetime.timedelta(hours=1)
NOT_PASSED_ON = frozenset(
    {"content-length", "content-type", "connection", "date", "transfer-encoding"}
)
PROBLEMS = (
    "badNonce",
    "rateLimited",
    "serverInternal",
    "malformed",
    "unauthorized",
    "accountDoesNotExist",
    "rejectedIdentifier",
    "caa",
    "dns",
    "orderNotReady",
    "userActionRequired",
    "externalAccountRequired",
    "x" * 2000,
)
IDENTITIES = (
    "ca.demo.test\"; policy=\"any",
    "; accounturi=https://elsewhere.example/1",
    "*.demo.test",
    "ca demo test",
    "l" * 64 + ".test",
    "xn--.test",
    *ORDERS,
)


class LyingCa(HttpService):
    """Serves `url`, the directory of the ACME server at `host`:`port`, or the one given.

    `ca` signs its own certificate, and those that it sends in place of the right one.
    `identities` is what its directory says of the CA's names for CAA records; `elsewhere`: see
    HttpLies. What it told is in `lies`.
    """

    def __init__(
        self,
        seed: str,
        ca: LocalCa,
        elsewhere: str,
        *,
        identities: tuple[str, ...],
        behind: tuple[str, int] | None = None,
        directory: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(tls=ca.server_context("lying-ca"))
        self.url = f"{self.origin}/dir"
        self.lies = _CaLies(seed, elsewhere, ca)
        self.liar = self.lies
        self._identities = identities
        self._behind = behind
        self._directory = directory or {}
        self._client = ca.client_context()

    def respond(self, request: Request) -> Response:
        response = self._passed_on(request) if self._behind else Response.of_json(self._directory)
        if request.path == "/dir" and response.status == 200:
            directory = json.loads(response.body)
            directory["meta"] = {
                **directory.get("meta", {}),
                "caaIdentities": list(self._identities),
            }
            response.body = json.dumps(directory).encode()
        return response

    def _passed_on(self, request: Request) -> Response:
        """Under this server's name, which all URLs in the answer then have, too."""
        assert self._behind is not None
        connection = http.client.HTTPSConnection(
            *self._behind, timeout=TIMEOUT, context=self._client
        )
        try:
            headers = {n: v for n, v in request.headers.items() if n not in ("connection",)}
            headers.update(host=self.address, **{"accept-encoding": "identity"})
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        passed = {n: v for n, v in answer.getheaders() if n.lower() not in NOT_PASSED_ON}
        kind = answer.getheader("Content-Type") or "text/plain"
        return Response(answer.status, body, kind, passed)


class _CaLies(HttpLies):
    def __init__(self, seed: str, elsewhere: str, ca: LocalCa) -> None:
        super().__init__(seed, elsewhere, [])
        self._ca = ca
        own: list[Callable[[Request, Truth], Response]] = [
            self._problem,
            self._problem,
            self._no_nonce,
            self._location,
            self._identities,
            self.another_certificate,
        ]
        self.kinds += own * 2

    def _problem(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        problem = {
            "type": f"urn:ietf:params:acme:error:{self.rng.choice((*PROBLEMS, self.words()))}",
            "detail": self.rng.choice(
                (
                    self.words(),
                    "too many certificates, retry after 9999-12-31 23:59:59 UTC: see 'x' \"y\"",
                    "retry after 1970-01-01 00:00:00 UTC",
                    "d" * 100_000,
                )
            ),
            "status": self.rng.choice((400, 403, 429, 500, "x", -1)),
            "subproblems": [{"identifier": self.words(), "detail": self.words()}] * 3,
        }
        status = self.rng.choice((400, 403, 404, 409, 429, 500, 503))
        lie = Response.of_json(problem, status)
        lie.content_type = "application/problem+json"
        lie.headers = {**response.headers, "Retry-After": self.rng.choice(("1", "-1", "9" * 30))}
        return lie

    def _no_nonce(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        for name in list(response.headers):
            if name.lower() == "replay-nonce":
                response.headers[name] = self.rng.choice(("", "=", "\x1b[2J", "n" * 5000))
        return response

    def _location(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        response.headers = {n: v for n, v in response.headers.items() if n.lower() != "location"}
        place = self.rng.choice(
            (self._elsewhere, "\x1b]0;owned\x07", "", "../..", "file:///etc/passwd", "/" * 5000)
        )
        response.headers["Location"] = place
        return response

    def _identities(self, request: Request, truth: Truth) -> Response:
        """Names for CAA records that are none."""
        response = truth(request)
        names = [self.rng.choice(IDENTITIES) for _ in range(self.rng.choice((1, 3, 500)))]
        written = json.dumps({"meta": {"caaIdentities": names}}, ensure_ascii=False)
        response.body = re.sub(
            rb'"meta": ?\{.*\}\}$',
            lambda _: written[1:].encode(errors="surrogatepass"),
            response.body,
            flags=re.DOTALL,
        )
        return response

    def another_certificate(self, request: Request, truth: Truth) -> Response:
        """For another key, perhaps for another name, perhaps expired; or no chain at all."""
        response = truth(request)
        if b"-----BEGIN CERTIFICATE" not in response.body:
            return response
        right = x509.load_pem_x509_certificate(response.body)
        names = tuple(
            right.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value.get_values_for_type(x509.DNSName)
        )
        another = ec.generate_private_key(ec.SECP256R1()).public_key()
        response.body = self.rng.choice(
            (
                self._ca.certify(another, names),
                self._ca.certify(right.public_key(), ("elsewhere.example",)),
                self._ca.certify(right.public_key(), names, -HOUR),
                self._ca.certify(another, names) + response.body,
                response.body * 200,
                response.body.replace(b"M", b"N"),
                b"",
            )
        )
        return response
