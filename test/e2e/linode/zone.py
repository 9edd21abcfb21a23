"""What the tests look at, and who issues in them."""

from __future__ import annotations

from typing import Any

from support.linode_api import LinodeApi

APP = "app.demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"


def says(reason: str, field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"reason": reason} if field is None else {"field": field, "reason": reason}]}


def at(api: LinodeApi, name: str, kind: str) -> list[str]:
    """The targets of the records there."""
    return sorted(
        r["target"] for r in api.records("demo.test") if (r["name"], r["type"]) == (name, kind)
    )


def aliases(api: LinodeApi, name: str) -> dict[str, list[str]]:
    return {kind: at(api, name, kind) for kind in ("A", "AAAA", "CNAME")}


def writes(api: LinodeApi) -> list[str]:
    return [f"{r.method} {r.body}" for r in api.requests() if r.method != "GET"]
