"""Whatever a client says first, and however little of it: nobody waits who has spoken."""

from __future__ import annotations

import time

import pytest

from .conftest import AT_ONCE, SHORT_WAIT, Expected, full_name
from .peers import Stopwatch, receive
from .product import Product

ECHO = full_name("echo")

POSTGRESQL_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
MONGODB_HELLO = bytes.fromhex("3a0000000100000000000000d4070000")
FIRST_BYTES = [
    b"\0",
    POSTGRESQL_SSL_REQUEST,
    MONGODB_HELLO,
    b"\x10\x0e\0\x04MQTT",
    b"x",
    b"\n",
    b"\xff",
    b"\x80" * 7,
    # They begin like GET and HEAD.
    b"G\0\0\0",
    b"H\0\0\0",
    b"GE\0",
    b"GEX",
    b"GET\0",
    b"GET /evidences\0",
    b"get /evidences/",
    b"GET /evidencesX",
    b"HEAD\0",
    b"HELO",
    b"HEAD\n",
    b"HEAD /evidence/",
    b"GET foo\r\n",
    # ... and like the preface of HTTP/2.
    b"P\0\0\0",
    b"PING\r\n",
    b"PRX",
    b"POST /evidences/ HTTP/1.1\r\n",
]

# A client that offered ALPN has the long clock of the product, not EVIDENCE_WAIT.
OFFERS = [(), ("http/1.1",), ("h2", "http/1.1"), ("foreign",)]


@pytest.mark.parametrize("alpn", OFFERS, ids=lambda offer: "+".join(offer) or "none")
@pytest.mark.parametrize("first", FIRST_BYTES, ids=repr)
def test_the_first_bytes_are_answered_at_once(
    patient: Product, first: bytes, alpn: tuple[str, ...]
) -> None:
    with patient.connect(ECHO, alpn=alpn) as client:
        clock = Stopwatch()
        client.sendall(first)
        assert receive(client, len(first)) == first
        assert clock() < AT_ONCE


# Bytes that may still become a request for evidence: more of them, or the end of the clock.
@pytest.mark.parametrize("first", [b"G", b"GE", b"GET /evidences", b"H", b"HEAD"], ids=repr)
def test_what_may_become_a_request_for_evidence_waits_for_more(
    patient: Product, prompt: Product, first: bytes
) -> None:
    for product in (patient, prompt):
        with product.connect(ECHO) as client:
            clock = Stopwatch()
            client.sendall(first)
            if product is patient:
                client.sendall(b"\xff")
                assert receive(client, len(first) + 1) == first + b"\xff"
            else:
                assert receive(client, len(first)) == first
            assert clock() < AT_ONCE


@pytest.mark.parametrize("alpn", OFFERS[:2], ids=lambda offer: "+".join(offer) or "none")
def test_one_byte_at_a_time(patient: Product, alpn: tuple[str, ...]) -> None:
    message = b"GET /evidence and what else there is in this shop\r\n"
    with patient.connect(ECHO, alpn=alpn) as client:
        clock = Stopwatch()
        for byte in message:
            client.sendall(bytes([byte]))
        assert receive(client, len(message)) == message
        assert clock() < AT_ONCE


def test_a_banner(server_first: Expected) -> None:
    with server_first.product.connect(full_name("banner")) as client:
        clock = Stopwatch()
        banner = b"220 banner ready\r\n"
        assert receive(client, len(banner)) == banner
        server_first.check(clock())
        client.sendall(b"NOOP\r\n")
        assert receive(client, 6) == b"NOOP\r\n"


def test_a_client_of_a_server_first_protocol_may_speak_first(prompt: Product) -> None:
    with prompt.connect(full_name("banner")) as client:
        client.sendall(b"EHLO\r\n")
        assert receive(client, 24) == b"220 banner ready\r\nEHLO\r\n"


# Browsers connect ahead of need: silent for longer than EVIDENCE_WAIT, and then they speak.
@pytest.mark.parametrize("alpn", OFFERS[1:], ids=lambda offer: "+".join(offer))
@pytest.mark.parametrize("first", [b"GET /evidences/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /x", b"X"])
def test_a_client_with_alpn_may_be_silent_first(
    prompt: Product, first: bytes, alpn: tuple[str, ...]
) -> None:
    with prompt.connect(ECHO, alpn=alpn) as client:
        time.sleep(2 * SHORT_WAIT)  # it is the silence itself that is tested
        clock = Stopwatch()
        client.sendall(first)
        # There is no guest agent here, so the evidence server answers that it has none yet.
        expected = b"HTTP/1.1 503 " if b"evidences" in first else first
        assert receive(client, len(expected)) == expected
        assert clock() < AT_ONCE


@pytest.mark.parametrize("alpn", OFFERS[1:], ids=lambda offer: "+".join(offer))
def test_a_request_may_be_cut_by_a_long_silence(prompt: Product, alpn: tuple[str, ...]) -> None:
    with prompt.connect(ECHO, alpn=alpn) as client:
        client.sendall(b"GET /evid")
        time.sleep(2 * SHORT_WAIT)
        client.sendall(b"ences/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert receive(client, 13) == b"HTTP/1.1 503 "
