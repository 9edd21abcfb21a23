"""The ACME server of the harness, driven by the real certbot with hooks made of nsupdate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from support.acme_directory import AcmeDirectory
from support.bind import Bind
from support.pebble import Pebble
from support.process import Child, clean_environment

CERTBOT_DEADLINE = 60.0

HOOK = """\
#!/bin/sh
exec nsupdate -k {key_file} <<END
server {address} {port}
update {verb} {challenge} 60 TXT "$CERTBOT_VALIDATION"
send
END
"""

KEY_FILE = 'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};\n'


@dataclass
class Certbot:
    """Orders certificates with its own account, in its own directory."""

    directory: Path
    bind: Bind
    pebble: Pebble
    challenge: str = "_acme-challenge.$CERTBOT_DOMAIN"

    def order(self, server: str, *arguments: str, verb: str = "add") -> Child:
        """`verb` is what the hook does with the record: "delete" makes the validation fail."""
        child = Child(
            [
                "certbot", "certonly", "--non-interactive", "--agree-tos",
                "--register-unsafely-without-email",
                "--server", server,
                "--manual", "--preferred-challenges", "dns",
                "--manual-auth-hook", self._hook(verb),
                "--manual-cleanup-hook", self._hook("delete"),
                "--config-dir", self.directory / "config",
                "--work-dir", self.directory / "work",
                "--logs-dir", self.directory / "logs",
                *arguments,
            ],
            self.directory / "output",
            env=clean_environment(REQUESTS_CA_BUNDLE=str(self.pebble.ca_bundle)),
        )  # fmt: skip
        child.wait(CERTBOT_DEADLINE)
        return child

    def certificate(self, name: str) -> x509.Certificate:
        pem = (self.directory / "config/live" / name / "fullchain.pem").read_bytes()
        return x509.load_pem_x509_certificate(pem)

    def _hook(self, verb: str) -> Path:
        key_file = self.directory / "key"
        key_file.write_text(
            KEY_FILE.format(
                name=self.bind.key_name,
                algorithm=self.bind.key_algorithm,
                secret=self.bind.key_secret,
            )
        )
        hook = self.directory / verb
        hook.write_text(
            HOOK.format(
                key_file=key_file,
                address=self.bind.first.address,
                port=self.bind.port,
                verb=verb,
                challenge=self.challenge,
            )
        )
        hook.chmod(0o755)
        return hook


def lifetime(certificate: x509.Certificate) -> float:
    """In seconds. cryptography 42 renamed the properties, and Debian 12 has 38."""
    if hasattr(certificate, "not_valid_after_utc"):
        seconds = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    else:
        seconds = certificate.not_valid_after - certificate.not_valid_before
    return seconds.total_seconds()


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "other.test")) as running:
        yield running


def test_certbot_gets_a_certificate_and_every_step_is_counted(tmp_path: Path, bind: Bind) -> None:
    with Pebble(tmp_path / "pebble", bind.server, validity=7200) as pebble:
        with AcmeDirectory(pebble, ["ca.demo.test", "ca.other.test"]) as directory:
            certbot = Certbot(tmp_path, bind, pebble)
            before = bind.snapshot("demo.test")

            good = certbot.order(directory.url, "-d", "app.demo.test", "-d", "*.demo.test")
            assert good.exit_status == 0, good.log_tail()
            assert (pebble.orders(), pebble.failed_validations()) == (1, 0)
            # It came through the front, and everything after the directory went to Pebble.
            assert {request.target for request in directory.requests()} == {"/dir"}

            certificate = certbot.certificate("app.demo.test")
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            assert set(names.value.get_values_for_type(x509.DNSName)) == {
                "app.demo.test",
                "*.demo.test",
            }
            assert 7000 < lifetime(certificate) <= 7200

            bad = certbot.order(directory.url, "-d", "bad.demo.test", verb="delete")
            assert bad.exit_status == 1
            assert (pebble.orders(), pebble.failed_validations()) == (2, 1)
            assert bind.snapshot("demo.test") == before


def test_a_challenge_may_be_delegated_to_another_zone(tmp_path: Path, bind: Bind) -> None:
    bind.add("_acme-challenge.app.demo.test", 60, "CNAME", "_acme-challenge.app.other.test.")
    with Pebble(tmp_path / "pebble", bind.server) as pebble:
        certbot = Certbot(tmp_path, bind, pebble, challenge="_acme-challenge.app.other.test")
        done = certbot.order(pebble.directory_url, "-d", "app.demo.test")
        assert done.exit_status == 0, done.log_tail()


def test_external_account_binding_is_demanded_when_asked_for(tmp_path: Path, bind: Bind) -> None:
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    with Pebble(tmp_path / "pebble", bind.server, eab_keys={"kid-1": key}) as pebble:
        assert pebble.directory()["meta"]["externalAccountRequired"] is True  # type: ignore[index]
        certbot = Certbot(tmp_path, bind, pebble)
        unbound = certbot.order(pebble.directory_url, "-d", "app.demo.test")
        assert unbound.exit_status == 1
        bound = certbot.order(
            pebble.directory_url, "--eab-kid", "kid-1", "--eab-hmac-key", key,
            "-d", "app.demo.test",
        )  # fmt: skip
        assert bound.exit_status == 0, bound.log_tail()


def test_a_blocked_domain_is_an_order_that_costs_no_validation(tmp_path: Path, bind: Bind) -> None:
    with Pebble(
        tmp_path / "pebble", bind.server, blocked_domains=["blocked.demo.test"]
    ) as pebble:
        order = Certbot(tmp_path, bind, pebble).order(
            pebble.directory_url, "-d", "blocked.demo.test"
        )
        assert order.exit_status == 1
        # certbot 2.1 prints a problem of its own instead; the CA's words are in its log only.
        assert "forbidden by policy" in (tmp_path / "logs/letsencrypt.log").read_text()
        assert (pebble.orders(), pebble.failed_validations()) == (1, 0)


def test_every_start_has_a_new_root(tmp_path: Path, bind: Bind) -> None:
    roots = set()
    for _ in range(2):
        with Pebble(tmp_path / "pebble", bind.server) as pebble:
            root = x509.load_pem_x509_certificate(pebble.root_pem().encode())
            assert "Pebble Root" in root.subject.rfc4514_string()
            assert pebble.orders() == 0
            roots.add(root.serial_number)
    assert len(roots) == 2
