"""The products of the matrix and the servers behind them: one of each for a whole run."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.backend import Backend, BannerBackend, EchoBackend
from support.certificates import LocalCa
from support.guest_agent import GuestAgent
from support.ports import ReservedPort
from support.process import wait_until
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

from .product import HOST, START_DEADLINE, Product

ZONE = "matrix.test"
# Servers that a test starts on the port reserved for them when it needs them.
ON_DEMAND = (
    "http", "websocket", "http2", "grpc", "redis", "ssh", "smtp", "imap", "nats", "mqtt",
    "postgresql", "raw",
)  # fmt: skip
SERVER_FIRST = ("banner", "smtp", "imap", "nats")

# So long that a wait by mistake shows beyond doubt, however busy the machine is.
LONG_WAIT = 30.0
AT_ONCE = LONG_WAIT / 2
SHORT_WAIT = 0.4


def full_name(kind: str) -> str:
    return f"{kind}.{ZONE}"


class Site:
    """The servers behind the products; those written in Python always run."""

    def __init__(self, running: contextlib.ExitStack) -> None:
        # pytest's own directories are too long for unix sockets, and closed to other users.
        self.directory = Path(tempfile.mkdtemp(prefix="matrix-", dir="/tmp"))
        running.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)
        self.ca = LocalCa(self.directory)
        self.ports = {
            kind: running.enter_context(ReservedPort(HOST)).number for kind in ON_DEMAND
        }
        for kind, backend in (
            ("app", Backend("app")),
            ("echo", EchoBackend()),
            ("banner", BannerBackend("banner")),
        ):
            self.ports[kind] = running.enter_context(backend).port

    def folder(self, name: str) -> Path:
        """Made when first asked for."""
        path = self.directory / name
        path.mkdir(mode=0o755, exist_ok=True)
        return path

    def routes(self) -> dict[str, str]:
        """Every name with its backend; "app" is the first."""
        kinds = sorted(self.ports, key=lambda kind: (kind != "app", kind))
        return {full_name(kind): f"{HOST}:{self.ports[kind]}" for kind in kinds}

    def product(self, name: str, **settings: str) -> Product:
        wildcard = full_name("*")
        return Product(self.directory / name, self.ca, [wildcard], self.routes(), **settings)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with contextlib.ExitStack() as running:
        yield Site(running)


@pytest.fixture(scope="session")
def patient(site: Site) -> Iterator[Product]:
    """Waits long for clients that may ask for evidence; publishes evidence; speaks HTTP/2."""
    made = site.product(
        "patient",
        EVIDENCE_WAIT=f"{LONG_WAIT:g}s",
        SERVER_FIRST="\n".join(map(full_name, SERVER_FIRST)),
        ALPN="h2,http/1.1",
    )
    guest = SimulatedGuest(QuotePki(site.directory / "quote-pki"))
    agent = GuestAgent(made.agent_socket, guest, api="dstack")
    try:
        with made:
            yield made
    finally:
        agent.stop()


@pytest.fixture(scope="session")
def prompt(site: Site) -> Iterator[Product]:
    """Waits shortly, and no name is listed in SERVER_FIRST."""
    with site.product("prompt", EVIDENCE_WAIT=f"{SHORT_WAIT * 1000:.0f}ms") as made:
        yield made


@pytest.fixture(scope="module")
def prompt_h2(site: Site) -> Iterator[Product]:
    """As `prompt`, with HTTP/2."""
    wait = f"{SHORT_WAIT * 1000:.0f}ms"
    with site.product("prompt-h2", EVIDENCE_WAIT=wait, ALPN="h2,http/1.1") as made:
        yield made


@pytest.fixture(scope="session")
def bare(site: Site) -> Iterator[Product]:
    """Serves no evidence, so that there is nothing to wait for."""
    with site.product("bare", EVIDENCE_SERVER="false") as made:
        yield made


def evidence_is_there(product: Product, name: str) -> None:
    """Waits for the first publication, which comes after the first service."""

    def published() -> bool:
        with product.connect(name) as client:
            client.sendall(b"GET /evidences/quote.json HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            return answer.status == 200

    wait_until(published, what="the evidence", deadline=START_DEADLINE, detail=product.log_tail)


class Expected:
    """A product, and how long a banner takes through it, at least and at most."""

    def __init__(self, product: Product, least: float, most: float) -> None:
        self.product = product
        self.least = least
        self.most = most

    def check(self, seconds: float) -> None:
        assert self.least <= seconds < self.most


@pytest.fixture(params=["listed", "waits", "no evidence"])
def server_first(request: pytest.FixtureRequest) -> Expected:
    """Each way in which a server that speaks first can be reached."""
    if request.param == "waits":
        # The client's clock starts a little later than the product's.
        product = request.getfixturevalue("prompt")
        return Expected(product, SHORT_WAIT / 2, SHORT_WAIT + AT_ONCE)
    listed = request.param == "listed"
    return Expected(request.getfixturevalue("patient" if listed else "bare"), 0, AT_ONCE)


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own clients find every name of the matrix on loopback."""
    ask = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **options: Any) -> Any:
        ours = isinstance(host, str) and host.endswith(f".{ZONE}")
        return ask(HOST if ours else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With a failure, what the products of the test said."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for name, value in getattr(item, "funcargs", {}).items():
        product = getattr(value, "product", value)
        if isinstance(product, Product):
            report.sections.append((name, product.log_tail()))
