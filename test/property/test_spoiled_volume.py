"""Whatever stands on the certificate volume: lineages that are whole are served, no certificate
with another's key is, and nothing that the volume leads to is told to anybody.

    PROPERTY_SEED=7     spoiled otherwise than by seed 1, the default
    PROPERTY_LIES=5000  at how many places
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from support.ingress import BIN, Ingress
from support.spoiled_volume import CANARY, SpoiledVolume
from support.stack import DOMAINS, Stack
from support.terminal import obeyed
from support.volume import Volume

SEED = os.environ.get("PROPERTY_SEED", "1")
LIES = int(os.environ.get("PROPERTY_LIES", "1000"))
STARTS = max(10, LIES // 100)
DEADLINE = 60.0
KINDS = {"flip", "fifo", "link", "sparse", "folder", "member", "document", "wrong_key", "odd_name"}


@pytest.fixture(name="stack")
def _stack(memory: Path) -> Iterator[Stack]:
    folder = memory / "spoiled"
    folder.mkdir()
    with Stack(folder) as stack:
        yield stack
    shutil.rmtree(folder)


def judge(said: str, told: str) -> None:
    said = said.replace("\ufffd", "?")  # what stands for what is no UTF-8
    assert obeyed(said) is None, (told, obeyed(said))
    assert CANARY not in said and "PRIVATE KEY" not in said, told


def served_pair(path: Path) -> x509.Certificate:
    """The certificate of a file for HAProxy, whose key is in it too."""
    content = path.read_bytes()
    certificate = x509.load_pem_x509_certificate(content)
    key = serialization.load_pem_private_key(content[content.index(b"-----BEGIN PRIV") :], None)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    der = serialization.Encoding.DER
    assert key.public_key().public_bytes(der, spki) == certificate.public_key().public_bytes(
        der, spki
    )
    return certificate


def test_what_is_rendered_is_whole(stack: Stack) -> None:
    spoiled = SpoiledVolume(Volume(stack), DOMAINS, SEED)
    rng = random.Random(f"{SEED} render")
    rendered = stack.directory / "rendered"
    environment = Ingress(stack).environment
    while sum(spoiled.lies.values()) < LIES:
        spoiled.fresh(rng.choice([1, 1, 2, 5]), rng.choice(["", "", "live", "archive"]))
        told = f"PROPERTY_SEED={SEED}: {spoiled.log}"
        done = subprocess.run(
            [str(BIN / "ingressd"), "--render", str(rendered)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, (told, done.stderr)
        judge(done.stdout + done.stderr, told)
        for name in DOMAINS:
            path = rendered / "certs" / f"{name}.pem"
            if path.exists():
                names = served_pair(path).extensions.get_extension_for_class(
                    x509.SubjectAlternativeName
                )
                assert names.value.get_values_for_type(x509.DNSName) == [name], told
            assert path.exists() or name not in spoiled.untouched, (told, done.stderr)
        for path in rendered.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes(), told
        shutil.rmtree(rendered)
    assert set(spoiled.lies) >= KINDS


def test_what_is_whole_is_served(stack: Stack) -> None:
    spoiled = SpoiledVolume(Volume(stack), DOMAINS, f"{SEED} starts")
    rng = random.Random(f"{SEED} starts")
    for number in range(STARTS):
        spoiled.fresh(rng.choice([1, 3]), "dstack-ingress" if number % 2 else "")
        told = f"PROPERTY_SEED={SEED}: {spoiled.log}"
        ingress = Ingress(stack, LOG_LEVEL="debug")
        with ingress:
            whole = sorted(spoiled.untouched)
            ingress.wait_for(
                lambda: ingress.try_status() and all(ingress.try_serial(name) for name in whole),
                f"{told}: {whole} to be served",
            )
            for name in whole:
                assert ingress.fetch(name).status == 200, told
            before = ingress.log.count("SIGHUP")
            ingress.child.signal(signal.SIGHUP)
            ingress.wait_for(lambda: ingress.log.count("SIGHUP") > before, "the signal")
            for name in whole:
                assert ingress.fetch(name).status == 200, told
            judge(ingress.ctl("status").stdout, told)
            judge(ingress.ctl("status", "--json").stdout, told)
            assert ingress.stop() == 0, told
        judge(ingress.log, told)
        shutil.rmtree(ingress.run_dir, ignore_errors=True)
