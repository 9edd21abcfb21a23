"""Volumes that releases 2.2 to 2.6 of the older dstack-ingress left: what is served at once, how many
orders follow, what is said."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from support.ingress import CLIENT_TIMEOUT, HOST, Ingress, serial_of
from support.stack import Stack
from support.volume import DAY, LIFETIME, Volume

from .conftest import World

APP, API = "app.demo.test", "api.demo.test"
WILDCARD = "*.demo.test"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
OWN = None  # by its own certificate


@dataclass(frozen=True)
class Served:
    """What a domain is served with at once: the serial (None: nothing), and whose certificate stands
    in."""

    serial: str | None
    stand_in: str | None = OWN


@dataclass(frozen=True)
class Kind:
    """`fill` returns the configured domains with what they are served with."""

    fill: Callable[[Volume, Stack], dict[str, Served]]
    orders: int
    said: tuple[str, ...] = ()
    new_account: bool = False


def _by_plugin(**parameters: str) -> Callable[[Volume, Stack], dict[str, Served]]:
    def fill(volume: Volume, stack: Stack) -> dict[str, Served]:
        serial = volume.put(APP)
        volume.put_conf(APP, stack.acme.url, **parameters)
        return {APP: Served(serial)}

    return fill


def _accounts_of_lets_encrypt(volume: Volume, stack: Stack) -> dict[str, Served]:
    for server in (STAGING, PRODUCTION):
        volume.put_account(server, f"{server.removesuffix('directory')}acme/acct/1")
    return {APP: Served(volume.put(APP))}


def _from_staging(volume: Volume, stack: Stack) -> dict[str, Served]:
    serial = volume.put(APP)
    volume.put_conf(APP, STAGING, authenticator="dns-cloudflare")
    return {APP: Served(serial)}


def _two_names(volume: Volume, stack: Stack) -> dict[str, Served]:
    """As ALIAS_DOMAIN had it."""
    serial = volume.put(APP, API)
    volume.put_conf(APP, stack.acme.url, authenticator="dns-route53")
    return {APP: Served(serial, APP), API: Served(serial, APP)}


def _wildcard(volume: Volume, stack: Stack) -> dict[str, Served]:
    return {WILDCARD: Served(volume.put(WILDCARD))}


def _under_a_wildcard(volume: Volume, stack: Stack) -> dict[str, Served]:
    serial = volume.put(WILDCARD)
    return {WILDCARD: Served(serial), APP: Served(serial, "demo.test")}


def _twins(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put(APP, remaining=LIFETIME * 0.5)
    return {APP: Served(volume.put(APP, lineage=f"{APP}-0001"))}


def _twin_without_a_key(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put(APP, lineage=f"{APP}-0001", matching_key=False)
    return {APP: Served(volume.put(APP, remaining=LIFETIME * 0.8))}


def _rsa(volume: Volume, stack: Stack) -> dict[str, Served]:
    return {APP: Served(volume.put(APP, is_rsa=True))}


def _expired(volume: Volume, stack: Stack) -> dict[str, Served]:
    return {APP: Served(volume.put(APP, remaining=-DAY))}


def _expired_but_covered(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put(APP, remaining=-DAY)
    volume.put(APP, API, lineage="both", remaining=-DAY)
    return {APP: Served(volume.put(WILDCARD, lineage="wide"), "wide")}


def _lego_2_3(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put_lego_account("acme-v02.api.letsencrypt.org", {"uri": "https://ca.test/acct/1"})
    return {APP: Served(volume.put_lego(APP), f"lego/certificates/{APP}.crt")}


def _lego_2_6(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put_lego_account(
        "acme-v02.api.letsencrypt.org", {"accountURL": "https://ca.test/acct/1"}
    )
    return {
        name: Served(volume.put_lego(name), f"lego/certificates/{name}.crt") for name in (APP, API)
    }


def _lego_after_certbot(volume: Volume, stack: Stack) -> dict[str, Served]:
    """CHALLENGE_TYPE was changed on the way."""
    volume.put(APP, remaining=-DAY)
    return {APP: Served(volume.put_lego(APP), f"lego/certificates/{APP}.crt")}


def _unconfigured(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put("old.demo.test", remaining=-DAY)
    volume.put("older.demo.test")
    return {APP: Served(volume.put(APP))}


def _hooks(volume: Volume, stack: Stack) -> dict[str, Served]:
    hook = volume.path / "renewal-hooks" / "deploy" / "reload.sh"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (volume.path / "cli.ini").write_text("max-log-backups = 0\n")
    return {APP: Served(volume.put(APP))}


def _broken(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put(APP)
    (volume.path / "archive" / APP / "fullchain1.pem").write_text("nonsense")
    return {APP: Served(None)}


def _broken_but_covered(volume: Volume, stack: Stack) -> dict[str, Served]:
    volume.put(APP, matching_key=False)
    volume.put(APP, API, lineage="keyless", matching_key=False)
    both = volume.put(APP, API, lineage="both", remaining=LIFETIME * 0.5)
    return {APP: Served(both, "both")}


KINDS = {
    "certbot, cloudflare": Kind(
        _by_plugin(
            authenticator="dns-cloudflare",
            dns_cloudflare_credentials="/root/.cloudflare/cloudflare.ini",
            dns_cloudflare_propagation_seconds="120",
        ),
        orders=0,
    ),
    "certbot, route53": Kind(_by_plugin(authenticator="dns-route53"), orders=0),
    "certbot, linode": Kind(
        _by_plugin(
            authenticator="dns-linode", dns_linode_credentials="/root/.linode/credentials.ini"
        ),
        orders=0,
    ),
    "certbot, manual": Kind(
        _by_plugin(
            authenticator="manual",
            pref_challs="dns-01,",
            manual_auth_hook="/scripts/acme-dns-alias-hook.sh auth",
            manual_cleanup_hook="/scripts/acme-dns-alias-hook.sh cleanup",
        ),
        orders=0,
    ),
    "accounts of staging and production": Kind(_accounts_of_lets_encrypt, orders=0),
    "a certificate from staging": Kind(
        _from_staging, orders=1, said=("the certificate there is not from",), new_account=True
    ),
    "two names in one certificate": Kind(_two_names, orders=2, new_account=True),
    "a wildcard under the bare name": Kind(_wildcard, orders=0),
    "a name under a wildcard": Kind(_under_a_wildcard, orders=1, new_account=True),
    "twins": Kind(_twins, orders=0),
    "twins, one without its key": Kind(_twin_without_a_key, orders=0),
    "RSA": Kind(_rsa, orders=0),
    "expired": Kind(
        _expired, orders=1, said=("the certificate has expired by",), new_account=True
    ),
    "expired, but covered": Kind(_expired_but_covered, orders=1, new_account=True),
    "lego of 2.3": Kind(
        _lego_2_3, orders=1, said=("has ACME accounts of lego",), new_account=True
    ),
    "lego of 2.6": Kind(
        _lego_2_6, orders=2, said=("has ACME accounts of lego",), new_account=True
    ),
    "lego after certbot": Kind(_lego_after_certbot, orders=1, new_account=True),
    "names that are not configured": Kind(_unconfigured, orders=0),
    "hooks and a cli.ini": Kind(
        _hooks,
        orders=0,
        said=("has 1 hook of an older setup", "cli.ini is of an older setup; it is not used"),
    ),
    "broken": Kind(
        _broken, orders=1, said=(f"lineage {APP} is passed over",), new_account=True
    ),
    "broken, but covered": Kind(_broken_but_covered, orders=1, new_account=True),
}


def _handshake(ingress: Ingress, domain: str) -> str | None:
    """The serial, whoever the certificate is from: the CA is not asked for its root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name = domain.replace("*", "any")
    try:
        with socket.create_connection((HOST, ingress.port), timeout=CLIENT_TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname=name) as tls:
                return serial_of(tls)
    except OSError:
        return None


def _start(world: World, domains: list[str]) -> Ingress:
    return world.ingress(
        DOMAINS="\n".join(domains),
        ROUTING_MAP="\n".join(f"{domain}={world.stack.app.address}" for domain in domains),
    )


def _expect_at_once(ingress: Ingress, wanted: dict[str, Served]) -> None:
    ingress.wait_status(lambda status: not status["starting"], "the volume to be read")
    for domain, served in wanted.items():
        if served.serial is None:
            assert ingress.domain(domain)["certificate"] is None
            continue
        ingress.wait_for(
            lambda d=domain, s=served.serial: _handshake(ingress, d) == s, f"{domain} to be served"
        )
        assert ingress.domain(domain)["certificate"]["stand_in"] == served.stand_in
        assert (ingress.domain(domain)["certificate"]["renew_at"] is None) == bool(served.stand_in)
        if served.stand_in:
            sentence = f"served by the certificate of {served.stand_in} until its own is there"
            assert f"{domain}: {sentence}" in ingress.ctl("status").stdout
            assert f"[{domain}] {sentence}" in ingress.log


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_what_is_on_the_volume_is_served_at_once(world: World, kind: Kind) -> None:
    stack = world.make_stack()
    wanted = kind.fill(Volume(stack, account=not kind.new_account), stack)
    outage = stack.acme.refuse(times=None)
    ingress = _start(world, list(wanted))
    _expect_at_once(ingress, wanted)
    outage.times = 0
    # The first attempt may have failed.
    done = ingress.ctl("renew")
    assert done.returncode == 0, done.stderr + ingress.log
    ingress.wait_settled()
    assert stack.pebble.orders() == kind.orders, ingress.log
    changed = [d for d, served in wanted.items() if _handshake(ingress, d) != served.serial]
    assert len(changed) == kind.orders
    assert all(ingress.domain(d)["certificate"]["stand_in"] is None for d in wanted)
    assert "until its own is there" not in ingress.ctl("status").stdout
    for words in kind.said:
        assert words in ingress.log


def test_one_that_is_put_there_later_stands_in_too(world: World) -> None:
    """And one that is served by its own certificate keeps that."""
    stack = world.make_stack()
    volume = Volume(stack, account=False)
    own = volume.put(API)
    outage = stack.acme.refuse(times=None)
    ingress = _start(world, [APP, API])
    _expect_at_once(ingress, {APP: Served(None), API: Served(own)})
    both = volume.put(APP, API, lineage="both")
    shutil.rmtree(volume.path / "live" / API)
    ingress.child.signal(signal.SIGHUP)
    _expect_at_once(ingress, {APP: Served(both, "both"), API: Served(own)})
    outage.times = 0
    assert ingress.ctl("renew").returncode == 0, ingress.log
    ingress.wait_settled()
    assert stack.pebble.orders() == 2
    assert _handshake(ingress, APP) != both and _handshake(ingress, API) != own
