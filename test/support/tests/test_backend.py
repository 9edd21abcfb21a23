"""The apps behind the ingress, and the PROXY protocol they can be told to expect."""

from __future__ import annotations

import http.client
import io
import json
import socket
import struct
import threading
import time

import pytest

from support.backend import Backend, BannerBackend, EchoBackend
from support.proxy_protocol import SIGNATURE_V2, read_proxy_header
from support.receive import receive, receive_all


def connect(backend: Backend | BannerBackend | EchoBackend) -> socket.socket:
    return socket.create_connection((backend.host, backend.port), timeout=5)


def test_every_answer_says_who_gave_it_and_the_connection_is_kept() -> None:
    with Backend("app") as backend:
        client = http.client.HTTPConnection(backend.host, backend.port, timeout=5)
        for number in range(3):
            client.request("POST", f"/a?b={number}", body=b"hello", headers={"X-Any": "thing"})
            answer = client.getresponse()
            assert (answer.status, answer.getheader("Connection")) == (200, "keep-alive")
            assert json.load(answer) == {
                "name": "app",
                "method": "POST",
                "path": f"/a?b={number}",
                "client": "127.0.0.1",
                "body": "hello",
            }
        assert client.sock is not None
        client.close()


def test_a_client_that_wants_no_more_is_let_go() -> None:
    with Backend("app") as backend, connect(backend) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.makefile("rb").read()
        assert b"Connection: close\r\n" in answer


def test_requests_sent_ahead_are_answered_in_order() -> None:
    with Backend("app") as backend, connect(backend) as client:
        client.sendall(
            b"GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\n"
            b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"
        )
        answers = client.makefile("rb").read()
        assert answers.count(b"HTTP/1.1 200 OK") == 3
        assert [answers.count(b'"path": "/%d"' % number) for number in (1, 2, 3)] == [1, 0, 1]


def test_echo_gives_back_what_it_was_sent() -> None:
    body = bytes(range(256)) * 1000
    with Backend("app") as backend:
        client = http.client.HTTPConnection(backend.host, backend.port, timeout=5)
        client.request("POST", "/echo", body=body)
        assert client.getresponse().read() == body
        client.close()


def test_slow_takes_its_time_but_not_longer_than_the_backend_lives() -> None:
    with Backend("app") as backend:
        client = http.client.HTTPConnection(backend.host, backend.port, timeout=5)
        started = time.monotonic()
        client.request("GET", "/slow?seconds=0.1")
        assert client.getresponse().status == 200
        assert time.monotonic() - started >= 0.1
        client.request("GET", "/slow?seconds=3600")
        threading.Timer(0.05, backend.stop).start()
        with pytest.raises((http.client.HTTPException, OSError)):
            client.getresponse()
        client.close()


def test_ipv6() -> None:
    with Backend("app", host="::1") as backend:
        assert backend.address == f"[::1]:{backend.port}"
        client = http.client.HTTPConnection(backend.host, backend.port, timeout=5)
        client.request("GET", "/")
        assert json.load(client.getresponse())["client"] == "::1"
        client.close()


def test_a_backend_that_is_down_refuses_and_comes_back_on_its_port() -> None:
    with Backend("app") as backend:
        open_connection = connect(backend)
        open_connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert receive(open_connection, 12) == b"HTTP/1.1 200"
        backend.down()
        assert b"HTTP/1.1" not in receive_all(open_connection)
        with pytest.raises(ConnectionRefusedError):
            connect(backend)
        backend.up()
        connect(backend).close()
        open_connection.close()


def test_the_banner_comes_without_a_word_from_the_client() -> None:
    with BannerBackend("mail") as backend, connect(backend) as client:
        lines = client.makefile("rb")
        assert lines.readline() == b"220 mail ready\r\n"
        client.sendall(b"EHLO x\r\n")
        assert lines.readline() == b"EHLO x\r\n"


def test_the_echo_says_nothing_by_itself() -> None:
    with EchoBackend() as backend, connect(backend) as client:
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(5)
        client.sendall(b"\x00\xff")
        assert receive(client, 2) == b"\x00\xff"


V2_IPV4 = (
    SIGNATURE_V2
    + struct.pack("!BBH", 0x21, 0x11, 12 + 4)
    + socket.inet_aton("192.0.2.7")
    + socket.inet_aton("198.51.100.1")
    + struct.pack("!HH", 51234, 443)
    + b"\x04\x00\x01\x00"  # a TLV to be skipped
)
V2_IPV6 = (
    SIGNATURE_V2
    + struct.pack("!BBH", 0x21, 0x21, 36)
    + socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack("!HH", 51234, 443)
)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", None),
        (V2_IPV4, "192.0.2.7"),
        (V2_IPV6, "2001:db8::7"),
        (SIGNATURE_V2 + b"\x20\x00\x00\x00", None),
    ],
)
def test_proxy_headers_are_read_to_their_end_and_not_further(
    header: bytes, client: str | None
) -> None:
    stream = io.BytesIO(header + b"GET")
    assert read_proxy_header(stream) == client
    assert stream.read() == b"GET"


def test_a_backend_behind_a_proxy_knows_the_client_and_serves_nobody_without_header() -> None:
    with Backend("app", proxy_protocol=True) as backend:
        with connect(backend) as client:
            client.sendall(V2_IPV4 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert b'"client": "192.0.2.7"' in client.makefile("rb").read()
        with connect(backend) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(1) == b""
