"""What the tests of ingress-dns share: its surroundings, and a DNS server that misbehaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.tsigkeyring

from support.bind import Bind
from support.dns_api import DnsApi
from support.process import Child, clean_environment
from support.tcp_server import TcpServer

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin")) / "ingress-dns"

FAILED, USAGE, UNREACHABLE, TRY_LATER, BAD_CONFIG = 1, 64, 69, 75, 78

# More than any budget of the program, retries included.
RUN_DEADLINE = 120.0

APP_ID = "0123456789abcdef"
ACCOUNT = "https://ca.demo.test/acme/acct/7"

# What belongs to others in the zone, of every kind that could be hurt.
FOREIGN = """\
www A 192.0.2.80
mail MX 10 mail.elsewhere.test.
@ TXT "v=spf1 -all"
@ MX 10 mail.elsewhere.test.
_acme-challenge.app TXT "somebody else's challenge"
_dstack-app-address.app TXT "not an app address"
srv SRV 1 2 3 www
long TXT "one" "two"
"""


@dataclass
class Bench:
    """The environment of one ingress-dns, and the secrets that must not turn up anywhere."""

    folder: Path
    variables: dict[str, str]
    secrets: list[str] = field(default_factory=list)

    @property
    def notes(self) -> Path:
        return self.folder / "letsencrypt/dstack-ingress/dns"

    def environment(self, **extra: str) -> dict[str, str]:
        settings = {
            "GATEWAY_DOMAIN": "gateway.demo.test",
            "DOMAINS": "app.demo.test",
            "APP_ID": APP_ID,
            "LETSENCRYPT_DIR": str(self.folder / "letsencrypt"),
            **self.variables,
            **extra,
        }
        return clean_environment(**settings)

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end; what it said is checked for secrets."""
        result = subprocess.run(
            [str(PROGRAM), *arguments],
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_DEADLINE,
            check=False,
        )
        for secret in self.secrets:
            assert secret not in result.stdout + result.stderr
        return result

    def ok(self, *arguments: str, **extra: str) -> str:
        """The same, where nothing may go wrong; returns standard output."""
        result = self.run(*arguments, **extra)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def start(self, *arguments: str, **extra: str) -> Child:
        return Child(
            [PROGRAM, *arguments], self.folder / "child.log", env=self.environment(**extra)
        )

    def noted(self) -> list[str]:
        """The challenge values in the journal."""
        if not self.notes.exists():
            return []
        return sorted(json.loads(p.read_text())["value"] for p in self.notes.glob("*.json"))


def rfc2136_bench(folder: Path, bind: Bind, **extra: str) -> Bench:
    return Bench(
        folder,
        {
            "DNS_RESOLVERS": bind.server,
            "DNS_PORT": str(bind.port),
            "RFC2136_SERVER": bind.server,
            "RFC2136_KEY_NAME": bind.key_name,
            "RFC2136_KEY_SECRET": bind.key_secret,
            **extra,
        },
        [bind.key_secret],
    )


def api_bench(folder: Path, bind: Bind, api: DnsApi, **extra: str) -> Bench:
    """With the emulator of a provider's API."""
    return Bench(
        folder,
        {
            "DNS_RESOLVERS": bind.server,
            "DNS_PORT": str(bind.port),
            **api.settings,
            **extra,
        },
        api.credentials,
    )


def challenge(domain: str, value: str) -> dict[str, str]:
    return {"CERTBOT_DOMAIN": domain, "CERTBOT_VALIDATION": value}


Reaction = Callable[[dns.message.Message, dns.message.Message], "bytes | None"]
"""From a question and the answer prepared for it (signed when it is turned into bytes) to the
bytes to send; None closes the connection without an answer."""


class OddDnsServer(TcpServer):
    """Speaks DNS over TCP with a TSIG key, and answers as `react` says.

    An exception in `react` is a defect of the test: stopping the server raises it there.
    """

    def __init__(self, key_name: str, key_secret: str, react: Reaction) -> None:
        super().__init__()
        self._keyring = dns.tsigkeyring.from_text({key_name: key_secret})
        self._react = react
        self.questions: list[dns.message.Message] = []
        self._defects: list[Exception] = []

    def serve(self, connection: socket.socket, client: str) -> None:
        with contextlib.suppress(OSError, EOFError):
            size = int.from_bytes(_exactly(connection, 2), "big")
            wire = _exactly(connection, size)
            question = dns.message.from_wire(wire, keyring=self._keyring)
            self.questions.append(question)
            answer = self._answer(question)
            if answer is not None:
                connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def stop(self) -> None:
        super().stop()
        for defect in self._defects:
            raise defect

    def _answer(self, question: dns.message.Message) -> bytes | None:
        try:
            return self._react(question, dns.message.make_response(question))
        except Exception as defect:  # noqa: BLE001 - see the class
            self._defects.append(defect)
            return None


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received
