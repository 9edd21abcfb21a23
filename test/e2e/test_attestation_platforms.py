"""A machine that is no TDX guest, the whole way: what it publishes, what it answers to a nonce, and
what `ingressctl verify` makes of both."""

from __future__ import annotations

import hashlib
import json
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ingress import Ingress
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
KIND = "sev-snp"
ATTESTATION = "/evidences/attestation.json"


@pytest.fixture(params=["connection", "request"])
def attested(request: pytest.FixtureRequest, world: World) -> Iterator[Ingress]:
    """Served from the volume, with evidence published."""
    stack = world.make_stack(guest_agent="dstack", platform=KIND)
    volume = Volume(stack)
    volume.put(NAME)
    ingress = world.ingress(DOMAINS=NAME, EVIDENCE_ROUTING=request.param)
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
    yield ingress


def guests(stack: Stack, sums: bytes) -> bytes:
    assert stack.agent is not None
    return stack.agent.guest.attestation(hashlib.sha256(sums).digest() + bytes(32))


def verify(ingress: Ingress, *more: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = ingress.ctl(
        "verify", "--json", f"https://{NAME}:{ingress.port}", "--connect-to",
        f"127.0.0.1:{ingress.port}", "--ca", str(ingress.stack.directory / "volume-ca.pem"), *more,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer["checks"]


def test_what_is_published(attested: Ingress) -> None:
    """By a process that could not connect to the agent a second time."""
    agent = attested.stack.agent
    assert agent is not None
    assert not agent.socket.stat().st_mode & stat.S_IWOTH
    sums = attested.fetch(NAME, "/evidences/sha256sum.txt").body
    published = attested.fetch(NAME, "/evidences/attestation.bin")
    assert published.body == guests(attested.stack, sums)
    assert published.headers["content-type"] == "application/octet-stream"
    answer = attested.fetch(NAME, ATTESTATION)
    assert answer.json() == {"attestation": published.body.hex()}
    assert answer.headers["cache-control"] == "no-cache" and answer.headers["etag"]
    assert attested.fetch(NAME, "/evidences/quote.json").status == 404
    manifest = attested.fetch(NAME, "/evidences/manifest.json").json()
    assert manifest["attestation"] == {"kind": KIND}
    page = attested.fetch(NAME, "/evidences/").body.decode()
    assert f"of the kind <code>{KIND}</code>" in page and "but Intel" not in page


@pytest.mark.parametrize("query", ["?nonce=", "?nonce=zz", f"?nonce={'ab' * 15}", "?once=1"])
def test_no_nonce(attested: Ingress, query: str) -> None:
    """What is asked for with a query is no file."""
    answer = attested.fetch(NAME, ATTESTATION + query)
    assert answer.status == 400 and "nonce=HEX" in answer.json()["error"]


def test_a_nonce(attested: Ingress) -> None:
    nonce = secrets.token_hex(32)
    answer = attested.fetch(NAME, f"{ATTESTATION}?nonce={nonce}")
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"version", "nonce", "manifest", "attestation"} and body["nonce"] == nonce
    sums = attested.fetch(NAME, "/evidences/sha256sum.txt").body
    covered = hashlib.sha256(
        b"dstack-ingress/attestation/v1\0"
        + hashlib.sha256(body["manifest"].encode()).digest()
        + bytes.fromhex(nonce)
    ).digest()
    agent = attested.stack.agent
    assert agent is not None
    wanted = agent.guest.attestation(hashlib.sha256(sums).digest() + covered)
    assert body["attestation"] == {"attestation": wanted.hex()}


def test_verify(attested: Ingress, tmp_path: Path) -> None:
    saved = str(tmp_path / "saved")
    status, checks = verify(attested)
    assert status == 1 and f"of the kind {KIND}, which cannot" in checks["quote-layout"]["detail"]
    status, checks = verify(attested, "--platform", KIND, "--save", saved)
    assert status == 0, checks
    passed = {name for name, check in checks.items() if check["outcome"] == "passed"}
    assert passed == {"tls-chain", "live-certificate", "checksums"}
    assert f"an attestation of the kind {KIND}" in checks["fresh-quote"]["detail"]
    assert verify(attested, "--platform", KIND, "--require", "quote-signature")[0] == 1
    assert verify(attested, "--platform", "nitro-enclave")[0] == 1
    ca = str(attested.stack.directory / "volume-ca.pem")
    for more, expected in (((), 1), (("--platform", KIND), 0)):
        done = attested.ctl("verify", "--dir", saved, "--ca", ca, *more)
        assert done.returncode == expected and f"of the kind {KIND}" in done.stdout
