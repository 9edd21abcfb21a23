"""What is published where the guest agent has no TDX quote, but an attestation of its platform."""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.attestation import KINDS, pack
from support.guest_api import NEW_VERSION, Answer, Fault, GuestApi, json_answer

from .evidence_bench import (
    SUMS,
    Bench,
    bench,
    check_generation,
    everything_in,
    read_generation,
    visible_names,
)

FAILED, UNREACHABLE, TRY_LATER = 1, 69, 75
NO_QUOTES = tuple(kind for kind in KINDS if kind not in ("tdx", "gcp-tdx"))
LARGEST = 10 * 1024 * 1024


def attested(made: Bench) -> dict[str, bytes]:
    """The files of a generation without a quote, which are as they should be."""
    files = read_generation(made.evidence)
    assert "quote.json" not in files
    listed = [line[66:] for line in files[SUMS].decode().splitlines()]
    assert listed == ["acme-account.json", "cert-app.example.com.pem"]
    for line in files[SUMS].decode().splitlines():
        assert hashlib.sha256(files[line[66:]]).hexdigest() == line[:64]
    answer = json.loads(files["attestation.json"])
    assert bytes.fromhex(answer["attestation"]) == files["attestation.bin"]
    return files


def asked(made: Bench) -> list[str]:
    return [request["path"] for request in made.agent.requests()]


@pytest.mark.parametrize("kind", NO_QUOTES)
def test_an_attestation_is_published(tmp_path: Path, kind: str) -> None:
    with bench(tmp_path, is_new=True, platform=kind) as made:
        made.publish("app.example.com")
        files = attested(made)
        assert visible_names(made.evidence) == sorted(files)
        covered = hashlib.sha256(files[SUMS]).digest() + bytes(32)
        assert files["attestation.bin"] == made.agent.guest.attestation(covered)
        manifest = json.loads(files["manifest.json"])
        assert manifest["attestation"] == {"kind": kind}
        assert manifest["guest_agent"] == {"kind": "dstack", "version": NEW_VERSION}
        assert manifest["app"] == {}
        assert asked(made) == ["/GetQuote", "/v1/Attest", "/v1/Version"]


@pytest.mark.parametrize("kind", ["tdx", "sev-snp"])
def test_an_agent_that_refuses_quotes(tmp_path: Path, kind: str) -> None:
    """With a status and a sentence, in the place of an answer without a quote."""
    with bench(tmp_path, is_new=True, platform=kind) as made:
        made.agent.fault("no-quote")
        made.publish("app.example.com")
        assert json.loads(attested(made)["manifest.json"])["attestation"] == {"kind": kind}


@pytest.mark.parametrize("is_new", [False, True])
def test_a_quote_is_asked_nothing_beside(tmp_path: Path, is_new: bool) -> None:
    with bench(tmp_path, is_new=is_new) as made:
        made.publish("app.example.com")
        files = read_generation(made.evidence)
        check_generation(files)
        manifest = json.loads(files["manifest.json"])
        version = {"version": NEW_VERSION} if is_new else {}
        assert manifest["guest_agent"] == {"kind": "dstack", **version}
        assert "attestation" not in manifest and "/v1/Attest" not in asked(made)


@pytest.mark.parametrize(
    ("api", "sentence"),
    [("dstack", "/GetQuote: there is no quote in it"), ("tappd", "400: Failed to get quote")],
)
def test_older_agents_have_no_attestations(tmp_path: Path, api: str, sentence: str) -> None:
    with bench(tmp_path, api, platform="sev-snp") as made:
        result = made.run(*made.publish_arguments())
        assert result.returncode == FAILED and sentence in result.stderr, result.stderr
        assert everything_in(made.evidence) == {}


def test_from_one_to_the_other_and_back(tmp_path: Path) -> None:
    """As when a volume moves to another machine: the names of the other kind go."""
    with bench(tmp_path, is_new=True) as made:
        made.publish("app.example.com")
        check_generation(read_generation(made.evidence))
        made.agent.fault("no-quote")
        made.publish("app.example.com")
        assert visible_names(made.evidence) == sorted(attested(made))
        made.agent.fault("none")
        made.publish("app.example.com")
        check_generation(read_generation(made.evidence))
        assert not [name for name in visible_names(made.evidence) if "attestation" in name]


# ---- what an agent may say


class Told(GuestApi):
    """Answers of a test's own, by path: those that are not listed are the simulator's."""

    def __init__(self, made: Bench, answers: Mapping[str, Answer]) -> None:
        super().__init__(made.agent.guest, "dstack", is_new=True)
        self.answers = answers

    def call(self, path: str, arguments: Mapping[str, object], fault: Fault) -> Answer:
        return self.answers.get(path) or super().call(path, arguments, fault)


def tell(made: Bench, answers: Mapping[str, Answer]) -> None:
    made.agent.stop()
    made.agent._api = Told(made, answers)
    made.agent.start()


HTML = Answer(404, b"<html>", "text/html")

REFUSED: dict[str, tuple[Answer, int, str]] = {
    "busy": (json_answer(503, {"error": "the device is busy"}), TRY_LATER, "the device is busy"),
    "too often": (json_answer(429, {"error": "slow down"}), TRY_LATER, "slow down"),
    "broken": (json_answer(500, {"error": "no device"}), FAILED, "no device"),
    "a 404 of its own": (json_answer(404, {"error": "no such app"}), FAILED, "no such app"),
    "no surface": (HTML, FAILED, "/GetQuote: there is no quote in it"),
    "no JSON": (Answer(200, b"<html>"), FAILED, "is not JSON"),
    "no attestation": (json_answer(200, {"quote": ""}), FAILED, "there is no attestation in it"),
    "empty": (json_answer(200, {"attestation": ""}), FAILED, "there is no attestation in it"),
    "no hex": (json_answer(200, {"attestation": "zz"}), FAILED, "its attestation is not hexa"),
    "a quote": (json_answer(200, {"attestation": "04000200"}), FAILED, "it names no platform"),
    "odd kind": (
        json_answer(200, {"attestation": pack({"platform": {"kind": "a\nb"}}).hex()}),
        FAILED,
        "it names no platform",
    ),
    "too large": (
        json_answer(200, {"attestation": "00" * (LARGEST + 1)}),
        FAILED,
        f"at most {LARGEST} are read",
    ),
    "endless": (
        json_answer(200, {"attestation": "00" * (LARGEST + (1 << 20))}),
        FAILED,
        "larger than 21037056 bytes",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_answers_that_are_no_attestation_change_nothing(tmp_path: Path, case: str) -> None:
    answer, status, sentence = REFUSED[case]
    with bench(tmp_path, is_new=True, platform="sev-snp") as made:
        made.publish("app.example.com")
        before = everything_in(made.evidence)
        tell(made, {"/v1/Attest": answer})
        result = made.run(*made.publish_arguments("app.example.com"))
        assert (result.returncode, everything_in(made.evidence)) == (status, before), result.stderr
        assert sentence in result.stderr and "\n" not in result.stderr.strip().splitlines()[-1]
        if case != "no surface":
            assert "there is no quote" in result.stderr


@pytest.mark.parametrize("status", [404, 408, 429, 500, 503])
def test_who_has_not_answered_about_quotes_is_not_asked_further(
    tmp_path: Path, status: int
) -> None:
    """An agent that is busy may have quotes a moment later."""
    with bench(tmp_path, is_new=True) as made:
        tell(made, {"/GetQuote": json_answer(status, {"error": "not now"})})
        result = made.run(*made.publish_arguments())
        assert result.returncode in (FAILED, TRY_LATER) and "not now" in result.stderr
        assert asked(made) == ["/GetQuote"]


@pytest.mark.parametrize(
    "answer",
    [{"quote": 7}, {"quote": "zz"}, {"quote": "04000200"}, {"quote": ["04"]}],
    ids=["number", "no hex", "short", "list"],
)
def test_a_quote_that_is_none_is_no_answer_either(tmp_path: Path, answer: object) -> None:
    with bench(tmp_path, is_new=True) as made:
        tell(made, {"/GetQuote": json_answer(200, answer)})
        assert made.run(*made.publish_arguments()).returncode == FAILED
        assert asked(made) == ["/GetQuote"]


@pytest.mark.parametrize("answer", [{}, {"quote": None}, {"quote": ""}], ids=str)
def test_forms_of_having_none(tmp_path: Path, answer: object) -> None:
    with bench(tmp_path, is_new=True) as made:
        tell(made, {"/GetQuote": json_answer(200, answer)})
        made.publish("app.example.com")
        attested(made)


def test_the_largest_there_may_be(tmp_path: Path) -> None:
    """It is published, and served, to the last byte."""
    largest = bytes(LARGEST)  # of an older agent's format
    with bench(tmp_path, is_new=True, platform="sev-snp") as made:
        tell(made, {"/v1/Attest": json_answer(200, {"attestation": largest.hex()})})
        made.publish("app.example.com")
        files = attested(made)
        assert files["attestation.bin"] == largest
        assert json.loads(files["manifest.json"])["attestation"] == {"kind": "legacy"}


VERSIONS: dict[str, tuple[Answer, str | None]] = {
    "told": (json_answer(200, {"version": "0.6.1+rc.1", "rev": "abc"}), "0.6.1+rc.1"),
    "not text": (json_answer(200, {"version": 6}), None),
    "too long": (json_answer(200, {"version": "1" * 65}), None),
    "odd": (json_answer(200, {"version": "1\x1b[2J"}), None),
    "absent": (json_answer(400, {"error": "Service not found"}), None),
    "broken": (Answer(200, b"<html>"), None),
}


@pytest.mark.parametrize("path", ["/v1/Version", "/Version"])
@pytest.mark.parametrize("case", VERSIONS)
def test_the_agents_version(tmp_path: Path, path: str, case: str) -> None:
    """A manifest without it is better than none."""
    answer, version = VERSIONS[case]
    with bench(tmp_path) as made:
        tell(made, {"/v1/Version": HTML, path: answer})
        made.publish("app.example.com")
        manifest = json.loads(read_generation(made.evidence)["manifest.json"])
        assert manifest["guest_agent"].get("version") == version


def test_the_question_is_what_the_agent_documents(tmp_path: Path) -> None:
    with bench(tmp_path, is_new=True, platform="nitro-enclave") as made:
        made.publish("app.example.com")
        quote, attest, _ = made.agent.requests()
        wanted = hashlib.sha256(read_generation(made.evidence)[SUMS]).hexdigest() + "00" * 32
        assert dict(urllib.parse.parse_qsl(quote["query"])) == {"report_data": wanted}
        assert (attest["method"], attest["query"]) == ("POST", "")
        assert json.loads(attest["body"]) == {"report_data": wanted}
