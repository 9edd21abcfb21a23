"""ingress-evidence identity and publish, against a simulated guest agent and all it can do wrong."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .evidence_bench import (
    Bench,
    bench,
    check_generation,
    everything_in,
    make_certificate,
    read_generation,
    visible_names,
)

FAILED, USAGE, UNREACHABLE, TRY_LATER, BAD_CONFIG = 1, 64, 69, 75, 78

# Fault of the agent: exit status, part of the sentence (libcurl's own words change with its
# version). "slow" is no fault within the limits.
FAULTS = {
    "status-500": (FAILED, "HTTP status 500: simulated failure of the guest agent"),
    "html": (FAILED, "is not JSON: '<!DOCTYPE html>"),
    "truncated": (UNREACHABLE, "the guest agent: GET http://localhost/"),
    "half-json": (FAILED, "is not JSON: '{"),
    "empty": (FAILED, "is empty where JSON was expected"),
    "not-a-quote": (FAILED, "the quote has version"),
    "wrong-report-data": (FAILED, "was asked for"),
    "huge": (FAILED, "larger than 4194304 bytes"),
    "close": (UNREACHABLE, "the guest agent: GET http://localhost/"),
    "hang": (TRY_LATER, "timed out"),
}


@pytest.fixture(name="dstack")
def _dstack(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


# ---- identity


@pytest.mark.parametrize("api", ["dstack", "tappd"])
def test_identity_is_the_guests(tmp_path: Path, api: str) -> None:
    with bench(tmp_path, api) as made:
        result = made.run("identity")
        assert (result.returncode, result.stderr) == (0, "")
        guest = made.agent.guest
        assert json.loads(result.stdout) == {
            "app_id": guest.app_id.hex(),
            "instance_id": guest.instance_id.hex(),
            "compose_hash": guest.compose_hash.hex(),
            "os_image_hash": guest.info()["os_image_hash"],
            "api": api,
        }


def _folder(path: Path) -> None:
    """As docker makes where a socket that is to be mounted does not exist."""
    path.mkdir()


def _dead(path: Path) -> socket.socket:
    """What an agent of the past has left behind."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        return listener


def _silent(path: Path) -> socket.socket:
    """Takes connections, and says nothing."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(path))
    listener.listen()
    return listener


NO_AGENT: dict[str, tuple[Callable[[Path], socket.socket | None], str]] = {
    "folder": (_folder, "is a folder (docker makes one"),
    "dangling link": (lambda path: path.symlink_to("nothing"), "is a link to what does not exist"),
    "file": (lambda path: path.touch(), "is no socket"),
    "fifo": (os.mkfifo, "is no socket"),
    "dead socket": (_dead, "does not answer: "),
    "silent socket": (_silent, "does not answer: "),
}


@pytest.mark.parametrize("kind", NO_AGENT)
@pytest.mark.parametrize("api", ["dstack", "tappd"])
def test_what_is_no_agent_does_not_hide_the_other(tmp_path: Path, api: str, kind: str) -> None:
    make, sentence = NO_AGENT[kind]
    other = {"dstack": "TAPPD_SOCKET", "tappd": "DSTACK_SOCKET"}[api]
    with bench(tmp_path, api) as made:
        made_socket = make(path := tmp_path / "other.sock")
        env = made.environment(**{other: str(path)})
        for arguments in (["identity"], made.publish_arguments()):
            result = made.run(*arguments, env=env)
            assert result.returncode == 0, result.stderr
            # The first of the two is the one that is missed.
            told = f"{path} (DSTACK_SOCKET) {sentence}" in result.stderr
            assert told == (api == "tappd"), result.stderr
        assert json.loads(made.run("identity", env=env).stdout)["api"] == api
        assert made.agent.requests()
        if made_socket is not None:
            made_socket.close()


def test_where_nothing_is_an_agent_both_are_told(dstack: Bench) -> None:
    folder, link = dstack.folder / "folder.sock", dstack.folder / "link.sock"
    folder.mkdir()
    link.symlink_to("nothing")
    env = dstack.environment(DSTACK_SOCKET=str(folder), TAPPD_SOCKET=str(link))
    result = dstack.run("identity", env=env)
    assert result.returncode == UNREACHABLE
    assert f"{folder} (DSTACK_SOCKET) is a folder" in result.stderr
    assert f"{link} (TAPPD_SOCKET) is a link to what does not exist" in result.stderr


def test_a_link_to_a_socket_is_one(dstack: Bench) -> None:
    link = dstack.folder / "link.sock"
    link.symlink_to(dstack.agent.socket)
    env = dstack.environment(DSTACK_SOCKET=str(link))
    assert json.loads(dstack.run("identity", env=env).stdout)["api"] == "dstack"


def test_where_neither_answers_the_first_is_reported(dstack: Bench) -> None:
    dead = dstack.folder / "dead.sock"
    _dead(dead)
    dstack.agent.fault("status-500")
    result = dstack.run("identity", env=dstack.environment(TAPPD_SOCKET=str(dead)))
    assert result.returncode == FAULTS["status-500"][0]
    assert FAULTS["status-500"][1] in result.stderr.splitlines()[-1]
    assert f"nor {dead} (TAPPD_SOCKET) answers" in result.stderr


def test_identity_prefers_dstack(dstack: Bench) -> None:
    env = dstack.environment(TAPPD_SOCKET=str(dstack.agent.socket))
    assert json.loads(dstack.run("identity", env=env).stdout)["api"] == "dstack"


def test_identity_without_an_agent_says_what_to_mount(dstack: Bench) -> None:
    dstack.agent.stop()
    result = dstack.run("identity")
    assert result.returncode == UNREACHABLE
    assert result.stdout == ""
    assert f"{dstack.agent.socket} (DSTACK_SOCKET) does not exist" in result.stderr
    assert f"{dstack.folder}/absent.sock (TAPPD_SOCKET) does not exist" in result.stderr


def test_identity_of_a_dead_socket_is_unreachable(dstack: Bench) -> None:
    dead = dstack.folder / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(dead))
    result = dstack.run("identity", env=dstack.environment(DSTACK_SOCKET=str(dead)))
    assert result.returncode == UNREACHABLE
    assert str(dead) in result.stderr


@pytest.mark.parametrize("mode", sorted(set(FAULTS) - {"not-a-quote", "wrong-report-data"}))
def test_identity_reports_each_fault(dstack: Bench, mode: str) -> None:
    dstack.agent.fault(mode)
    result = dstack.run("identity")
    assert (result.returncode, result.stdout) == (FAULTS[mode][0], "")
    assert FAULTS[mode][1] in result.stderr
    assert len(result.stderr.splitlines()) == 1


# ---- publish


@pytest.mark.parametrize(("api", "version"), [("dstack", 4), ("dstack", 5), ("tappd", 4)])
def test_a_generation_is_published(tmp_path: Path, api: str, version: int) -> None:
    with bench(tmp_path, api, quote_version=version) as made:
        made.publish("app.example.com", "*.example.com")
        names = ["acme-account.json", "cert-*.example.com.pem", "cert-app.example.com.pem"]
        others = ["manifest.json", "quote.json", "sha256sum.txt"]
        assert visible_names(made.evidence) == [*names, *others]
        check_generation(read_generation(made.evidence))
        for name, source in zip(names, ["regr.json", "_.example.com.pem", "app.example.com.pem"]):
            assert (made.evidence / name).read_bytes() == (made.folder / source).read_bytes()
        answer = json.loads((made.evidence / "quote.json").read_bytes())
        assert answer["event_log"] == made.agent.guest.event_log_json()
        listed = (made.evidence / "sha256sum.txt").read_text().splitlines()
        assert [line[66:] for line in listed] == names
        subprocess.run(["sha256sum", "--strict", "-c", "sha256sum.txt"], cwd=made.evidence, check=True)


@pytest.mark.parametrize("version", [4, 5])
def test_the_quote_is_what_other_verifiers_take(tmp_path: Path, version: int) -> None:
    """POST /verify of dstack-verifier has a quote in hex, and an event log and a configuration of
    the machine that are JSON in a string; the guest agent's answer is passed on as it came."""
    with bench(tmp_path, "dstack", quote_version=version) as made:
        made.publish("app.example.com")
        text = (made.evidence / "quote.json").read_bytes()
        answer = json.loads(text)
        assert bytes.fromhex(answer["quote"])[0] == version and answer["quote"].islower()
        events = json.loads(answer["event_log"])
        assert {event["imr"] for event in events} == {0, 1, 2, 3}
        assert json.loads(answer["vm_config"]) == json.loads(made.agent.guest.vm_config())
        assert [type(answer[name]) for name in ("quote", "event_log", "vm_config")] == [str] * 3
        sums = (made.evidence / "sha256sum.txt").read_bytes()
        assert answer["report_data"] == hashlib.sha256(sums).hexdigest() + "00" * 32
        assert set(answer) == {"quote", "event_log", "vm_config", "report_data"}
        lines = [line.partition("  ")[2] for line in sums.decode().splitlines()]
        assert lines == ["acme-account.json", "cert-app.example.com.pem"]


def test_the_account_may_be_missing(dstack: Bench) -> None:
    result = dstack.run("publish", "--cert", f"app.example.com={dstack.chain('app.example.com')}")
    assert result.returncode == 0, result.stderr
    files = read_generation(dstack.evidence)
    check_generation(files)
    assert "acme-account.json" not in files


def test_equal_files_get_a_fresh_quote(dstack: Bench) -> None:
    arguments = dstack.publish_arguments()
    assert dstack.run(*arguments).returncode == 0
    first = read_generation(dstack.evidence)
    assert dstack.run(*arguments).returncode == 0
    second = read_generation(dstack.evidence)
    changed = {name for name in first if first[name] != second[name]}
    assert changed - {"manifest.json"} == {"quote.json"}
    before, after = (json.loads(files["manifest.json"]) for files in (first, second))
    assert {**before, "generated_at": ""} == {**after, "generated_at": ""}


@pytest.mark.parametrize("mode", sorted(FAULTS))
def test_a_fault_of_the_agent_changes_nothing(dstack: Bench, mode: str) -> None:
    dstack.publish("app.example.com")
    before = everything_in(dstack.evidence)
    dstack.agent.fault(mode)
    result = dstack.run(*dstack.publish_arguments("other.example.com"))
    assert result.returncode == FAULTS[mode][0], result.stderr
    assert FAULTS[mode][1] in result.stderr
    assert everything_in(dstack.evidence) == before
    dstack.agent.fault("none")
    dstack.publish("other.example.com")
    check_generation(read_generation(dstack.evidence))


@pytest.mark.parametrize("mode", sorted(set(FAULTS) - {"hang"}))
def test_a_fault_at_the_first_publication_leaves_nothing(dstack: Bench, mode: str) -> None:
    dstack.agent.fault(mode)
    assert dstack.run(*dstack.publish_arguments()).returncode == FAULTS[mode][0]
    assert everything_in(dstack.evidence) == {}


def test_a_slow_agent_is_waited_for(dstack: Bench) -> None:
    dstack.agent.fault("slow", seconds=3)
    dstack.publish()
    check_generation(read_generation(dstack.evidence))


def test_an_agent_that_is_gone_changes_nothing(dstack: Bench) -> None:
    dstack.publish()
    before = everything_in(dstack.evidence)
    dstack.agent.stop()
    assert dstack.run(*dstack.publish_arguments()).returncode == UNREACHABLE
    assert everything_in(dstack.evidence) == before


# ---- what must not be published


def refused(dstack: Bench, *arguments: str) -> str:
    dstack.publish()
    before = everything_in(dstack.evidence)
    asked = len(dstack.agent.requests())
    result = dstack.run("publish", *arguments)
    assert result.returncode == FAILED
    assert everything_in(dstack.evidence) == before
    assert len(dstack.agent.requests()) == asked, "no quote is spent on what will not be published"
    return result.stderr


@pytest.mark.parametrize("key_first", [True, False])
def test_a_private_key_is_never_published(dstack: Bench, key_first: bool) -> None:
    certificate, key = make_certificate("app.example.com")
    bundle = dstack.folder / "bundle.pem"
    bundle.write_bytes(key + certificate if key_first else certificate + key)
    message = refused(dstack, "--cert", f"app.example.com={bundle}")
    assert "holds a private key" in message
    for line in key.decode().splitlines()[1:-1]:
        assert line not in message


def test_an_account_key_is_never_published(dstack: Bench) -> None:
    secret = "c2VjcmV0LXBhcnQtb2YtdGhlLWtleQ"
    key = dstack.folder / "private_key.json"
    chain = f"app.example.com={dstack.chain('app.example.com')}"
    for text in (json.dumps({"kty": "RSA", "d": secret}), f'{{"d": "{secret}"'):
        key.write_text(text)
        message = refused(dstack, "--account", str(key), "--cert", chain)
        assert "will not be published" in message
        assert secret not in message


def test_a_missing_chain_is_named(dstack: Bench) -> None:
    missing = dstack.folder / "missing.pem"
    assert str(missing) in refused(dstack, "--cert", f"app.example.com={missing}")


# ---- usage


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "needs a command"),
        (["frobnicate"], 'no command "frobnicate"'),
        (["publish"], "publish needs a certificate"),
        (["publish", "--cert"], "--cert needs a value"),
        (["publish", "--cert", "app.example.com"], "is not NAME=CHAIN.pem"),
        (["publish", "--cert", "app.example.com="], "is not NAME=CHAIN.pem"),
        (["publish", "--cert", "../../etc/x.y=/dev/null"], "the name "),
        (["publish", "--cert", "a.*.example.com=/dev/null"], "the name "),
        (["publish", "--bogus", "x"], "no option --bogus"),
        (["identity", "extra"], 'unexpected argument "extra"'),
        (["serve", "--fd", "x"], "not the number of a file descriptor"),
        (["serve", "--fd", "3", "--socket", "/tmp/x"], "not both"),
        (["serve", "--fd", "0"], "is no listening socket"),
        (["serve", "--fd", "99"], "is no listening socket"),
    ],
)
def test_wrong_usage_is_64(dstack: Bench, arguments: list[str], sentence: str) -> None:
    result = dstack.run(*arguments)
    assert result.returncode == USAGE
    assert sentence in result.stderr


def test_a_wrong_setting_is_78(dstack: Bench) -> None:
    env = dstack.environment(EVIDENCE_DIR="relative", TAPPD_SOCKET="/a/../b")
    result = dstack.run("identity", env=env)
    assert result.returncode == BAD_CONFIG
    assert 'EVIDENCE_DIR is "relative"' in result.stderr
    assert 'TAPPD_SOCKET is "/a/../b"' in result.stderr


def test_version_and_help(dstack: Bench) -> None:
    assert dstack.run("--version").stdout.startswith("ingress-evidence ")
    assert "Exit status:" in dstack.run("--help").stdout


# ---- names, and a folder that was there before


def test_a_name_twice_is_refused(dstack: Bench) -> None:
    chain = dstack.chain("app.example.com")
    message = refused(
        dstack, "--cert", f"app.example.com={chain}", "--cert", f"APP.example.com={chain}"
    )
    assert "two evidence files named cert-app.example.com.pem" in message


def test_an_older_products_folder_is_taken_over(dstack: Bench) -> None:
    dstack.evidence.mkdir()
    for name in ("acme-account.json", "cert-app.example.com.pem", "quote.json", "sha256sum.txt"):
        (dstack.evidence / name).write_text("from the older product")
    dstack.publish("app.example.com")
    files = read_generation(dstack.evidence)
    check_generation(files)
    for name, content in files.items():
        assert (dstack.evidence / name).is_symlink()
        assert (dstack.evidence / name).read_bytes() == content


def test_a_folder_that_is_not_for_everybody_draws_a_warning(dstack: Bench) -> None:
    dstack.evidence.mkdir(mode=0o700)
    result = dstack.run(*dstack.publish_arguments())
    assert result.returncode == 0
    assert "has mode 0700" in result.stderr
