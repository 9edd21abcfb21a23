"""The product with a certificate for every name of the matrix, and what its clients do first."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from support.certificates import LocalCa
from support.ports import ReservedPort
from support.process import Child, clean_environment

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin")).resolve()

HOST = "127.0.0.1"
PATIENCE = 20.0
START_DEADLINE = 60.0
STOP_DEADLINE = 20.0
STANDIN_APP_ID = "0123456789abcdef0123456789abcdef01234567"


class Product:
    """`ingressd` for `domains`, each with its certificate on the volume, and `routes` to backends
    (name: host:port).

    There is no CA and no DNS: what is on the volume is served all the same.  `directory` must be
    short (unix sockets lie in it) and open to others (some of the programs give up root).
    `prefix` is put before the command, for a namespace of its own.
    """

    def __init__(
        self,
        directory: Path,
        ca: LocalCa,
        domains: Sequence[str],
        routes: Mapping[str, str],
        *,
        prefix: Sequence[str | os.PathLike[str]] = (),
        **settings: str,
    ) -> None:
        shutil.rmtree(directory, ignore_errors=True)  # of one before, for the same module
        directory.mkdir(mode=0o755)
        self.directory = directory
        self.ca = ca
        self._prefix = prefix
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._ports = [ReservedPort(HOST), ReservedPort(HOST)]
        self.port, evidence_port = (port.number for port in self._ports)
        for name in domains:
            self.put_certificate(name, *ca.issue(name.replace("*", "_"), (name,)))
        self.environment = clean_environment(
            DOMAINS="\n".join(domains),
            ROUTING_MAP="\n".join(f"{name}={target}" for name, target in routes.items()),
            GATEWAY_DOMAIN="gateway.matrix.test",
            PORT=str(self.port),
            EVIDENCE_PORT=str(evidence_port),
            LETSENCRYPT_DIR=str(directory / "letsencrypt"),
            EVIDENCE_DIR=str(directory / "evidences"),
            RUN_DIR=str(directory / "run"),
            DSTACK_SOCKET=str(self.agent_socket),
            TAPPD_SOCKET=str(directory / "tappd.sock"),
            APP_ID=STANDIN_APP_ID,
            LOG_LEVEL="warn",
            # Nobody listens there.
            ACME_SERVER="https://127.0.0.1:1/dir",
            DNS_RESOLVERS="127.0.0.1:1",
            DNS_PROVIDER="rfc2136",
            RFC2136_SERVER="127.0.0.1:1",
            RFC2136_KEY_NAME="matrix",
            RFC2136_KEY_SECRET="bWF0cml4",
        )
        self.environment.update(settings)
        self.child: Child

    @property
    def agent_socket(self) -> Path:
        return self.directory / "dstack.sock"

    def put_certificate(self, name: str, certificate: Path, key: Path) -> None:
        """Puts a lineage on the volume, over that of the same name."""
        lineage = self.directory / "letsencrypt" / "live" / name.replace("*", "_")
        lineage.mkdir(parents=True, exist_ok=True)
        for file, kind in ((certificate, "fullchain.pem"), (key, "privkey.pem")):
            (lineage / kind).touch(mode=0o600)
            (lineage / kind).write_bytes(file.read_bytes())

    def __enter__(self) -> Product:
        self.child = Child(
            [*self._prefix, BIN / "ingressd"],
            self.directory / "ingressd.log",
            env=self.environment,
            death_signal=signal.SIGTERM,
        )
        try:
            self.child.wait_for(self._is_serving, what="a handshake", deadline=START_DEADLINE)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        status = self._stop()
        assert status == 0, f"it ended with {status}; {self.log_tail()}"

    def _stop(self) -> int:
        for port in self._ports:
            port.release()
        return self.child.stop(STOP_DEADLINE)

    def _is_serving(self) -> bool:
        first = self.environment["DOMAINS"].split()[0]
        try:
            with self.connect(first.replace("*", "any")):
                return True
        except OSError:
            return False

    def context(self, alpn: Sequence[str] = ()) -> ssl.SSLContext:
        """Trusts the authority of the matrix; made anew only for another offer."""
        offered = tuple(alpn)
        if offered not in self._contexts:
            context = self.ca.client_context()
            if offered:
                context.set_alpn_protocols(list(offered))
            self._contexts[offered] = context
        return self._contexts[offered]

    @contextlib.contextmanager
    def connect(
        self,
        name: str | None,
        *,
        alpn: Sequence[str] = (),
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> Iterator[ssl.SSLSocket]:
        """A TLS connection with `name` as SNI, verified unless `context` is lax; `session` is one
        of the same context, which the client offers to resume."""
        context = context or self.context(alpn)
        with socket.create_connection((HOST, self.port), timeout=PATIENCE) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_hostname=name, session=session) as tls:
                yield tls

    def certificate(self, name: str) -> bytes:
        """What a client is shown that asks for the domain `name`."""
        lineage = self.directory / "letsencrypt" / "live" / name.replace("*", "_")
        pem = (lineage / "fullchain.pem").read_text()
        end = "-----END CERTIFICATE-----"
        return ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)])

    def log_tail(self) -> str:
        return self.child.log_tail()


def lax_context(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Takes any certificate, and speaks only `version` if one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context
