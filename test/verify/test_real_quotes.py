"""Real quotes, where a folder with some is at hand: they are other people's data and not kept here.

TDX_QUOTES names it; without it `shared/data/tdx` beside the checkout is looked for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.ingress import ROOT

from .conftest import Bench

FOLDER = Path(os.environ.get("TDX_QUOTES", ROOT.parent / "shared" / "data" / "tdx"))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="no folder with real quotes: set TDX_QUOTES",
)


def verify(bench: Bench, name: str, *more: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = bench.product.run("--json", "--quote", str(FOLDER / name), *more)
    answer = json.loads(done.stdout)
    return done.returncode, {**answer["checks"], "details": answer["details"]}


def test_up_to_date(bench: Bench) -> None:
    collateral = FOLDER / "tdx_quote_collateral.json"
    at = ["--collateral", str(collateral), "--at", "1750500000"]
    status, checks = verify(bench, "tdx_quote.bin", *at)
    assert status == 0 and checks["details"]["tcb_status"] == "UpToDate"


def test_no_level_matches(bench: Bench) -> None:
    collateral = FOLDER / "tdx_quote_outdated_collateral.json"
    at = ["--collateral", str(collateral), "--at", "1772000000"]
    status, checks = verify(bench, "tdx_quote_outdated.bin", *at)
    assert status == 1 and "none of the levels" in checks["tcb"]["detail"]
    assert checks["quote-signature"]["outcome"] == "passed"


def test_dstack_answer(bench: Bench) -> None:
    status, checks = verify(bench, "verifier-quote-report.json", "--at", "1772000000")
    app = checks["details"]["app_info"]
    assert status == 0, checks
    assert app["app_id"] == "3763bc34552cf3a27ff71ad5f7a90471562a1a2d"
    assert app["instance_id"] == "c3714eb66990eace777b4e664c16e09375dec4c9"
    assert checks["details"]["report_data"] == "1234" + "0" * 124


def test_tappd_answer_and_its_compose_file(bench: Bench) -> None:
    compose = ["--compose", str(FOLDER / "app-compose.json"), "--at", "1772000000"]
    status, checks = verify(bench, "tappd-report.json", *compose)
    assert status == 0 and checks["compose-hash"]["outcome"] == "passed", checks


def test_version_5(bench: Bench) -> None:
    assert verify(bench, "quote_v5_sample.dat", "--at", "1772000000")[0] == 0


def test_debugged(bench: Bench) -> None:
    status, checks = verify(bench, "tdx_quote_4.dat", "--at", "1772000000")
    assert status == 1 and "can be debugged" in checks["td-policy"]["detail"]
    assert checks["quote-signature"]["outcome"] == "passed"
