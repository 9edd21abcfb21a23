"""HTTP/1.1, request by request with EVIDENCE_ROUTING=request, and nothing lost on the way."""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct

import pytest

from support.h1_client import H1Client
from support.process import wait_until
from support.web_app import pattern

from .site import OTHER, SUMS, WEB, Site

LARGE = 64 * 1024 * 1024
UPLOAD_STEP = 256 * 1024


def test_each_request_of_a_connection_is_routed_by_itself(by_request: Site) -> None:
    sums = by_request.sums()
    with by_request.h1() as client:
        for number in range(3):
            assert client.get(f"/app/{number}").json()["path"] == f"/app/{number}"
            assert client.get(SUMS).body == sums
        assert b"<h1>Evidence</h1>" in client.get("/evidences").body
        assert client.get("/evidencesX").json()["name"] == "web"


def test_a_kept_connection_takes_many_requests(by_request: Site) -> None:
    with by_request.h1() as client:
        told = [client.get(f"/{number}").json()["path"] for number in range(300)]
    assert told == [f"/{number}" for number in range(300)]


def test_pipelined_requests_are_answered_in_order(by_request: Site) -> None:
    paths = ["/first", SUMS, "/third", SUMS, "/fifth"]
    with by_request.h1() as client:
        client.send(b"".join(client.head("GET", path) for path in paths))
        answers = [client.answer() for _ in paths]
    assert [answers[n].json()["path"] for n in (0, 2, 4)] == ["/first", "/third", "/fifth"]
    assert answers[1].body == answers[3].body == by_request.sums()


def test_a_request_that_comes_byte_by_byte(by_request: Site) -> None:
    with by_request.h1() as client:
        for byte in client.head("GET", "/slowly"):
            client.send(bytes([byte]))
        assert client.answer().json()["path"] == "/slowly"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_reach_the_app_and_not_the_evidence(by_request: Site, method: str) -> None:
    with by_request.h1() as client:
        assert client.request(method, "/x", body=b"abc").json()["method"] == method
        refused = client.request(method, SUMS, body=b"abc")
        assert refused.status == 405
        assert refused.headers["allow"] == "GET, HEAD"


def test_head_and_options_for_the_whole_server(by_request: Site) -> None:
    with by_request.h1() as client:
        assert int(client.request("HEAD", "/x").headers["content-length"]) > 0
        head = client.request("HEAD", SUMS)
        assert int(head.headers["content-length"]) == len(by_request.sums())
        assert client.request("OPTIONS", "*").json()["path"] == "*"


EMPTY_BODIES = {
    "of length 0": ("Content-Length: 0", b"", b""),
    "without chunks": ("Transfer-Encoding: chunked", b"0\r\n\r\n", b""),
    "without chunks, later": ("Transfer-Encoding: chunked", b"", b"0\r\n\r\n"),
    "with trailers": ("Transfer-Encoding: chunked", b"0\r\nX: y\r\n\r\n", b""),
}


@pytest.mark.parametrize("kind", EMPTY_BODIES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_empty_body_is_none(either: Site, method: str, kind: str) -> None:
    field, at_once, later = EMPTY_BODIES[kind]
    head = f"{method} {SUMS} HTTP/1.1\r\nHost: {WEB}\r\n{field}\r\n\r\n".encode()
    for _ in range(10):
        with either.h1() as client:
            client.send(head + at_once)
            client.send(later)
            answer = client.answer(method)
            assert answer.status == 200
            assert answer.body == (either.sums() if method == "GET" else b"")


@pytest.mark.parametrize(
    "body", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_a_body_is_no_part_of_a_request_for_evidence(either: Site, body: bytes) -> None:
    with either.h1() as client:
        client.send(f"GET {SUMS} HTTP/1.1\r\nHost: {WEB}\r\n".encode() + body)
        assert client.answer().status == 400


def test_a_large_download(by_request: Site) -> None:
    digest = hashlib.sha256()
    with by_request.h1() as client:
        client.send(client.head("GET", f"/download?bytes={LARGE}"))
        _, headers = client.answer_head()
        left = int(headers["content-length"])
        while left:
            data = client.body_part(min(left, UPLOAD_STEP))
            digest.update(data)
            left -= len(data)
        assert client.get("/after").status == 200
    assert digest.digest() == hashlib.sha256(pattern(LARGE)).digest()


def test_a_large_upload(by_request: Site) -> None:
    content = pattern(LARGE)
    with by_request.h1() as client:
        answer = client.request("PUT", "/upload", body=content).json()
        assert client.get(SUMS).body == by_request.sums()
    assert answer["length"] == LARGE
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()


def test_chunks_both_ways(by_request: Site) -> None:
    parts = [b"a" * 10, b"b" * 70_000, b"c"]
    with by_request.h1() as client:
        client.send(client.head("POST", "/chunks", {"Transfer-Encoding": "chunked"}))
        for part in [*parts, b""]:
            client.send(b"%x\r\n%s\r\n" % (len(part), part))
        answer = client.answer().json()
        assert answer["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()
        assert client.get("/chunked?bytes=123456").body == pattern(123456)


def test_events_are_not_held_back(by_request: Site) -> None:
    with by_request.h1() as client:
        client.send(client.head("GET", "/events"))
        client.answer_head()
        assert client.chunk() == b"data: first\n\n"
        by_request.web.next_event.set()
        assert client.chunk() == b"data: second\n\n"
        assert client.chunk() == b""


def test_the_app_decides_about_100_continue(by_request: Site) -> None:
    expect = {"Expect": "100-continue"}
    with by_request.h1() as client:
        client.send(client.head("POST", "/x", expect, length=3))
        assert client.answer().status == 100
        client.send(b"abc")
        assert client.answer().json()["length"] == 3
    with by_request.h1() as client:
        client.send(client.head("POST", "/refuse", expect, length=3))
        assert client.answer().status == 403


@pytest.mark.parametrize("size", [12 * 1024, 28 * 1024])
def test_large_heads_pass(by_request: Site, size: int) -> None:
    cookie = {"Cookie": "x" * size}
    with by_request.h1() as client:
        assert client.request("GET", "/", cookie).json()["header_bytes"] > size
        assert client.request("GET", SUMS, cookie).body == by_request.sums()


def test_a_head_that_is_too_large_is_refused(by_request: Site) -> None:
    """By its status, or, when that crosses what is still being sent, by the end alone."""
    with by_request.h1() as client:
        try:
            client.send(client.head("GET", "/", {"Cookie": "x" * 64 * 1024}))
            told = str(client.answer().status)
        except (ConnectionError, ssl.SSLEOFError):
            told = "the end"
    assert told in ("400", "431", "the end")


def test_requests_that_two_servers_might_read_differently_are_refused(by_request: Site) -> None:
    """HAProxy 3.2 says nothing to a second length, and closes."""
    ambiguous = (
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"Content-Length: +3\r\n\r\nabc",
        b"Transfer-Encoding: identity, chunked, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    )
    for path in (SUMS, "/app"):
        for rest in ambiguous:
            with by_request.h1() as client:
                client.send(b"GET %s HTTP/1.1\r\nHost: %s\r\n" % (path.encode(), WEB.encode()) + rest)
                try:
                    told = str(client.answer().status)
                except ConnectionError:
                    told = "the end"
                assert told in ("400", "422", "the end"), rest


@pytest.mark.parametrize("path", [SUMS, "/app"])
def test_a_length_beside_chunks_smuggles_nothing(either: Site, path: str) -> None:
    """RFC 9112, 6.1: the length must not count; what follows the chunks is a request or nothing."""
    hidden = f"GET /hidden HTTP/1.1\r\nHost: {WEB}\r\n\r\n".encode()
    with either.h1() as client:
        client.send(
            client.head(
                "GET", path, {"Transfer-Encoding": "chunked"}, length=len(b"0\r\n\r\n" + hidden)
            )
            + b"0\r\n\r\n"
            + hidden
        )
        first = client.answer()
        assert first.status in (200, 400)
        if path == SUMS:
            assert first.status == 400 or first.body == either.sums()


def test_a_client_that_goes_away_harms_nobody(by_request: Site) -> None:
    for _ in range(5):
        with by_request.h1() as client:
            client.send(client.head("POST", "/x", length=LARGE) + b"x" * 1000)
            _reset(client)
        with by_request.h1() as client:
            client.send(client.head("GET", f"/download?bytes={LARGE}"))
            client.answer_head()
            _reset(client)
    with by_request.h1() as client:
        assert client.get("/still").json()["path"] == "/still"
        assert client.get(SUMS).status == 200


def _reset(client: H1Client) -> None:
    """The worst kind of goodbye: a TCP reset."""
    client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.connection.close()


def test_an_app_that_is_gone_is_an_answer_and_not_the_end_of_the_connection(
    by_request: Site,
) -> None:
    app = by_request.apps[OTHER]
    with by_request.h1(OTHER) as client:
        assert client.get("/").status == 200
        app.down()
        try:
            wait_until(lambda: client.get("/").status == 503, what="the app to be gone")
            assert client.get(SUMS).body == by_request.sums()
        finally:
            app.up()
        assert client.get("/").json()["name"] == "other"
