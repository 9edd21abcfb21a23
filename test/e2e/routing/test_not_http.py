"""EVIDENCE_ROUTING=request: what is not HTTP stays plain TCP, and waits no longer for it."""

from __future__ import annotations

import time

import pytest

from support.receive import receive

from .site import AT_ONCE, ECHO, LISTED_MAIL, MAIL, SLACK, WAIT, Site

REQUEST = b"GET /evidences/ HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    "first",
    [
        b"PING\r\n",
        b"GET foo\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\0",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"G\0\0",
        b"GET\0/evidences/ HTTP/1.1\r\n",
        b"GET \0",
        b"POST\n",
        b"HEADER\n",
        b"DELETE FROM t;\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"\x16\x03\x01",
    ],
)
def test_a_client_that_speaks_first_waits_for_nothing(by_request: Site, first: bytes) -> None:
    with by_request.tcp(ECHO) as client:
        start = time.monotonic()
        client.sendall(first)
        assert receive(client, len(first)) == first
        assert time.monotonic() - start < AT_ONCE
        client.sendall(REQUEST)
        assert receive(client, len(REQUEST)) == REQUEST


@pytest.mark.parametrize("first", [b"G", b"PO", b"OPTIONS", b"GET "])
def test_the_beginning_of_a_method_waits_until_it_is_none(by_request: Site, first: bytes) -> None:
    with by_request.tcp(ECHO) as client:
        start = time.monotonic()
        client.sendall(first)
        assert receive(client, len(first)) == first
        assert time.monotonic() - start < WAIT + SLACK


def test_a_server_that_speaks_first_is_heard_after_the_wait(by_request: Site) -> None:
    with by_request.tcp(MAIL) as client:
        start = time.monotonic()
        assert receive(client, 16) == b"220 mail ready\r\n"
        assert WAIT * 0.8 < time.monotonic() - start < WAIT + SLACK


def test_a_listed_server_that_speaks_first_is_heard_at_once(by_request: Site) -> None:
    with by_request.tcp(LISTED_MAIL) as client:
        start = time.monotonic()
        assert receive(client, 18) == b"220 listed ready\r\n"
        assert time.monotonic() - start < AT_ONCE


def test_http_of_a_client_without_alpn(by_request: Site) -> None:
    with by_request.h1_without_alpn() as client:
        assert client.get("/first").json()["path"] == "/first"
        assert client.get("/evidences/sha256sum.txt").body == by_request.sums()
        assert client.get("/third").json()["path"] == "/third"
