"""What the contract of a DNS provider needs to know of each: where its API's requests differ."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.bind import Bind
from support.dns_api import EMULATORS, DnsApi, emulator
from support.rfc2136_api import Rfc2136Api

from .dns_bench import BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE, Bench, api_bench

FaultArguments = dict[str, Any]


@dataclass(frozen=True)
class Provider:
    """A provider behind the interface; the fields with `match` are patterns of Fault.match."""

    name: str
    find_zone: str
    """What asks for the zones of the account."""
    list_records: str
    write: str
    """What adds a value and takes one away: everything that writes."""
    refusal: FaultArguments
    """Of a write: understood, and refused."""
    refused: tuple[int, str]
    """How that ends: exit status, part of the sentence."""
    wrong_credentials: dict[str, str]
    echo: Callable[[str], FaultArguments]
    """An answer that refuses a credential and quotes it."""
    cname_beside_others: bool = False
    """Then the apex may have an alias too."""

    def open(self, bind: Bind, **options: Any) -> DnsApi:
        if self.name == Rfc2136Api.provider:
            return Rfc2136Api(bind)
        return emulator(self.name, bind, **options)

    def bench(self, folder: Path, bind: Bind, api: DnsApi, **extra: str) -> Bench:
        return api_bench(folder, bind, api, **extra)

    def writes(self, api: DnsApi) -> int:
        """Namecheap's calls are all POSTs."""
        if self.name == "namecheap":
            return sum("Command=namecheap.domains.dns.setHosts" in r.body for r in api.requests())
        return len([r for r in api.requests() if r.method not in ("GET", "QUERY", "CHECK")])


def _cloudflare_says(code: int, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": message}]}


def _linode_says(reason: str) -> dict[str, Any]:
    return {"errors": [{"reason": reason}]}


def _status(status: int, body: str | dict[str, Any]) -> FaultArguments:
    return {"kind": "status", "status": status, "body": body}


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            "cloudflare",
            find_zone=r"^GET .*/zones\?",
            list_records=r"^GET .*/dns_records\?",
            write="^(POST|PUT|PATCH|DELETE) ",
            refusal=_status(400, _cloudflare_says(1004, "DNS Validation Error")),
            refused=(FAILED, "error 1004: DNS Validation Error"),
            wrong_credentials={"CLOUDFLARE_API_TOKEN": "x" * 40},
            echo=lambda secret: _status(403, _cloudflare_says(1, f"token {secret} is bad")),
            cname_beside_others=True,
        ),
        Provider(
            "linode",
            find_zone=r"^GET .*/domains\?",
            list_records=r"^GET .*/records\?",
            write="^(POST|PUT|DELETE) ",
            refusal=_status(400, _linode_says("Invalid hostname")),
            refused=(FAILED, "HTTP status 400, Invalid hostname"),
            wrong_credentials={"LINODE_API_TOKEN": "0" * 64},
            echo=lambda secret: _status(403, _linode_says(f"token {secret} is bad")),
        ),
        Provider(
            "namecheap",
            find_zone="getList$",
            list_records="getHosts$",
            write="setHosts$",
            refusal={"kind": "api_error", "body": "2050900 has incorrect value"},
            refused=(FAILED, "error 2050900: has incorrect value"),
            wrong_credentials={"NAMECHEAP_API_KEY": "0" * 32},
            echo=lambda secret: {"kind": "api_error", "body": f"1011102 API Key {secret} is bad"},
        ),
        Provider(
            "rfc2136",
            find_zone="^QUERY .* SOA$",
            list_records="^QUERY .* ANY$",
            write="^UPDATE ",
            refusal={"kind": "status", "status": 5},
            refused=(BAD_CONFIG, "REFUSED"),
            wrong_credentials={
                "RFC2136_KEY_SECRET": base64.b64encode(b"not the secret of that key").decode()
            },
            echo=lambda _: {"kind": "garbage"},
        ),
        Provider(
            "route53",
            find_zone="^GET .*/hostedzonesbyname",
            list_records="^GET .*/rrset",
            write="^POST ",
            refusal={"kind": "aws", "status": 400, "body": "InvalidChangeBatch"},
            refused=(FAILED, "HTTP status 400, InvalidChangeBatch"),
            wrong_credentials={"AWS_SECRET_ACCESS_KEY": "w" * 40},
            echo=lambda secret: _status(
                403, f"<ErrorResponse><Error><Message>{secret} is bad</Message></Error></ErrorResponse>"
            ),
        ),
    )
}
HTTP_PROVIDERS = tuple(EMULATORS)

REDIRECT = {"Location": "http://127.0.0.1:1/"}
HTTP_FAULTS: dict[str, tuple[FaultArguments, tuple[int, ...], str]] = {
    "401": (_status(401, ""), (BAD_CONFIG,), "HTTP status 401"),
    "403": (_status(403, ""), (BAD_CONFIG,), "HTTP status 403"),
    "404": (_status(404, ""), (FAILED,), "HTTP status 404"),
    "408": (_status(408, ""), (TRY_LATER,), "HTTP status 408"),
    "429 for an hour": (
        {**_status(429, ""), "headers": {"Retry-After": "3600"}}, (TRY_LATER,), "3600 seconds",
    ),
    "500": (_status(500, ""), (UNREACHABLE,), "HTTP status 500"),
    "503": (_status(503, "<html><br>Down"), (UNREACHABLE,), "HTTP status 503"),
    "a page under 200": (_status(200, "<html>Welcome</html>"), (UNREACHABLE,), ""),
    # Where it leads is nobody's business; whether it counts as an answer is the API's.
    "redirect": (
        {**_status(302, ""), "headers": REDIRECT}, (FAILED, UNREACHABLE), "HTTP status 302",
    ),
    "truncated": ({"kind": "truncated"}, (UNREACHABLE,), ""),
    "closed": ({"kind": "closed"}, (UNREACHABLE,), "Empty reply"),
    "reset": ({"kind": "reset"}, (UNREACHABLE,), ""),
    "empty": ({"kind": "empty"}, (UNREACHABLE,), ""),
}
"""Fault of a request that reads: its arguments, exit statuses, part of the sentence."""
