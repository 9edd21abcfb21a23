"""Every variable of the releases 2.2 to 2.6 of the older dstack-ingress is taken, refused with the way
out, or warned about; and docs/operations.md has it."""

from __future__ import annotations

import re
import subprocess

import pytest

from support.ingress import BIN, ROOT
from support.process import clean_environment

BAD_CONFIG = 78

BASE = {
    "DOMAIN": "app.example.com",
    "TARGET_ENDPOINT": "app:80",
    "GATEWAY_DOMAIN": "_.gateway.example.com",
    "CLOUDFLARE_API_TOKEN": "a-token",
}
AWS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret"}
NAMECHEAP = {
    "NAMECHEAP_USERNAME": "user",
    "NAMECHEAP_API_KEY": "a-key",
    "NAMECHEAP_CLIENT_IP": "192.0.2.1",
}

# As in the documents and compose files of those releases; what --check shows of it, if that is another.
TAKEN = {
    "DOMAIN": ("*.myapp.com", None),
    "DOMAINS": ("api.example.com", None),
    "TARGET_ENDPOINT": ("http://app:80", None),
    "ROUTING_MAP": ("app.example.com=app-main:80", None),
    "GATEWAY_DOMAIN": ("_.dstack-prod5.phala.network", None),
    "DNS_PROVIDER": ("cloudflare", None),
    "PORT": ("8443", None),
    "ALPN": ("h2,http/1.1", None),
    "MAXCONN": ("1024", None),
    "TIMEOUT_CONNECT": ("5s", None),
    "TIMEOUT_CLIENT": ("3600s", None),
    "TIMEOUT_SERVER": ("1h", None),
    "EVIDENCE_SERVER": ("false", None),
    "EVIDENCE_PORT": ("8080", None),
    "ACCEPT_PROXY_PROTOCOL": ("true", None),
    "SEND_PROXY_PROTOCOL": ("true", None),
    "SET_CAA": ("true", None),
    "TXT_PREFIX": ("_tapp-address", None),
    "APP_ID": ("0123abcd", None),
    "DELEGATION_ZONE": ("deleg.example.net", None),
    "ACME_CHALLENGE_ALIAS": ("deleg.example.net", None),
    "ACME_EMAIL": ("ops@example.com", None),
    "CERTBOT_EMAIL": ("ops@example.com", None),
    "ACME_STAGING": ("true", None),
    "CERTBOT_STAGING": ("true", None),
    "ACME_DIRECTORY_URL": ("https://ca.example.com/directory", None),
    "ALIAS_DOMAIN": ("shared.example.com", None),
    "RENEW_INTERVAL": ("3600", None),
    "RENEW_DAYS_BEFORE": ("20", None),
    "CERTBOT_TIMEOUT": ("600", None),
    "CLOUDFLARE_API_TOKEN": ("token", "***"),
    "LINODE_API_TOKEN": ("token", "***"),
    "NAMECHEAP_USERNAME": ("user", None),
    "NAMECHEAP_API_KEY": ("key", "***"),
    "NAMECHEAP_CLIENT_IP": ("192.0.2.1", None),
    "AWS_ACCESS_KEY_ID": ("AKIAIOSFODNN7EXAMPLE", None),
    "AWS_SECRET_ACCESS_KEY": ("secret", "***"),
    "AWS_SESSION_TOKEN": ("token", "***"),
    "AWS_ROLE_ARN": ("arn:aws:iam::123456789012:role/dns", None),
    "AWS_REGION": ("eu-central-1", None),
    "CHALLENGE_TYPE": ("dns-01", ""),  # what happens anyway
    "DETERMINISTIC_TLS_KEY": ("false", ""),
    "L4_MODE": ("true", ""),
}
# With a part of the way out.
REFUSED = {
    "CHALLENGE_TYPE": ("tls-alpn-01", "credentials of a DNS provider"),
    "DETERMINISTIC_TLS_KEY": ("true", "remove this variable"),
    "ROUTE53_INITIAL_WEIGHT": ("100", "make them in Route 53 by hand"),
}
WARNED = {
    "DELEGATION_PROPAGATION_SECONDS": "PROPAGATION_TIMEOUT",
    "CERTBOT_PROPAGATION_SECONDS": "PROPAGATION_TIMEOUT",
    "CLOUDFLARE_ZONE_ID": "by its name",
    "RENEW_DAYS": "set RENEW_DAYS_BEFORE",
    "DNS_SETTLE_SECONDS": "nothing waits",
    "TLSALPN_ADDRESS": "no lego",
    "TLSALPN_PORT": "no lego",
    "TLS_TERMINATE_PORT": "no lego",
    "LEGO_BIN": "no lego",
    "LEGO_PATH": "LETSENCRYPT_DIR/lego",
    "CLIENT_MAX_BODY_SIZE": "handed on as they are",
    "PROXY_READ_TIMEOUT": "handed on as they are",
    "PROXY_SEND_TIMEOUT": "handed on as they are",
    "PROXY_CONNECT_TIMEOUT": "handed on as they are",
    "PROXY_BUFFER_SIZE": "handed on as they are",
    "PROXY_BUFFERS": "handed on as they are",
    "PROXY_BUSY_BUFFERS_SIZE": "handed on as they are",
}
# In whichever of the three ways.
NOT_SILENT = {
    "DNS_SETUP_MODE": "print",
    "DNS_SETUP_TIMEOUT": "600",
    "DNS_SETUP_INTERVAL": "15",
    "DNS_WEBHOOK_URL": "https://hooks.example.com/dns",
    "DNS_WEBHOOK_TOKEN": "token",
    "DNS_WEBHOOK_TIMEOUT": "20",
    "DOH_RESOLVERS": "https://dns.google/resolve",
}


def _check(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "ingressd", "--check"],
        env=clean_environment(**{**BASE, **settings}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _provider_of(name: str) -> dict[str, str]:
    """What goes with the variable, without Cloudflare's token."""
    others = {"AWS": AWS, "NAMECHEAP": NAMECHEAP, "LINODE": {"LINODE_API_TOKEN": "token"}}
    found = others.get(name.partition("_")[0])
    return {"CLOUDFLARE_API_TOKEN": "", **found} if found else {}


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_taken(name: str) -> None:
    value, shown = TAKEN[name]
    done = _check(**{**_provider_of(name), name: value})
    assert done.returncode == 0, done.stderr
    assert "has no effect" not in done.stderr
    if shown == "":
        return
    row = next(line for line in done.stdout.splitlines() if line.split()[0] == name)
    assert row.split()[1] == (shown or value)
    assert row.endswith("environment")


def test_a_private_ca_is_not_exchanged_for_lets_encrypt() -> None:
    rows = _check(ACME_DIRECTORY_URL="https://ca.example.com/directory").stdout.splitlines()
    server = next(row.split() for row in rows if row.startswith("ACME_SERVER "))
    assert server[1:] == ["https://ca.example.com/directory", "ACME_DIRECTORY_URL"]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_way_out(name: str) -> None:
    value, way_out = REFUSED[name]
    done = _check(**{name: value})
    assert done.returncode == BAD_CONFIG
    (line,) = [line for line in done.stderr.splitlines() if f"{name} is set" in line]
    assert way_out in line


@pytest.mark.parametrize("name", WARNED)
def test_it_is_warned_about(name: str) -> None:
    done = _check(**{name: "17"})
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if name in line]
    assert f"{name} has no effect here: " in line and WARNED[name] in line


@pytest.mark.parametrize("name", NOT_SILENT)
def test_it_is_not_silent(name: str) -> None:
    done = _check(**{name: NOT_SILENT[name]})
    assert name in done.stdout + done.stderr


def test_the_documents_have_all_of_them() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text.partition("Its variables:")[2].partition("\nA variable without effect")[0]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    told = re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(first))
    assert len(told) == len(set(told))
    assert set(told) == {*TAKEN, *REFUSED, *WARNED, *NOT_SILENT}
