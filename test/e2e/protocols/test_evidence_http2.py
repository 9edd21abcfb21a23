"""Requests for evidence over HTTP/2, however a client may write them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from .conftest import AT_ONCE, SHORT_WAIT, Site, evidence_is_there, full_name
from .h2_frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADERS,
    MAX_SETTINGS,
    PING,
    PREFACE,
    SETTINGS,
    Answer,
    AnswerReader,
    Request,
    frame,
    priority,
    settings,
    window_update,
)
from .peers import Stopwatch, curl, program, receive, run, server, with_hosts
from .product import HOST, Product

NAME = full_name("http2")
APP_BODY = b"the app over HTTP/2"
EVIDENCE = [
    "/evidences", "/evidences/", "/evidences?x", "/evidences/quote.json",
    "/evidences/?long=" + "x" * 150,
]  # fmt: skip
# Some differ from evidence within the byte that a Huffman-coded value has in common with it.
NOT_EVIDENCE = [
    "/", "/evidencesX", "/evidences.json", "/evidences2", "/evidences+", "/evidence/", "/app",
    "/x?u=/evidences/", "/x/evidences/", "/ID1/evidences/", "//evidences/",
]  # fmt: skip
LARGE_HEADER = ("x-large", "v" * 8000)


@pytest.fixture(scope="module", autouse=True)
def backend(site: Site, patient: Product) -> Iterator[None]:
    folder = site.folder("nghttpd-evidence")
    (folder / "app").write_bytes(APP_BODY)
    (folder / "index.html").write_bytes(APP_BODY)
    port = site.ports["http2"]
    with server(
        [program("nghttpd"), "--no-tls", f"--address={HOST}", f"--htdocs={folder}", str(port)],
        port, folder,
    ):  # fmt: skip
        evidence_is_there(patient, NAME)
        yield


def is_evidence(answer: Answer) -> bool:
    """The app, nghttpd, has its own words for a missing file."""
    return answer.body != APP_BODY and b"nghttpd" not in answer.body


def converse(client: socket.socket, *parts: bytes) -> Answer:
    for part in parts:
        client.sendall(part)
    reader = AnswerReader()
    while not reader.feed(data := client.recv(65536)):
        assert data, "the connection ended before the answer"
    return reader.answer


def check(product: Product, path: str, *parts: bytes) -> None:
    with product.connect(NAME, alpn=("h2",)) as client:
        assert client.selected_alpn_protocol() == "h2"
        clock = Stopwatch()
        assert is_evidence(converse(client, *parts)) == (path in EVIDENCE)
        assert clock() < AT_ONCE


BEGINNING = PREFACE + settings(2)
BOTH = ("/evidences/", "/app")


@pytest.mark.parametrize("huffman", [True, False], ids=["huffman", "literal"])
@pytest.mark.parametrize("path", [*EVIDENCE, *NOT_EVIDENCE])
def test_the_path_decides(patient: Product, path: str, huffman: bool) -> None:
    request = Request(NAME, path, huffman=huffman)
    check(patient, path, BEGINNING + request.frames())


@pytest.mark.parametrize("count", range(MAX_SETTINGS + 1))
@pytest.mark.parametrize("path", BOTH)
def test_any_number_of_settings(patient: Product, count: int, path: str) -> None:
    request = Request(NAME, path).frames()
    check(patient, path, PREFACE + settings(count) + request)
    check(patient, path, PREFACE + settings(count) + window_update() + request)


@pytest.mark.parametrize("huffman", [True, False], ids=["huffman", "literal"])
def test_other_headers_do_not(patient: Product, huffman: bool) -> None:
    for name in ("referer", "x-path", "cookie", "x"):
        request = Request(NAME, "/app", huffman=huffman, more=((name, "/evidences/"),))
        check(patient, "/app", BEGINNING + request.frames())


@pytest.mark.parametrize("path", BOTH)
def test_requests_with_a_body_do_not(patient: Product, path: str) -> None:
    """nghttpd takes a POST for a GET; what it has not, it says in words of its own."""
    request = Request(NAME, path, method="POST", ends=False).frames()
    body = frame(DATA, b"SEE THE /evidences/ OF THIS", flags=END_STREAM, stream=1)
    with patient.connect(NAME, alpn=("h2",)) as client:
        assert not is_evidence(converse(client, BEGINNING + request + body))


WRITTEN = {
    "padded": Request(NAME, "", padded=True),
    "prioritised": Request(NAME, "", prioritised=True),
    "padded and prioritised": Request(NAME, "", padded=True, prioritised=True),
    "continued": Request(NAME, "", continued=True, more=(("x-last", "1"),)),
    "path first": Request(NAME, "", path_first=True),
    "small": Request("x", "", huffman=True),
    "large": Request(NAME, "", more=(LARGE_HEADER,)),
    "head": Request(NAME, "", method="HEAD"),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("path", BOTH)
def test_headers_in_any_writing(patient: Product, written: str, path: str) -> None:
    request = Request(**{**vars(WRITTEN[written]), "path": path})
    if request.method == "HEAD":
        check_head(patient, request)
    else:
        check(patient, path, BEGINNING + request.frames())


def check_head(product: Product, request: Request) -> None:
    """Without a body, the app's status tells who answered: nghttpd has nothing at this path."""
    evidence = request.path != "/app"
    asked = Request(**{**vars(request), "path": "/evidences/" if evidence else "/absent"})
    with product.connect(NAME, alpn=("h2",)) as client:
        answer = converse(client, BEGINNING + asked.frames())
        assert answer.status == (200 if evidence else 404)


@pytest.mark.parametrize("path", BOTH)
def test_frames_before_the_headers(patient: Product, path: str) -> None:
    request = Request(NAME, path, stream=13).frames()
    priorities = b"".join(map(priority, range(3, 13, 2)))
    for before in (priorities, window_update() + priorities, priorities + window_update()):
        check(patient, path, BEGINNING + before + request)


# So many that the HEADERS stand at the end of what is looked at, across it, or behind it.
MANY = {
    **{f"{number} pings": frame(PING, bytes(8)) * number for number in (29, 31, 32, 33, 34, 35, 99)},
    "settings": settings(1) * 60,
    "window updates": window_update() * 60,
    "priorities": priority(3) * 60,
    "unknown frames": frame(0xB, bytes(100)) * 20,
}


@pytest.mark.parametrize("before", MANY)
@pytest.mark.parametrize("path", BOTH)
def test_many_frames_before_the_headers(patient: Product, path: str, before: str) -> None:
    for huffman in (True, False):
        request = Request(NAME, path, huffman=huffman, stream=13).frames()
        check(patient, path, BEGINNING + MANY[before] + request)
        check(patient, path, BEGINNING, MANY[before], request)


@pytest.mark.parametrize("path", BOTH)
def test_segments(patient: Product, path: str) -> None:
    request = Request(NAME, path).frames()
    check(patient, path, PREFACE, settings(2), window_update(), request)
    check(patient, path, BEGINNING, request[:9], request[9:])
    check(patient, path, BEGINNING + request[:20], request[20:])
    whole = BEGINNING + window_update() + request
    check(patient, path, *(whole[at : at + 1] for at in range(len(whole))))


# What no client may begin with, or has ended with, is left to the app without a wait.
REST = {
    "data": frame(DATA, b"x", stream=1),
    "continuation": frame(CONTINUATION, b"x", stream=1),
    "headers without an end": b"\xff\xff\xff" + frame(HEADERS, b"\x82", stream=1)[3:],
    "many settings": settings(50),
    "websocket": Request(
        NAME, "/evidences/", method="CONNECT", ends=False, more=((":protocol", "websocket"),)
    ).frames(),
}


@pytest.mark.parametrize("rest", REST)
def test_what_is_no_request_for_evidence_waits_for_nothing(patient: Product, rest: str) -> None:
    data = BEGINNING + REST[rest]
    with patient.connect(full_name("echo"), alpn=("h2",)) as client:
        clock = Stopwatch()
        client.sendall(data)
        assert receive(client, len(data)) == data
        assert clock() < AT_ONCE


@pytest.mark.parametrize("path", BOTH)
def test_a_head_of_as_much_as_a_frame_takes(patient: Product, path: str) -> None:
    """The evidence side refuses it, since it is more than HTTP's buffers take."""
    data = BEGINNING + Request(NAME, path, huffman=False, more=(("x", "v" * 16200),)).frames()
    with patient.connect(full_name("echo"), alpn=("h2",)) as client:
        clock = Stopwatch()
        client.sendall(data)
        if path == "/app":
            assert receive(client, len(data)) == data
        else:
            assert receive(client, 4)[3] == SETTINGS
        assert clock() < AT_ONCE


@pytest.mark.parametrize("path", BOTH)
def test_silence_before_the_preface(patient: Product, path: str) -> None:
    with patient.connect(NAME, alpn=("h2",)) as client:
        time.sleep(SHORT_WAIT)  # it is the silence itself that is tested
        clock = Stopwatch()
        answer = converse(client, BEGINNING + Request(NAME, path).frames())
        assert is_evidence(answer) == (path != "/app")
        assert clock() < AT_ONCE


@pytest.mark.parametrize("path", BOTH)
def test_the_headers_may_come_later(patient: Product, path: str) -> None:
    """python-h2's habit."""
    with patient.connect(NAME, alpn=("h2",)) as client:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        client.sendall(connection.data_to_send())
        time.sleep(SHORT_WAIT)  # for the frames to arrive apart
        clock = Stopwatch()
        connection.send_headers(
            1,
            [(":method", "GET"), (":scheme", "https"), (":authority", NAME), (":path", path)],
            end_stream=True,
        )
        client.sendall(connection.data_to_send())
        body, ended = b"", False
        while not ended:
            data = client.recv(65536)
            assert data
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                ended = ended or isinstance(event, h2.events.StreamEnded)
        assert (body != APP_BODY) == (path != "/app")
        assert clock() < AT_ONCE


def test_a_client_that_waits_for_the_servers_settings(prompt_h2: Product) -> None:
    """Most clients of gRPC do, and wait no longer than EVIDENCE_WAIT."""
    with prompt_h2.connect(NAME, alpn=("h2",)) as client:
        clock = Stopwatch()
        client.sendall(BEGINNING + window_update())
        head = receive(client, 9)
        assert head[3] == SETTINGS
        receive(client, int.from_bytes(head[:3], "big"))
        assert clock() < AT_ONCE
        answer = converse(client, frame(SETTINGS, flags=ACK) + Request(NAME, "/app").frames())
        assert answer.body == APP_BODY


def test_curl_goes_from_the_evidence_to_the_app(patient: Product) -> None:
    printed = curl(
        patient, "https", NAME, "--http2", "-w", "\n", "{url}/evidences/quote.json", "{url}/app"
    )
    evidence, app = printed.splitlines()
    assert "quote" in json.loads(evidence)
    assert app == APP_BODY


def test_nghttp(patient: Product, tmp_path: Path) -> None:
    for more in ([], ["--no-dep"], ["--padding=8"]):
        url = f"https://{NAME}:{patient.port}/evidences/quote.json"
        clock = Stopwatch()
        printed = run([*with_hosts(NAME, tmp_path), "nghttp", *more, url])
        assert printed.startswith(b'{"quote"'), (more, printed)
        assert clock() < AT_ONCE
