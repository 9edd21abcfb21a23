"""Which backend a TLS name leads to, and what becomes of names that nobody routes."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator

import pytest

from support.backend import Backend

from .conftest import Site
from .product import Product

KINDS = ("first", "exact", "wildcard", "deep")
DOMAINS = ("first.test", "exact.names.test", "*.names.test", "*.deep.names.test")


@pytest.fixture(scope="module")
def routes() -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as running:
        yield {
            domain: running.enter_context(Backend(kind)).address
            for domain, kind in zip(DOMAINS, KINDS)
        }


@pytest.fixture(scope="module")
def named(site: Site, routes: dict[str, str]) -> Iterator[Product]:
    with Product(site.directory / "names", site.ca, DOMAINS, routes) as made:
        yield made


@pytest.fixture(scope="module")
def strict(site: Site, routes: dict[str, str]) -> Iterator[Product]:
    with Product(site.directory / "strict", site.ca, DOMAINS, routes, STRICT_SNI="true") as made:
        yield made


def backend_of(product: Product, name: str | None, *, verify: bool = True) -> str:
    context = product.context() if verify else _trusting()
    with product.connect(name, context=context) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")
        with client.makefile("rb") as answer:
            return str(json.loads(answer.read().partition(b"\r\n\r\n")[2])["name"])


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


ROUTED = [
    ("first.test", "first"),
    ("exact.names.test", "exact"),
    ("other.names.test", "wildcard"),
    ("any.deep.names.test", "deep"),
    # The wildcard of deep.names.test does not cover its own base; that of names.test does.
    ("deep.names.test", "wildcard"),
    ("EXACT.Names.Test", "exact"),
    ("OTHER.names.TEST", "wildcard"),
]


@pytest.mark.parametrize(("name", "kind"), ROUTED)
@pytest.mark.parametrize("fixture", ["named", "strict"])
def test_names_have_their_backends(
    request: pytest.FixtureRequest, fixture: str, name: str, kind: str
) -> None:
    # Verified: the certificate is the right one too.
    assert backend_of(request.getfixturevalue(fixture), name) == kind


# A wildcard stands for one label exactly: neither for none nor for two.
UNROUTED = ["unknown.test", "names.test", "two.more.names.test", "exact.names.test.test", None]


@pytest.mark.parametrize("name", UNROUTED)
def test_unknown_and_missing_names_lead_to_the_first_route(
    named: Product, name: str | None
) -> None:
    assert backend_of(named, name, verify=False) == "first"


@pytest.mark.parametrize("name", UNROUTED)
def test_strict_sni_refuses_them(strict: Product, name: str | None) -> None:
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        backend_of(strict, name, verify=False)
