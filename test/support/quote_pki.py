"""A test PKI in the place of Intel's: root -> PCK Platform CA -> PCK leaf with the SGX extension.

Names, key types, extensions and lifetimes follow the certificates that come with real quotes
(Intel SGX PCK Certificate and CRL Profile Specification), so that nothing but the root key tells a
quote of this PKI from a real one.
"""

from __future__ import annotations

import datetime
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT_NAME = "Intel SGX Root CA"
PLATFORM_CA_NAME = "Intel SGX PCK Platform CA"
LEAF_NAME = "Intel SGX PCK Certificate"
SIGNER_NAME = "Intel SGX TCB Signing"

SGX_EXTENSION = "1.2.840.113741.1.13.1"

# Looks like a platform, but no real one: never found in a TCB info that Intel signed.
FMSPC = bytes.fromhex("fe51f0000000")
PCE_ID = bytes(2)
PCE_SVN = 13
CPU_SVN = bytes.fromhex("0404191b04ff00060000000000000000")

CLOCK_SKEW = datetime.timedelta(days=1)
YEAR = datetime.timedelta(days=365)
ROOT_LIFETIME = 30 * YEAR
PLATFORM_CA_LIFETIME = 15 * YEAR
LEAF_LIFETIME = 7 * YEAR

ROOT_CRL_URL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
PCK_CRL_URL = (
    "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der"
)


def _der(tag: int, *parts: bytes) -> bytes:
    """One DER element (X.690, section 8.1); lengths up to 65535."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _der_sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _der_octets(value: bytes) -> bytes:
    return _der(0x04, value)


def _der_integer(value: int) -> bytes:
    # One bit more than the value needs: DER integers are signed.
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der_boolean(value: bool) -> bytes:
    return _der(0x01, b"\xff" if value else b"\x00")


def _der_oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        encoded += bytes(reversed(groups))
    return _der(0x06, bytes(encoded))


def _sgx_field(suffix: str, value: bytes) -> bytes:
    return _der_sequence(_der_oid(f"{SGX_EXTENSION}.{suffix}"), value)


def sgx_extension(ppid: bytes, platform_instance: bytes) -> bytes:
    """The value of extension 1.2.840.113741.1.13.1 (PCK certificate profile, section 1.3.5)."""
    components = [_sgx_field(f"2.{n}", _der_integer(svn)) for n, svn in enumerate(CPU_SVN, 1)]
    tcb = _der_sequence(
        *components,
        _sgx_field("2.17", _der_integer(PCE_SVN)),
        _sgx_field("2.18", _der_octets(CPU_SVN)),
    )
    configuration = _der_sequence(
        _sgx_field("7.1", _der_boolean(True)),  # dynamic platform
        _sgx_field("7.2", _der_boolean(False)),  # cached keys
        _sgx_field("7.3", _der_boolean(True)),  # SMT enabled
    )
    return _der_sequence(
        _sgx_field("1", _der_octets(ppid)),
        _sgx_field("2", tcb),
        _sgx_field("3", _der_octets(PCE_ID)),
        _sgx_field("4", _der_octets(FMSPC)),
        _sgx_field("5", _der(0x0A, b"\x01")),  # SGX type: scalable
        _sgx_field("6", _der_octets(platform_instance)),
        _sgx_field("7", configuration),
    )


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class QuotePki:
    """The PKI kept in `directory`: made there the first time, loaded from there afterwards.

    `root_pem` is the file that a verifier takes for Intel's root. Beside it are `pck-ca.pem` and
    `pck.pem` and, readable by their owner only, the three keys. Several processes may open the
    same directory at once: one makes the PKI, the others wait for it.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.root_pem = self.directory / "root.pem"
        self.directory.mkdir(parents=True, exist_ok=True)
        with _locked(self.directory):
            if not self.root_pem.exists():
                self._create()
        self.root = self._load("root")
        self.platform_ca = self._load("pck-ca")
        self.leaf = self._load("pck")

    @property
    def chain_pem(self) -> bytes:
        """Leaf, intermediate, root: the order in which quotes carry them."""
        return self.leaf.pem() + self.platform_ca.pem() + self.root.pem()

    @property
    def qe_id(self) -> bytes:
        """16 bytes that name the platform, the same in each of its quotes."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(self.leaf.certificate.public_bytes(serialization.Encoding.DER))
        return digest.finalize()[:16]

    def _create(self) -> None:
        root = _issue(ROOT_NAME, None, ROOT_LIFETIME, ROOT_CRL_URL, path_length=1)
        platform_ca = _issue(
            PLATFORM_CA_NAME, root, PLATFORM_CA_LIFETIME, ROOT_CRL_URL, path_length=0
        )
        extension = x509.UnrecognizedExtension(
            x509.ObjectIdentifier(SGX_EXTENSION), sgx_extension(os.urandom(16), os.urandom(16))
        )
        leaf = _issue(LEAF_NAME, platform_ca, LEAF_LIFETIME, PCK_CRL_URL, extra=extension)
        # The root comes last: its presence says that the rest is complete.
        self._store("pck", leaf)
        self._store("pck-ca", platform_ca)
        self._store("root", root)

    def _store(self, name: str, identity: Identity) -> None:
        key = identity.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_whole(self.directory / f"{name}.key", key, mode=0o600)
        _write_whole(self.directory / f"{name}.pem", identity.pem(), mode=0o644)

    def _load(self, name: str) -> Identity:
        certificate = x509.load_pem_x509_certificate((self.directory / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key(
            (self.directory / f"{name}.key").read_bytes(), password=None
        )
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{self.directory / name}.key is not an EC key")
        return Identity(certificate, key)


def issue_signer(pki: QuotePki) -> Identity:
    """Who signs collateral; a new one each time."""
    return _issue(SIGNER_NAME, pki.root, LEAF_LIFETIME, ROOT_CRL_URL)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_whole(path: Path, content: bytes, mode: int) -> None:
    """Puts the file there in one piece, and private from its first moment if it has to be."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.rename(path)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Intel Corporation"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, "Santa Clara"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "CA"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        ]
    )


def _issue(
    common_name: str,
    issuer: Identity | None,
    lifetime: datetime.timedelta,
    crl_url: str,
    *,
    path_length: int | None = None,
    extra: x509.ExtensionType | None = None,
) -> Identity:
    """Makes a key and its certificate: self-signed without `issuer`, a CA with `path_length`."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    now = datetime.datetime.now(datetime.timezone.utc)
    is_ca = path_length is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer.certificate.subject if issuer else _name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(_crl_distribution_point(crl_url), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(_key_usage(is_ca), critical=True)
        .add_extension(x509.BasicConstraints(is_ca, path_length), critical=True)
    )
    if extra is not None:
        builder = builder.add_extension(extra, critical=False)
    return Identity(builder.sign(signer, hashes.SHA256()), key)


def _crl_distribution_point(url: str) -> x509.CRLDistributionPoints:
    # There for the sake of likeness; whoever verifies a quote is given CRLs, and fetches none.
    location = x509.UniformResourceIdentifier(url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([location], None, None, None)])


def _key_usage(is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=not is_ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
