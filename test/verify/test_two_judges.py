"""Quotes and collateral of the test PKI before two judges that share nothing.

Where they differ, the difference is listed here with its reason; any other fails the test.
"""

from __future__ import annotations

import random
import re

import pytest

from support.quote_collateral import STATUSES
from support.quote_pki import issue_signer
from support.tdx_quote import QeReport, TdBody, build_quote

from .conftest import Bench

MUTATIONS = 1000
SEED = 20261129


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("version, td15", [(4, False), (5, False), (5, True)])
def test_every_status_of_the_platform(
    bench: Bench, version: int, td15: bool, status: str
) -> None:
    quote = bench.quote(version=version, td15=td15)
    collateral = bench.collateral(platform_status=status)
    ours = bench.product.judge(quote, collateral, bench.at)
    theirs = bench.qvl.judge(quote, collateral, bench.at)
    assert ours.status == theirs.status == ("" if status == "Revoked" else status), (ours, theirs)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_quoting_enclave(bench: Bench, status: str) -> None:
    collateral = bench.collateral(qe_status=status)
    ours = bench.product.judge(bench.quote(), collateral, bench.at)
    theirs = bench.qvl.judge(bench.quote(), collateral, bench.at)
    assert ours.status == theirs.status == ("" if status == "Revoked" else status), (ours, theirs)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_module(bench: Bench, status: str) -> None:
    """dcap-qvl does not look at tdxModuleIdentities; Intel's own library does (TDX module 1.5 and
    later have their levels there), so ours is the stricter."""
    collateral = bench.collateral(module_status=status)
    ours = bench.product.judge(bench.quote(), collateral, bench.at)
    theirs = bench.qvl.judge(bench.quote(), collateral, bench.at)
    assert ours.status == ("" if status == "Revoked" else status)
    assert theirs.status == "UpToDate"


def test_worst_of_all_counts(bench: Bench) -> None:
    collateral = bench.collateral(platform_status="OutOfDate", qe_status="SWHardeningNeeded")
    assert bench.product.judge(bench.quote(), collateral, bench.at).status == "OutOfDate"


REFUSED = {
    "debugged": dict(body=dict(td_attributes=b"\x01" + bytes(7))),
    "without SEPT_VE_DISABLE": dict(body=dict(td_attributes=bytes(8))),
    "reserved attribute": dict(body=dict(td_attributes=bytes.fromhex("0001001000000000"))),
    "served by another TD": dict(
        body=dict(mr_service_td=b"\x01" + bytes(47)), version=5, td15=True
    ),
    "QE for debugging": dict(
        qe_report=QeReport(attributes=bytes.fromhex("1700000000000000e700000000000000"))
    ),
    "QE by somebody else": dict(qe_report=QeReport(mr_signer=bytes(32))),
    "QE of another product": dict(qe_report=QeReport(isv_prod_id=1)),
    "QE too old": dict(qe_report=QeReport(isv_svn=3)),
    "QE for another key": dict(qe_report=QeReport(report_data=bytes(64))),
    "MISCSELECT": dict(qe_report=QeReport(misc_select=1)),
    "platform below every level": dict(collateral=dict(cpu_svn=(255,) * 16)),
    "PCE below every level": dict(collateral=dict(pce_svn=14)),
    "another platform": dict(collateral=dict(fmspc=bytes(6))),
    "collateral of yesteryear": dict(collateral=dict(issued_days_ago=365)),
    "collateral from the future": dict(collateral=dict(issued_days_ago=-3)),
    "collateral for SGX": dict(collateral=dict(tcb_id="SGX")),
    "identity of another enclave": dict(collateral=dict(qe_id="QE")),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_both_refuse(bench: Bench, case: dict[str, object]) -> None:
    options = dict(case)
    body = TdBody(bytes(64), **options.pop("body", {}))  # type: ignore[arg-type]
    collateral = bench.collateral(**options.pop("collateral", {}))  # type: ignore[arg-type]
    quote = build_quote(bench.pki, body, **options)  # type: ignore[arg-type]
    ours = bench.product.judge(quote, collateral, bench.at)
    theirs = bench.qvl.judge(quote, collateral, bench.at)
    assert not ours.accepted and not theirs.accepted, (ours, theirs)


@pytest.mark.parametrize("who", ["leaf", "platform_ca"])
def test_revoked(bench: Bench, who: str) -> None:
    collateral = bench.collateral(revoked=[getattr(bench.pki, who).certificate])
    ours = bench.product.judge(bench.quote(), collateral, bench.at)
    theirs = bench.qvl.judge(bench.quote(), collateral, bench.at)
    assert not ours.accepted and not theirs.accepted, (ours, theirs)
    assert "revoked" in ours.reason


def test_revoked_signer_of_collateral(bench: Bench) -> None:
    signer = issue_signer(bench.pki)
    collateral = bench.collateral(signer=signer, revoked=[signer.certificate])
    ours = bench.product.judge(bench.quote(), collateral, bench.at)
    theirs = bench.qvl.judge(bench.quote(), collateral, bench.at)
    assert not ours.accepted and not theirs.accepted, (ours, theirs)


def _mutate(chance: random.Random, data: bytes) -> bytes:
    """One of the changes that files suffer or attackers try."""
    bytes_ = bytearray(data)
    at = chance.randrange(len(bytes_))
    kind = chance.randrange(6)
    if kind <= 2:
        bytes_[at] ^= 1 << chance.randrange(8)
    elif kind == 3:
        bytes_[at] = chance.randrange(256)
    elif kind == 4:
        del bytes_[at : at + chance.randrange(1, 5)]
    else:
        bytes_[at:at] = chance.randbytes(chance.randrange(1, 5))
    return bytes(bytes_)


def _differs_in_space(original: dict[str, str], changed: dict[str, str]) -> bool:
    """White space between certificates and their lines: they are the same to the product, while
    dcap-qvl no longer finds them."""
    return original != changed and all(
        "".join(original[name].split()) == "".join(changed[name].split()) for name in original
    )


# What the product refuses and dcap-qvl does not, by the product's sentence.
STRICTER = (
    # The certificates must be all there and written as they are, so that no byte of a quote is
    # free; dcap-qvl puts its own root in the place of one that it cannot read.
    r"the quote's certificate chain (has \d certificate|is not written as)",
    # A list of revoked certificates that is missing, broken, forged or old says nothing;
    # dcap-qvl passes over what it cannot read and does not look at signatures or dates.
    r"\"(root_ca_crl|pck_crl)\" is not hex",
    r"CRL",
    # JSON as RFC 8259 has it, but without NUL characters and names that stand twice.
    r"escape that is NUL|twice",
)


def test_random_mutations(bench: Bench) -> None:
    chance = random.Random(SEED)
    quotes = [bench.quote(), bench.quote(version=5, td15=True)]
    collateral = bench.collateral()
    accepted = 0
    for number in range(MUTATIONS):
        quote, changed, at = quotes[number % 2], dict(collateral), bench.at
        what = chance.randrange(10)
        if what < 6:
            quote = _mutate(chance, quote)
        elif what < 9:
            member = chance.choice(sorted(changed))
            changed[member] = _mutate(chance, changed[member].encode()).decode("latin-1")
        else:
            at += chance.randrange(-400, 400) * 86400
        ours = bench.library.judge(quote, at, changed)
        theirs = bench.qvl.judge(quote, changed, at)
        if ours["good"]:
            accepted += 1
            same = ours["status"] == theirs.status
            assert same or _differs_in_space(collateral, changed), (number, ours, theirs)
        elif theirs.accepted:
            [sentence] = ours["failed"].values()
            assert any(re.search(reason, sentence) for reason in STRICTER), (number, ours, theirs)
    assert 0 < accepted < MUTATIONS / 2
