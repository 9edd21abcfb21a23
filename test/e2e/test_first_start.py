"""From an empty volume to every domain served, with evidence."""

from __future__ import annotations

import hashlib
import socket
import ssl

import pytest

from support.ingress import HOST, Ingress, serial_text
from support.stack import DOMAINS

from cryptography import x509

from .conftest import World
from .evidence_bench import REPORT_DATA_AT, REPORT_DATA_SIZE


def _port_is_open(ingress: Ingress) -> bool:
    try:
        with socket.create_connection((HOST, ingress.port), timeout=1):
            return True
    except OSError:
        return False


def test_without_certificates_the_port_is_open_and_handshakes_fail_cleanly(
    world: World,
) -> None:
    stack = world.make_stack()
    stack.acme.refuse(times=None)
    ingress = world.ingress()
    ingress.wait_for(lambda: _port_is_open(ingress), "the port to open", 10)
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        ingress.serial("app.demo.test")
    assert stack.pebble.orders() == 0


def test_each_domain_has_its_backend_its_records_and_its_evidence(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    ingress = world.ingress(ALPN="h2,http/1.1")
    ingress.wait_settled()
    assert stack.agent is not None
    app_id = stack.agent.guest.app_id.hex()
    for name in DOMAINS:
        assert ingress.fetch(name).json()["name"] == name.partition(".")[0]
        assert stack.bind.query(name, "CNAME") == ["gateway.demo.test."]
        assert stack.bind.query(f"_dstack-app-address.{name}", "TXT") == [
            f"{app_id}:{ingress.port}"
        ]
        assert stack.bind.query(f"_acme-challenge.{name}", "TXT") == []
    assert stack.pebble.orders() == len(DOMAINS)
    assert ingress.status()["app_id"] == app_id
    _check_evidence(ingress)


def _check_evidence(ingress: Ingress) -> None:
    sums = ingress.fetch("app.demo.test", "/evidences/sha256sum.txt")
    assert sums.status == 200
    name = "app.demo.test"
    path = "/evidences/sha256sum.txt"
    assert ingress.fetch(name, path, http2=True).body == sums.body
    assert ingress.fetch_evidence(path).body == sums.body
    listed = dict(reversed(line.split("  ")) for line in sums.body.decode().splitlines())
    assert sorted(listed) == ["acme-account.json", *(f"cert-{n}.pem" for n in sorted(DOMAINS))]
    for file, digest in listed.items():
        body = ingress.fetch(name, f"/evidences/{file}").body
        assert hashlib.sha256(body).hexdigest() == digest
    for domain in DOMAINS:
        pem = ingress.fetch(name, f"/evidences/cert-{domain}.pem").body
        assert serial_text(x509.load_pem_x509_certificate(pem)) == ingress.serial(domain)
    quote = bytes.fromhex(ingress.fetch(name, "/evidences/quote.json").json()["quote"])
    report_data = quote[REPORT_DATA_AT[4] :][:REPORT_DATA_SIZE]
    assert report_data == hashlib.sha256(sums.body).digest().ljust(REPORT_DATA_SIZE, b"\0")
