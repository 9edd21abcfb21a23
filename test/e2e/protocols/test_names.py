"""Which backend a TLS name leads to, and what becomes of names that nobody routes."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from support.backend import Backend

from .conftest import Site
from .product import BIN, PATIENCE, Product, lax_context

KINDS = ("first", "exact", "wildcard", "deep", "half")
ROUTES = ("first.test", "exact.names.test", "*.names.test", "*.deep.names.test", "a.half.test")
HALF_ROUTED = "*.half.test"
DOMAINS = (*ROUTES[:-1], HALF_ROUTED)


@pytest.fixture(scope="module")
def routes() -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as running:
        yield {
            domain: running.enter_context(Backend(kind)).address
            for domain, kind in zip(ROUTES, KINDS)
        }


@pytest.fixture(scope="module")
def named(site: Site, routes: dict[str, str]) -> Iterator[Product]:
    with Product(site.directory / "names", site.ca, DOMAINS, routes) as made:
        yield made


@pytest.fixture(scope="module")
def strict(site: Site, routes: dict[str, str]) -> Iterator[Product]:
    with Product(site.directory / "strict", site.ca, DOMAINS, routes, STRICT_SNI="true") as made:
        yield made


@pytest.fixture(scope="module")
def strict_by_request(site: Site, routes: dict[str, str]) -> Iterator[Product]:
    with Product(
        site.directory / "strict-request", site.ca, DOMAINS, routes,
        STRICT_SNI="true", EVIDENCE_ROUTING="request",
    ) as made:  # fmt: skip
        yield made


def backend_of(product: Product, name: str | None, *, verify: bool = True) -> str:
    context = product.context() if verify else lax_context()
    with product.connect(name, context=context) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")
        with client.makefile("rb") as answer:
            return str(json.loads(answer.read().partition(b"\r\n\r\n")[2])["name"])


ROUTED = [
    ("first.test", "first"),
    ("exact.names.test", "exact"),
    ("other.names.test", "wildcard"),
    ("any.deep.names.test", "deep"),
    # The wildcard of deep.names.test does not cover its own base; that of names.test does.
    ("deep.names.test", "wildcard"),
    ("EXACT.Names.Test", "exact"),
    ("OTHER.names.TEST", "wildcard"),
    ("a.half.test", "half"),
]


@pytest.mark.parametrize(("name", "kind"), ROUTED)
@pytest.mark.parametrize("fixture", ["named", "strict", "strict_by_request"])
def test_names_have_their_backends(
    request: pytest.FixtureRequest, fixture: str, name: str, kind: str
) -> None:
    # Verified: the certificate is the right one too.
    assert backend_of(request.getfixturevalue(fixture), name) == kind


@pytest.mark.parametrize(
    ("name", "domain", "kind"),
    [
        ("first.test.", "first.test", "first"),
        ("exact.names.test.", "exact.names.test", "exact"),
        ("EXACT.names.test.", "exact.names.test", "exact"),
        ("other.names.test.", "*.names.test", "wildcard"),
        ("any.deep.names.test.", "*.deep.names.test", "deep"),
        ("a.half.test.", HALF_ROUTED, "half"),
    ],
)
@pytest.mark.parametrize("fixture", ["named", "strict", "strict_by_request"])
def test_a_dot_at_the_end_changes_nothing(
    request: pytest.FixtureRequest, fixture: str, name: str, domain: str, kind: str
) -> None:
    product = request.getfixturevalue(fixture)
    assert backend_of(product, name, verify=False) == kind
    with product.connect(name, context=lax_context()) as client:
        assert client.getpeercert(binary_form=True) == product.certificate(domain)


# A wildcard stands for one label exactly: neither for none nor for two.
UNROUTED = [
    "unknown.test", "unknown.test.", "names.test", "two.more.names.test", "exact.names.test.test",
    None,
]  # fmt: skip


@pytest.mark.parametrize("name", UNROUTED)
def test_unknown_and_missing_names_lead_to_the_first_route(
    named: Product, name: str | None
) -> None:
    assert backend_of(named, name, verify=False) == "first"


@pytest.mark.parametrize("name", UNROUTED)
def test_strict_sni_refuses_them(strict: Product, name: str | None) -> None:
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        backend_of(strict, name, verify=False)


@pytest.mark.parametrize("name", ["b.half.test", "B.half.test."])
def test_a_name_without_a_route_that_a_certificate_covers(
    named: Product, strict: Product, strict_by_request: Product, name: str
) -> None:
    """It is an unknown name all the same."""
    assert backend_of(named, name, verify=False) == "first"
    for product in (strict, strict_by_request):
        for alpn in ((), ("http/1.1",)):
            context = lax_context()
            if alpn:
                context.set_alpn_protocols(alpn)
            # With no word from the client, so that nothing is waited for.
            with product.connect(name, context=context) as client:
                with contextlib.suppress(ConnectionError):
                    assert client.recv(1) == b""


@pytest.mark.parametrize("name", [HALF_ROUTED, HALF_ROUTED + ".", "exact.names.test."])
def test_what_has_a_certificate_can_be_probed(strict: Product, name: str) -> None:
    """A wildcard by a name under it that has no route: whether it is served is judged so."""
    done = subprocess.run(
        [BIN / "ingressctl", "probe", "--port", str(strict.port), name],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
