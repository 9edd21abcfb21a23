"""What a connection reaches, and the certificate it stands on, follow the name that its client
sends, whatever TLS session that client offers to resume."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.backend import Backend, EchoBackend
from support.proxy_protocol import SIGNATURE_V2

from .conftest import Site
from .product import Product, lax_context

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
ONE, TWO = "one.two.test", "two.two.test"
WILDCARD = "*.wild.test"
A, B = "a.wild.test", "b.wild.test"

MODES: Mapping[str, Mapping[str, str]] = {
    "by connection": {},
    "strict": {"STRICT_SNI": "true"},
    "by request": {"EVIDENCE_ROUTING": "request"},
    "not inspected": {"EVIDENCE_SERVER": "false"},
}


def version_name(version: ssl.TLSVersion) -> str:
    return version.name


@dataclass(frozen=True)
class Seen:
    app: str
    certificate: bytes
    resumed: bool


def visit(
    product: Product,
    name: str | None,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
) -> tuple[Seen, ssl.SSLSession]:
    """One request under `name`, and the session that there is afterwards."""
    with product.connect(name, context=context, session=session) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")
        with client.makefile("rb") as stream:
            answer = stream.read()
        certificate = client.getpeercert(binary_form=True)
        assert certificate is not None and client.session is not None
        app = str(json.loads(answer.partition(b"\r\n\r\n")[2])["name"])
        return Seen(app, certificate, bool(client.session_reused)), client.session


def answers(
    product: Product, name: str, context: ssl.SSLContext, session: ssl.SSLSession
) -> bool:
    """Whether any app does; if not, the connection is ended."""
    with product.connect(name, context=context, session=session) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")
        with client.makefile("rb") as stream, contextlib.suppress(ConnectionError):
            return stream.read() != b""
    return False


@pytest.fixture(scope="module")
def apps() -> Iterator[Mapping[str, str]]:
    with contextlib.ExitStack() as running:
        yield {
            kind: running.enter_context(Backend(kind)).address for kind in ("one", "two", "three")
        }


@pytest.fixture(scope="module")
def folder(site: Site) -> Path:
    return site.folder("sessions")


@pytest.fixture(scope="module", params=MODES)
def several(
    request: pytest.FixtureRequest, folder: Path, site: Site, apps: Mapping[str, str]
) -> Iterator[Product]:
    """Two exact names with a certificate each, and two that share that of a wildcard."""
    made = Product(
        folder / request.param.replace(" ", "-"),
        site.ca,
        (ONE, TWO, WILDCARD),
        {ONE: apps["one"], TWO: apps["two"], A: apps["one"], B: apps["three"]},
        **MODES[request.param],
    )
    with made:
        yield made


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize(
    ("begun", "name", "domain", "app"),
    [
        (ONE, TWO, TWO, "two"),
        (A, B, WILDCARD, "three"),
        (ONE, B, WILDCARD, "three"),
        (B, ONE, ONE, "one"),
        (ONE, ONE, ONE, "one"),
    ],
)
def test_a_session_of_another_name_decides_nothing(
    several: Product, version: ssl.TLSVersion, begun: str, name: str, domain: str, app: str
) -> None:
    context = lax_context(version)
    _, session = visit(several, begun, context)
    seen, _ = visit(several, name, context, session)
    assert (seen.app, seen.certificate) == (app, several.certificate(domain))


# Each is one step away from a single name with a single route.
ALMOST_ONE = {
    "two certificates": ((WILDCARD, A), {WILDCARD: "one"}, B, A, A, "one"),
    "two routes": ((WILDCARD,), {WILDCARD: "one", B: "three"}, A, B, WILDCARD, "three"),
    "a route beside it": ((ONE,), {ONE: "one", TWO: "two"}, ONE, TWO, ONE, "two"),
}


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize("which", ALMOST_ONE)
def test_it_decides_nothing_where_there_is_almost_one_name(
    site: Site, folder: Path, apps: Mapping[str, str], version: ssl.TLSVersion, which: str
) -> None:
    domains, routes, begun, name, domain, app = ALMOST_ONE[which]
    context = lax_context(version)
    directory = folder / f"almost-{version.name}-{which.replace(' ', '-')}"
    targets = {pattern: apps[kind] for pattern, kind in routes.items()}
    with Product(directory, site.ca, domains, targets) as made:
        _, session = visit(made, begun, context)
        seen, _ = visit(made, name, context, session)
        assert (seen.app, seen.certificate) == (app, made.certificate(domain))


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize("name", ["unknown.test", None])
def test_a_session_does_not_make_a_name_known(
    strict: Product, version: ssl.TLSVersion, name: str | None
) -> None:
    context = lax_context(version)
    seen, session = visit(strict, ONE, context)
    assert visit(strict, ONE, context, session)[0].resumed
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        visit(strict, name, context, session)


@pytest.fixture(scope="module")
def strict(site: Site, folder: Path, apps: Mapping[str, str]) -> Iterator[Product]:
    """One name: its sessions are resumed."""
    with Product(
        folder / "strict-one", site.ca, (ONE,), {ONE: apps["one"]}, STRICT_SNI="true"
    ) as made:
        yield made


@pytest.fixture(scope="module", params=[{}, {"STRICT_SNI": "true"}], ids=["lax", "strict"])
def half_routed(
    request: pytest.FixtureRequest, site: Site, folder: Path, apps: Mapping[str, str]
) -> Iterator[Product]:
    """A wildcard certificate, and a route for one of its names only."""
    strict = "strict" if request.param else "lax"
    with Product(
        folder / f"half-{strict}", site.ca, (WILDCARD,), {A: apps["one"]}, **request.param
    ) as made:
        yield made


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
def test_a_session_does_not_make_a_name_routed(
    half_routed: Product, version: ssl.TLSVersion
) -> None:
    context = lax_context(version)
    _, session = visit(half_routed, A, context)
    if half_routed.environment.get("STRICT_SNI") == "true":
        assert not answers(half_routed, B, context, session)
    else:
        assert answers(half_routed, B, context, session)


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize(("begun", "name"), [(A, B), (B, A)])
def test_server_first_goes_by_the_name(
    listing: Product, version: ssl.TLSVersion, begun: str, name: str
) -> None:
    """Evidence is served under names only that are not listed."""
    context = lax_context(version)
    _, session = visit(listing, begun, context)
    with listing.connect(name, context=context, session=session) as client:
        client.sendall(b"GET /evidences/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with client.makefile("rb") as stream:
            came_to_the_app = b'"name": "one"' in stream.read()
    assert came_to_the_app == (name == A)


@pytest.fixture(scope="module")
def listing(site: Site, folder: Path, apps: Mapping[str, str]) -> Iterator[Product]:
    """The same certificate and the same backend for all names."""
    with Product(
        folder / "listing", site.ca, (WILDCARD,), {WILDCARD: apps["one"]}, SERVER_FIRST=A
    ) as made:
        yield made


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize(("begun", "name"), [(A, B), (B, A)])
def test_the_proxy_protocol_goes_by_the_name(
    announcing: Product, version: ssl.TLSVersion, begun: str, name: str
) -> None:
    context = lax_context(version)
    session = None
    for asked in (begun, name):
        with announcing.connect(asked, context=context, session=session) as client:
            client.sendall(b"GET /")
            with client.makefile("rb") as stream:  # the app gives back what it gets
                start = stream.read(5)
            session = client.session
    assert start == (SIGNATURE_V2[:5] if name == A else b"GET /")


@pytest.fixture(scope="module")
def announcing(site: Site, folder: Path) -> Iterator[Product]:
    """The same certificate and the same backend for all names."""
    with EchoBackend() as backend, Product(
        folder / "announcing",
        site.ca,
        (WILDCARD,),
        {A: backend.address, B: backend.address},
        SEND_PROXY_PROTOCOL=A,
        EVIDENCE_SERVER="false",
    ) as made:
        yield made


@pytest.mark.parametrize("version", VERSIONS, ids=version_name)
@pytest.mark.parametrize("domain", [ONE, WILDCARD])
def test_where_all_names_lead_to_the_same_sessions_are_resumed(
    site: Site, folder: Path, apps: Mapping[str, str], version: ssl.TLSVersion, domain: str
) -> None:
    context = lax_context(version)
    name = domain.replace("*", "a")
    directory = folder / f"same-{version.name}-{domain.replace('*', '_')}"
    with Product(directory, site.ca, (domain,), {domain: apps["one"]}) as made:
        _, session = visit(made, name, context)
        for asked in (name, name, "unknown.test", None):
            seen, _ = visit(made, asked, context, session)
            assert seen == Seen("one", made.certificate(domain), resumed=True)
