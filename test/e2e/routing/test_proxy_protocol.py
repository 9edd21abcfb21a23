"""The PROXY protocol: the client's address from the balancer in front, and on to the apps."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from support.h1_client import H1Client
from support.h2_client import H2Client
from support.ingress import CLIENT_TIMEOUT
from support.proxy_protocol import proxy_header_v1, proxy_header_v2, read_proxy_header
from support.web_app import WebApp

from .site import ECHO, OTHER, SUMS, WAIT, WEB, Site

PROXY = "proxy.demo.test"
CLIENT = "203.0.113.7"
CLIENT_V6 = "2001:db8::7"
OUTSIDE = "127.0.0.7"
"""Of loopback, but not the address that HAProxy's own connections come from."""

HEADERS = {
    "v1": (proxy_header_v1(CLIENT), CLIENT),
    "v1, IPv6": (proxy_header_v1(CLIENT_V6), CLIENT_V6),
    "v1, unknown": (b"PROXY UNKNOWN\r\n", OUTSIDE),
    "v2": (proxy_header_v2(CLIENT), CLIENT),
    "v2, IPv6": (proxy_header_v2(CLIENT_V6), CLIENT_V6),
    "v2, local": (proxy_header_v2(None), OUTSIDE),
}


@contextlib.contextmanager
def _tls(
    site: Site, name: str | None, header: bytes, *alpn: str, verify: bool = True
) -> Iterator[ssl.SSLSocket]:
    """Comes from OUTSIDE, with `header` before the handshake."""
    where = ("127.0.0.1", site.ingress.port)
    context = site.ingress.trust(alpn=alpn)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(where, CLIENT_TIMEOUT, (OUTSIDE, 0)) as plain:
        plain.sendall(header)
        with context.wrap_socket(plain, server_hostname=name) as tls:
            yield tls


def _seen_by_app(site: Site, name: str, header: bytes = b"", alpn: str = "http/1.1") -> str:
    """The client's address as the app was told."""
    with _tls(site, name, header, alpn) as tls:
        if alpn == "h2":
            return str(json.loads(H2Client(tls, name).get("/").body)["client"])
        return str(H1Client(tls, name).get("/").json()["client"])


@pytest.fixture(scope="module", params=["request", "connection"])
def both_ways(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Takes the header, and gives it to one app of two."""
    with WebApp("proxy", proxy_protocol=True) as app:
        with Site(
            tmp_path_factory.mktemp("proxy"),
            extra={PROXY: app.address},
            EVIDENCE_ROUTING=request.param,
            ACCEPT_PROXY_PROTOCOL="true",
            SEND_PROXY_PROTOCOL=PROXY,
        ) as site:
            yield site


@pytest.fixture(scope="module", params=["request", "connection"])
def sends_to_all(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with Site(
        tmp_path_factory.mktemp("send"),
        proxy_protocol=True,
        EVIDENCE_ROUTING=request.param,
        SEND_PROXY_PROTOCOL="true",
    ) as site:
        yield site


def test_with_a_header_before_every_handshake_the_domains_settle(both_ways: Site) -> None:
    status = both_ways.ingress.wait_settled()
    assert all(domain["served"] for domain in status["domains"])
    probe = both_ways.ingress.ctl("probe", "--port", str(both_ways.ingress.port), "--proxy", WEB)
    assert probe.returncode == 0, probe.stderr


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
@pytest.mark.parametrize("kind", HEADERS)
def test_the_address_of_the_header_arrives_at_the_app(
    both_ways: Site, kind: str, alpn: str
) -> None:
    header, address = HEADERS[kind]
    assert _seen_by_app(both_ways, PROXY, header, alpn) == address


@pytest.mark.parametrize("kind", HEADERS)
def test_the_app_behind_evidence_is_told_it_too(both_ways: Site, kind: str) -> None:
    header, address = HEADERS[kind]
    with _tls(both_ways, PROXY, header, "h2") as tls:
        client = H2Client(tls, PROXY)
        assert client.get(SUMS).status == 200
        assert json.loads(client.get("/").body)["client"] == address


def test_an_app_that_is_not_listed_gets_no_header(both_ways: Site) -> None:
    assert _seen_by_app(both_ways, WEB, proxy_header_v2(CLIENT)) == "127.0.0.1"


def test_evidence_behind_a_header(both_ways: Site) -> None:
    sums = both_ways.sums()
    for header in (proxy_header_v1(CLIENT), proxy_header_v2(CLIENT)):
        for name in (WEB, PROXY):
            with _tls(both_ways, name, header, "http/1.1") as tls:
                assert H1Client(tls, name).get(SUMS).body == sums


def test_without_the_header_there_is_no_handshake(both_ways: Site) -> None:
    with pytest.raises(OSError):
        both_ways.ingress.serial(WEB)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_apps_are_told_the_clients_address(sends_to_all: Site, alpn: str) -> None:
    for name in (WEB, "any.demo.test"):
        assert _seen_by_app(sends_to_all, name, alpn=alpn) == OUTSIDE


def test_connections_that_are_not_http_have_it_too(sends_to_all: Site) -> None:
    with _tls(sends_to_all, ECHO, b"") as tls:
        tls.sendall(b"PING")
        # The echo app gives back what it got, the header in front, in as many pieces as it likes.
        with tls.makefile("rb") as stream:
            assert read_proxy_header(stream) == OUTSIDE
            assert stream.read(len(b"PING")) == b"PING"


def test_many_clients_on_kept_connections_are_not_mixed_up(both_ways: Site) -> None:
    """An app connection that carries the address of one client must not serve another."""
    addresses = [f"203.0.113.{n}" for n in range(1, 9)]
    with contextlib.ExitStack() as open_ones:
        h2_clients = [
            H2Client(
                open_ones.enter_context(_tls(both_ways, PROXY, proxy_header_v2(address), "h2")),
                PROXY,
            )
            for address in addresses
        ]
        for client in h2_clients:
            assert client.get(SUMS).status == 200
        for _ in range(3):
            told = [json.loads(client.get("/").body)["client"] for client in h2_clients]
            assert told == addresses
        clients = [
            H1Client(
                open_ones.enter_context(
                    _tls(both_ways, PROXY, proxy_header_v2(address), "http/1.1")
                ),
                PROXY,
            )
            for address in addresses
        ]
        for _ in range(3):
            assert [client.get("/").json()["client"] for client in clients] == addresses


# ---- the header's authority, a host name that whoever writes it has chosen


@pytest.mark.parametrize("alpn", [(), ("http/1.1",), ("h2",)], ids=lambda alpn: "".join(alpn))
@pytest.mark.parametrize(
    ("name", "authorities"),
    [
        (OTHER, (WEB,)),
        (OTHER, ("any.demo.test",)),
        (OTHER, ("unknown.example.com",)),
        (OTHER, (OTHER + ".example.com",)),
        (OTHER, ("",)),
        ("any.demo.test", (OTHER,)),
        ("unknown.example.com", (OTHER,)),
        (None, (OTHER,)),
    ],
)
def test_an_authority_that_is_not_the_tls_name_is_refused(
    both_ways: Site, alpn: tuple[str, ...], name: str | None, authorities: tuple[str, ...]
) -> None:
    header = proxy_header_v2(CLIENT, *authorities)
    with _tls(both_ways, name, header, *alpn, verify=False) as tls:
        with contextlib.suppress(ConnectionError):
            # With no word from the client: there is nothing that it could say.
            assert tls.recv(1) == b""


@pytest.mark.parametrize("authorities", [(OTHER, WEB), (WEB, OTHER)])
def test_of_several_authorities_none_decides(
    both_ways: Site, authorities: tuple[str, ...]
) -> None:
    """HAProxy 2.6 knows only the last of them, later ones only the first."""
    header = proxy_header_v2(CLIENT, *authorities)
    for alpn in ("http/1.1", "h2"):
        with _tls(both_ways, OTHER, header, alpn) as tls, contextlib.suppress(OSError):
            client = H2Client(tls, OTHER) if alpn == "h2" else H1Client(tls, OTHER)
            assert json.loads(client.get("/").body)["name"] == "other"


@pytest.mark.parametrize("authority", [OTHER, "Other.DEMO.test", OTHER + "."])
@pytest.mark.parametrize("name", [OTHER, "OTHER.demo.test", OTHER + "."])
def test_an_authority_that_means_the_tls_name_is_fine(
    both_ways: Site, name: str, authority: str
) -> None:
    header = proxy_header_v2(CLIENT, authority)
    with _tls(both_ways, name, header, "http/1.1", verify=False) as tls:
        assert H1Client(tls, name).get("/").json()["name"] == "other"
    with _tls(both_ways, name, header, "h2", verify=False) as tls:
        client = H2Client(tls, name)
        assert client.get(SUMS).status == 200
        assert json.loads(client.get("/").body)["name"] == "other"


def test_it_is_still_after_a_silence(both_ways: Site) -> None:
    """Such a connection is handed on inside, with the authority for its name."""
    header = proxy_header_v2(CLIENT, OTHER.upper() + ".")
    with contextlib.ExitStack() as open_ones:
        h1_tls = open_ones.enter_context(_tls(both_ways, OTHER, header, "http/1.1"))
        h2_tls = open_ones.enter_context(_tls(both_ways, OTHER, header, "h2"))
        time.sleep(1.5 * WAIT)  # it is the silence itself that is tested
        assert H1Client(h1_tls, OTHER).get("/").json()["name"] == "other"
        assert json.loads(H2Client(h2_tls, OTHER).get("/").body)["name"] == "other"
