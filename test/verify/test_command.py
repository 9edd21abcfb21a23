"""`ingressctl verify` on saved evidence: options, policies, exit statuses, what is said."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.certificates import LocalCa
from support.event_log import guest_event_log
from support.quote_pki import QuotePki
from support.tdx_quote import TdBody, build_quote, simulated_measurement

from .conftest import Bench

HOST = "app.demo.test"
APP_ID = bytes(range(20))
COMPOSE = b'{"name": "demo"}'


@dataclass(frozen=True)
class Saved:
    """A folder as --save writes it, by a site whose evidence is in order."""

    bench: Bench
    folder: Path
    authority: LocalCa

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def seal(self, pki: QuotePki | None = None, **body: Any) -> None:
        """sha256sum.txt over the files, and a quote over that."""
        names = sorted(
            path.name for path in self.folder.iterdir() if path.name.startswith(("acme", "cert"))
        )
        sums = "".join(
            f"{hashlib.sha256((self.folder / name).read_bytes()).hexdigest()}  {name}\n"
            for name in names
        )
        self.put("sha256sum.txt", sums.encode())
        log = guest_event_log(
            app_id=APP_ID,
            compose_hash=hashlib.sha256(COMPOSE).digest(),
            instance_id=b"",
            os_image_hash=b"o" * 32,
            key_provider=b"{}",
        )
        report_data = hashlib.sha256(sums.encode()).digest() + bytes(32)
        quote = build_quote(
            pki or self.bench.pki, TdBody(**{"report_data": report_data, "rtmrs": log.rtmrs(), **body})
        )
        self.put(
            "quote.json",
            json.dumps({"quote": quote.hex(), "event_log": log.to_json()}).encode(),
        )

    def verify(self, *more: str) -> tuple[int, dict[str, Any]]:
        done = self.bench.product.run(
            "--json", "--dir", str(self.folder), "--root", str(self.bench.pki.root_pem),
            "--ca", str(self.authority.bundle), *more,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    def failed(self, *more: str) -> dict[str, str]:
        """The sentence of each check that failed; there is at least one."""
        status, answer = self.verify(*more)
        assert status == 1 and not answer["is_valid"]
        return {
            name: check["detail"]
            for name, check in answer["checks"].items()
            if check["outcome"] == "failed"
        }


@pytest.fixture
def saved(bench: Bench, tmp_path: Path) -> Saved:
    authority = LocalCa(tmp_path)
    chain = authority.issue("site", (HOST,))[0].read_bytes()
    made = Saved(bench, tmp_path / "saved", authority)
    made.folder.mkdir()
    made.put("host.txt", HOST.encode())
    made.put("live-chain.pem", chain)
    made.put(f"cert-{HOST}.pem", chain)
    made.put("acme-account.json", b'{"uri": "https://ca.test/acct/1"}')
    made.seal()
    return made


def test_all_is_well(saved: Saved) -> None:
    status, answer = saved.verify()
    assert status == 0 and answer["is_valid"] and answer["reason"] is None
    outcomes = {name: check["outcome"] for name, check in answer["checks"].items()}
    unchecked = {name for name, outcome in outcomes.items() if outcome == "not checked"}
    assert unchecked == {
        "fresh-quote", "manifest", "app-id", "compose-hash", "os-image", "measurements", "tcb",
        "caa", "ct",
    }  # fmt: skip
    assert set(outcomes.values()) == {"passed", "not checked"}
    assert answer["details"]["app_info"]["app_id"] == APP_ID.hex()


def test_what_was_not_checked_is_said(saved: Saved) -> None:
    done = saved.bench.product.run(
        "--dir", str(saved.folder), "--root", str(saved.bench.pki.root_pem),
        "--ca", str(saved.authority.bundle),
    )  # fmt: skip
    assert done.returncode == 0
    head, _, tail = done.stdout.partition("Not checked:")
    assert "Verdict: nothing failed." in head
    assert "app-id" in tail and "tcb" in tail and "OS image is not pinned" in tail


# ---- what is refused, each by its own line


def test_certificate_was_swapped(saved: Saved) -> None:
    saved.put("live-chain.pem", saved.authority.issue("other", (HOST,))[0].read_bytes())
    assert list(saved.failed()) == ["live-certificate"]


def test_certificate_by_a_ca_that_nobody_trusts(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = LocalCa(tmp_path / "other").issue("site", (HOST,))[0].read_bytes()
    saved.put("live-chain.pem", other)
    saved.put(f"cert-{HOST}.pem", other)
    saved.seal()
    assert list(saved.failed()) == ["tls-chain"]


def test_certificate_for_another_name(saved: Saved) -> None:
    chain = saved.authority.issue("other", ("evil.test",))[0].read_bytes()
    saved.put("live-chain.pem", chain)
    saved.put(f"cert-{HOST}.pem", chain)
    saved.seal()
    assert "not for app.demo.test" in saved.failed()["tls-chain"]


def test_certificate_of_the_wildcard_above(saved: Saved) -> None:
    chain = saved.authority.issue("wildcard", ("*.demo.test",))[0].read_bytes()
    saved.put("live-chain.pem", chain)
    (saved.folder / f"cert-{HOST}.pem").unlink()
    saved.put("cert-*.demo.test.pem", chain)
    saved.seal()
    assert saved.verify()[0] == 0


def test_file_was_changed(saved: Saved) -> None:
    saved.put("acme-account.json", b'{"uri": "https://ca.test/acct/666"}')
    assert "another digest" in saved.failed()["checksums"]


def test_listed_file_is_missing(saved: Saved) -> None:
    (saved.folder / "acme-account.json").unlink()
    assert "missing" in saved.failed()["checksums"]


def test_quote_over_other_files(saved: Saved) -> None:
    """Another deployment's quote, or an older one: it is good, but not over these files."""
    saved.seal(report_data=hashlib.sha256(b"others").digest() + bytes(32))
    assert list(saved.failed()) == ["report-data"]


def test_quote_over_nothing(saved: Saved) -> None:
    saved.seal(report_data=bytes(64))
    assert list(saved.failed()) == ["report-data"]


def test_second_half_of_report_data(saved: Saved) -> None:
    digest = hashlib.sha256((saved.folder / "sha256sum.txt").read_bytes()).digest()
    saved.seal(report_data=digest + b"\x01" + bytes(31))
    assert list(saved.failed()) == ["report-data"]


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"quote": "zz"}', b'{"quote": 1}', b"\0"])
def test_no_quote(saved: Saved, content: bytes) -> None:
    saved.put("quote.json", content)
    assert "quote-layout" in saved.failed()


def test_quote_of_another_pki(saved: Saved, tmp_path: Path) -> None:
    saved.seal(pki=QuotePki(tmp_path / "other-pki"))
    assert list(saved.failed()) == ["quote-chain"]


def test_intels_root_is_the_default(saved: Saved) -> None:
    done = saved.bench.product.run("--json", "--dir", str(saved.folder))
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert "not the trusted one" in answer["checks"]["quote-chain"]["detail"]


# ---- pins, policies, requirements


def test_compose_file(saved: Saved, tmp_path: Path) -> None:
    compose = tmp_path / "app-compose.json"
    compose.write_bytes(COMPOSE)
    status, answer = saved.verify("--compose", str(compose))
    assert status == 0 and answer["checks"]["compose-hash"]["outcome"] == "passed"
    compose.write_bytes(COMPOSE + b" ")
    assert list(saved.failed("--compose", str(compose))) == ["compose-hash"]


def test_pins_in_upper_case(saved: Saved) -> None:
    status, answer = saved.verify("--app-id", APP_ID.hex().upper())
    assert status == 0 and answer["checks"]["app-id"]["outcome"] == "passed"


@pytest.mark.parametrize(
    "option, size, check",
    [
        ("--app-id", 20, "app-id"),
        ("--compose-hash", 32, "compose-hash"),
        ("--os-image-hash", 32, "os-image"),
        ("--mrtd", 48, "measurements"),
        ("--rtmr0", 48, "measurements"),
        ("--rtmr1", 48, "measurements"),
        ("--rtmr2", 48, "measurements"),
    ],
)
def test_each_pin(saved: Saved, option: str, size: int, check: str) -> None:
    assert list(saved.failed(option, "ab" * size)) == [check]


def test_a_policy_made_of_what_was_seen(saved: Saved, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    assert saved.verify("--write-policy", str(policy))[0] == 0
    everything_but = "app-id,compose-hash,os-image,measurements"
    assert saved.verify("--policy", str(policy), "--require", everything_but)[0] == 0
    saved.seal(mrtd=simulated_measurement("other firmware"))
    assert list(saved.failed("--policy", str(policy))) == ["measurements"]


def test_no_policy_of_what_was_refused(saved: Saved, tmp_path: Path) -> None:
    saved.put("acme-account.json", b"{}")
    done = saved.bench.product.run(
        "--dir", str(saved.folder), "--write-policy", str(tmp_path / "policy.json")
    )
    assert done.returncode == 1 and not (tmp_path / "policy.json").exists()


def test_required_but_not_checked(saved: Saved) -> None:
    status, answer = saved.verify("--require", "tcb")
    assert status == 1 and answer["reason"].startswith("tcb: ")
    assert saved.verify("--require", "checksums,event-log")[0] == 0
    assert saved.verify("--require", "all")[0] == 1


POLICIES = {
    "not JSON": "{",
    "no object": "[]",
    "a pin that is spelt wrong": '{"app-id": "00"}',
    "a pin that is too short": '{"app_id": "00"}',
    "a pin that is no text": '{"app_id": 5}',
    "twice": '{"mrtd": "%s", "mrtd": "%s"}' % ("00" * 48, "11" * 48),
    "a status that is none": '{"tcb": "Fine"}',
    "a status that nobody can accept": '{"tcb": "Revoked"}',
    "a check that is none": '{"require": ["everything"]}',
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_bad_policies(saved: Saved, tmp_path: Path, policy: str) -> None:
    (tmp_path / "policy.json").write_text(policy)
    done = saved.bench.product.run(
        "--dir", str(saved.folder), "--policy", str(tmp_path / "policy.json")
    )
    assert done.returncode == 78 and "policy" in done.stderr, done


USAGE = {
    "nothing": [],
    "two things": ["https://a.test", "--dir", "x"],
    "plain HTTP": ["http://a.test"],
    "a user in the URL": ["https://u@a.test"],
    "an option that is none": ["--fast", "--dir", "x"],
    "an option without a value": ["--dir"],
    "a pin that is no hex": ["--dir", "x", "--app-id", "zz" * 20],
    "a time that is none": ["--dir", "x", "--at", "tomorrow"],
    "a status that is none": ["--dir", "x", "--tcb", "fine"],
    "a check that is none": ["--dir", "x", "--require", "luck"],
    "nothing to save": ["--dir", "x", "--save", "y"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_usage(bench: Bench, arguments: list[str]) -> None:
    done = bench.product.run(*arguments)
    assert done.returncode == 64 and "--help" in done.stderr and not done.stdout, done


def test_escapes_in_the_evidence_do_not_reach_the_terminal(saved: Saved) -> None:
    saved.put("sha256sum.txt", b"\x1b]0;owned\x07 \xe2\x80\xae\n")
    done = saved.bench.product.run("--dir", str(saved.folder))
    assert done.returncode == 1 and "\x1b" not in done.stdout + done.stderr
