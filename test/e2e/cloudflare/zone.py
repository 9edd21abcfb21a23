"""What the tests look at."""

from __future__ import annotations

from support.cloudflare_api import CloudflareApi

TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"


def content(api: CloudflareApi, name: str, kind: str) -> list[str]:
    return sorted(
        r["content"] for r in api.records("demo.test") if (r["name"], r["type"]) == (name, kind)
    )


def writes(api: CloudflareApi) -> list[str]:
    return [f"{r.method} {r.body}" for r in api.requests() if r.method != "GET"]
