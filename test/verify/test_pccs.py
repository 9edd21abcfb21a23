"""`ingressctl verify --pccs`: collateral from Intel's service, or from a cache of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import quote_pki
from support.certificates import LocalCa
from support.pcs import PCK_CRL, QE_IDENTITY, ROOT_CRL, TCB, Pcs
from support.quote_collateral import Collateral
from support.quote_pki import FMSPC, QuotePki
from support.tdx_quote import TdBody, build_quote

from .conftest import Bench

FAILED, USAGE, UNREACHABLE, TRY_LATER = 1, 64, 69, 75


@dataclass
class Place:
    bench: Bench
    pcs: Pcs
    authority: LocalCa
    quote: Path

    def verify(self, *more: str, url: str | None = None) -> tuple[int, dict[str, Any], str]:
        done = self.bench.product.run(
            "--json", "--quote", str(self.quote), "--root", str(self.bench.pki.root_pem),
            "--pccs", url or self.pcs.origin, "--pccs-ca", str(self.authority.bundle), *more,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def tcb(self, *more: str, url: str | None = None) -> tuple[str, str]:
        _, answer, told = self.verify(*more, url=url)
        assert not told
        check = answer["checks"]["tcb"]
        return check["outcome"], check["detail"]


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Iterator[Place]:
    authority = LocalCa(tmp_path)
    quote = tmp_path / "quote.bin"
    quote.write_bytes(bench.quote())
    with Pcs(authority, bench.collateral(), FMSPC.hex()) as pcs:
        yield Place(bench, pcs, authority, quote)


@pytest.mark.parametrize("end", ["", "/", "/sgx/certification/v4", "/tdx/certification/v4/"])
def test_up_to_date(place: Place, end: str) -> None:
    assert place.tcb(url=place.pcs.origin + end) == ("passed", "UpToDate")
    asked = [request.target for request in place.pcs.requests("GET")]
    assert asked == [
        f"{TCB}?fmspc={FMSPC.hex()}",
        QE_IDENTITY,
        f"{PCK_CRL}?ca=platform&encoding=der",
        ROOT_CRL,
    ]


def test_older_name_of_the_header(place: Place) -> None:
    place.pcs.tcb_chain_header = "sgx-tcb-info-issuer-chain"
    assert place.tcb() == ("passed", "UpToDate")


def test_intels_own_service(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root's list is where the root certificate says."""
    authority = LocalCa(tmp_path)
    with Pcs(authority, {}, FMSPC.hex(), is_cache=False) as pcs:
        monkeypatch.setattr(quote_pki, "ROOT_CRL_URL", f"{pcs.origin}/IntelSGXRootCA.der")
        pki = QuotePki(tmp_path / "pki")
        pcs.collateral = Collateral(pki, bench.now).build()
        quote = tmp_path / "quote.bin"
        quote.write_bytes(build_quote(pki, TdBody(bytes(64))))
        done = bench.product.run(
            "--quote", str(quote), "--root", str(pki.root_pem), "--require", "tcb",
            "--pccs", pcs.origin, "--pccs-ca", str(authority.bundle),
        )  # fmt: skip
        assert done.returncode == 0, done
        assert pcs.requests()[-1].target == "/IntelSGXRootCA.der"


def test_what_it_says_counts(place: Place) -> None:
    place.pcs.collateral = place.bench.collateral(platform_status="OutOfDate")
    assert place.tcb()[0] == "failed"
    assert place.tcb("--tcb", "OutOfDate") == ("passed", "OutOfDate")
    place.pcs.collateral = place.bench.collateral(revoked=[place.bench.pki.leaf.certificate])
    status, answer, _ = place.verify()
    assert status == FAILED and "revoked" in answer["checks"]["quote-chain"]["detail"]


def test_it_is_believed_for_its_signatures_only(place: Place, tmp_path: Path) -> None:
    theirs = Collateral(QuotePki(tmp_path / "other"), place.bench.now).build()
    place.pcs.collateral = theirs
    assert place.tcb()[0] == "failed"
    place.pcs.collateral = place.bench.collateral()
    place.pcs.collateral["tcb_info"] = place.pcs.collateral["tcb_info"].replace("17", "18")
    assert place.tcb()[0] == "failed"
    place.pcs.collateral = place.bench.collateral(issued_days_ago=60)
    assert "expired" in place.tcb()[1]


def test_a_platform_that_it_does_not_know(place: Place) -> None:
    place.pcs.fmspc = "00" * 6
    status, _, told = place.verify()
    assert status == FAILED and "404" in told and FMSPC.hex() in told


def test_a_quote_that_is_refused_is_not_asked_about(place: Place, tmp_path: Path) -> None:
    place.quote.write_bytes(build_quote(QuotePki(tmp_path / "other"), TdBody(bytes(64))))
    status, answer, _ = place.verify()
    assert status == FAILED and answer["checks"]["quote-chain"]["outcome"] == "failed"
    assert not place.pcs.requests()


@pytest.mark.parametrize("path", [TCB, QE_IDENTITY, PCK_CRL, ROOT_CRL])
@pytest.mark.parametrize(
    "kind, detail, status",
    [
        ("status", {"status": 400}, FAILED),
        ("status", {"status": 503, "headers": {"Retry-After": "3600"}}, TRY_LATER),
        ("status", {"status": 302, "headers": {"Location": "https://127.0.0.1:1/"}}, FAILED),
        ("truncated", {}, UNREACHABLE),
        ("empty", {}, FAILED),
        ("reset", {}, UNREACHABLE),
    ],
)
def test_odd_answers(
    place: Place, path: str, kind: str, detail: dict[str, Any], status: int
) -> None:
    place.pcs.fault(kind, match=path, times=None, **detail)
    done, answer, told = place.verify()
    assert done == status and not answer and "--pccs" in told and path in told, told


@pytest.mark.parametrize(
    "body",
    [
        "null", "[]", "{}", '{"tcbInfo":{}}', '{"tcbInfo":[],"signature":""}',
        '{"tcbInfo":{},"tcbInfo":{},"signature":""}', '{"tcbInfo":"}","signature":""}',
    ],
)  # fmt: skip
def test_answers_that_are_none(place: Place, body: str) -> None:
    place.pcs.fault("status", match=TCB, times=None, status=200, body=body)
    done, answer, told = place.verify()
    assert done == FAILED and not answer and TCB in told, told


def test_members_in_another_order(place: Place) -> None:
    """The signed text is found wherever it stands, also behind what looks like it."""
    made = place.pcs.collateral
    decoy = json.dumps('"tcbInfo":{"a":1}')
    body = (
        f' {{ "x" : [{{"tcbInfo":{{}}}}, {decoy}] , "signature" : "{made["tcb_info_signature"]}" ,'
        f' "tcbInfo" : {made["tcb_info"]} }} '
    )
    chain = place.pcs._signed("tcbInfo", "tcb_info", "TCB-Info-Issuer-Chain").headers
    place.pcs.fault("status", match=TCB, times=None, status=200, body=body, headers=chain)
    assert place.tcb() == ("passed", "UpToDate")


def test_a_certificate_that_nobody_trusts(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    done = place.bench.product.run(
        "--quote", str(place.quote), "--root", str(place.bench.pki.root_pem),
        "--pccs", place.pcs.origin, "--pccs-ca", str(LocalCa(tmp_path / "other").bundle),
    )  # fmt: skip
    assert done.returncode == UNREACHABLE and not done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pccs", "http://127.0.0.1:1"],
        ["--pccs", "https://"],
        ["--pccs", "https://user@127.0.0.1"],
        ["--pccs", "https://127.0.0.1/?x=1"],
        ["--pccs", "https://127.0.0.1", "--collateral", "x"],
        ["--pccs-ca", "x"],
    ],
)
def test_usage(place: Place, arguments: list[str]) -> None:
    done = place.bench.product.run(
        "--quote", str(place.quote), "--root", str(place.bench.pki.root_pem), *arguments
    )
    assert done.returncode == USAGE and "--pccs" in done.stderr and not done.stdout, done
