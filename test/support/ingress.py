"""The product, running: `ingressd` with its children, and what clients and users see of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from .process import Child, session_members, wait_until
from .stack import Stack

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin")).resolve()

HOST = "127.0.0.1"
CLIENT_TIMEOUT = 15.0
COMMAND_DEADLINE = 120.0
# Each certbot takes a second of CPU, several under a sanitizer's or a neighbour's load.
SETTLE_DEADLINE = 90.0
# The product gives connections eight seconds to finish.
STOP_DEADLINE = 20.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and the serial of the certificate it came with (upper case hex)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    serial: str

    def json(self) -> Any:
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CLIENT_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


class Ingress:
    """`ingressd` in the environment of `stack`, with `settings` over it (None takes one away).

    Several of them may use one stack, one after the other: the volume stays.
    """

    def __init__(self, stack: Stack, **settings: str | None) -> None:
        self.stack = stack
        self.environment = stack.environment(**settings)
        self.log_file = stack.directory / "ingressd.log"
        self.port = int(self.environment["PORT"])
        self.evidence_port = int(self.environment["EVIDENCE_PORT"])
        self.volume = Path(self.environment["LETSENCRYPT_DIR"])
        self.run_dir = Path(self.environment["RUN_DIR"])
        self.evidence = Path(self.environment["EVIDENCE_DIR"])
        self.control_socket = self.run_dir / "control.sock"
        self.programs = BIN
        self.child: Child

    # ---- running

    def start(self) -> Ingress:
        self.child = Child(
            [self.programs / "ingressd"],
            self.log_file,
            env=self.environment,
            death_signal=signal.SIGTERM,
        )
        return self

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self.child.stop(STOP_DEADLINE)

    def kill9(self) -> None:
        """As the kernel does when memory is short; returns when all of it is gone."""
        self.child.kill()
        wait_until(lambda: not self.child.survivors(), what="the killed product to be gone")

    def restart(self) -> None:
        assert self.stop() == 0, self.child.log_tail()
        self.start()

    def __enter__(self) -> Ingress:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        return self.child.log_text()

    def wait_for(self, predicate: Any, what: str, deadline: float = SETTLE_DEADLINE) -> None:
        """Like wait_until; the end of the product ends the wait."""
        self.child.wait_for(predicate, what=what, deadline=deadline)

    def wait_log(self, text: str, deadline: float = SETTLE_DEADLINE, *, since: int = 0) -> None:
        """Until the log has `text` behind its first `since` characters."""
        self.wait_for(lambda: text in self.log[since:], f"the log to say {text!r}", deadline)

    # ---- the user's view

    def ctl(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run("ingressctl", *arguments, **extra)

    def run(
        self, program: str, *arguments: str, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """One of the product's programs in the product's environment, with `extra` over it."""
        return subprocess.run(
            [os.fspath(BIN / program), *arguments],
            env={**self.environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE,
            check=False,
        )

    def control(self, method: str, path: str) -> tuple[int, Any]:
        """One request at the control socket."""
        with contextlib.closing(_UnixConnection(self.control_socket)) as connection:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def status(self) -> dict[str, Any]:
        status, answer = self.control("GET", "/v1/status")
        assert status == 200, answer
        return dict(answer)

    def domain(self, name: str) -> dict[str, Any]:
        """The domain's part of the status."""
        return next(d for d in self.status()["domains"] if d["name"] == name)

    def try_status(self) -> dict[str, Any] | None:
        """None while nobody answers."""
        try:
            return self.status()
        except (OSError, http.client.HTTPException):
            return None

    def wait_status(
        self, predicate: Any, what: str, deadline: float = SETTLE_DEADLINE
    ) -> dict[str, Any]:
        """Until `predicate` holds for the status, which is returned."""
        seen: dict[str, Any] | None = None

        def holds() -> bool:
            nonlocal seen
            seen = self.try_status()
            return seen is not None and bool(predicate(seen))

        try:
            self.wait_for(holds, what, deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{json.dumps(seen, indent=1)}") from None
        assert seen is not None
        return seen

    def wait_domain(
        self, name: str, predicate: Any, what: str, deadline: float = SETTLE_DEADLINE
    ) -> dict[str, Any]:
        """Until `predicate` holds for the domain's part of the status, which is returned."""

        def part(status: dict[str, Any]) -> dict[str, Any]:
            return next(d for d in status["domains"] if d["name"] == name)

        return part(self.wait_status(lambda s: predicate(part(s)), f"{name}: {what}", deadline))

    def wait_settled(self, deadline: float = SETTLE_DEADLINE, *names: str) -> dict[str, Any]:
        """Until `names` (all domains by default) are settled and seen to be served."""
        return self.wait_status(
            lambda status: all(
                d["state"] == "settled" and d["served"]
                for d in status["domains"]
                if not names or d["name"] in names
            ),
            "the domains to settle",
            deadline,
        )

    # ---- the clients' view

    def trust(self, *, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Trusts the CA of the stack and that of certificates put on the volume by hand."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with contextlib.suppress(OSError):  # a test may have stopped the CA
            context.load_verify_locations(cadata=self.stack.pebble.root_pem())
        own = self.stack.directory / "volume-ca.pem"
        if own.exists():
            context.load_verify_locations(cafile=own)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    @contextlib.contextmanager
    def connect(
        self, name: str | None, *, verify: bool = True, alpn: tuple[str, ...] = ()
    ) -> Iterator[ssl.SSLSocket]:
        """A TLS connection with `name` as SNI (None: without)."""
        context = self.trust(alpn=alpn)
        if not verify or name is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        with socket.create_connection((HOST, self.port), timeout=CLIENT_TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname=name) as tls:
                yield tls

    def serial(self, name: str | None, *, verify: bool = True) -> str:
        """Of the certificate that a handshake returns."""
        with self.connect(name, verify=verify) as tls:
            return serial_of(tls)

    def try_serial(self, name: str) -> str | None:
        """None if there is no good handshake."""
        try:
            return self.serial(name)
        except OSError:
            return None

    def fetch(self, name: str, path: str = "/", *, http2: bool = False) -> Answer:
        """GET over a new connection, with the certificate verified."""
        if http2:
            return self._fetch_by_curl(name, path)
        with self.connect(name) as tls:
            return request_on(tls, name, path)

    def fetch_evidence(self, path: str) -> Answer:
        """GET at EVIDENCE_PORT."""
        with socket.create_connection((HOST, self.evidence_port), timeout=CLIENT_TIMEOUT) as plain:
            return request_on(plain, "localhost", path)

    def _fetch_by_curl(self, name: str, path: str) -> Answer:
        roots = self.stack.directory / "roots.pem"
        own = self.stack.directory / "volume-ca.pem"
        roots.write_text(self.stack.pebble.root_pem() + (own.read_text() if own.exists() else ""))
        done = subprocess.run(
            [
                "curl", "--silent", "--show-error", "--http2", "--include", "--cacert", roots,
                "--resolve", f"{name}:{self.port}:{HOST}", "--noproxy", "*",
                "--max-time", str(CLIENT_TIMEOUT), f"https://{name}:{self.port}{path}",
            ],
            capture_output=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/2 "), first
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return Answer(int(first.split()[1]), headers, body, "")

    # ---- processes

    def processes(self, program: str) -> list[int]:
        """The running children whose command line has `program` in it."""
        return [
            pid
            for pid in session_members(self.child.pid)
            if pid != self.child.pid and program in " ".join(command_line(pid))
        ]


def request_on(connection: socket.socket, name: str, path: str) -> Answer:
    """One GET on an open connection, which stays open if both sides like it."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection, method="GET")
    answer.begin()
    body = answer.read()
    headers = {key.lower(): value for key, value in answer.getheaders()}
    serial = serial_of(connection) if isinstance(connection, ssl.SSLSocket) else ""
    return Answer(answer.status, headers, body, serial)


def serial_of(tls: ssl.SSLSocket) -> str:
    der = tls.getpeercert(binary_form=True)
    assert der is not None
    return serial_text(x509.load_der_x509_certificate(der))


def serial_text(certificate: x509.Certificate) -> str:
    """As `openssl x509 -serial` and the status have it."""
    text = f"{certificate.serial_number:X}"
    return "0" * (len(text) % 2) + text


def command_line(pid: int) -> list[str]:
    """Empty when it is gone."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []
