"""A volume that others filled is taken over as it is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from support.ingress import BIN, Ingress
from support.process import clean_environment
from support.stack import Stack

from .conftest import World

NAME = "app.demo.test"


def _plain_certbot(stack: Stack, tmp_path: Path) -> None:
    """An RSA certificate by `certbot certonly --manual`, then made to look as if another
    plugin had ordered it, as older products did."""
    ingress = Ingress(stack)
    subprocess.run(
        [
            "certbot", "certonly", "--manual", "--non-interactive", "--agree-tos",
            "--register-unsafely-without-email", "--preferred-challenges", "dns",
            "--server", stack.acme.url, "--domain", NAME, "--key-type", "rsa",
            "--manual-auth-hook", f"{BIN}/ingress-dns auth",
            "--manual-cleanup-hook", f"{BIN}/ingress-dns cleanup",
            "--config-dir", ingress.volume, "--work-dir", tmp_path / "work",
            "--logs-dir", tmp_path / "logs",
        ],
        env={
            **clean_environment(HOME=str(tmp_path)),
            **ingress.environment,
            "REQUESTS_CA_BUNDLE": str(stack.pebble.ca_bundle),
        },
        check=True,
        timeout=90,
    )  # fmt: skip
    renewal = ingress.volume / "renewal" / f"{NAME}.conf"
    text = re.sub("authenticator = manual", "authenticator = dns-cloudflare", renewal.read_text())
    text = re.sub("manual_.*_hook = .*\n", "", text)
    renewal.write_text(text + "dns_cloudflare_credentials = /root/.cloudflare.ini\n")


def test_a_volume_of_plain_certbot_is_adopted_and_renewed_by_our_hooks(
    world: World, tmp_path: Path
) -> None:
    stack = world.make_stack()
    _plain_certbot(stack, tmp_path)
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_settled()
    assert stack.pebble.orders() == 1
    accounts = sorted((ingress.volume / "accounts").rglob("regr.json"))
    assert len(accounts) == 1
    assert isinstance(_served_key(ingress), rsa.RSAPublicKey)
    adopted = ingress.serial(NAME)
    done = ingress.ctl("renew", NAME, "--force")
    assert done.returncode == 0, done.stderr + ingress.log
    assert ingress.serial(NAME) != adopted
    assert isinstance(_served_key(ingress), ec.EllipticCurvePublicKey)
    assert stack.pebble.orders() == 2
    assert sorted((ingress.volume / "accounts").rglob("regr.json")) == accounts
    assert [p.name for p in (ingress.volume / "live").iterdir() if p.is_dir()] == [NAME]
    assert "challenge value" in ingress.log


def _served_key(ingress: Ingress) -> object:
    with ingress.connect(NAME) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der).public_key()
