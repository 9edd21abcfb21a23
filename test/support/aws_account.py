"""Who may call the emulated services of AWS, and how AWS refuses the others."""

from __future__ import annotations

import datetime
import hmac
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .aws_sigv4 import (
    AMZ_DATE,
    SignedRequest,
    canonical_request,
    read_authorization,
    read_date,
    signature,
)
from .http_service import Request, Response

CLOCK_TOLERANCE = datetime.timedelta(minutes=5)
XML_TYPE = "text/xml"
DOES_NOT_MATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


class AwsError(Exception):
    """Becomes an ErrorResponse."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def as_response(self, namespace: str) -> Response:
        body = (
            f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type>'
            f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
            f"<RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>"
        )
        return Response(self.status, body.encode(), XML_TYPE)


@dataclass
class Keys:
    """`token` and `expires` are those of a session."""

    id: str
    secret: str
    token: str | None = None
    expires: datetime.datetime | None = None

    @property
    def hidden(self) -> list[str]:
        """What must not turn up anywhere."""
        return [self.secret] + ([self.token] if self.token else [])

    def as_json(self) -> dict[str, str]:
        """As metadata services hand them out."""
        assert self.token and self.expires
        return {
            "AccessKeyId": self.id,
            "SecretAccessKey": self.secret,
            "Token": self.token,
            "Expiration": self.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class AwsAccount:
    """The keys of an account. `user` are long-lived; `session` makes others.

    `ahead` is how far AWS's clock is before ours.
    """

    def __init__(self) -> None:
        self.ahead = datetime.timedelta()
        self._lock = threading.Lock()
        self._keys: dict[str, Keys] = {}
        self.user = self._add(Keys("AKIA" + _letters(16), _secret(40)))

    def session(self, seconds: float = 3600) -> Keys:
        expires = now() + datetime.timedelta(seconds=seconds)
        return self._add(Keys("ASIA" + _letters(16), _secret(40), _secret(360), expires))

    def _add(self, keys: Keys) -> Keys:
        with self._lock:
            self._keys[keys.id] = keys
        return keys

    def authenticate(
        self, request: Request, region: str, service: str, *, echo: bool = False
    ) -> Keys:
        """The keys that the request is signed with. Raises AwsError.

        With `echo` a wrong signature is answered as STS does: with the request that should have
        been signed, session token included.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        if "authorization" not in headers:
            raise AwsError(403, "MissingAuthenticationToken", "Missing Authentication Token")
        claim = read_authorization(headers["authorization"])
        date = read_date(headers.get("x-amz-date", ""))
        if claim is None or date is None:
            raise AwsError(
                400, "IncompleteSignature",
                f"Authorization header is incomplete. Authorization={headers['authorization']}",
            )
        keys = self._find(claim.key_id, headers)
        self._check_date(date)
        scope = claim.scope
        if (scope.date, scope.region, scope.service) != (f"{date:%Y%m%d}", region, service):
            raise AwsError(
                403, "SignatureDoesNotMatch",
                f"Credential should be scoped to {date:%Y%m%d}/{region}/{service}, not '{scope}'.",
            )
        required = {"host"} | {name for name in headers if name.startswith("x-amz-")}
        missing = (required | ({"content-type"} & headers.keys())) - set(claim.signed_headers)
        if missing or list(claim.signed_headers) != sorted(claim.signed_headers):
            raise AwsError(
                403, "SignatureDoesNotMatch", f"not signed, or not in order: {sorted(missing)}"
            )
        signed = SignedRequest(request.method, request.target, headers, request.body)
        wanted = signature(
            keys.secret, scope, headers["x-amz-date"], signed, claim.signed_headers
        )
        if not hmac.compare_digest(wanted, claim.signature):
            words = DOES_NOT_MATCH
            if echo:
                canonical = canonical_request(signed, claim.signed_headers)
                words += f"\n\nThe Canonical String for this request should have been\n'{canonical}'"
            raise AwsError(403, "SignatureDoesNotMatch", words)
        return keys

    def _find(self, key_id: str, headers: Mapping[str, str]) -> Keys:
        with self._lock:
            keys = self._keys.get(key_id)
        if keys is None or headers.get("x-amz-security-token") != keys.token:
            raise AwsError(
                403, "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            )
        if keys.expires is not None and keys.expires <= now():
            raise AwsError(
                403, "ExpiredToken", "The security token included in the request is expired"
            )
        return keys

    def _check_date(self, date: datetime.datetime) -> None:
        current = now() + self.ahead
        first, last = current - CLOCK_TOLERANCE, current + CLOCK_TOLERANCE
        if first <= date <= last:
            return
        if date < first:
            words = f"expired: {date:{AMZ_DATE}} is now earlier than {first:{AMZ_DATE}}"
        else:
            words = f"not yet current: {date:{AMZ_DATE}} is still later than {last:{AMZ_DATE}}"
        sign = "-" if date < first else "+"
        raise AwsError(
            403, "SignatureDoesNotMatch",
            f"Signature {words} ({current:{AMZ_DATE}} {sign} 5 min.)",
        )


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(count))


def _secret(count: int) -> str:
    alphabet = string.ascii_letters + string.digits + "+/"
    return "".join(secrets.choice(alphabet) for _ in range(count))
