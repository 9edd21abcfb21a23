"""The zone of these tests, the commands, and what can go wrong with them."""

from __future__ import annotations

from typing import Any

from support.namecheap_api import NamecheapApi

from ..dns_bench import BAD_CONFIG, FAILED, TRY_LATER, UNREACHABLE

ZONE = "demo.test"
TXT_HOST = "_dstack-app-address.app"
NAME = "_acme-challenge.new.demo.test"
LIST, GET, SET = "getList$", "getHosts$", "setHosts$"
# Let's Encrypt's names are known; its directory cannot be reached from a test.
CAA = {
    "SET_CAA": "true",
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
}

# Fault of a command that reads: its arguments, exit status, part of the sentence.
READ_FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "405 for long": (
        {"kind": "rate_limited", "headers": {"retry-after": "3600"}},
        TRY_LATER,
        "rate limit (20 calls a minute",
    ),
    "too many": (
        {"kind": "api_error", "body": "1017411 Too many login attempts"},
        BAD_CONFIG,
        "error 1017411: Too many login attempts",
    ),
    "key": (
        {"kind": "api_error", "body": "1011102 API Key is invalid"},
        BAD_CONFIG,
        "check NAMECHEAP_USERNAME and NAMECHEAP_API_KEY",
    ),
    "address": (
        {"kind": "api_error", "body": "1011150 Invalid request IP: 198.51.100.7"},
        BAD_CONFIG,
        "198.51.100.7; Namecheap answers only whitelisted IPv4 addresses",
    ),
    "Enom": (
        {"kind": "api_error", "body": "3050900 Unknown error from Enom"},
        UNREACHABLE,
        "error 3050900: Unknown error from Enom",
    ),
    "exception": (
        {"kind": "api_error", "body": "5019169 Unknown exceptions"},
        UNREACHABLE,
        "error 5019169",
    ),
}

# The same of getHosts alone.
ZONE_FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "not ours": (
        {"kind": "api_error", "body": "2019166 Domain not found"},
        FAILED,
        "the account in NAMECHEAP_USERNAME does not have this domain",
    ),
    "not associated": (
        {"kind": "api_error", "body": "2016166 Domain is not associated with your account"},
        FAILED,
        "error 2016166",
    ),
    "other servers": (
        {"kind": "api_error", "body": "2030288 this domain is not using proper DNS servers"},
        FAILED,
        "the domain's name servers are not Namecheap's",
    ),
    "another domain": ({"kind": "another_domain"}, UNREACHABLE, "about another domain"),
    "no hosts": ({"kind": "no_hosts"}, TRY_LATER, "shows no records at all in the zone demo.test"),
}


def at(api: NamecheapApi, name: str, zone: str = ZONE) -> list[str]:
    """Types and values at a relative name."""
    return sorted(f"{h.type} {h.address}" for h in api.zone(zone).hosts if h.name == name)
