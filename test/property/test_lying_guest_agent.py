"""Whatever the guest agent answers: every program ends as it says that it can, nothing of the
agent's secret is told to anybody, and what is published is whole.

    PROPERTY_SEED=7     other lies than those of seed 1, the default
    PROPERTY_LIES=5000  how many for each program
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.certificates import LocalCa
from support.lying_guest_agent import LyingGuestAgent
from support.process import Child, clean_environment
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest
from support.terminal import obeyed

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("INGRESS_BIN", ROOT / "build/release/bin")) / "ingress-evidence"
SEED = os.environ.get("PROPERTY_SEED", "1")
LIES = int(os.environ.get("PROPERTY_LIES", "400"))

STATUSES = frozenset({0, 1, 69, 75, 78})
# The longest wait for an agent is 30 seconds, and twice that behind somebody else.
DEADLINE = 90.0
KEY = ("ingress/key-origin/v1", "mac", "secp256k1")
# Fewer digits of a key may be those of something else.
TELLING_DIGITS = 12
SPKI = "ab" * 32
NAMES = ("app.demo.test", "*.demo.test")
REPORT_DATA_AT, REPORT_DATA_SIZE = 48 + 520, 64
KINDS = frozenset({"status", "odd_head", "cut_off", "half_a_document", "odd_member", "odd_text"})


class Bench:
    """A folder with what the programs need, and the liar whom they ask."""

    def __init__(self, folder: Path, api: str) -> None:
        self.folder = folder
        self.evidence = folder / "evidence"
        self.guest = SimulatedGuest(QuotePki(folder / "pki"))
        self.liar = LyingGuestAgent(folder / "agent.sock", self.guest, f"{SEED} {folder.name}", api)
        names = {"dstack": "DSTACK_SOCKET", "tappd": "TAPPD_SOCKET"}
        self.environment = clean_environment(
            **{name: str(folder / "absent.sock") for name in names.values()},
            EVIDENCE_DIR=str(self.evidence),
            RUN_DIR=str(folder / "run"),
            LOG_LEVEL="debug",
            ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
        ) | {names[api]: str(self.liar.socket)}  # fmt: skip
        self.publication = ["publish"]
        authority = LocalCa(folder)
        for number, name in enumerate(NAMES):
            chain, _ = authority.issue(f"chain{number}", (name,))
            self.publication += ["--cert", f"{name}={chain}"]
        secret = self.guest.app_key(*KEY)[0].hex()
        self._telling = [
            secret[at : at + TELLING_DIGITS] for at in range(len(secret) - TELLING_DIGITS + 1)
        ]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode in STATUSES, (done.returncode, done.stderr)
        self.judge(done.stdout + done.stderr)
        assert bool(done.returncode) == bool(done.stderr.count(b" error ")), done.stderr
        return done

    def judge(self, said: bytes) -> None:
        """What is printed, logged or published."""
        text = said.decode().replace("\ufffd", "?")  # what others put for what is no UTF-8
        assert obeyed(text) is None, obeyed(text)
        lower = text.lower()
        assert not [digits for digits in self._telling if digits in lower], text

    def generation(self) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            return os.readlink(self.evidence / "..data")
        return None

    def check_generation(self) -> None:
        folder = self.evidence / "..data"
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert set(files) >= {"sha256sum.txt", "quote.json", "manifest.json"}
        for content in files.values():
            self.judge(content)
        for line in files["sha256sum.txt"].decode().splitlines():
            digest, _, name = line.partition("  ")
            assert hashlib.sha256(files[name]).hexdigest() == digest
        covered = hashlib.sha256(files["sha256sum.txt"]).digest()
        assert report_data(strict_json(files["quote.json"])) == covered + bytes(32)
        manifest = strict_json(files["manifest.json"])
        assert [entry["name"] for entry in manifest["names"]]
        known = {"app_id": self.guest.app_id.hex()}
        assert manifest["app"].get("app_id", known["app_id"]) == known["app_id"]


def strict_json(text: bytes) -> Any:
    """As everybody reads it: RFC 8259, and no member twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text.decode(), object_pairs_hook=once, parse_constant=refuse)


def report_data(answer: dict[str, Any]) -> bytes:
    return bytes.fromhex(answer["quote"])[REPORT_DATA_AT:][:REPORT_DATA_SIZE]


@pytest.fixture(name="bench", params=["dstack"])
def _bench(request: pytest.FixtureRequest, memory: Path) -> Iterator[Bench]:
    folder = memory / f"agent-{request.node.name}".replace("[", "-").rstrip("]")[:40]
    folder.mkdir()
    bench = Bench(folder, request.param)
    with bench.liar:
        yield bench


def told(liar: LyingGuestAgent) -> int:
    return sum(liar.lies.values())


def test_identity(bench: Bench) -> None:
    bench.liar.silences = 1
    while told(bench.liar) < LIES:
        done = bench.run("identity")
        if done.returncode == 0:
            identity = strict_json(done.stdout)
            assert all(len(value) <= 128 for value in identity.values())
        else:
            assert done.stdout == b""
    assert set(bench.liar.lies) >= KINDS
    bench.liar.eagerness = 0
    assert strict_json(bench.run("identity").stdout)["app_id"] == bench.guest.app_id.hex()


def test_origin(bench: Bench) -> None:
    made = ("origin", "--made", f"app.demo.test={SPKI}:0123")
    bench.liar.eagerness = 0
    truth = strict_json(bench.run(*made).stdout)
    assert truth["keys"] == [SPKI]
    bench.liar.eagerness = 0.9
    bench.liar.silences = 1
    while told(bench.liar) < LIES:
        done = bench.run(*made)
        if done.returncode == 0:
            assert strict_json(done.stdout)["keys"] == [SPKI]
        else:
            assert done.stdout == b""
    assert set(bench.liar.lies) >= KINDS


@pytest.mark.parametrize("bench", ["dstack", "tappd"], indirect=True)
def test_publish(bench: Bench) -> None:
    bench.liar.eagerness = 0
    bench.run(*bench.publication)
    assert bench.generation() is not None
    bench.check_generation()
    bench.liar.eagerness = 0.9
    bench.liar.silences = 1
    while told(bench.liar) < LIES:
        before = bench.generation()
        done = bench.run(*bench.publication)
        assert (bench.generation() != before) == (done.returncode == 0)
        bench.check_generation()
    assert set(bench.liar.lies) >= KINDS | {"quote", "event_log"}


class Questions:
    """Asks the server of attestations on its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, nonce: str, *, waits: bool = True) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(DEADLINE)
            connection.sock.connect(os.fspath(self._path))
            connection.request("GET", f"/evidences/attestation.json?nonce={nonce}")
            if not waits:
                return 0, b""
            answer = connection.getresponse()
            assert answer.status in (200, 503)
            assert answer.status == 200 or int(answer.headers["Retry-After"]) >= 1
            return answer.status, answer.read()


def outlast_silence(liar: LyingGuestAgent, questions: Questions) -> None:
    """Whoever meets it and whoever stands in line behind it, to meet another, have an answer."""
    liar.eagerness, liar.silence, liar.silences = 1, 1, 2
    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(questions.ask, f"0{number}" * 16) for number in range(2)]
        assert [question.result()[0] for question in asked] == [503, 503]
    assert liar.silences == 0


def test_attest(bench: Bench) -> None:
    rng = random.Random(f"{SEED} attest")
    bench.liar.eagerness = 0
    bench.run(*bench.publication)
    path = bench.folder / "attest.sock"
    command = [str(PROGRAM), "attest", "--socket", str(path)]
    with Child(command, bench.folder / "attest.log", env=bench.environment) as server:
        server.wait_for(lambda: "serving the attestation" in server.log_text(), what="its start")
        questions = Questions(path)
        outlast_silence(bench.liar, questions)
        while told(bench.liar) < LIES:
            bench.liar.eagerness = rng.choice([0, 0.5, 0.9, 1])
            nonce = rng.randbytes(rng.randrange(16, 65)).hex()
            # Some go away before their answer comes: it must not become another's.
            if rng.random() < 0.1:
                questions.ask("00" * 32, waits=False)
            status, body = questions.ask(nonce)
            bench.judge(body)
            answer = strict_json(body)
            assert bench.liar.eagerness > 0 or status == 200, body
            if status == 200:
                assert answer["nonce"] == nonce
                attested = hashlib.sha256(
                    b"dstack-ingress/attestation/v1\0"
                    + hashlib.sha256(answer["manifest"].encode()).digest()
                    + bytes.fromhex(nonce)
                ).digest()
                assert report_data(answer["quote"])[32:] == attested
        bench.judge(server.log_text().encode())
        assert server.running
    assert set(bench.liar.lies) >= KINDS | {"quote", "event_log"}
