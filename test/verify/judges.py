"""The two judges: `ingressctl verify`, and dcap-qvl from npm, which shares nothing with it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from support.ingress import BIN, ROOT
from support.quote_pki import QuotePki

MODULES = ROOT / "build" / "npm"
WORST_ACCEPTED = "OutOfDateConfigurationNeeded"


@dataclass(frozen=True)
class Verdict:
    status: str  # "" when it was refused
    reason: str = ""
    checks: Mapping[str, Any] | None = None

    @property
    def accepted(self) -> bool:
        return self.status != ""


class Product:
    """`ingressctl verify --quote`, with files of its own."""

    def __init__(self, directory: Path, pki: QuotePki) -> None:
        self.directory = Path(tempfile.mkdtemp(dir=directory))
        self.root = pki.root_pem

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "ingressctl"), "verify", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def judge(
        self,
        quote: bytes,
        collateral: Mapping[str, Any] | None = None,
        at: int | None = None,
        *more: str,
    ) -> Verdict:
        (self.directory / "quote").write_bytes(quote)
        arguments = ["--json", "--quote", str(self.directory / "quote"), "--root", str(self.root)]
        arguments += ["--tcb", WORST_ACCEPTED, *more]
        if at is not None:
            arguments += ["--at", str(at)]
        if collateral is not None:
            (self.directory / "collateral").write_text(json.dumps(collateral))
            arguments += ["--collateral", str(self.directory / "collateral")]
        done = self.run(*arguments)
        assert done.returncode in (0, 1), (done.returncode, done.stderr)
        answer = json.loads(done.stdout)
        assert answer["is_valid"] == (done.returncode == 0)
        if not answer["is_valid"]:
            return Verdict("", answer["reason"], answer["checks"])
        status = answer["details"].get("tcb_status", "not checked")
        return Verdict(status, "", answer["checks"])


class Library:
    """The library that `ingressctl verify` judges quotes by, in a program that is kept running."""

    def __init__(self, pki: QuotePki) -> None:
        self.root = pki.root_pem.read_text()
        self.process = subprocess.Popen(
            [str(BIN.parent / "verify" / "driver")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(
        self, quote: bytes, at: int, collateral: Mapping[str, Any] | None = None, **more: str
    ) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        question = {"quote": quote.hex(), "root": self.root, "at": at, **more}
        if collateral is not None:
            question["collateral"] = json.dumps(collateral)
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the library ended with {self.process.wait()} at {quote.hex()}"
        return dict(json.loads(answer))

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(10) == 0


class Qvl:
    """dcap-qvl, kept running."""

    def __init__(self, pki: QuotePki) -> None:
        der = pki.root.certificate.public_bytes(serialization.Encoding.DER)
        self.root = der.hex()
        self.process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("qvl.js")), str(MODULES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(self, quote: bytes, collateral: Mapping[str, Any], at: int) -> Verdict:
        assert self.process.stdin and self.process.stdout
        question = {"quote": quote.hex(), "collateral": collateral, "root": self.root, "at": at}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Verdict(answer.get("status", ""), answer.get("error", ""))

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)
