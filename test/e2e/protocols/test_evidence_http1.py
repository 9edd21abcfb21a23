"""Requests for evidence over HTTP/1.1 reach the evidence server, all others the app."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest

from .conftest import AT_ONCE, SHORT_WAIT, evidence_is_there, full_name
from .peers import Stopwatch, curl
from .product import Product

APP = full_name("app")
# Long enough for the short clock, and no browser's idle connection.
SILENCE = SHORT_WAIT * 2

EVIDENCE = ["/evidences", "/evidences/", "/evidences?x", "/evidences/?x=y", "/evidences/quote.json"]
NOT_EVIDENCE = [
    "/",
    "/evidencesX",
    "/evidence/",
    "/evidences.json",
    "/x?u=/evidences/",
    "/x/evidences/",
    "//evidences/",
    "/Evidences/",
]


def ask(connection: socket.socket, method: str, path: str, more: str = "") -> str:
    """Who answered: "app" or "evidence"."""
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {APP}\r\n{more}\r\n".encode())
    return who_answers(connection, method)


def who_answers(connection: socket.socket, method: str = "GET") -> str:
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    body = answer.read()
    # Only the evidence's side ends a connection after an answer.
    if answer.getheader("Connection", "").lower() == "close":
        assert method == "HEAD" or b'"name": "app"' not in body
        return "evidence"
    assert method == "HEAD" or json.loads(body)["name"] == "app"
    return "app"


@pytest.fixture(autouse=True)
def published(patient: Product) -> None:
    evidence_is_there(patient, APP)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "who"),
    [*((path, "evidence") for path in EVIDENCE), *((path, "app") for path in NOT_EVIDENCE)],
)
def test_the_path_decides(patient: Product, method: str, path: str, who: str) -> None:
    for alpn in ((), ("http/1.1",)):
        with patient.connect(APP, alpn=alpn) as client:
            clock = Stopwatch()
            assert ask(client, method, path) == who
            assert clock() < AT_ONCE


def test_other_methods_and_headers_do_not(patient: Product) -> None:
    for method, more in (
        ("POST", "Content-Length: 0\r\n"),
        ("OPTIONS", ""),
        ("GET", "Referer: /evidences/\r\nX: GET /evidences/\r\n"),
    ):
        with patient.connect(APP, alpn=("http/1.1",)) as client:
            path = "/" if method == "GET" else "/evidences/"
            assert ask(client, method, path, more) == "app"


@pytest.mark.parametrize(("path", "who"), [("/evidences/", "evidence"), ("/evidencesX", "app")])
def test_a_byte_at_a_time(patient: Product, path: str, who: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {APP}\r\n\r\n".encode()
    for alpn in ((), ("http/1.1",)):
        with patient.connect(APP, alpn=alpn) as client:
            for byte in request:
                client.sendall(bytes([byte]))
            assert who_answers(client) == who


# A browser connects ahead of need and asks when its user does.
@pytest.mark.parametrize(("path", "who"), [("/evidences/", "evidence"), ("/", "app")])
@pytest.mark.parametrize("fixture", ["prompt", "patient"])
def test_silence_before_the_request(
    request: pytest.FixtureRequest, fixture: str, path: str, who: str
) -> None:
    product: Product = request.getfixturevalue(fixture)
    with product.connect(APP, alpn=("http/1.1",)) as client:
        time.sleep(SILENCE)  # it is the silence itself that is tested
        clock = Stopwatch()
        assert ask(client, "GET", path) == who
        assert clock() < AT_ONCE


def test_curl_goes_from_the_evidence_to_the_app(patient: Product) -> None:
    printed = curl(
        patient, "https", APP, "--http1.1", "-w", "\n", "{url}/evidences/quote.json", "{url}/app"
    )
    evidence, app = map(json.loads, printed.splitlines())
    assert "quote" in evidence
    assert app["path"] == "/app"


@pytest.mark.usefixtures("resolving")
def test_python_goes_from_the_evidence_to_the_app(patient: Product) -> None:
    client = http.client.HTTPSConnection(
        APP, patient.port, context=patient.context(), timeout=AT_ONCE
    )
    client.request("GET", "/evidences/quote.json")
    assert "quote" in json.loads(client.getresponse().read())
    client.request("GET", "/app")
    assert json.loads(client.getresponse().read())["path"] == "/app"
    client.close()


def test_without_the_evidence_server_its_paths_are_the_apps(bare: Product) -> None:
    for path in EVIDENCE:
        with bare.connect(APP) as client:
            assert ask(client, "GET", path) == "app"
