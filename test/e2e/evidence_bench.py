"""What the tests of ingress-evidence share: its surroundings, and a look at what it made."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.guest_agent import GuestAgent
from support.process import Child, clean_environment
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin")) / "ingress-evidence"

# Longer than the program's own limit for a quote.
RUN_DEADLINE = 60.0

ACCOUNT = {"body": {"contact": ["mailto:admin@example.com"]}, "uri": "https://ca.example/acct/7"}

REPORT_DATA_AT = {4: 48 + 520, 5: 54 + 520}
REPORT_DATA_SIZE = 64

SUMS = "sha256sum.txt"


def make_certificate(name: str) -> tuple[bytes, bytes]:
    """A certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem


@dataclass
class Bench:
    """A folder with everything that ingress-evidence needs, and the agent it asks."""

    folder: Path
    agent: GuestAgent
    api: str
    run_dir: Path

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def account(self) -> Path:
        return self.folder / "regr.json"

    def environment(self, **extra: str) -> dict[str, str]:
        names = {"dstack": "DSTACK_SOCKET", "tappd": "TAPPD_SOCKET"}
        return clean_environment(
            EVIDENCE_DIR=str(self.evidence),
            RUN_DIR=str(self.run_dir),
            DSTACK_SOCKET=str(self.folder / "absent.sock"),
            TAPPD_SOCKET=str(self.folder / "absent.sock"),
            LOG_LEVEL="debug",
        ) | {names[self.api]: str(self.agent.socket)} | extra

    def chain(self, name: str) -> Path:
        """A new certificate for `name`, as a file."""
        path = self.folder / f"{name.replace('*', '_')}.pem"
        path.write_bytes(make_certificate(name)[0])
        return path

    def publish_arguments(self, *names: str) -> list[str]:
        arguments = ["publish", "--account", str(self.account)]
        for name in names or ("app.example.com", "*.example.com"):
            arguments += ["--cert", f"{name}={self.chain(name)}"]
        return arguments

    def run(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments],
            env=env or self.environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=RUN_DEADLINE,
            check=False,
        )

    def publish(self, *names: str) -> None:
        result = self.run(*self.publish_arguments(*names))
        assert result.returncode == 0, result.stderr

    @contextmanager
    def serving(self, *, prefix: Sequence[str] = (), leaks: bool = False) -> Iterator[Child]:
        """ingress-evidence serve on `self.socket`, once it listens.

        `leaks` is for a server that is not confined to its folder: there, /proc is out of the
        reach of a sanitizer that wants to look for leaks, which it takes for an error.
        """
        log = self.folder / f"serve-{len(list(self.folder.glob('serve-*.log')))}.log"
        command = [*prefix, str(PROGRAM), "serve", "--socket", str(self.socket)]
        env = self.environment(ASAN_OPTIONS=f"detect_leaks={int(leaks)}")
        with Child(command, log, env=env) as child:
            child.wait_for(lambda: "serving the evidence" in child.log_text(), what="its start")
            yield child

    @property
    def socket(self) -> Path:
        return self.folder / "serve.sock"


@contextmanager
def bench(
    folder: Path, api: str = "dstack", *, is_new: bool = False, **guest: Any
) -> Iterator[Bench]:
    simulated = SimulatedGuest(QuotePki(folder / "pki"), **guest)
    with GuestAgent(
        folder / "agent.sock", simulated, api=api, is_new=is_new
    ) as agent, tempfile.TemporaryDirectory(prefix="run-", dir="/tmp") as parent:
        # pytest's own folders are too long for RUN_DIR.
        made = Bench(folder, agent, api, Path(parent) / "run")
        made.account.write_text(json.dumps(ACCOUNT))
        yield made


# ---- looking at evidence


class Replaced(Exception):
    """The generation was replaced while it was read, so files of it may have been removed."""


def read_generation(evidence: Path) -> dict[str, bytes]:
    """The files of the current generation, read through one opened folder."""
    folder = os.open(evidence / "..data", os.O_RDONLY | os.O_DIRECTORY)
    try:
        files = {name: _read_at(folder, name) for name in os.listdir(folder)}
        if not os.path.samestat(os.fstat(folder), os.stat(evidence / "..data")):
            raise Replaced
        return files
    except FileNotFoundError as error:
        raise Replaced from error
    finally:
        os.close(folder)


def _read_at(folder: int, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
        return file.read()


def check_generation(files: dict[str, bytes]) -> None:
    """Whether every file is there, with the digest listed, and the quote covers the list.

    The manifest is not listed: quotes that are asked for cover it.
    """
    listed = {}
    for line in files[SUMS].decode().splitlines():
        digest, separator, name = line[:64], line[64:66], line[66:]
        assert separator == "  "
        listed[name] = digest
    assert sorted(listed) == sorted(set(files) - {SUMS, "quote.json", "manifest.json"})
    assert "manifest.json" in files
    for name, digest in listed.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest, name
    quote = bytes.fromhex(json.loads(files["quote.json"])["quote"])
    start = REPORT_DATA_AT[int.from_bytes(quote[:2], "little")]
    wanted = hashlib.sha256(files[SUMS]).digest() + bytes(32)
    assert quote[start : start + REPORT_DATA_SIZE] == wanted


def everything_in(evidence: Path) -> dict[str, str]:
    """All entries below a folder, with what is in them or where they point."""
    found = {}
    for path in sorted(evidence.rglob("*")):
        name = str(path.relative_to(evidence))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found


def visible_names(evidence: Path) -> list[str]:
    return sorted(name for name in os.listdir(evidence) if not name.startswith("."))
