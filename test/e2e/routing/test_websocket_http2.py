"""WebSockets over HTTP/2 (RFC 8441), which HAProxy offers to clients and few apps know."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.chromium import Chromium

from .site import SUMS, Site
from .websocket_app import WEBSOCKET, websocket_echo

# Frames of RFC 6455, 5.2: the last of a text message and its length; a client's are masked.
TEXT, MASKED = 0x81, 0x80
MASK = b"\x01\x02\x03\x04"

TALK = """
(async () => {
    // A connection that is there: a browser opens none of HTTP/2 for a WebSocket.
    await fetch('https://%(host)s/evidences/', {mode: 'no-cors', credentials: 'include'});
    const socket = new WebSocket('wss://%(host)s/chat');
    const heard = [];
    return await new Promise((done, fail) => {
        socket.onmessage = event => {
            heard.push(event.data);
            heard.length < 3 ? socket.send('message ' + heard.length) : done(heard);
        };
        socket.onerror = () => fail('error');
        socket.onclose = event => fail('closed: ' + event.code);
    });
})()
"""


@pytest.fixture(scope="module", params=["request", "connection"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with websocket_echo() as app:
        with Site(
            tmp_path_factory.mktemp("websocket"),
            extra={WEBSOCKET: app},
            EVIDENCE_ROUTING=request.param,
        ) as made:
            yield made


def sent(message: bytes) -> bytes:
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(message))
    return bytes([TEXT, MASKED | len(message)]) + MASK + masked


def heard(message: bytes) -> bytes:
    return bytes([TEXT, len(message)]) + message


def test_the_app_gets_the_upgrade_it_knows(site: Site) -> None:
    """... while other requests share the connection."""
    with site.h2(WEBSOCKET) as client:
        assert client.get(SUMS).body == site.sums()
        assert client.may_open_websockets
        streams = [client.open_websocket("/chat") for _ in range(3)]
        for stream in streams:
            client.wait_body(stream, heard(b"hello"))
        for round_number in range(5):
            for stream in streams:
                message = f"message {round_number} on {stream}".encode()
                client.say(stream, sent(message))
                client.wait_body(stream, heard(message))
            assert client.get(SUMS).body == site.sums()


def test_evidence_is_no_websocket(site: Site) -> None:
    """A file's 200 would look like an open one."""
    with site.h2(WEBSOCKET) as client:
        assert client.get(SUMS).status == 200
        (answer,) = client.wait([client.open_websocket(SUMS)])
        assert answer.status == 405
        assert client.get(SUMS).status == 200


@pytest.mark.browser
def test_a_browser_beside_its_connection_to_the_evidence(site: Site, chromium: Chromium) -> None:
    with chromium.tab_group() as new_tab:
        tab = new_tab()
        tab.open(site.url("/"))
        host = f"{WEBSOCKET}:{site.ingress.port}"
        assert tab.run(TALK % {"host": host}) == ["hello", "message 1", "message 2"]
        (answer,) = tab.events("Network.webSocketHandshakeResponseReceived")
        # A stream of the connection that there was; HTTP/1.1's status, on one of its own, is 101.
        assert answer["response"]["status"] == 200, json.dumps(answer)
