"""Signature Version 4 from the side that checks it.

Written from AWS's description of it alone
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import hmac
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})"
)
AMZ_DATE = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class SignedRequest:
    """A request as it arrived; the names of `headers` are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Scope:
    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True)
class Claim:
    """What an Authorization header says."""

    key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Claim | None:
    match = AUTHORIZATION.fullmatch(header)
    parts = match[1].split("/") if match else []
    if match is None or len(parts) != 5 or parts[4] != "aws4_request":
        return None
    return Claim(parts[0], Scope(*parts[1:4]), tuple(match[2].split(";")), match[3])


def canonical_request(request: SignedRequest, signed_headers: Iterable[str]) -> str:
    path, _, query = request.target.partition("?")
    headers = "".join(
        f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed_headers
    )
    return "\n".join(
        [
            request.method,
            _canonical_path(path),
            _canonical_query(query),
            headers,
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def signature(
    secret: str, scope: Scope, amz_date: str, request: SignedRequest, signed: Iterable[str]
) -> str:
    hashed = hashlib.sha256(canonical_request(request, signed).encode()).hexdigest()
    to_sign = "\n".join([ALGORITHM, amz_date, str(scope), hashed])
    return hmac.digest(_signing_key(secret, scope), to_sign.encode(), "sha256").hex()


@functools.lru_cache(maxsize=64)
def _signing_key(secret: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@functools.lru_cache(maxsize=64)
def read_date(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, AMZ_DATE).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None


def _canonical_path(path: str) -> str:
    """Each segment as sent, encoded once more (for every service but S3)."""
    return urllib.parse.quote(path or "/", safe=f"/{UNRESERVED}")


def _canonical_query(query: str) -> str:
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    encoded = sorted(
        (urllib.parse.quote(name, safe=UNRESERVED), urllib.parse.quote(value, safe=UNRESERVED))
        for name, value in pairs
    )
    return "&".join(f"{name}={value}" for name, value in encoded)
