"""Backends that are known by name: absent at start, and moved while the product runs."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.ports import ReservedPort
from support.process import wait_until

from .conftest import Site
from .peers import private_mounts, receive
from .product import Product

ZONE = "backends.test"
LATE, MOVING = f"late.{ZONE}", f"moving.{ZONE}"
ADDRESSES = ("127.0.1.1", "127.0.1.2")
FOLLOWED_WITHIN = 10.0
DNS_PORT = 53

class Resolver:
    """Answers A questions from `addresses`, and that there is no such name to all others.

    On port 53, which resolv.conf cannot change, of a loopback address of this process's own: BIND
    serves no address that is not on an interface.
    """

    def __init__(self) -> None:
        pid = os.getpid()
        self.address = f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) % 256}.{pid % 254 + 1}"
        self.addresses: dict[str, str] = {}
        resolver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, reply_to = self.request
                reply_to.sendto(resolver.answer(data), self.client_address)

        self._server = socketserver.ThreadingUDPServer((self.address, DNS_PORT), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, data: bytes) -> bytes:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question, recursion_available=True)
        asked = question.question[0]
        address = self.addresses.get(asked.name.to_text(omit_final_dot=True).lower())
        if address is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, 1, "IN", "A", address))
        return answer.to_wire()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class WhereAmI(socketserver.BaseRequestHandler):
    """Answers every request with the address it reached."""

    def handle(self) -> None:
        while self.request.recv(1):
            self.request.sendall(self.request.getsockname()[0].encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server at each of the addresses."""
    with ReservedPort(*ADDRESSES) as reserved:
        servers = [Server((address, reserved.number), WhereAmI) for address in ADDRESSES]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield reserved.number
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    made = Resolver()
    made.addresses[MOVING] = ADDRESSES[0]
    yield made
    made.stop()


@pytest.fixture(scope="module")
def product(site: Site, resolver: Resolver, port: int) -> Iterator[Product]:
    """It alone sees a resolv.conf with this resolver."""
    resolv_conf = {"/etc/resolv.conf": f"nameserver {resolver.address}\n"}
    prefix = private_mounts(resolv_conf, site.directory)
    names = ("late.test", "moving.test")
    routes = dict(zip(names, (f"{LATE}:{port}", f"{MOVING}:{port}")))
    with Product(
        site.directory / "by-name", site.ca, names, routes, prefix=prefix, EVIDENCE_WAIT="100ms"
    ) as made:
        yield made


def reached(product: Product, name: str) -> str:
    """The address of the backend; empty if there is none."""
    try:
        with product.connect(name) as client:
            client.sendall(b"?")
            return receive(client, len(ADDRESSES[0])).decode()
    except OSError:
        return ""


def worker_pids(product: Product) -> set[int]:
    return {pid for pid in product.child.survivors() if _program_of(pid) == "haproxy"}


def _program_of(pid: int) -> str:
    """Empty when it is gone."""
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def test_a_backend_that_is_absent_at_start_is_found_later(
    product: Product, resolver: Resolver
) -> None:
    before = worker_pids(product)
    assert reached(product, "late.test") == ""
    resolver.addresses[LATE] = ADDRESSES[1]
    wait_until(
        lambda: reached(product, "late.test") == ADDRESSES[1],
        what="the backend to be reached", deadline=FOLLOWED_WITHIN,
    )  # fmt: skip
    assert worker_pids(product) == before, "without a reload"


def test_a_backend_that_moves_is_followed(product: Product, resolver: Resolver) -> None:
    before = worker_pids(product)
    assert reached(product, "moving.test") == ADDRESSES[0]
    resolver.addresses[MOVING] = ADDRESSES[1]
    wait_until(
        lambda: reached(product, "moving.test") == ADDRESSES[1],
        what="the new address to be reached", deadline=FOLLOWED_WITHIN,
    )  # fmt: skip
    assert worker_pids(product) == before, "without a reload"
