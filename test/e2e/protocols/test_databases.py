"""Redis and PostgreSQL, whose clients speak first: in text, and in binary that begins with NUL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ports import ReservedPort

from .conftest import AT_ONCE, Site, full_name
from .peers import Stopwatch, program, receive, run, server, unprivileged
from .product import HOST, Product

REDIS = full_name("redis")
POSTGRESQL = full_name("postgresql")


@pytest.fixture(scope="module")
def redis(site: Site) -> Iterator[None]:
    port = site.ports["redis"]
    folder = site.folder("redis")
    with server(
        [program("redis-server"), "--bind", HOST, "--port", str(port), "--save", "",
         "--dir", folder],
        port, folder,
    ):  # fmt: skip
        yield


def redis_cli(product: Product, *arguments: str, stdin: bytes = b"") -> bytes:
    return run(
        ["redis-cli", "-h", HOST, "-p", str(product.port), "--tls", "--sni", REDIS,
         "--cacert", product.ca.bundle, *arguments],
        stdin=stdin,
    )  # fmt: skip


@pytest.mark.usefixtures("redis")
class TestRedis:
    def test_commands(self, patient: Product) -> None:
        clock = Stopwatch()
        assert redis_cli(patient, "PING") == b"PONG\n"
        assert redis_cli(patient, "SET", "key", "value") == b"OK\n"
        assert redis_cli(patient, "GET", "key") == b"value\n"
        assert clock() < AT_ONCE

    def test_a_large_value(self, patient: Product) -> None:
        value = b"v" * 1000000
        assert redis_cli(patient, "-x", "SET", "large", stdin=value) == b"OK\n"
        assert redis_cli(patient, "GET", "large") == value + b"\n"

    @pytest.mark.parametrize("inline", [b"PING\r\n", b"GET key\r\n", b"HGET h f\r\n"], ids=repr)
    def test_inline_commands(self, patient: Product, inline: bytes) -> None:
        """They begin as requests of HTTP do."""
        with patient.connect(REDIS) as client:
            clock = Stopwatch()
            client.sendall(inline)
            assert receive(client, 1) in (b"+", b"$")
            assert clock() < AT_ONCE


STUNNEL = """\
foreground = yes
pid =
debug = notice
[tunnel]
client = yes
accept = {host}:{port}
connect = {host}:{product}
sni = {name}
CAfile = {bundle}
verifyChain = yes
checkHost = {name}
"""


@pytest.fixture(scope="module")
def tunnel(site: Site, patient: Product) -> Iterator[int]:
    """The port of a tunnel to PostgreSQL, whose clients do not begin with TLS."""
    folder = site.folder("stunnel")
    with ReservedPort(HOST) as reserved:
        text = STUNNEL.format(
            host=HOST, port=reserved.number, product=patient.port, name=POSTGRESQL,
            bundle=patient.ca.bundle,
        )  # fmt: skip
        (folder / "stunnel.conf").write_text(text)
        with server([program("stunnel"), folder / "stunnel.conf"], reserved.number, folder):
            yield reserved.number


def postgresql_program(name: str) -> Path:
    """Of the newest version; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, f"{name} is missing: see .ci/packages test"
    return found[-1]


@pytest.fixture(scope="module")
def postgresql(site: Site) -> Iterator[None]:
    folder = site.folder("postgresql")
    folder.chmod(0o777)
    port = site.ports["postgresql"]
    run(
        [*unprivileged(), postgresql_program("initdb"), "--pgdata", folder / "data",
         "--username=matrix", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale"],
    )  # fmt: skip
    with server(
        [*unprivileged(), postgresql_program("postgres"), "-D", folder / "data", "-p", str(port),
         "-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={folder}",
         "-c", "fsync=off"],
        port, folder, log="postgres",
    ):  # fmt: skip
        yield


@pytest.mark.usefixtures("postgresql")
def test_psql(tunnel: int) -> None:
    # Its first message is an SSLRequest (refused, since TLS is the tunnel's), or the startup.
    for mode in ("prefer", "disable"):
        clock = Stopwatch()
        printed = run(
            ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command",
             "select sum(n), repeat('x', 100000) from generate_series(1, 1000) n",
             f"host={HOST} port={tunnel} user=matrix dbname=postgres sslmode={mode} "
             "gssencmode=disable"],
        )  # fmt: skip
        assert printed == b"500500|" + b"x" * 100000 + b"\n"
        assert clock() < AT_ONCE
