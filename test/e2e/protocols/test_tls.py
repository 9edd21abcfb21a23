"""TLS versions, ciphers and curves that are accepted, and those that are refused."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from support.process import clean_environment

from ..conftest import TLS_ROW
from .conftest import Site
from .peers import program, run
from .product import HOST, PATIENCE, Product

ECDSA, RSA = "ecdsa.tls.test", "rsa.tls.test"
# What the client offers is up to the test, not to the system's policy.
ANY = ":@SECLEVEL=0"

ACCEPTED = [
    (f"{kind} TLS 1.2 {suite}", name, ["-tls1_2", "-cipher", suite + ANY])
    for kind, name in (("ECDSA", ECDSA), ("RSA", RSA))
    for suite in (
        f"ECDHE-{kind}-AES128-GCM-SHA256",
        f"ECDHE-{kind}-AES256-GCM-SHA384",
        f"ECDHE-{kind}-CHACHA20-POLY1305",
    )
] + [
    (f"TLS 1.3 {suite}", ECDSA, ["-tls1_3", "-ciphersuites", suite])
    for suite in (
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    )
] + [
    (f"curve {curve}", ECDSA, ["-tls1_3", "-groups", curve])
    for curve in ("X25519", "P-256", "P-384")
] + [
    (f"signature {algorithm}", name, [version, "-cipher", "ALL" + ANY, "-sigalgs", algorithm])
    for name, version, algorithm in (
        (ECDSA, "-tls1_2", "ECDSA+SHA512"),
        (ECDSA, "-tls1_3", "ecdsa_secp256r1_sha256"),
        (RSA, "-tls1_2", "RSA+SHA256"),
        (RSA, "-tls1_2", "rsa_pss_rsae_sha512"),
        (RSA, "-tls1_3", "rsa_pss_rsae_sha384"),
    )
]  # fmt: skip
REFUSED = [
    ("TLS 1.0", ECDSA, ["-tls1", "-cipher", "ALL" + ANY]),
    ("TLS 1.1", ECDSA, ["-tls1_1", "-cipher", "ALL" + ANY]),
    ("curve P-521", ECDSA, ["-tls1_3", "-groups", "P-521"]),
] + [
    (f"TLS 1.2 {suite}", name, ["-tls1_2", "-cipher", suite + ANY])
    for name, suites in (
        (ECDSA, ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-NULL-SHA")),
        (RSA, ("AES128-GCM-SHA256", "AES256-SHA", "NULL-SHA256", "ECDHE-RSA-AES128-SHA256",
               "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256")),
        (ECDSA, ("AECDH-AES128-SHA", "ADH-AES128-GCM-SHA256")),
    )
    for suite in suites
] + [
    (f"signature {algorithm}", name, ["-tls1_2", "-cipher", "ALL" + ANY, "-sigalgs", algorithm])
    for name, algorithm in (
        (ECDSA, "ECDSA+SHA1"), (ECDSA, "ECDSA+SHA224"), (RSA, "RSA+SHA1"), (RSA, "RSA+SHA224"),
    )
]  # fmt: skip


def offer_only(value: object) -> str:
    """The other values of a case follow from it."""
    return value if isinstance(value, str) and " " in value else ""


@pytest.fixture(scope="module")
def product(site: Site, app_address: str) -> Iterator[Product]:
    made = Product(
        site.directory / "tls", site.ca, (ECDSA, RSA), {ECDSA: app_address, RSA: app_address}
    )
    folder = site.folder("rsa")
    run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
         f"/CN={RSA}", "-addext", f"subjectAltName=DNS:{RSA}", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"],
    )  # fmt: skip
    made.put_certificate(RSA, folder / "cert.pem", folder / "key.pem")
    with made:
        yield made


@pytest.fixture(scope="module")
def app_address(site: Site) -> str:
    return f"{HOST}:{site.ports['app']}"


def handshake(product: Product, name: str, options: list[str]) -> str:
    """What `openssl s_client` says about it."""
    done = subprocess.run(
        [program("openssl"), "s_client", "-connect", f"{HOST}:{product.port}",
         "-servername", name, *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=clean_environment(), timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


def agreed(said: str) -> str:
    """"TLSv1.3, TLS_AES_128_GCM_SHA256", or "" if there was no handshake."""
    found = re.search(r"^New, (TLSv[\d.]+), Cipher is (\S+)$", said, re.MULTILINE)
    return ", ".join(found.groups()) if found else ""


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Adds a row to the table that ends the run's output."""
    return lambda offer, outcome: record_property(TLS_ROW, f"{offer:44} {outcome}")


@pytest.mark.parametrize(("offer", "name", "options"), ACCEPTED, ids=offer_only)
def test_accepted(
    product: Product, row: Callable[[str, str], None], offer: str, name: str, options: list[str]
) -> None:
    said = handshake(product, name, options)
    row(offer, agreed(said) or "refused")
    assert agreed(said), said
    if not offer.startswith(("curve", "signature")):
        assert agreed(said).endswith(offer.split()[-1])


@pytest.mark.parametrize(("offer", "name", "options"), REFUSED, ids=offer_only)
def test_refused(
    product: Product, row: Callable[[str, str], None], offer: str, name: str, options: list[str]
) -> None:
    said = handshake(product, name, options)
    row(offer, agreed(said) or "refused")
    assert not agreed(said)
    # By the product, and not by a client that does not know what to offer.
    assert re.search(r"alert (handshake failure|protocol version)", said), said


def test_the_hybrid_key_exchange_where_openssl_has_it(
    product: Product, row: Callable[[str, str], None]
) -> None:
    """Both sides run on the same OpenSSL: from 3.5 on they agree on X25519MLKEM768."""
    version = run(["openssl", "version"]).decode().split()[1]
    has_it = tuple(map(int, version.split(".")[:2])) >= (3, 5)
    said = handshake(product, ECDSA, [])
    # Which of these lines there is depends on openssl's version.
    key = re.search(r"(?:Negotiated TLS1.3 group|(?:Server|Peer) Temp Key): (\w+)", said)
    assert key is not None, said
    row(f"OpenSSL {version}'s own", f"{agreed(said)}, {key.group(1)}")
    assert key.group(1) == ("X25519MLKEM768" if has_it else "X25519")


@pytest.fixture(scope="module")
def resuming(site: Site, app_address: str) -> Iterator[Product]:
    """Sessions are resumed where there is one name only."""
    folder = site.directory / "resuming"
    with Product(folder, site.ca, (ECDSA,), {ECDSA: app_address}) as made:
        yield made


def converse(product: Product, version: str, *options: str | os.PathLike[str]) -> str:
    """One request, to the end of the connection: tickets come after the handshake."""
    done = subprocess.run(
        [program("openssl"), "s_client", "-connect", f"{HOST}:{product.port}", "-servername",
         ECDSA, f"-tls{version.replace('.', '_')}", "-msg", "-ign_eof", *options],
        input=b"GET / HTTP/1.0\r\n\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=clean_environment(), timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_resumes_its_session(
    resuming: Product, row: Callable[[str, str], None], version: str
) -> None:
    session = resuming.directory / f"session-{version}.pem"
    full = converse(resuming, version, "-sess_out", session)
    tickets = full.count("NewSessionTicket")
    row(f"TLS {version} full handshake", f"{tickets} ticket{'' if tickets == 1 else 's'}")
    # TLS 1.3 has no other name for a session; to TLS 1.2 its number is enough.
    assert tickets == (1 if version == "1.3" else 0), full
    # 32 bytes are two lines: the ticket is a number, and no key opens those of all clients.
    kept = run(["openssl", "sess_id", "-in", session, "-noout", "-text"]).decode()
    assert len(re.findall(r"^    [0-9a-f]{4} - ", kept, re.MULTILINE)) == 2 * tickets, kept
    # Several connections may resume one session, as browsers do.
    for _ in range(2):
        resumed = converse(resuming, version, "-sess_in", session)
        assert re.search(rf"^Reused, TLSv{version}", resumed, re.MULTILINE), resumed


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_where_no_session_can_be_resumed_none_is_offered(
    product: Product, row: Callable[[str, str], None], version: str
) -> None:
    """Two names here: neither a ticket nor a number to come back with."""
    said = converse(product, version)
    assert agreed(said), said
    row(f"TLS {version} full handshake, two names", f"{said.count('NewSessionTicket')} tickets")
    assert "NewSessionTicket" not in said
    assert not re.search(r"^ *Session-ID: \S", said, re.MULTILINE), said
