"""EVIDENCE_ROUTING=request: the TLS name chooses the app, for all requests of a connection."""

from __future__ import annotations

import pytest

from .site import OTHER, SUMS, WEB, Site


@pytest.mark.parametrize(
    ("name", "app"),
    [
        (WEB, "web"),
        (OTHER, "other"),
        ("any.demo.test", "wild"),
        ("ANY.Demo.Test", "wild"),
        ("OTHER.demo.test", "other"),
        ("two.labels.demo.test", "web"),
        ("unknown.example.com", "web"),
        (None, "web"),
    ],
)
def test_the_app_is_that_of_the_name(by_request: Site, name: str | None, app: str) -> None:
    for alpn in ("http/1.1", "h2"):
        assert by_request.app_behind(name, alpn) == app


def test_a_host_other_than_the_tls_name_goes_where_the_tls_name_says(by_request: Site) -> None:
    """As in the other mode: the app behind a TLS name gets all that comes under it, and what to
    make of the Host is its own affair. The evidence is the same under any name."""
    with by_request.h1(WEB) as client:
        told = client.get("/", Host=OTHER).json()
        assert (told["name"], told["host"]) == ("web", OTHER)
        assert client.get(SUMS, Host=OTHER).body == by_request.sums()
    with by_request.h2(WEB) as h2_client:
        assert b'"name": "web"' in h2_client.get("/", host=OTHER).body
