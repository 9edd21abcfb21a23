"""The whole way of the evidence: a quote over a nonce of the client's, a manifest, and `ingressctl
verify` that judges both, against the running product."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ingress import Answer, Ingress
from support.quote_pki import QuotePki
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
ATTESTATION = "/evidences/attestation.json"


@pytest.fixture(params=["connection", "request"])
def attested(request: pytest.FixtureRequest, world: World) -> Iterator[Ingress]:
    """Served from the volume, with evidence published."""
    volume = Volume(world.make_stack(guest_agent="dstack"))
    volume.put(NAME)
    volume.put("api.demo.test")
    ingress = world.ingress(EVIDENCE_ROUTING=request.param, ALPN="h2,http/1.1")
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "the evidence")
    yield ingress


def ask(ingress: Ingress, nonce: str) -> Answer:
    return ingress.fetch(NAME, f"{ATTESTATION}?nonce={nonce}")


def verify(
    ingress: Ingress, *more: str, name: str = NAME, **extra: str
) -> tuple[int, dict[str, Any]]:
    """`ingressctl verify`, trusting the stack's roots."""
    roots = ingress.stack.directory / "roots.pem"
    own = ingress.stack.directory / "volume-ca.pem"
    roots.write_text(own.read_text())
    done = ingress.ctl(
        "verify", "--json", f"https://{name}:{ingress.port}", "--ca", str(roots),
        "--root", str(QuotePki(ingress.stack.directory / "quote-pki").root_pem), "--connect-to", f"127.0.0.1:{ingress.port}", *more,
        **extra,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_quote_over_the_nonce(attested: Ingress) -> None:
    nonce = secrets.token_hex(32)
    answer = ask(attested, nonce)
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["nonce"] == nonce and body["version"] == 1
    sums = attested.fetch(NAME, "/evidences/sha256sum.txt").body
    covered = hashlib.sha256(
        b"dstack-ingress/attestation/v1\0"
        + hashlib.sha256(body["manifest"].encode()).digest()
        + bytes.fromhex(nonce)
    ).digest()
    assert body["quote"]["report_data"] == (hashlib.sha256(sums).digest() + covered).hex()
    assert ask(attested, nonce).json()["quote"]["quote"] != body["quote"]["quote"]


@pytest.mark.parametrize(
    "query",
    ["", "?", "?nonce=", "?nonce=zz", f"?nonce={'ab' * 15}", f"?nonce={'ab' * 65}", "?nonce=abc",
     f"?once={'ab' * 32}"],
)  # fmt: skip
def test_no_nonce(attested: Ingress, query: str) -> None:
    answer = attested.fetch(NAME, ATTESTATION + query)
    assert answer.status == 400 and "nonce=HEX" in answer.json()["error"]


def test_the_manifest(attested: Ingress) -> None:
    manifest = attested.fetch(NAME, "/evidences/manifest.json").json()
    sums = attested.fetch(NAME, "/evidences/sha256sum.txt").body
    assert manifest["schema"] == "dstack-ingress/manifest/v1"
    assert manifest["generation"] == hashlib.sha256(sums).hexdigest()
    assert b"manifest" not in sums and b"attestation" not in sums
    names = {entry["name"]: entry for entry in manifest["names"]}
    assert sorted(names) == ["api.demo.test", NAME]
    assert names[NAME]["serial"] == attested.serial(NAME)
    assert names[NAME]["origin"] == "adopted"
    history = {entry["serial"]: entry for entry in manifest["history"]}
    assert history[names[NAME]["serial"]]["spki_sha256"] == names[NAME]["spki_sha256"]
    agent = attested.stack.agent
    assert agent is not None
    assert manifest["app"]["app_id"] == agent.guest.app_id.hex()
    assert manifest["guest_agent"] == {"kind": "dstack"}


def test_the_site_s_name_may_be_written_in_any_case_and_with_a_dot(attested: Ingress) -> None:
    status, answer = verify(attested, name=f"{NAME.upper()}.")
    assert status == 0, answer
    assert answer["checks"]["live-certificate"]["outcome"] == "passed"


def test_verify(attested: Ingress, tmp_path: Path) -> None:
    status, answer = verify(attested, "--save", str(tmp_path / "saved"))
    outcomes = {name: check["outcome"] for name, check in answer["checks"].items()}
    assert status == 0, answer
    for check in ("tls-chain", "live-certificate", "report-data", "fresh-quote", "manifest"):
        assert outcomes[check] == "passed", answer["checks"][check]
    again = attested.ctl(
        "verify", "--dir", str(tmp_path / "saved"), "--root", str(QuotePki(attested.stack.directory / "quote-pki").root_pem),
        "--ca", str(attested.stack.directory / "roots.pem"),
        "--require", "tls-chain,fresh-quote,manifest",
    )  # fmt: skip
    assert again.returncode == 0, again.stdout


def test_by_hand_as_documented(attested: Ingress, tmp_path: Path) -> None:
    """The commands of docs/verification.md for a quote over a nonce of one's own."""
    page = (Path(__file__).resolve().parent.parent.parent / "docs/verification.md").read_text()
    commands = next(block for block in page.split("```")[1::2] if "second-half" in block)
    commands = commands.removeprefix("sh\n").replace(
        "https://app.example.com", f"https://{NAME}:{attested.port}"
    )
    (tmp_path / "sha256sum.txt").write_bytes(attested.fetch(NAME, "/evidences/sha256sum.txt").body)
    (tmp_path / ".curlrc").write_text(
        f'resolve = "{NAME}:{attested.port}:127.0.0.1"\nnoproxy = "*"\n'
        f'cacert = "{attested.stack.directory / "volume-ca.pem"}"\n'
    )
    done = subprocess.run(
        ["bash", "-euc", "set -o pipefail\n" + commands],
        cwd=tmp_path, env={**os.environ, "CURL_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "attestation.json").read_bytes())
    assert done.stdout.strip() == answer["quote"]["report_data"]


def test_a_ct_list(attested: Ingress, tmp_path: Path) -> None:
    known = attested.serial(NAME)
    entry = {"common_name": NAME, "name_value": NAME, "issuer_name": "C", "not_before": "2026"}
    ours = {**entry, "serial_number": known.lower().lstrip("0")}
    theirs = {**entry, "serial_number": "0badc0de"}
    others = {**theirs, "common_name": "x.test", "name_value": "x.test\nevil" + NAME}
    ct = tmp_path / "ct.json"
    ct.write_text(json.dumps([ours, others]))
    status, answer = verify(attested, "--ct", str(ct))
    assert status == 0 and answer["checks"]["ct"]["outcome"] == "passed", answer["checks"]["ct"]
    ct.write_text(json.dumps([ours, {**theirs, "common_name": "", "name_value": "*.demo.test"}]))
    status, answer = verify(attested, "--ct", str(ct))
    assert status == 1 and "0badc0de" in answer["checks"]["ct"]["detail"]


def test_caa_records(attested: Ingress) -> None:
    """Whether they keep certificates for the name to the account in the evidence."""
    bind = attested.stack.bind
    account = attested.fetch(NAME, "/evidences/acme-account.json").json()["uri"]

    def caa(*more: str, **extra: str) -> tuple[int, dict[str, str]]:
        status, answer = verify(attested, *more, **extra)
        return status, answer["checks"]["caa"]

    def replace(*records: str) -> None:
        bind.delete("demo.test.", "CAA")
        for record in records:
            bind.add("demo.test.", 60, "CAA", record)

    ours = f'0 issue "ca.demo.test; accounturi={account}"'
    replace()
    status, check = caa()
    assert status == 0 and check["outcome"] == "not checked" and "no CAA records" in check["detail"]
    assert caa("--require", "caa")[0] == 1
    replace(ours)
    status, check = caa("--require", "caa")
    assert status == 0 and check["outcome"] == "passed", check
    assert check["detail"] == f"{NAME}, by the CAA records of demo.test"
    replace(ours, '0 issue "other-ca.test"')
    status, check = caa()
    assert status == 1 and check["outcome"] == "failed" and "other-ca.test" in check["detail"]
    replace(ours.replace(account, account + "0"))
    status, check = caa()
    assert status == 1 and "another account" in check["detail"]
    status, check = caa(DNS_RESOLVERS="127.0.0.1:1")
    assert status == 0 and check["outcome"] == "not checked" and "could not" in check["detail"]


def test_many_questions_at_once(attested: Ingress) -> None:
    """Those that get no place are told when to come back; the files and the app do not notice."""
    agent = attested.stack.agent
    assert agent is not None
    agent.fault("slow", seconds=0.5)
    with concurrent.futures.ThreadPoolExecutor(24) as crowd:
        asked = [crowd.submit(ask, attested, secrets.token_hex(16)) for _ in range(24)]
        for _ in range(5):
            assert attested.fetch(NAME, "/evidences/quote.json").status == 200
            assert attested.fetch(NAME, "/").status == 200
        answers = [future.result() for future in asked]
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} <= {200, 503}
    assert sum(answer.status == 200 for answer in answers) >= 8
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    agent.fault("none")
    attested.wait_for(lambda: ask(attested, "ab" * 16).status == 200, "the line to be short")


def test_an_agent_that_is_away(attested: Ingress) -> None:
    agent = attested.stack.agent
    assert agent is not None
    agent.stop()
    answer = ask(attested, "ab" * 32)
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
    assert attested.fetch(NAME, "/evidences/quote.json").status == 200
    agent.start()
    attested.wait_for(lambda: ask(attested, "ab" * 32).status == 200, "the agent to be asked again")


def test_the_asker_is_killed(attested: Ingress) -> None:
    [*processes] = attested.processes("ingress-evidence attest")
    assert len(processes) == 2
    os.kill(max(processes), signal.SIGKILL)  # the one that the other started
    attested.wait_for(lambda: ask(attested, "ab" * 32).status == 200, "quotes to be made again")


def test_history_goes_on(world: World) -> None:
    """Every certificate of an order is in it, those of before a restart too, and as made here."""
    world.make_stack(guest_agent="dstack")
    ingress = world.ingress(DOMAINS=NAME)
    ingress.wait_settled()
    first = ingress.serial(NAME)
    assert ingress.ctl("renew", NAME, "--force").returncode == 0
    ingress.wait_settled()
    second = ingress.serial(NAME)
    assert first != second

    def history() -> list[dict[str, Any]]:
        manifest = ingress.fetch_evidence("/evidences/manifest.json").json()
        return list(manifest["history"])

    def serials() -> list[str]:
        return [entry["serial"] for entry in history()]

    ingress.wait_for(lambda: serials() == [first, second], "both certificates in the history")
    ingress.restart()
    ingress.wait_settled()
    ingress.wait_for(
        lambda: [entry["origin"] for entry in history()] == ["made here"] * 2,
        "the keys to be known as made here",
    )
    assert serials() == [first, second]


def test_a_history_that_somebody_wrote_makes_no_key_ours(world: World) -> None:
    """The record of keys is under a MAC; the history is not, and does not count."""
    volume = Volume(world.make_stack(guest_agent="dstack"))
    volume.put(NAME)
    ingress = world.ingress(DOMAINS=NAME)
    ingress.wait_settled()
    path = ingress.volume / "dstack-ingress" / "history.json"
    ingress.wait_for(path.exists, "a history")
    assert ingress.stop() == 0
    path.write_text(path.read_text().replace('"adopted"', '"made here"'))
    ingress.start()

    def origins() -> list[str]:
        manifest = ingress.fetch_evidence("/evidences/manifest.json").json()
        return [entry["origin"] for entry in manifest["names"] + manifest["history"]]

    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence of this run")
    assert origins() == ["adopted", "adopted"]
