"""What `ingressctl verify` must not believe, each refused with a sentence of its own; and what it
must believe: a site whose certificates are replaced while it asks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.http_service import HttpService, Request, Response
from support.ingress import HOST, Ingress
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
CERTIFICATE = f"cert-{NAME}.pem"
ATTESTATION = "attestation.json"
RENEWALS = 10
FAILED = 1


class Deployment:
    """Served from the volume, with evidence; and a client that trusts its roots."""

    def __init__(self, world: World, **settings: str) -> None:
        self.volume = Volume(world.make_stack(guest_agent="dstack"))
        self.volume.put(NAME)
        self.ingress: Ingress = world.ingress(DOMAINS=NAME, **settings)
        self.ingress.wait_settled()
        self.pki = QuotePki(self.ingress.stack.directory / "quote-pki")

    def verify(self, *more: str, port: int | None = None) -> tuple[int, dict[str, Any]]:
        port = port or self.ingress.port
        return self.judge(f"https://{NAME}:{port}", "--connect-to", f"{HOST}:{port}", *more)

    def judge(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self.ingress.ctl(
            "verify", "--json", *arguments, "--root", str(self.pki.root_pem),
            "--ca", str(self.ingress.stack.directory / "volume-ca.pem"),
        )  # fmt: skip
        assert done.returncode in (0, FAILED), (done.returncode, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def refused(self, *more: str, port: int | None = None) -> dict[str, str]:
        """Which checks failed, and what was said."""
        status, answer = self.verify(*more, port=port)
        assert status == FAILED and not answer["is_valid"], answer
        return failures(answer)

    def put(self, name: str, content: bytes) -> None:
        """In the place of a file of the current generation, as another container could."""
        written = self.ingress.evidence / "planted"
        written.write_bytes(content)
        written.rename(self.ingress.evidence / "..data" / name)

    def published(self, name: str) -> bytes:
        return (self.ingress.evidence / name).read_bytes()

    def renew(self) -> str:
        """Another certificate comes by the volume; its serial, once it is served."""
        serial = self.volume.put(NAME)
        os.kill(self.ingress.child.pid, signal.SIGHUP)
        self.ingress.wait_domain(
            NAME,
            lambda d: d["certificate"]["serial"] == serial and d["state"] == "settled",
            "the new certificate to be served",
        )
        return serial

    def pair(self) -> tuple[Path, Path]:
        """The newest certificate on the volume, and its key."""
        live = self.volume.path / "live" / NAME
        return live / "fullchain.pem", live / "privkey.pem"


def failures(answer: dict[str, Any]) -> dict[str, str]:
    return {
        name: check["detail"]
        for name, check in answer["checks"].items()
        if check["outcome"] == "failed"
    }


@pytest.fixture
def deployment(world: World) -> Deployment:
    made = Deployment(world)
    status, answer = made.verify("--require", "tls-chain,live-certificate,fresh-quote,manifest")
    assert status == 0, answer
    return made


@contextlib.contextmanager
def standing_still(ingress: Ingress) -> Iterator[None]:
    """ingressd puts nothing right meanwhile; what it has started goes on."""
    os.kill(ingress.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(ingress.child.pid, signal.SIGCONT)


def load_in_haproxy(ingress: Ingress, certificate: bytes) -> None:
    """In the place of what the product had it load."""
    current = ingress.run_dir / "haproxy" / "current"
    (current / "certs" / f"{NAME}.pem").write_bytes(certificate)
    with socket.socket(socket.AF_UNIX) as master:
        master.settimeout(30)
        master.connect(os.fspath(ingress.run_dir / "haproxy" / "master.sock"))
        master.sendall(b"reload\n")
        while master.recv(4096):
            pass


# ---- the product, with one thing changed


def test_a_swapped_certificate(deployment: Deployment) -> None:
    """The CA vouches for it, but the evidence is about another."""
    ingress = deployment.ingress
    with standing_still(ingress):
        other = deployment.volume.put(NAME)
        load_in_haproxy(ingress, b"".join(part.read_bytes() for part in deployment.pair()))
        ingress.wait_for(lambda: ingress.try_serial(NAME) == other, "the other one to be served")
        failed = deployment.refused()
    assert sorted(failed) == ["live-certificate", "manifest"], failed
    assert f"{CERTIFICATE} is another certificate" in failed["live-certificate"]
    assert f"another certificate for {NAME}" in failed["manifest"]


def test_a_certificate_of_nobodys(deployment: Deployment, tmp_path: Path) -> None:
    """By a CA that the client does not trust."""
    status, answer = deployment.judge(
        f"https://{NAME}:{deployment.ingress.port}", "--connect-to",
        f"{HOST}:{deployment.ingress.port}", "--save", str(tmp_path / "saved"),
    )  # fmt: skip
    assert status == 0, answer
    done = deployment.ingress.ctl(
        "verify", "--json", "--dir", str(tmp_path / "saved"), "--root", str(deployment.pki.root_pem)
    )
    failed = failures(json.loads(done.stdout))
    assert done.returncode == FAILED and list(failed) == ["tls-chain"], failed


def test_an_old_quote(deployment: Deployment) -> None:
    old = deployment.published("quote.json")
    deployment.renew()
    deployment.put("quote.json", old)
    failed = deployment.refused()
    assert list(failed) == ["report-data"], failed
    assert "the quote is over other data" in failed["report-data"]


def test_a_changed_file(deployment: Deployment) -> None:
    account = json.loads(deployment.published("acme-account.json"))
    account["uri"] = "https://ca.example/another"
    deployment.put("acme-account.json", json.dumps(account).encode())
    failed = deployment.refused()
    assert list(failed) == ["checksums"] and "acme-account.json" in failed["checksums"], failed


@pytest.mark.parametrize("change", ["absent", "another"])
def test_a_manifest_without_the_certificate(deployment: Deployment, change: str) -> None:
    manifest = json.loads(deployment.published("manifest.json"))
    if change == "absent":
        manifest["names"] = []
    else:
        manifest["names"][0]["certificate_sha256"] = "00" * 32
    deployment.put("manifest.json", json.dumps(manifest).encode())
    failed = deployment.refused()
    assert list(failed) == ["manifest"], failed
    sentence = "does not name" if change == "absent" else "has another certificate for"
    assert f"the manifest {sentence} {NAME}" in failed["manifest"]


def test_another_root(deployment: Deployment) -> None:
    """Intel's own, which the simulated machine's quotes do not end at."""
    done = deployment.ingress.ctl(
        "verify", "--json", f"https://{NAME}:{deployment.ingress.port}", "--connect-to",
        f"{HOST}:{deployment.ingress.port}",
        "--ca", str(deployment.ingress.stack.directory / "volume-ca.pem"),
    )  # fmt: skip
    failed = failures(json.loads(done.stdout))
    assert done.returncode == FAILED
    assert "a root whose key is not the trusted one" in failed["quote-chain"]


# ---- somebody else, who has the key and a recording


class Impostor(HttpService):
    """Answers with a recording; `attestation.json` is what `answers` makes of the nonce."""

    def __init__(
        self, pair: tuple[Path, Path], recording: Path, answer: Callable[[str], bytes]
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        super().__init__(tls=context)
        self._recording = recording
        self._answer = answer

    def respond(self, request: Request) -> Response:
        name = request.path.removeprefix("/evidences/")
        if name == ATTESTATION:
            return Response(body=self._answer(request.query["nonce"]))
        return Response(body=(self._recording / name).read_bytes())


@pytest.fixture
def recording(deployment: Deployment, tmp_path: Path) -> Path:
    """Of a visit that was in order."""
    folder = tmp_path / "recording"
    status, answer = deployment.verify("--save", str(folder))
    assert status == 0, answer
    return folder


def test_a_true_relay_is_believed(deployment: Deployment, recording: Path) -> None:
    """The impostor of the next tests fails for what it answers, not for what it is."""

    def relay(nonce: str) -> bytes:
        return deployment.ingress.fetch(NAME, f"/evidences/{ATTESTATION}?nonce={nonce}").body

    with Impostor(deployment.pair(), recording, relay) as impostor:
        status, answer = deployment.verify("--require", "fresh-quote", port=impostor.port)
    assert status == 0, answer


def test_a_recorded_answer(deployment: Deployment, recording: Path) -> None:
    recorded = (recording / ATTESTATION).read_bytes()
    with Impostor(deployment.pair(), recording, lambda _: recorded) as impostor:
        failed = deployment.refused(port=impostor.port)
    assert list(failed) == ["fresh-quote"], failed
    assert "to another nonce than the one that was sent" in failed["fresh-quote"]


def test_a_recorded_answer_that_names_the_nonce(deployment: Deployment, recording: Path) -> None:
    recorded = json.loads((recording / ATTESTATION).read_bytes())

    def rename(nonce: str) -> bytes:
        return json.dumps({**recorded, "nonce": nonce}).encode()

    with Impostor(deployment.pair(), recording, rename) as impostor:
        failed = deployment.refused(port=impostor.port)
    assert list(failed) == ["fresh-quote"], failed
    assert "the quote is over other data" in failed["fresh-quote"]


def attestation_by(guest: SimulatedGuest, recording: Path, nonce: str) -> bytes:
    """As the product would answer in `guest`, about the recorded files."""
    recorded = json.loads((recording / ATTESTATION).read_bytes())
    manifest = hashlib.sha256(recorded["manifest"].encode()).digest()
    covered = b"dstack-ingress/attestation/v1\0" + manifest + bytes.fromhex(nonce)
    sums = hashlib.sha256((recording / "sha256sum.txt").read_bytes()).digest()
    quote = guest.quote(sums + hashlib.sha256(covered).digest())
    given = {"quote": quote.hex(), "event_log": guest.event_log_json()}
    return json.dumps({**recorded, "nonce": nonce, "quote": given}).encode()


@pytest.mark.parametrize("same", [True, False])
def test_the_answer_of_another_machine(
    deployment: Deployment, recording: Path, same: bool
) -> None:
    """Its quote is good, and over what was asked; only that it is another app."""
    agent = deployment.ingress.stack.agent
    assert agent is not None
    app_id = agent.guest.app_id if same else bytes(20)
    guest = SimulatedGuest(deployment.pki, app_id=app_id, instance_id=agent.guest.instance_id)

    def answer(nonce: str) -> bytes:
        return attestation_by(guest, recording, nonce)

    with Impostor(deployment.pair(), recording, answer) as impostor:
        if same:
            assert deployment.verify("--require", "fresh-quote", port=impostor.port)[0] == 0
            return
        failed = deployment.refused(port=impostor.port)
    assert list(failed) == ["fresh-quote"], failed
    assert "another app or machine than quote.json" in failed["fresh-quote"]


def test_no_answer_is_not_checked(deployment: Deployment, recording: Path) -> None:
    """An older product, or somebody who has no machine to ask: `--require` tells them apart."""

    class Silent(Impostor):
        def respond(self, request: Request) -> Response:
            return Response(404) if ATTESTATION in request.path else super().respond(request)

    with Silent(deployment.pair(), recording, lambda _: b"") as impostor:
        status, answer = deployment.verify(port=impostor.port)
        assert status == 0 and answer["checks"]["fresh-quote"]["outcome"] == "not checked"
        status, answer = deployment.verify("--require", "fresh-quote", port=impostor.port)
    assert status == FAILED and answer["reason"] == "fresh-quote: the site answers no questions"


# ---- what is right, at any time


@pytest.mark.parametrize("routing", ["connection", "request"])
def test_renewals_while_it_asks(world: World, routing: str) -> None:
    """Evidence names a certificate before it is served: no client may be told that it is wrong."""
    deployment = Deployment(world, EVIDENCE_ROUTING=routing)
    ended = threading.Event()
    verdicts: list[dict[str, Any] | str] = []

    def look_on() -> None:
        while not ended.is_set():
            try:
                status, answer = deployment.verify("--require", "fresh-quote,manifest")
                verdicts.append("good" if status == 0 else answer)
            except AssertionError as error:
                verdicts.append(str(error))

    client = threading.Thread(target=look_on)
    client.start()
    try:
        for _ in range(RENEWALS):
            before = len(verdicts)
            deployment.renew()
            deployment.ingress.wait_for(lambda: len(verdicts) > before, "it to be verified")
    finally:
        ended.set()
        client.join()
    assert [verdict for verdict in verdicts if verdict != "good"] == []
