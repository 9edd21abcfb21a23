"""After our orders the volume is still one that plain certbot, and with it the older dstack-ingress,
goes on from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from cryptography import x509

from support.ingress import BIN, Ingress, serial_text
from support.process import clean_environment
from support.volume import Volume

from .conftest import World

STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
# How certbot was to renew a lineage: by what is not installed here.
ADOPTED = {
    "app.demo.test": {
        "authenticator": "dns-cloudflare",
        "dns_cloudflare_credentials": "/root/.cloudflare/cloudflare.ini",
        "dns_cloudflare_propagation_seconds": "120",
    },
    "api.demo.test": {
        "authenticator": "dns-linode",
        "dns_linode_credentials": "/root/.linode/credentials.ini",
    },
    "route.demo.test": {"authenticator": "dns-route53"},
    "hook.demo.test": {
        "authenticator": "manual",
        "pref_challs": "dns-01,",
        "manual_auth_hook": "/scripts/acme-dns-alias-hook.sh auth",
        "manual_cleanup_hook": "/scripts/acme-dns-alias-hook.sh cleanup",
    },
}
FROM_STAGING = "api.demo.test"
NEW, TWO = "new.demo.test", "two.demo.test"
OURS = {NEW, f"{TWO}-0001"}


def _dry_run(ingress: Ingress, directory: Path) -> tuple[str, dict[str, str]]:
    """What `certbot renew --dry-run` says, and what hinders it, by lineage."""
    done = subprocess.run(
        ["certbot", "renew", "--dry-run", "--no-random-sleep-on-renew",
         "--server", ingress.environment["ACME_SERVER"], "--config-dir", ingress.volume,
         "--work-dir", directory / "plain-work", "--logs-dir", directory / "plain-logs"],
        env={
            **clean_environment(HOME=str(directory)),
            **ingress.environment,
            "PATH": f"{BIN}:{ingress.environment['PATH']}",
            "REQUESTS_CA_BUNDLE": ingress.environment["ACME_CA_BUNDLE"],
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        start_new_session=True,
    )  # fmt: skip
    pattern = r"(?:\(cert: (\S+)\) produced an unexpected|certificate (\S+) with) error: (.*)"
    hindrances = {a or b: why for a, b, why in re.findall(pattern, done.stderr)}
    return " ".join((done.stdout + done.stderr).split()), hindrances


def _adopt(volume: Volume, server: str) -> None:
    for name, parameters in ADOPTED.items():
        volume.put(name)
        volume.put_conf(name, STAGING if name == FROM_STAGING else server, **parameters)
    volume.put(TWO, "second.demo.test")
    volume.put_conf(TWO, server, authenticator="dns-route53")


def _order_all(ingress: Ingress) -> None:
    """One order for each name."""
    ingress.wait_settled()
    for name in ADOPTED:
        if name != FROM_STAGING:  # ordered anew at the start
            done = ingress.ctl("renew", "--force", name)
            assert done.returncode == 0, done.stderr + ingress.log


def test_plain_certbot_lacks_only_what_it_lacked_before(world: World, tmp_path: Path) -> None:
    stack = world.make_stack()
    _adopt(Volume(stack, account=False), stack.acme.url)
    names = [*ADOPTED, TWO, NEW]
    ingress = Ingress(
        stack,
        DOMAINS=",".join(names),
        ROUTING_MAP=",".join(f"{name}={stack.app.address}" for name in names),
    )
    _, before = _dry_run(ingress, tmp_path)
    assert set(before) == {*ADOPTED, TWO}, before
    with ingress:
        _order_all(ingress)
        served = {name: ingress.serial(name) for name in names}
    assert stack.pebble.orders() == len(names)
    said, after = _dry_run(ingress, tmp_path)
    assert after == before, said
    for lineage in (*before, *OURS):
        assert f"Processing {ingress.volume}/renewal/{lineage}.conf" in said
    for lineage in OURS:
        assert f"{ingress.volume}/live/{lineage}/fullchain.pem (success)" in said, said
    # Where the older product looks.
    for name in (*ADOPTED, NEW):
        pem = (ingress.volume / "live" / name / "fullchain.pem").read_bytes()
        assert serial_text(x509.load_pem_x509_certificate(pem)) == served[name]
    assert (ingress.volume / "live" / TWO / "privkey.pem").exists()
