"""`ingressctl verify` on what guest agents give where the machine is no TDX guest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from support.attestation import KINDS
from support.simulated_guest import SimulatedGuest

from .conftest import Bench


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["bytes", "hex", "json"])
def test_the_platform_is_named_and_refused(
    bench: Bench, tmp_path: Path, kind: str, form: str
) -> None:
    attestation = SimulatedGuest(bench.pki, platform=kind).attestation(bytes(64))
    forms = {
        "bytes": attestation,
        "hex": attestation.hex().encode() + b"\n",
        "json": json.dumps({"attestation": attestation.hex()}).encode(),
    }
    (tmp_path / "attestation").write_bytes(forms[form])
    done = bench.product.run("--json", "--quote", str(tmp_path / "attestation"))
    check = json.loads(done.stdout)["checks"]["quote-layout"]
    assert done.returncode == 1 and check["outcome"] == "failed"
    assert f"of the kind {kind}, " in check["detail"]


def test_of_older_agents(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "attestation").write_bytes(bytes(100))
    done = bench.product.run("--quote", str(tmp_path / "attestation"))
    assert done.returncode == 1 and "of the kind legacy" in done.stdout


# ---- a machine that is expected


KIND = "sev-snp"
NONCE = "ab" * 32
OF_A_QUOTE = (
    "quote-layout", "quote-chain", "qe-signature", "qe-binding", "qe-identity", "quote-signature",
    "td-policy", "report-data", "event-log", "fresh-quote", "manifest", "measurements", "tcb",
)  # fmt: skip


def verify(bench: Bench, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = bench.product.run("--json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    assert answer["is_valid"] == (done.returncode == 0)
    return done.returncode, answer["checks"]


def attested(bench: Bench, report_data: bytes = bytes(64)) -> bytes:
    return SimulatedGuest(bench.pki, platform=KIND).attestation(report_data)


@pytest.fixture(name="site")
def _site(bench: Bench, tmp_path: Path) -> Path:
    """As `--save` writes what a machine of another kind serves."""
    sums = hashlib.sha256(b"{}").hexdigest() + "  acme-account.json\n"
    covered = hashlib.sha256(sums.encode()).digest() + bytes(32)
    live = {
        "version": 1, "nonce": NONCE, "manifest": "{}",
        "attestation": {"attestation": attested(bench, covered).hex()},
    }  # fmt: skip
    for name, content in {
        "acme-account.json": b"{}",
        "sha256sum.txt": sums.encode(),
        "attestation.bin": attested(bench, covered),
        "attestation.json": json.dumps(live).encode(),
        "nonce.txt": NONCE.encode(),
        "host.txt": b"app.example.com",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("form", ["bytes", "answer"])
def test_a_kind_that_is_expected_is_not_checked(bench: Bench, tmp_path: Path, form: str) -> None:
    path = tmp_path / "attestation"
    text = json.dumps({"attestation": attested(bench).hex()}).encode()
    path.write_bytes(attested(bench) if form == "bytes" else text)
    status, checks = verify(bench, "--platform", KIND, "--quote", str(path))
    assert status == 0 and {checks[name]["outcome"] for name in OF_A_QUOTE} == {"not checked"}
    assert f"of the kind {KIND}, which cannot be judged" in checks["quote-layout"]["detail"]
    for required in ("all", "quote-layout", "quote-signature"):
        arguments = ("--platform", KIND, "--quote", str(path), "--require", required)
        assert verify(bench, *arguments)[0] == 1
    status, checks = verify(bench, "--platform", "nitro-enclave", "--quote", str(path))
    assert status == 1 and checks["quote-layout"]["outcome"] == "failed"
    assert "where nitro-enclave was expected" in checks["quote-layout"]["detail"]


def test_no_other_check_is_left_out(bench: Bench, site: Path) -> None:
    status, checks = verify(bench, "--dir", str(site))
    assert status == 1 and checks["quote-layout"]["outcome"] == "failed"
    status, checks = verify(bench, "--platform", KIND, "--dir", str(site))
    assert status == 0 and checks["checksums"]["outcome"] == "passed", checks
    assert {checks[name]["outcome"] for name in OF_A_QUOTE} == {"not checked"}
    assert f"an attestation of the kind {KIND}" in checks["fresh-quote"]["detail"]
    (site / "acme-account.json").write_bytes(b"{ }")
    status, checks = verify(bench, "--platform", KIND, "--dir", str(site))
    assert status == 1 and checks["checksums"]["outcome"] == "failed"


def test_a_pin_has_nothing_to_hold_on_to(bench: Bench, site: Path) -> None:
    status, checks = verify(bench, "--platform", KIND, "--dir", str(site), "--app-id", "00" * 20)
    assert status == 1 and "no event log that could be believed" in checks["app-id"]["detail"]


def test_no_policy_is_made_of_it(bench: Bench, site: Path) -> None:
    policy = site.parent / "policy.json"
    arguments = ("--platform", KIND, "--dir", str(site), "--write-policy", str(policy))
    done = bench.product.run(*arguments)
    assert done.returncode == 1 and "there is no TDX quote" in done.stderr
    assert not policy.exists()


def test_files_as_they_are_published(bench: Bench, site: Path) -> None:
    """Fetched by hand: the name of an answer to a nonce has a file without one."""
    published: dict[str, Any] = {"attestation": attested(bench).hex()}
    (site / "attestation.json").write_text(json.dumps(published))
    for gone in ("nonce.txt", "attestation.bin"):
        (site / gone).unlink()
        status, checks = verify(bench, "--platform", KIND, "--dir", str(site))
        assert status == 0, checks
        assert "was asked no question" in checks["fresh-quote"]["detail"]
    (site / "attestation.json").unlink()
    status, checks = verify(bench, "--platform", KIND, "--dir", str(site))
    assert status == 1 and checks["quote-layout"]["detail"] == "there is no quote.json"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nonce": "cd" * 32}, "to another nonce than the one that was sent"),
        ({"attestation": {"attestation": "zz"}}, "its attestation is no hex"),
        ({"attestation": {"attestation": "04"}}, "it names no platform"),
        ({"attestation": {}}, "lacks its nonce, its manifest or its quote"),
        ({"manifest": None}, "lacks its nonce, its manifest or its quote"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_answers_to_a_nonce(
    bench: Bench, site: Path, change: dict[str, Any], sentence: str
) -> None:
    live = json.loads((site / "attestation.json").read_bytes())
    (site / "attestation.json").write_text(json.dumps({**live, **change}))
    status, checks = verify(bench, "--platform", KIND, "--dir", str(site))
    assert status == 1 and checks["fresh-quote"]["outcome"] == "failed"
    assert sentence in checks["fresh-quote"]["detail"]


def test_a_recorded_quote_beside_an_attestation(bench: Bench, site: Path) -> None:
    """A quote that somebody once got does not vouch for another machine's answer."""
    sums = (site / "sha256sum.txt").read_bytes()
    guest = SimulatedGuest(bench.pki)
    quote = guest.quote(hashlib.sha256(sums).digest() + bytes(32))
    given = {"quote": quote.hex(), "event_log": guest.event_log_json()}
    (site / "quote.json").write_text(json.dumps(given))
    status, checks = verify(bench, "--dir", str(site), "--root", str(bench.product.root))
    assert checks["report-data"]["outcome"] == "passed"
    assert status == 1 and "and quote.json from another" in checks["fresh-quote"]["detail"]
