"""`ingressctl verify --quote` on what guest agents give where the machine is no TDX guest."""

from __future__ import annotations

import json
from pathlib import Path

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
