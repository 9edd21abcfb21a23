"""A certificate volume as certbot leaves it, filled by hand: for tests that need no CA."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Union

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from .ingress import serial_text
from .stack import Stack

DAY = datetime.timedelta(days=1)
LIFETIME = 90 * DAY


Key = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]


class Volume:
    """LETSENCRYPT_DIR of `stack`, with an ACME account that exists on the volume only.

    Its certificates end at an authority of its own, which Ingress.trust() knows. `account` False
    leaves the account out.
    """

    def __init__(self, stack: Stack, *, account: bool = True) -> None:
        self.path = stack.directory / "letsencrypt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name("volume CA")
        root = self._certificate(self._name, self._key, [], LIFETIME, is_ca=True)
        (stack.directory / "volume-ca.pem").write_bytes(_pem(root))
        self.path.mkdir(exist_ok=True)
        if account:
            self.put_account(stack.acme.url, f"{stack.pebble.origin}/my-account/1")

    def put_account(self, server: str, uri: str) -> None:
        """As certbot keeps it."""
        account = self.path / "accounts" / server.partition("://")[2] / "0123456789abcdef"
        account.mkdir(parents=True)
        (account / "regr.json").write_text(
            json.dumps({"body": {}, "uri": uri})
        )
        (account / "private_key.json").write_text(json.dumps(account_key()))
        (account / "meta.json").write_text(
            json.dumps({"creation_dt": "2026-11-01T00:00:00Z", "creation_host": "here"})
        )

    def put(
        self,
        *names: str,
        lineage: str | None = None,
        remaining: datetime.timedelta = LIFETIME * 0.9,
        matching_key: bool = True,
        is_rsa: bool = False,
    ) -> str:
        """A lineage for `names`, made or replaced; returns the certificate's serial.

        `remaining` is how long it is still valid, below zero for one that has expired.
        """
        key = _make_key(is_rsa=is_rsa)
        certificate = self._certificate(_common_name(names[0]), key, list(names), remaining)
        shown_key = key if matching_key else _make_key(is_rsa=is_rsa)
        content = {
            "cert": _pem(certificate),
            "chain": b"",
            "fullchain": _pem(certificate),
            "privkey": _key_pem(shown_key, serialization.PrivateFormat.PKCS8),
        }
        self._write(lineage or names[0].removeprefix("*."), content)
        return serial_text(certificate)

    def put_conf(self, lineage: str, server: str, **parameters: str) -> None:
        """renewal/LINEAGE.conf, with how certbot is to renew the lineage."""
        folder = self.path / "renewal"
        folder.mkdir(exist_ok=True)
        live = self.path / "live" / lineage
        lines = [
            "# renew_before_expiry = 30 days",
            "version = 5.1.0",
            f"archive_dir = {self.path}/archive/{lineage}",
            *(f"{kind} = {live}/{kind}.pem" for kind in ("cert", "privkey", "chain", "fullchain")),
            "",
            "# Options used in the renewal process",
            "[renewalparams]",
            "account = 0123456789abcdef",
            f"server = {server}",
            *(f"{name} = {value}" for name, value in parameters.items()),
        ]
        (folder / f"{lineage}.conf").write_text("\n".join(lines) + "\n")

    def put_lego(self, name: str, remaining: datetime.timedelta = LIFETIME * 0.9) -> str:
        """A certificate as lego keeps it; returns its serial."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_common_name(name), key, [name], remaining)
        folder = self.path / "lego" / "certificates"
        folder.mkdir(parents=True, exist_ok=True)
        pem = _pem(certificate)
        (folder / f"{name}.crt").write_bytes(pem)
        (folder / f"{name}.issuer.crt").write_bytes(pem)
        (folder / f"{name}.key").write_bytes(
            _key_pem(key, serialization.PrivateFormat.TraditionalOpenSSL)
        )
        (folder / f"{name}.json").write_text(json.dumps({"domain": name}))
        return serial_text(certificate)

    def put_lego_account(self, host: str, registration: dict[str, str]) -> None:
        folder = self.path / "lego" / "accounts" / host / "ops@demo.test"
        (folder / "keys").mkdir(parents=True)
        (folder / "account.json").write_text(
            json.dumps({"email": "ops@demo.test", "registration": registration})
        )
        (folder / "keys" / "ops@demo.test.key").write_bytes(
            _key_pem(_make_key(is_rsa=False), serialization.PrivateFormat.TraditionalOpenSSL)
        )

    def _write(self, lineage: str, content: dict[str, bytes]) -> None:
        live, archive = (self.path / kind / lineage for kind in ("live", "archive"))
        live.mkdir(parents=True, exist_ok=True)
        archive.mkdir(parents=True, exist_ok=True)
        number = len(list(archive.glob("privkey*"))) + 1
        for kind, data in content.items():
            file = archive / f"{kind}{number}.pem"
            file.touch(mode=0o600)
            file.write_bytes(data)
            link = live / f"{kind}.pem"
            link.unlink(missing_ok=True)
            # As certbot has them: a volume is good wherever it is mounted.
            link.symlink_to(Path("../../archive") / lineage / file.name)

    def _certificate(
        self,
        subject: x509.Name,
        key: Key,
        names: list[str],
        remaining: datetime.timedelta,
        *,
        is_ca: bool = False,
    ) -> x509.Certificate:
        end = datetime.datetime.now(datetime.timezone.utc) + remaining
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - LIFETIME)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
                critical=False,
            )
        return builder.sign(self._key, hashes.SHA256())


def _make_key(*, is_rsa: bool) -> Key:
    return rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())


def _key_pem(key: Key, form: serialization.PrivateFormat) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def account_key() -> dict[str, str]:
    """A new key as certbot keeps it: a JSON Web Key (RFC 7518, section 6.3)."""
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    values = {
        "n": numbers.public_numbers.n, "e": numbers.public_numbers.e, "d": numbers.d,
        "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp,
    }  # fmt: skip
    return {"kty": "RSA"} | {name: _base64url(value) for name, value in values.items()}


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
