"""`ingress-evidence webhook`: telling the operator's own program which records he is to make."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.certificates import LocalCa
from support.webhook_receiver import WebhookReceiver

from .evidence_bench import PROGRAM, Bench, bench

FAILED, USAGE, UNREACHABLE, TRY_LATER, BAD_CONFIG = 1, 64, 69, 75, 78
RUN_DEADLINE = 120.0
TOKEN = "a-secret-between-the-two"
RECORDS = [
    {
        "type": "CNAME",
        "name": "app.demo.test",
        "value": "gateway.demo.test",
        "note": "points the name at the gateway",
        "exact": False,
    },
    {
        "type": "CAA",
        "name": "app.demo.test",
        "value": '0 issue "ca.test; accounturi=https://ca.test/7"',
        "note": "",
        "exact": True,
    },
]
TASK: dict[str, Any] = {
    "domain": "app.demo.test", "challenge": "dns-01", "app_id": "ab" * 20, "records": RECORDS,
}  # fmt: skip
# Beside them, what some other program of the same version may put there.
FULL = json.dumps({"version": 7, "timestamp": 0, "more": [1], **TASK})


@contextlib.contextmanager
def receiver(made: Bench, token: str = TOKEN, **options: Any) -> Iterator[WebhookReceiver]:
    started = WebhookReceiver(token, made.agent.guest.pki, **options)
    started.start()
    try:
        yield started
    finally:
        started.stop()


def tell(
    made: Bench, task: str = FULL, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PROGRAM), "webhook"],
        env=made.environment(**variables),
        input=task,
        capture_output=True,
        text=True,
        timeout=RUN_DEADLINE,
        check=False,
    )
    assert TOKEN not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize(("api", "is_new"), [("dstack", False), ("dstack", True), ("tappd", False)])
def test_a_receiver_can_tell_who_asks(tmp_path: Path, api: str, is_new: bool) -> None:
    with bench(tmp_path, api, is_new=is_new) as made, receiver(made) as webhook:
        before = time.time()
        done = tell(made, **webhook.settings())
        assert done.returncode == 0, done.stderr
        assert webhook.refused == []
        (call,) = webhook.calls
        assert call.proof == "quote"
        assert call.payload["records"] == RECORDS
        assert (call.payload["domain"], call.payload["challenge"]) == ("app.demo.test", "dns-01")
        assert call.payload["app_id"] == made.agent.guest.app_id.hex()
        assert call.payload["instance_id"] == made.agent.guest.instance_id.hex()
        assert int(before) <= call.payload["timestamp"] <= time.time()


def test_the_token_may_be_in_a_file_that_is_roots(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        path = tmp_path / "token"
        path.touch(mode=0o600)
        path.write_text(f"{TOKEN}\n")
        url = webhook.settings()["DNS_WEBHOOK_URL"]
        done = tell(made, DNS_WEBHOOK_URL=url, DNS_WEBHOOK_TOKEN_FILE=str(path))
        assert done.returncode == 0, done.stderr
        assert len(webhook.calls) == 1


def test_a_receiver_of_the_operators_own_authority(tmp_path: Path) -> None:
    ca = LocalCa(tmp_path)
    ca.bundle.chmod(0o600)
    with bench(tmp_path) as made, receiver(made, tls=ca.server_context("webhook")) as webhook:
        done = tell(made, **webhook.settings())
        assert done.returncode == UNREACHABLE, done.stderr
        assert webhook.calls == []
        done = tell(made, **webhook.settings(), DNS_WEBHOOK_CA_BUNDLE=str(ca.bundle))
        assert done.returncode == 0, done.stderr
        assert len(webhook.calls) == 1


# ---- without a quote


def test_a_platform_without_quotes_sends_its_attestation(tmp_path: Path) -> None:
    with bench(tmp_path, is_new=True, platform="sev-snp") as made:
        webhook = WebhookReceiver(TOKEN, None)
        webhook.start()
        try:
            done = tell(made, **webhook.settings())
            assert done.returncode == 0, done.stderr
            assert [call.proof for call in webhook.calls] == ["attestation"]
            body = json.loads(webhook.requests()[0].body)
            assert set(body) == {"payload", "hmac_sha256", "attestation_v1"}
            assert bytes.fromhex(body["attestation_v1"]["attestation"])
        finally:
            webhook.stop()


@pytest.mark.parametrize("fault", ["stopped", "status-500", "html", "wrong-report-data", "close"])
def test_the_webhook_is_told_whatever_becomes_of_the_agent(tmp_path: Path, fault: str) -> None:
    with bench(tmp_path) as made:
        if fault == "stopped":
            made.agent.stop()
        else:
            made.agent.fault(fault)
        webhook = WebhookReceiver(TOKEN, None)
        webhook.start()
        try:
            done = tell(made, **webhook.settings())
            assert done.returncode == 0, done.stderr
            (call,) = webhook.calls
            assert call.proof == "" and call.payload["records"] == RECORDS
            assert "the webhook is told without a quote" in done.stderr or fault == "stopped"
            if fault != "wrong-report-data":
                assert (call.payload["app_id"], call.payload["instance_id"]) == ("ab" * 20, "")
                assert "which instance this is" in done.stderr
        finally:
            webhook.stop()


def test_without_a_token_the_quote_alone_tells(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made, token="") as webhook:
        assert tell(made, **webhook.settings()).returncode == 0
        assert [call.proof for call in webhook.calls] == ["quote"]


# ---- receivers that fail


def test_a_busy_receiver_is_tried_three_times(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        webhook.fault("status", times=1)
        webhook.fault("closed", times=1)
        done = tell(made, **webhook.settings())
        assert done.returncode == 0, done.stderr
        assert [r.status for r in webhook.requests()] == [503, 0, 204]
        webhook.forget_requests()
        webhook.fault("status", times=None, status=502, body="<b>bad gateway</b>")
        done = tell(made, **webhook.settings())
        assert done.returncode == TRY_LATER
        assert "answers HTTP 502: <b>bad gateway</b>" in done.stderr
        assert len(webhook.requests()) == 3


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {}, "answers HTTP 401"),
        (302, {"Location": "https://elsewhere.example/"}, "redirects are not followed"),
    ],
)
def test_a_refusal_is_no_reason_to_ask_again_at_once(
    tmp_path: Path, status: int, headers: dict[str, str], said: str
) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        webhook.fault("status", times=None, status=status, headers=headers, body="")
        done = tell(made, **webhook.settings())
        assert done.returncode == FAILED
        assert said in done.stderr
        assert len(webhook.requests()) == 1


def test_a_silent_receiver_is_left_after_its_time(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        fault = webhook.fault("hang", times=None)
        done = tell(made, **webhook.settings(), DNS_WEBHOOK_TIMEOUT="1")
        assert done.returncode == TRY_LATER, done.stderr
        assert "DNS_WEBHOOK_URL" in done.stderr
        assert fault.hits == 3


def test_a_receiver_that_is_away(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        webhook.down()
        assert tell(made, **webhook.settings()).returncode == UNREACHABLE


# ---- tasks


@pytest.mark.parametrize(
    "task",
    [
        "",
        "no JSON",
        "[]",
        json.dumps({**TASK, "records": []}),
        json.dumps({**TASK, "records": [{"type": "TXT", "name": "x"}]}),
        json.dumps({**TASK, "domain": 7}),
        json.dumps({**TASK, "records": RECORDS * 600}),
    ],
    ids=["nothing", "text", "a list", "no records", "half a record", "no domain", "too many"],
)
def test_a_task_that_is_none_is_not_sent(tmp_path: Path, task: str) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        done = tell(made, task, **webhook.settings())
        assert done.returncode == USAGE, done.stderr
        assert webhook.requests() == []


def test_more_than_there_can_be_is_not_read(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        done = tell(made, " " * (2 << 20), **webhook.settings())
        assert done.returncode == FAILED and "the task on standard input is larger" in done.stderr
        assert webhook.requests() == []


def test_without_a_url(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        done = tell(made)
        assert done.returncode == BAD_CONFIG and "DNS_WEBHOOK_URL is not set" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_root_is_given_up_before_anything_is_sent(tmp_path: Path) -> None:
    with bench(tmp_path) as made, receiver(made) as webhook:
        seen: list[str] = []
        child = subprocess.Popen(
            [str(PROGRAM), "webhook"],
            env=made.environment(**webhook.settings()),
            stdin=subprocess.PIPE,
            text=True,
        )
        webhook.fault(
            "meanwhile",
            call=lambda: seen.append(Path(f"/proc/{child.pid}/status").read_text()),
        )
        child.communicate(FULL, timeout=RUN_DEADLINE)
        assert child.returncode == 0
        rights = dict(line.split(":\t", 1) for line in seen[0].splitlines() if ":\t" in line)
        assert set(rights["Uid"].split()) == {"59302"}
        assert rights["CapEff"].strip("0") == ""
