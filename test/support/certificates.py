"""A private certification authority for the HTTPS servers of the harness."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=2)

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class LocalCa:
    """Signs server certificates; `bundle` is the file a client has to trust.

    The extensions are those that strict verification (Python 3.13's default) insists on.
    `hosts` (names or addresses) is what its certificates are for unless told otherwise.
    """

    def __init__(self, directory: Path, hosts: tuple[str, ...] = LOOPBACK_NAMES) -> None:
        self._directory = directory
        self._hosts = hosts
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test harness CA")])
        self._certificate = self._sign_own()
        self.bundle = directory / "ca.pem"
        self.bundle.write_bytes(_pem(self._certificate))

    def issue(self, name: str, hosts: tuple[str, ...] | None = None) -> tuple[Path, Path]:
        """Makes a server certificate for `hosts`.

        Returns the files `name`.pem and `name`.key in the authority's directory.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate_file = self._directory / f"{name}.pem"
        key_file = self._directory / f"{name}.key"
        certificate_file.write_bytes(self.certify(key.public_key(), hosts or self._hosts))
        key_file.touch(mode=0o600)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate_file, key_file

    def certify(
        self,
        key: Any,
        hosts: tuple[str, ...],
        remaining: datetime.timedelta = LIFETIME,
    ) -> bytes:
        """A server certificate of somebody else's key in PEM; `remaining` is below zero for one
        that has expired."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        builder = (
            self._builder(subject, key, remaining)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(map(_general_name, hosts)), critical=False)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        )
        return _pem(builder.sign(self._key, hashes.SHA256()))

    def server_context(self, name: str) -> ssl.SSLContext:
        certificate, key = self.issue(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Trusts this authority and nothing else."""
        return ssl.create_default_context(cafile=str(self.bundle))

    def _sign_own(self) -> x509.Certificate:
        return (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(
        self,
        subject: x509.Name,
        public_key: Any,
        remaining: datetime.timedelta = LIFETIME,
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFETIME)
            .not_valid_after(now + remaining)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
