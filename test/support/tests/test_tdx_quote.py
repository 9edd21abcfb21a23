"""Quotes of the test PKI: a verifier of real quotes accepts them, and no byte can be changed."""

from __future__ import annotations

import datetime
import stat
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from support.quote_pki import QuotePki
from support.tdx_quote import PADDING, QeReport, TdBody, build_quote

from . import quote_verifier as verifier
from .quote_verifier import Quote, Rejection, verify_quote

ASKED = bytes(range(64))
BODY = TdBody(ASKED, rtmrs=(b"\0" * 48, b"\1" * 48, b"\2" * 48, b"\3" * 48))

LOWEST_BIT, HIGHEST_BIT = 0x01, 0x80

# What a change of a part is first noticed by.
NOTICED_BY = {
    verifier.STRUCTURE: (
        "version att_key_type tee_type qe_vendor body_type body_size signature_size "
        "qe_data_type qe_data_size auth_size chain_type chain_size"
    ),
    verifier.CHAIN: "chain",
    verifier.QE_SIGNATURE: "qe_report qe_signature",
    verifier.QE_BINDING: "attestation_key auth_data",
    verifier.QUOTE_SIGNATURE: (
        "reserved user_data tee_tcb_svn mr_seam mr_signer_seam seam_attributes td_attributes xfam "
        "mr_td mr_config_id mr_owner mr_owner_config rtmr0 rtmr1 rtmr2 rtmr3 report_data "
        "tee_tcb_svn2 mr_service_td signature"
    ),
}


def verify(pki: QuotePki, data: bytes, **options: object) -> Quote:
    root = x509.load_pem_x509_certificate(pki.root_pem.read_bytes())
    return verify_quote(data, root, **options)  # type: ignore[arg-type]


def rejected_at(pki: QuotePki, data: bytes, **options: object) -> int:
    with pytest.raises(Rejection) as rejection:
        verify(pki, data, **options)
    return rejection.value.step


@pytest.mark.parametrize(
    ("version", "td15", "size"), [(4, False, 48 + 584), (5, False, 54 + 584), (5, True, 54 + 648)]
)
def test_quote_verifies(pki: QuotePki, version: int, td15: bool, size: int) -> None:
    data = build_quote(pki, BODY, version=version, td15=td15)
    quote = verify(pki, data, report_data=ASKED)
    assert len(quote["signed"]) == size
    assert quote["mr_td"] == BODY.mrtd
    assert [quote[f"rtmr{n}"] for n in range(4)] == list(BODY.rtmrs)
    assert quote["chain"].endswith(b"-----END CERTIFICATE-----\n\0")
    assert data[quote.end :] == bytes(70)


def test_each_quote_has_its_own_attestation_key(pki: QuotePki) -> None:
    first, second = (verify(pki, build_quote(pki, BODY)) for _ in range(2))
    assert first["attestation_key"] != second["attestation_key"]
    assert first["user_data"] == second["user_data"] == pki.qe_id + bytes(4)


@pytest.mark.filterwarnings("ignore::UserWarning")  # the library's, about what it is made to read
@pytest.mark.parametrize("version", [4, 5])
def test_every_changed_byte_is_noticed(pki: QuotePki, version: int) -> None:
    """All of them, one after the other; for every part the step that notices is the right one."""
    quote = verify(pki, build_quote(pki, BODY, version=version))
    step_of = {name: step for step, names in NOTICED_BY.items() for name in names.split()}
    for name, where in quote.parts.items():
        if name == "signed":
            continue
        bits = (LOWEST_BIT,) if name == "chain" else (LOWEST_BIT, HIGHEST_BIT)
        for data in _flipped(quote.data, where, bits):
            assert rejected_at(pki, data) == step_of[name], name


def _flipped(data: bytes, where: slice, bits: Iterable[int]) -> Iterator[bytes]:
    for offset in range(where.start, where.stop):
        for bit in bits:
            changed = bytearray(data)
            changed[offset] ^= bit
            yield bytes(changed)


def test_every_part_is_covered_and_flipped(pki: QuotePki) -> None:
    """The parts are all of the quote, without gap or overlap: no byte escapes the test above."""
    quote = verify(pki, build_quote(pki, BODY, version=5))
    parts = sorted((p.start, p.stop) for name, p in quote.parts.items() if name != "signed")
    ends = [0, *(stop for _, stop in parts)]
    assert [start for start, _ in parts] == ends[:-1]
    assert ends[-1] == len(quote.data) - len(PADDING)


def test_padding_is_not_signed_and_not_read(pki: QuotePki) -> None:
    data = build_quote(pki, BODY, padding=b"anything")
    assert data.endswith(b"anything")
    verify(pki, data)


def test_cut_quotes_are_noticed(pki: QuotePki) -> None:
    data = build_quote(pki, BODY, padding=b"")
    for size in range(len(data)):
        assert rejected_at(pki, data[:size]) == verifier.STRUCTURE


def test_other_report_data_is_noticed(pki: QuotePki) -> None:
    assert rejected_at(pki, build_quote(pki, BODY), report_data=bytes(64)) == verifier.REPORT_DATA


@pytest.mark.parametrize(
    "qe_report",
    [
        QeReport(mr_signer=bytes(32)),
        QeReport(isv_prod_id=1),
        QeReport(isv_svn=3),
        QeReport(misc_select=1),
        QeReport(attributes=b"\x17" + bytes(15)),  # a debug enclave
    ],
)
def test_well_signed_but_wrong_enclave_is_noticed(pki: QuotePki, qe_report: QeReport) -> None:
    data = build_quote(pki, BODY, qe_report=qe_report)
    assert rejected_at(pki, data) == verifier.QE_IDENTITY


def test_enclave_that_vouches_for_another_key_is_noticed(pki: QuotePki) -> None:
    data = build_quote(pki, BODY, qe_report=QeReport(report_data=bytes(64)))
    assert rejected_at(pki, data) == verifier.QE_BINDING


@pytest.mark.parametrize(
    "body",
    [
        TdBody(ASKED, td_attributes=b"\x01" + bytes(7)),  # a debug TD
        TdBody(ASKED, mr_signer_seam=b"\x01" * 48),
        TdBody(ASKED, seam_attributes=b"\x01" + bytes(7)),
        TdBody(ASKED, mr_service_td=b"\x01" * 48),
    ],
)
def test_well_signed_but_unwanted_guest_is_noticed(pki: QuotePki, body: TdBody) -> None:
    data = build_quote(pki, body, version=5)
    assert rejected_at(pki, data) == verifier.TD_POLICY


def test_other_root_of_the_same_name_is_noticed(pki: QuotePki, tmp_path: Path) -> None:
    other = QuotePki(tmp_path)
    assert other.root.certificate.subject == pki.root.certificate.subject
    assert rejected_at(other, build_quote(pki, BODY)) == verifier.CHAIN
    mixed = pki.leaf.pem() + pki.platform_ca.pem() + other.root.pem()
    assert rejected_at(other, build_quote(pki, BODY, chain_pem=mixed)) == verifier.CHAIN


def test_chain_of_wrong_length_or_order_is_noticed(pki: QuotePki) -> None:
    leaf, middle, root = pki.leaf.pem(), pki.platform_ca.pem(), pki.root.pem()
    for chain in (b"", leaf + root, leaf + middle, root + middle + leaf, leaf + middle + root * 2):
        assert rejected_at(pki, build_quote(pki, BODY, chain_pem=chain)) == verifier.CHAIN


def test_certificates_are_valid_now_and_not_for_ever(pki: QuotePki) -> None:
    data = build_quote(pki, BODY)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    for days in (0, 365):
        verify(pki, data, at=now + datetime.timedelta(days=days))
    for days in (-2, 8 * 365):
        assert rejected_at(pki, data, at=now + datetime.timedelta(days=days)) == verifier.CHAIN


def test_parts_of_wrong_size_are_refused(pki: QuotePki) -> None:
    with pytest.raises(ValueError, match="REPORTDATA has 63 bytes, must have 64"):
        build_quote(pki, TdBody(bytes(63)))
    with pytest.raises(ValueError, match="version is 3"):
        build_quote(pki, BODY, version=3)


def test_pck_extension_names_the_platform(pki: QuotePki) -> None:
    """The fields are looked for in DER: object id and value of FMSPC, PCESVN and components."""
    oid = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
    value = pki.leaf.certificate.extensions.get_extension_for_oid(oid).value.public_bytes()
    base = bytes.fromhex("2a864886f84d010d01")
    fmspc = b"\x06\x0a" + base + b"\x04" + b"\x04\x06" + bytes.fromhex("fe51f0000000")
    pce_svn = b"\x06\x0b" + base + b"\x02\x11" + b"\x02\x01\x0d"
    assert value.count(fmspc) == 1
    assert value.count(pce_svn) == 1
    for component, svn in enumerate(bytes.fromhex("0404191b04ff0006")):
        number = struct.pack(">H", svn) if svn > 0x7F else bytes([svn])
        integer = bytes([2, len(number)]) + number
        assert value.count(b"\x06\x0b" + base + bytes([2, component + 1]) + integer) == 1


def test_pki_is_made_once_even_by_several_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        pkis = list(pool.map(QuotePki, [tmp_path / "pki"] * 8))
    chains = {pki.chain_pem for pki in (*pkis, QuotePki(tmp_path / "pki"))}
    assert len(chains) == 1


def test_keys_are_for_their_owner_only(pki: QuotePki) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in pki.directory.iterdir()}
    keys = {name: mode for name, mode in modes.items() if name.endswith(".key")}
    assert keys == {"root.key": 0o600, "pck-ca.key": 0o600, "pck.key": 0o600}
    assert set(modes) - set(keys) == {"root.pem", "pck-ca.pem", "pck.pem"}
