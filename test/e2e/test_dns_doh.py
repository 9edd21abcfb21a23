"""`ingress-dns look`: the operator's records, in DNS and by the resolvers of DOH_RESOLVERS."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from support.bind import Bind
from support.certificates import LocalCa
from support.doh_relay import MEDIA_TYPE, DohRelay, doh_response
from support.http_service import Response

from .dns_bench import PROGRAM, RUN_DEADLINE, TRY_LATER, USAGE, Bench, rfc2136_bench

APP = "app.demo.test"
GATEWAY = "gateway.demo.test"
LONG = "v" * 600
CAA = '0 issue "ca.test; accounturi=https://ca.test/7"'
RECORDS = """\
alias CNAME gateway
further CNAME alias
addresses A 127.0.0.1
addresses AAAA ::1
half A 127.0.0.1
others A 127.0.0.1
others A 192.0.2.1
elsewhere CNAME nowhere
text TXT "1d:443"
texts TXT "1d:443"
texts TXT "other"
apps TXT "1d:443"
apps TXT "2e:443"
led CNAME text
pinned CAA 0 issue "ca.test; accounturi=https://ca.test/7"
pinned CAA 0 iodef "mailto:me@demo.test"
loose CAA 0 issue "ca.test"
long TXT "{}" "{}" "{}"
""".format("v" * 255, "v" * 255, "v" * 90)  # fmt: skip
# Type, name, value, exact; whether it counts as made.
CASES = [
    ("CNAME", "alias", GATEWAY, False, True),
    ("CNAME", "alias", GATEWAY, True, True),
    ("CNAME", "further", GATEWAY, False, True),
    ("CNAME", "further", GATEWAY, True, False),
    ("CNAME", "addresses", GATEWAY, False, True),
    ("CNAME", "addresses", GATEWAY, True, False),
    ("CNAME", "half", GATEWAY, False, True),
    ("CNAME", "others", GATEWAY, False, False),
    ("CNAME", "elsewhere", GATEWAY, False, False),
    ("CNAME", "none", GATEWAY, False, False),
    ("TXT", "text", "1d:443", True, True),
    ("TXT", "text", "1d:80", True, False),
    ("TXT", "texts", "1d:443", True, True),
    ("TXT", "apps", "1d:443", True, False),
    ("TXT", "apps", "1d:443", False, True),
    ("TXT", "led", "1d:443", True, True),
    ("TXT", "long", LONG, True, True),
    ("CAA", "pinned", CAA, True, True),
    ("CAA", "loose", CAA, True, False),
    ("A", "addresses", "127.0.0.1", False, True),
    ("AAAA", "addresses", "::2", False, False),
]


def record(kind: str, name: str, value: str, exact: bool = False) -> dict[str, Any]:
    return {
        "type": kind, "name": f"{name}.demo.test", "value": value, "note": "n", "exact": exact,
    }  # fmt: skip


TEXT = record("TXT", "text", "1d:443", True)


def look_raw(bench: Bench, task: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), "look"],
        env=bench.environment(**extra),
        input=task,
        capture_output=True,
        text=True,
        timeout=RUN_DEADLINE,
        check=False,
    )


def look(bench: Bench, *records: dict[str, Any], **extra: str) -> dict[str, Any]:
    """What it says of one domain."""
    done = look_raw(bench, json.dumps([{"domain": APP, "records": records}]), **extra)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["domain"] == APP
    assert told["exit_code"] == (TRY_LATER if told.get("operator") else 0)
    return told


def is_met(bench: Bench, *records: dict[str, Any], **extra: str) -> bool:
    return "operator" not in look(bench, *records, **extra)


@dataclass
class Scene:
    bind: Bind
    bench: Bench
    ca: LocalCa

    @property
    def by_https(self) -> dict[str, str]:
        return {"DOH_RESOLVERS": self.bind.doh_url, "DOH_CA_BUNDLE": str(self.ca.bundle)}


@pytest.fixture(name="scene", scope="module")
def _scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("doh")
    ca = LocalCa(folder)
    ca.bundle.chmod(0o600)
    with Bind(folder / "bind", records={"demo.test": RECORDS}, doh=ca.issue("doh")) as bind:
        yield Scene(bind, rfc2136_bench(folder, bind), ca)


@contextlib.contextmanager
def relay(scene: Scene) -> Iterator[DohRelay]:
    started = DohRelay(scene.bind.first)
    started.start()
    try:
        yield started
    finally:
        started.stop()


@pytest.mark.parametrize("by", ["dns", "resolvers", "https"])
def test_what_counts_as_made(scene: Scene, by: str) -> None:
    extra = {
        "dns": {}, "resolvers": {"PROPAGATION_CHECK": "resolvers"}, "https": scene.by_https,
    }[by]  # fmt: skip
    task = [
        {"domain": f"{number}.test", "records": [record(*case[:4])]}
        for number, case in enumerate(CASES)
    ]
    done = look_raw(scene.bench, json.dumps(task), **extra)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [case[:4] for case, t in zip(CASES, told, strict=True) if "operator" in t] == [
        case[:4] for case in CASES if not case[4]
    ]


def test_several_domains_are_told_one_by_one(scene: Scene) -> None:
    task = [
        {"domain": "a.demo.test", "records": [TEXT]},
        {"domain": "b.demo.test", "records": [TEXT, record("TXT", "none", "x")]},
        {"domain": "c.demo.test", "records": []},
    ]
    done = look_raw(scene.bench, json.dumps(task))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t["domain"] for t in told] == ["a.demo.test", "b.demo.test", "c.demo.test"]
    assert [len(t.get("operator", [])) for t in told] == [0, 1, 0]


@pytest.mark.parametrize(
    "task",
    ["", "{}", "[7]", '[{"records":[]}]', '[{"domain":"a","records":[{"type":"TXT"}]}]',
     '[{"domain":"a","records":[{"type":"MX","name":"a.test","value":"1 b"}]}]'],
)  # fmt: skip
def test_a_task_that_is_none(scene: Scene, task: str) -> None:
    assert look_raw(scene.bench, task).returncode == USAGE


# ---- several resolvers


def test_all_that_answer_have_to_show_it(scene: Scene) -> None:
    with relay(scene) as other:
        both = {**scene.by_https, "DOH_RESOLVERS": f"{scene.bind.doh_url},{other.url}"}
        assert is_met(scene.bench, TEXT, **both)
        other.lags = True
        told = look(scene.bench, TEXT, **both)
        assert len(told["operator"]) == 1
        assert other.url in told["error"]
        other.lags = False
        other.fault("status", times=None)
        assert is_met(scene.bench, TEXT, **both)


def test_an_address_of_the_json_api_is_asked_with_messages(scene: Scene) -> None:
    with relay(scene) as server:
        assert is_met(scene.bench, TEXT, DOH_RESOLVERS=f"{server.origin}/resolve")
        assert {r.target for r in server.requests()} == {"/dns-query"}


def test_whose_certificate_is_of_nobody_known_is_not_believed(scene: Scene) -> None:
    told = look(scene.bench, TEXT, DOH_RESOLVERS=scene.bind.doh_url)
    assert "certificate" in told["error"]


# ---- resolvers that do not do what they should


def _html(_: dns.message.Message) -> Response:
    return Response(200, b"<html>", "text/html")


def _no_message(_: dns.message.Message) -> Response:
    return Response(200, b"\0" * 11, MEDIA_TYPE)


def _endless(_: dns.message.Message) -> Response:
    return Response(200, b"\0" * 100_000, MEDIA_TYPE)


def _servfail(answer: dns.message.Message) -> Response:
    answer.set_rcode(dns.rcode.SERVFAIL)
    return doh_response(answer)


def _cut_short(answer: dns.message.Message) -> Response:
    answer.flags |= dns.flags.TC
    return doh_response(answer)


def _another_question(answer: dns.message.Message) -> Response:
    other = dns.message.make_response(dns.message.make_query("x.demo.test", "TXT", id=0))
    other.answer = answer.answer
    return doh_response(other)


def _another_id(answer: dns.message.Message) -> Response:
    answer.id = 7
    return doh_response(answer)


def _redirect(_: dns.message.Message) -> Response:
    return Response(302, headers={"Location": "https://elsewhere.test/dns-query"})


SPOILERS: dict[str, tuple[Callable[[dns.message.Message], Response], str]] = {
    "html": (_html, 'answers with "text/html", not application/dns-message'),
    "no message": (_no_message, "is not a DNS message"),
    "endless": (_endless, "larger than"),
    "servfail": (_servfail, "answers SERVFAIL"),
    "cut short": (_cut_short, "cut short"),
    "another question": (_another_question, "an answer to another question"),
    "another id": (_another_id, "an answer to another question"),
    "redirect": (_redirect, "answers HTTP 302"),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_what_is_no_answer_is_not_believed(scene: Scene, name: str) -> None:
    spoil, said = SPOILERS[name]
    with relay(scene) as server:
        server.spoil = spoil
        told = look(scene.bench, TEXT, DOH_RESOLVERS=server.url)
        assert len(told["operator"]) == 1
        assert said in told["error"], told["error"]


def test_a_silent_one_costs_its_time_and_no_more(scene: Scene) -> None:
    with relay(scene) as server:
        server.fault("hang", times=None)
        assert is_met(
            scene.bench, TEXT, **{**scene.by_https,
                                  "DOH_RESOLVERS": f"{server.url},{scene.bind.doh_url}"}
        )  # fmt: skip
