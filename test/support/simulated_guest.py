"""A confidential VM that does not exist: its identity, event log, keys, and quotes about it.

Everything a guest says of itself fits together as in a real one: the compose hash is that of the
app compose file, RTMR3 is the replay of the event log, and quotes carry those RTMRs. Identity and
keys depend only on the PKI and the ids given, so that a guest is the same after a restart.
"""

from __future__ import annotations

import datetime
import hashlib
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from .attestation import KINDS, build_attestation
from .event_log import EventLog, guest_event_log
from .tdx_quote import QuotePki, TdBody, build_quote

APP_NAME = "dstack-ingress"
APP_ID_SIZE = 20
INSTANCE_ID_SIZES = (0, 20)
KEY_ALGORITHMS = ("", "secp256k1", "k256", "ed25519")

OS_IMAGE_HASH = hashlib.sha256(b"simulated dstack OS image").digest()

# SEC 2, section 2.4.2: the order of P-256.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

CA_NAME = "Dstack App CA"
# dstack's ra-tls: the extension of a certificate that holds the quote.
RA_TLS_QUOTE = x509.ObjectIdentifier("1.3.6.1.4.1.62397.1.1")
CERTIFICATE_LIFETIME = datetime.timedelta(days=3650)

APP_COMPOSE = json.dumps(
    {
        "manifest_version": 2,
        "name": APP_NAME,
        "runner": "docker-compose",
        "docker_compose_file": (
            "services:\n"
            "  ingress:\n"
            "    image: dstack-ingress\n"
            "    ports:\n"
            '      - "443:443"\n'
            "    volumes:\n"
            "      - /var/run/dstack.sock:/var/run/dstack.sock\n"
            "      - evidences:/evidences\n"
            "  app:\n"
            "    image: app\n"
            "volumes:\n"
            "  evidences:\n"
        ),
        "kms_enabled": True,
        "gateway_enabled": True,
        "public_logs": True,
        "public_sysinfo": True,
        "public_tcbinfo": True,
        "local_key_provider_enabled": False,
        "allowed_envs": ["CLOUDFLARE_API_TOKEN"],
        "no_instance_id": False,
        "secure_time": True,
    },
    separators=(",", ":"),
)


class SimulatedGuest:
    """One application in one guest.

    Without `app_id` it is, as in dstack, the beginning of the compose hash; an empty
    `instance_id` is that of an application that asked to have none. `log_digests` false makes
    runtime events come without their digests, as newer agents send them. `platform` is one of
    attestation.KINDS: where it is not TDX, there are no quotes, only attestations.
    """

    def __init__(
        self,
        pki: QuotePki,
        *,
        app_id: bytes | None = None,
        instance_id: bytes | None = None,
        quote_version: int = 4,
        event_log_version: int = 1,
        log_digests: bool = True,
        platform: str = "tdx",
    ) -> None:
        if platform not in KINDS:
            raise ValueError(f"platform is {platform!r}, must be one of {', '.join(KINDS)}")
        self.pki = pki
        self.platform = platform
        self.quote_version = quote_version
        self.compose_hash = hashlib.sha256(APP_COMPOSE.encode()).digest()
        self.app_id = self.compose_hash[:APP_ID_SIZE] if app_id is None else app_id
        self.instance_id = self._default_instance_id() if instance_id is None else instance_id
        self._check_identity()
        self.log_digests = log_digests
        self.key_provider_info = json.dumps(
            {"name": "kms", "id": _public_key(self._p256_key("key provider")).hex()},
            separators=(",", ":"),
        )
        self.event_log: EventLog = guest_event_log(
            app_id=self.app_id,
            compose_hash=self.compose_hash,
            instance_id=self.instance_id,
            os_image_hash=OS_IMAGE_HASH,
            key_provider=self.key_provider_info.encode(),
            version=event_log_version,
        )
        self.app_certificate = "\n".join(self._certificate_chain("demo-cert", attested=True))

    def body(self, report_data: bytes) -> TdBody:
        return TdBody(report_data, rtmrs=self.event_log.rtmrs())

    def quote(self, report_data: bytes) -> bytes:
        """A new quote; `report_data` has 64 bytes."""
        return build_quote(self.pki, self.body(report_data), version=self.quote_version)

    @property
    def has_quotes(self) -> bool:
        return self.platform in ("tdx", "gcp-tdx")

    def attestation(self, report_data: bytes) -> bytes:
        """In dstack's own format; `report_data` has 64 bytes."""
        evidence = (
            self.quote(report_data)
            if self.has_quotes
            else hashlib.sha512(self.platform.encode() + report_data).digest()
        )
        events = [entry for entry in self.event_log.entries() if entry["imr"] == 3]
        return build_attestation(self.platform, evidence, report_data, events, self.vm_config())

    def event_log_json(self) -> str:
        return self.event_log.to_json(digests=self.log_digests)

    def vm_config(self) -> str:
        """What the host claims to have started the VM with; the fields are dstack's."""
        return json.dumps(
            {
                "spec_version": 1,
                "os_image_hash": OS_IMAGE_HASH.hex(),
                "cpu_count": 2,
                "memory_size": 4 << 30,
                "qemu_single_pass_add_pages": False,
                "pic": False,
                "qemu_version": "9.2.1",
                "pci_hole64_size": 0,
                "hugepages": False,
                "num_gpus": 0,
                "num_nvswitches": 0,
                "hotplug_off": False,
                "image": "dstack-0.5.4",
            }
        )

    def info(self) -> dict[str, str]:
        """The fields of dstack's AppInfo message (agent_rpc.proto), bytes in hex."""
        return {
            "app_id": self.app_id.hex(),
            "instance_id": self.instance_id.hex(),
            "app_cert": self.app_certificate,
            "tcb_info": json.dumps(self._tcb_info(), indent=2),
            "app_name": APP_NAME,
            "device_id": self._device_id().hex(),
            "mr_aggregated": self._mr_aggregated().hex(),
            "os_image_hash": OS_IMAGE_HASH.hex(),
            "key_provider_info": self.key_provider_info,
            "compose_hash": self.compose_hash.hex(),
            "vm_config": self.vm_config(),
        }

    def app_key(self, path: str, purpose: str, algorithm: str) -> tuple[bytes, list[bytes]]:
        """The key for a path and its signature chain.

        dstack makes the chain's two signatures with the keys of the application and the KMS.
        These have only the size: there is no KMS here that they could lead to.
        """
        if algorithm not in KEY_ALGORITHMS:
            raise ValueError("Unsupported algorithm")
        key = self._derive(f"app key {path}")
        chain = [self._derive(f"{link} {purpose} {path}", 65) for link in ("app", "kms")]
        return key, chain

    def domain_key(self, domain: str, algorithm: str) -> tuple[bytes, list[bytes]]:
        """The same by version 1 of the API: other keys for the same text."""
        return self.app_key(f"v1 domain {domain}", "", algorithm)

    def tls_key(self, path: str, subject: str) -> tuple[str, list[str]]:
        """What tappd's DeriveKey gives: a P-256 key in PEM, and certificates for it."""
        pem = self._p256_key(f"tls key {path}").private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return pem.decode(), self._certificate_chain(f"tls key {path}", subject)

    def _ra_tls_quote(self, key: ec.EllipticCurvePrivateKey) -> x509.UnrecognizedExtension:
        """The quote that dstack puts into a certificate: its REPORTDATA commits to the key."""
        quote = self.quote(hashlib.sha512(b"ratls-cert:" + _public_key(key)).digest())
        # A DER octet string whose length takes two bytes.
        content = b"\x04\x82" + len(quote).to_bytes(2, "big") + quote
        return x509.UnrecognizedExtension(RA_TLS_QUOTE, content)

    def _default_instance_id(self) -> bytes:
        return hashlib.sha256(b"simulated instance of " + self.app_id).digest()[:20]

    def _check_identity(self) -> None:
        if len(self.app_id) != APP_ID_SIZE:
            raise ValueError(f"app id has {len(self.app_id)} bytes, must have {APP_ID_SIZE}")
        if len(self.instance_id) not in INSTANCE_ID_SIZES:
            raise ValueError(f"instance id has {len(self.instance_id)} bytes, must have 20 or none")

    def _tcb_info(self) -> dict[str, object]:
        rtmrs = {f"rtmr{n}": rtmr.hex() for n, rtmr in enumerate(self.event_log.rtmrs())}
        return {
            "mrtd": self.body(bytes(64)).mrtd.hex(),
            **rtmrs,
            "mr_aggregated": self._mr_aggregated().hex(),
            "os_image_hash": OS_IMAGE_HASH.hex(),
            "compose_hash": self.compose_hash.hex(),
            "device_id": self._device_id().hex(),
            "event_log": self.event_log.entries(digests=self.log_digests),
            "app_compose": APP_COMPOSE,
        }

    def _device_id(self) -> bytes:
        """dstack: SHA-256 of the user data in the quote's header."""
        return hashlib.sha256(self.pki.qe_id + bytes(4)).digest()

    def _mr_aggregated(self) -> bytes:
        """dstack: SHA-256 over MRTD and the RTMRs (the config ids count only if they are set)."""
        body = self.body(bytes(64))
        return hashlib.sha256(body.mrtd + b"".join(body.rtmrs)).digest()

    def _derive(self, label: str, size: int = 32) -> bytes:
        kdf = HKDF(hashes.SHA256(), size, salt=b"simulated guest", info=label.encode())
        return kdf.derive(self.app_id)

    def _p256_key(self, label: str) -> ec.EllipticCurvePrivateKey:
        secret = int.from_bytes(self._derive(label, 48), "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(secret, ec.SECP256R1())

    def _certificate_chain(
        self, label: str, subject: str | None = None, *, attested: bool = False
    ) -> list[str]:
        """PEM certificates: for the key `label`, and of the application's CA above it."""
        key, ca_key = self._p256_key(label), self._p256_key("app CA")
        leaf = _certificate_builder(label if subject is None else subject, key, is_ca=False)
        if attested:
            leaf = leaf.add_extension(self._ra_tls_quote(key), critical=False)
        ca = _certificate_builder(CA_NAME, ca_key, is_ca=True)
        return [_signed_pem(leaf, ca_key), _signed_pem(ca, ca_key)]


def _public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificate_builder(
    subject: str, key: ec.EllipticCurvePrivateKey, *, is_ca: bool
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject))
        .issuer_name(_common_name(CA_NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    )


def _signed_pem(builder: x509.CertificateBuilder, ca_key: ec.EllipticCurvePrivateKey) -> str:
    certificate = builder.sign(ca_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
