"""The guest-agent simulator answers as real agents do, by both APIs and with their rules."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import guest_agent
from support.guest_agent import GuestAgent
from support.quote_pki import QuotePki
from support.simulated_guest import SimulatedGuest

from .guest_agent_client import DEADLINE, UnixConnection, ask, call, refusal, verified
from .quote_verifier import verify_event_log, verify_quote

ASKED = bytes(range(1, 65))
# Real answers have 16 to 36 KB.
REAL_SIZES = range(16 << 10, 36 << 10)


@pytest.mark.parametrize("quote_version", [4, 5])
@pytest.mark.parametrize("event_log_version", [1, 2])
def test_quote_verifies(
    pki: QuotePki, tmp_path: Path, quote_version: int, event_log_version: int
) -> None:
    guest = SimulatedGuest(pki, quote_version=quote_version, event_log_version=event_log_version)
    with GuestAgent(tmp_path / "dstack.sock", guest) as agent:
        answer = ask(agent, f"/GetQuote?report_data={ASKED.hex()}")
    assert set(answer) == {"quote", "event_log", "report_data", "vm_config"}
    assert answer["report_data"] == ASKED.hex()
    assert json.loads(answer["vm_config"])["os_image_hash"] == guest.info()["os_image_hash"]
    assert verified(agent, answer, ASKED)["version"][0] == quote_version


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64])
def test_get_quote_pads_with_zeros(agent: GuestAgent, size: int) -> None:
    asked = ASKED[:size]
    padded = asked + bytes(64 - size)
    for answer in (
        ask(agent, f"/GetQuote?report_data={asked.hex()}"),
        ask(agent, "/GetQuote", {"report_data": asked.hex().upper()}),
    ):
        assert answer["report_data"] == padded.hex()
        verified(agent, answer, padded)


def test_get_quote_refuses_more_than_64_bytes(agent: GuestAgent) -> None:
    assert refusal(agent, f"/GetQuote?report_data={'00' * 65}") == "Report data is too long"
    assert refusal(agent, "/GetQuote", {"report_data": "00" * 65}) == "Report data is too long"


@pytest.mark.parametrize("bad", ["0", "zz", "00 00", "0x00", "é0"])
def test_bad_hex_is_refused(agent: GuestAgent, tappd: GuestAgent, bad: str) -> None:
    assert "report_data" in refusal(agent, "/GetQuote", {"report_data": bad})
    assert "report_data" in refusal(tappd, "/prpc/Tappd.RawQuote?json", {"report_data": bad})


@pytest.mark.parametrize("body", [[], "text", {"report_data": 7}])
def test_json_of_another_kind_is_refused(agent: GuestAgent, body: object) -> None:
    assert "Failed to decode the request" in refusal(agent, "/GetQuote", body)


def test_post_that_is_not_json_is_taken_for_protobuf(agent: GuestAgent) -> None:
    """As curl -d sends it. The real agent answers in protobuf, too."""
    form = "application/x-www-form-urlencoded"
    status, content_type, answer = call(agent.socket, "/GetQuote", {"report_data": "00"}, form)
    assert (status, content_type) == (400, "application/octet-stream")
    assert answer[2:] == b"Failed to decode the request"
    status, _, _ = call(agent.socket, "/GetQuote?json", {"report_data": "00"}, form)
    assert status == 200


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_raw_quote_wants_exactly_64_bytes(tappd: GuestAgent, size: int) -> None:
    message = refusal(tappd, f"/prpc/Tappd.RawQuote?report_data={'00' * size}")
    assert message == f"invalid content length: {size}, must be 64"


def test_raw_quote_verifies(tappd: GuestAgent) -> None:
    answer = ask(tappd, f"/prpc/Tappd.RawQuote?report_data={ASKED.hex()}")
    assert set(answer) == {"quote", "event_log", "hash_algorithm", "prefix"}
    assert (answer["hash_algorithm"], answer["prefix"]) == ("raw", "")
    verified(tappd, answer, ASKED)
    verified(tappd, ask(tappd, "/prpc/Tappd.RawQuote", {"report_data": ASKED.hex()}), ASKED)


def test_info_fits_the_event_log_and_the_quote(agent: GuestAgent, tappd: GuestAgent) -> None:
    info = ask(agent, "/Info")
    tcb_info = json.loads(info["tcb_info"])
    quote = verified(agent, ask(agent, f"/GetQuote?report_data={ASKED.hex()}"), ASKED)
    for name, part in (("mrtd", "mr_td"), *((f"rtmr{n}", f"rtmr{n}") for n in range(4))):
        assert tcb_info[name] == quote[part].hex()
    identity = verify_event_log(json.dumps(tcb_info["event_log"]), quote["rtmr3"])
    assert info["app_id"] == identity["app-id"].hex()
    assert info["compose_hash"] == tcb_info["compose_hash"] == identity["compose-hash"].hex()
    assert info["instance_id"] == identity["instance-id"].hex()
    assert info["os_image_hash"] == tcb_info["os_image_hash"] == identity["os-image-hash"].hex()
    assert info["key_provider_info"].encode() == identity["key-provider"]
    assert info["device_id"] == hashlib.sha256(quote["user_data"]).hexdigest()
    assert info["compose_hash"] == hashlib.sha256(tcb_info["app_compose"].encode()).hexdigest()
    assert info["app_name"] == json.loads(tcb_info["app_compose"])["name"]
    assert ask(tappd, "/prpc/Tappd.Info")["app_id"] == info["app_id"]


def _spki(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_certificate_of_the_application_holds_a_quote_about_its_key(agent: GuestAgent) -> None:
    certificate = x509.load_pem_x509_certificate(ask(agent, "/Info")["app_cert"].encode())
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.62397.1.1")
    octets = certificate.extensions.get_extension_for_oid(oid).value.public_bytes()
    assert octets[:2] == b"\x04\x82" and int.from_bytes(octets[2:4], "big") == len(octets) - 4
    expected = hashlib.sha512(b"ratls-cert:" + _spki(certificate.public_key())).digest()
    root = x509.load_pem_x509_certificate(agent.root_pem.read_bytes())
    verify_quote(octets[4:], root, report_data=expected)


@pytest.mark.parametrize("instance_id", [b"", bytes(range(20))])
def test_identity_as_given(pki: QuotePki, tmp_path: Path, instance_id: bytes) -> None:
    guest = SimulatedGuest(pki, app_id=b"\xab" * 20, instance_id=instance_id)
    with GuestAgent(tmp_path / "dstack.sock", guest) as agent:
        info = ask(agent, "/Info")
        answer = ask(agent, "/GetQuote?report_data=00")
    assert (info["app_id"], info["instance_id"]) == ("ab" * 20, instance_id.hex())
    quote = verified(agent, answer, bytes(64))
    assert verify_event_log(answer["event_log"], quote["rtmr3"])["instance-id"] == instance_id


def test_ids_of_wrong_size_are_refused(pki: QuotePki) -> None:
    with pytest.raises(ValueError, match="app id has 19 bytes, must have 20"):
        SimulatedGuest(pki, app_id=bytes(19))
    with pytest.raises(ValueError, match="instance id has 1 bytes"):
        SimulatedGuest(pki, instance_id=bytes(1))


def test_newer_agents_leave_digests_out(pki: QuotePki, tmp_path: Path) -> None:
    guest = SimulatedGuest(pki, log_digests=False)
    with GuestAgent(tmp_path / "dstack.sock", guest) as agent:
        answer = ask(agent, "/GetQuote?report_data=00")
    digests = {e["digest"] for e in json.loads(answer["event_log"]) if e["imr"] == 3}
    assert digests == {""}
    verified(agent, answer, bytes(64))


def test_answers_have_real_sizes(agent: GuestAgent, tappd: GuestAgent) -> None:
    for answering, target in (
        (agent, "/Info"),
        (agent, "/GetQuote?report_data=00"),
        (tappd, "/prpc/Tappd.Info"),
        (tappd, f"/prpc/Tappd.RawQuote?report_data={ASKED.hex()}"),
    ):
        assert len(call(answering.socket, target)[2]) in REAL_SIZES, target


def test_keys_depend_on_path_and_application(agent: GuestAgent, pki: QuotePki) -> None:
    first = ask(agent, "/GetKey?path=a&purpose=p&algorithm=ed25519")
    assert first == ask(agent, "/GetKey", {"path": "a", "purpose": "p", "algorithm": "secp256k1"})
    assert len(bytes.fromhex(first["key"])) == 32
    assert [len(bytes.fromhex(signature)) for signature in first["signature_chain"]] == [65, 65]
    assert ask(agent, "/GetKey?path=b")["key"] != first["key"]
    other = SimulatedGuest(pki, app_id=bytes(20))
    assert other.app_key("a", "p", "")[0].hex() != first["key"]


def test_unknown_key_algorithm_is_refused(agent: GuestAgent) -> None:
    assert refusal(agent, "/GetKey?path=a&algorithm=rsa") == "Unsupported algorithm"


def test_derived_tls_key_fits_its_certificate(tappd: GuestAgent) -> None:
    answer = ask(tappd, "/prpc/Tappd.DeriveKey", {"path": "/", "subject": "example.com"})
    key = serialization.load_pem_private_key(answer["key"].encode(), password=None)
    leaf, ca = (x509.load_pem_x509_certificate(c.encode()) for c in answer["certificate_chain"])
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert _spki(leaf.public_key()) == _spki(key.public_key())
    assert leaf.subject.rfc4514_string() == "CN=example.com"
    assert leaf.issuer == ca.subject
    assert ask(tappd, "/prpc/Tappd.DeriveKey?path=/")["key"] == answer["key"]


def test_each_socket_has_its_own_api_only(agent: GuestAgent, tappd: GuestAgent) -> None:
    for answering, target in ((agent, "/prpc/Tappd.Info"), (tappd, "/Info"), (agent, "/")):
        status, content_type, _ = call(answering.socket, target)
        assert (status, content_type) == (404, "text/html")
    assert "Nothing" in refusal(agent, "/Nothing")
    assert "RawQuote" in refusal(agent, "/RawQuote")
    assert "Tappd.GetQuote" in refusal(tappd, "/prpc/Tappd.GetQuote")


def test_a_connection_serves_several_calls(agent: GuestAgent) -> None:
    connection = UnixConnection(agent.socket)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/Info")
        response = connection.getresponse()
        assert (response.version, response.status) == (11, 200)
        json.loads(response.read())
    assert connection.sock is first  # http.client would have opened another otherwise
    connection.close()


def test_stop_takes_the_socket_away_and_start_brings_it_back(agent: GuestAgent) -> None:
    before = ask(agent, "/Info")
    agent.fault("html")
    agent.stop()
    agent.stop()
    assert not agent.socket.exists()
    with pytest.raises(RuntimeError, match="stopped"):
        agent.requests()
    agent.start()
    after = ask(agent, "/Info")
    assert {k for k in before if before[k] != after[k]} == set()
    assert len(agent.requests()) == 1
    with pytest.raises(RuntimeError, match="runs already"):
        agent.start()


def test_stale_socket_is_replaced_and_another_file_is_not(pki: QuotePki, tmp_path: Path) -> None:
    path = tmp_path / "dstack.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with GuestAgent(path, SimulatedGuest(pki)) as agent:
        ask(agent, "/Info")
    path.write_text("precious")
    with pytest.raises(OSError):
        GuestAgent(path, SimulatedGuest(pki))
    assert path.read_text() == "precious"


def test_unknown_api_is_refused(pki: QuotePki, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be one of dstack, tappd"):
        GuestAgent(tmp_path / "sock", SimulatedGuest(pki), api="other")


@pytest.mark.parametrize(("api", "prefix"), [("dstack", "/"), ("tappd", "/prpc/Tappd.")])
def test_runs_on_its_own(tmp_path: Path, api: str, prefix: str) -> None:
    """By its path and from any directory; a termination signal is an orderly end."""
    path = tmp_path / "guest.sock"
    command = [sys.executable, guest_agent.__file__, "--socket", str(path), "--api", api]
    options = ["--pki", str(tmp_path / "pki"), "--app-id", "ab" * 20, "--instance-id", ""]
    versions = ["--quote-version", "5", "--event-log-version", "2"]
    with subprocess.Popen(
        [*command, *options, *versions], cwd="/", stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert str(path) in process.stdout.readline()
            info = json.loads(call(path, f"{prefix}Info")[2])
            assert (info["app_id"], info["instance_id"]) == ("ab" * 20, "")
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == 0
            assert not path.exists()
        finally:
            process.kill()


def test_a_wrong_id_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pki: QuotePki
) -> None:
    options = ["--api", "dstack", "--pki", str(pki.directory), "--app-id", "ab"]
    assert guest_agent.main(["--socket", str(tmp_path / "sock"), *options]) == 64
    assert "app id has 1 bytes, must have 20" in capsys.readouterr().err
