"""The TLS name chooses the app, for all requests of a connection."""

from __future__ import annotations

import json
import time

import pytest

from support.h1_client import H1Client
from support.h2_client import H2Client

from .site import OTHER, SUMS, WAIT, WEB, Site


@pytest.mark.parametrize(
    ("name", "app"),
    [
        (WEB, "web"),
        (OTHER, "other"),
        ("any.demo.test", "wild"),
        ("ANY.Demo.Test", "wild"),
        ("OTHER.demo.test", "other"),
        ("other.demo.test.", "other"),
        ("any.demo.test.", "wild"),
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


@pytest.mark.parametrize(
    ("name", "app"),
    [
        (WEB, "web"),
        (OTHER, "other"),
        ("any.demo.test", "wild"),
        ("OTHER.demo.test.", "other"),
        ("any.demo.test.", "wild"),
        (None, "web"),
    ],
)
def test_the_name_outlasts_a_silence(either: Site, name: str | None, app: str) -> None:
    """Such a connection is handed on inside, where there is no TLS any more."""
    with either.ingress.connect(name, verify=False, alpn=("http/1.1",)) as h1_tls:
        with either.ingress.connect(name, verify=False, alpn=("h2",)) as h2_tls:
            time.sleep(1.5 * WAIT)  # it is the silence itself that is tested
            assert H1Client(h1_tls, "none").get("/").json()["name"] == app
            h2_client = H2Client(h2_tls, "none")
            assert h2_client.get(SUMS).body == either.sums()
            assert json.loads(h2_client.get("/").body)["name"] == app
