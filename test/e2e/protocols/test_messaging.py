"""NATS, whose server speaks first, and MQTT, whose clients begin in binary."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import Child

from .conftest import AT_ONCE, Expected, Site, full_name
from .peers import Stopwatch, program, receive, receive_line, run, server, with_hosts
from .product import HOST, PATIENCE, Product

NATS = full_name("nats")
MQTT = full_name("mqtt")


@pytest.fixture(scope="module")
def nats(site: Site) -> Iterator[None]:
    port = site.ports["nats"]
    with server(
        [program("nats-server"), "--addr", HOST, "--port", str(port)], port, site.folder("nats")
    ):
        yield


@pytest.mark.usefixtures("nats")
def test_nats(server_first: Expected) -> None:
    """Debian has no client: its protocol is lines."""
    payload = b"\0" * 100000
    with server_first.product.connect(NATS) as client:
        clock = Stopwatch()
        info = receive_line(client)
        server_first.check(clock())
        assert json.loads(info.removeprefix(b"INFO "))["port"] > 0
        client.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB matrix 1\r\nPING\r\n')
        assert receive_line(client) == b"PONG\r\n"
        client.sendall(b"PUB matrix %d\r\n%s\r\n" % (len(payload), payload))
        assert receive_line(client) == b"MSG matrix 1 %d\r\n" % len(payload)
        assert receive(client, len(payload) + 2) == payload + b"\r\n"


@pytest.fixture(scope="module")
def mqtt(site: Site) -> Iterator[Child]:
    port = site.ports["mqtt"]
    folder = site.folder("mqtt")
    (folder / "mosquitto.conf").write_text(
        f"listener {port} {HOST}\nallow_anonymous true\nlog_dest stderr\nlog_type all\n"
    )
    with server([program("mosquitto"), "-c", folder / "mosquitto.conf"], port, folder) as child:
        yield child


def test_mqtt(patient: Product, mqtt: Child, tmp_path: Path) -> None:
    """A retained message, sent and then fetched."""
    common = ["-h", MQTT, "-p", str(patient.port), "--cafile", patient.ca.bundle, "-t", "matrix",
              "-q", "1"]  # fmt: skip
    prefix = with_hosts(MQTT, tmp_path)
    message = "m" * 100000
    clock = Stopwatch()
    run([*prefix, "mosquitto_pub", *common, "-r", "-s"], stdin=message.encode())
    printed = run([*prefix, "mosquitto_sub", *common, "-C", "1", "-W", f"{PATIENCE:.0f}"])
    assert printed == message.encode() + b"\n"
    assert clock() < AT_ONCE


def test_a_message_reaches_a_waiting_subscriber(
    patient: Product, mqtt: Child, tmp_path: Path
) -> None:
    common = ["-h", MQTT, "-p", str(patient.port), "--cafile", patient.ca.bundle, "-t", "live"]
    prefix = with_hosts(MQTT, tmp_path)
    received: list[bytes] = []
    subscriber = threading.Thread(
        target=lambda: received.append(run([*prefix, "mosquitto_sub", *common, "-C", "1"]))
    )
    subscriber.start()
    mqtt.wait_for(lambda: "live (QoS 0)" in mqtt.log_text(), what="the subscription")
    run([*prefix, "mosquitto_pub", *common, "-m", "now"])
    subscriber.join(PATIENCE)
    assert received == [b"now\n"]
