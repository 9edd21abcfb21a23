"""A product whose backends are known by name, the resolver it asks, and what its clients reach."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.backend_dns import BackendDns
from support.ports import ReservedPort
from support.process import wait_until

from .conftest import Site
from .peers import private_mounts
from .product import BIN, PATIENCE, STOP_DEADLINE, Product

ZONE = "backends.test"
ADDRESSES = ("127.0.1.1", "127.0.1.2", "::1")
# Nobody's, and on no network of this machine.
FOREIGN = "203.0.113.9"
# As the README promises, and for a busy machine.
FOLLOWED_WITHIN = 10.0
SLACK = 20.0


class WhereAmI(http.server.BaseHTTPRequestHandler):
    """Answers every request with the address it reached; "/last" ends the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        text = self.connection.getsockname()[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        if self.path == "/last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Connections end as they like."""


class Server6(Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def backends() -> Iterator[int]:
    """The port of a server at each of ADDRESSES."""
    with ReservedPort(*ADDRESSES) as reserved:
        servers = [
            (Server6 if ":" in address else Server)((address, reserved.number), WhereAmI)
            for address in ADDRESSES
        ]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield reserved.number
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()


class Followed:
    """`names` (labels of clients' names) lead to targets; "{port}" in them is the backends'.

    The product alone sees the files `replaced`, /etc/resolv.conf with this resolver among them
    unless it is given.
    """

    def __init__(
        self,
        site: Site,
        directory: str,
        targets: Mapping[str, str],
        port: int,
        *,
        replaced: Mapping[str, str] | None = None,
        prefix: list[str | os.PathLike[str]] | None = None,
        **settings: str,
    ) -> None:
        self.dns = BackendDns()
        self.files = site.folder(f"{directory}-etc")
        private = {"/etc/resolv.conf": "nameserver {dns}\n", **(replaced or {})}
        private = {path: text.format(dns=self.dns.address) for path, text in private.items()}
        names = [f"{label}.test" for label in targets]
        self.product = Product(
            site.directory / directory,
            site.ca,
            names,
            {f"{label}.test": target.format(port=port) for label, target in targets.items()},
            prefix=private_mounts(private, self.files) if prefix is None else prefix,
            **{"EVIDENCE_WAIT": "100ms", **settings},
        )

    def rewrite(self, path: str, text: str) -> None:
        """Another content of a replaced file."""
        (self.files / f"private-{Path(path).name}").write_text(text.format(dns=self.dns.address))

    def __enter__(self) -> Followed:
        self.product.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.product.__exit__(*exception)
        self.dns.stop()

    def restart(self) -> None:
        """The supervisor, with all it knows on disk."""
        assert self.product.child.stop(STOP_DEADLINE) == 0
        self.product.__enter__()

    @contextlib.contextmanager
    def client(self, label: str) -> Iterator[http.client.HTTPConnection]:
        """A kept connection."""
        with self.product.connect(f"{label}.test") as tls:
            connection = http.client.HTTPConnection(f"{label}.test")
            connection.sock = tls
            yield connection

    def reached(self, label: str) -> str:
        """The address of the backend; empty if there is none."""
        try:
            with self.client(label) as client:
                return ask(client)
        except (OSError, http.client.HTTPException):
            return ""

    def is_reached(self, label: str, address: str, *, within: float = FOLLOWED_WITHIN) -> None:
        wait_until(
            lambda: self.reached(label) == address,
            what=f"{label} to be reached at {address or 'no address'}",
            deadline=within,
            detail=lambda: f"{self.backends()}\n{self.product.log_tail()}",
        )

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "ingressctl", *arguments],
            env=self.product.environment, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip

    def status(self) -> dict[str, Any]:
        done = self.ctl("status", "--json")
        assert done.returncode == 0, done.stderr
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def backends(self) -> dict[str, dict[str, Any]]:
        """The status of each name."""
        return {backend["name"]: backend for backend in self.status()["backend_addresses"]}

    def servers(self, backend: str) -> set[str]:
        """The addresses that HAProxy's worker has for the servers of a backend; none while the
        master is not there to be asked."""
        try:
            with socket.socket(socket.AF_UNIX) as master:
                master.settimeout(PATIENCE)
                master.connect(str(self.product.directory / "run/haproxy/master.sock"))
                master.sendall(b"@1 show servers state\n")
                master.shutdown(socket.SHUT_WR)
                with master.makefile() as answer:
                    rows = [line.split() for line in answer]
        except OSError:
            return set()
        return {row[4] for row in rows if len(row) > 4 and row[1].endswith(backend)}

    def pids(self, program: str) -> set[int]:
        return {pid for pid in self.product.child.survivors() if _program_of(pid) == program}

    def kill(self, program: str) -> None:
        for pid in self.pids(program):
            os.kill(pid, signal.SIGKILL)


def ask(client: http.client.HTTPConnection, path: str = "/") -> str:
    """The address that one more request on the connection reaches; empty if none."""
    client.request("GET", path)
    answer = client.getresponse()
    text = answer.read().decode()
    return text if answer.status == 200 else ""


def _program_of(pid: int) -> str:
    """Empty when it is gone."""
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""
