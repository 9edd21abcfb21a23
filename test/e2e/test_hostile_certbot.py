"""A certbot that somebody has turned round: it gets at nothing but its own order."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import hostile_certbot
from support.ingress import Ingress, command_line
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME, OTHER, THIRD = "app.demo.test", "other.demo.test", "third.demo.test"
USERS = range(59310, 59342)
VALUE = "a-challenge-value".ljust(43, "_")
CANARY = "canary-of-another-file"
ENDED = "certbot was ended: its hook "
Plans = Callable[..., None]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give it up")


def _start(world: World, *names: str, plans: dict[str, Any], **options: Any) -> Ingress:
    stack = world.make_stack(**options)
    program = stack.public / "certbot"
    shutil.copy(hostile_certbot.__file__, program)
    text = program.read_text()
    program.write_text("#!/usr/bin/python3\n" + text)
    program.chmod(0o755)
    _plan(stack, plans)
    return Ingress(
        stack,
        DOMAINS=",".join(names),
        ROUTING_MAP=",".join(f"{name}={stack.app.address}" for name in names),
        CERTBOT=str(program),
    )


def _plan(stack: Stack, plans: dict[str, Any]) -> None:
    new = stack.public / "plans.json.new"
    new.write_text(json.dumps(plans))
    new.rename(stack.public / "plans.json")


def _told(ingress: Ingress, count: int = 1) -> list[dict[str, Any]]:
    """What the hostile one has told, once there is so much."""
    file = ingress.stack.notes / "told"
    ingress.wait_for(
        lambda: file.exists() and len(file.read_text().splitlines()) >= count, "what it has to tell"
    )
    return [json.loads(line) for line in file.read_text().splitlines()]


def _error(ingress: Ingress, name: str, failures: int = 1) -> str:
    domain = ingress.wait_domain(name, lambda d: d["failures"] >= failures, "the failure")
    return str(domain["error"])


def _hostile_processes(ingress: Ingress) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and ingress.environment["CERTBOT"] in command_line(int(entry.name))
    ]


def _is_served_in_the_end(ingress: Ingress, *names: str) -> None:
    """With the real one, on the same volume and in the same rooms."""
    _plan(ingress.stack, {})
    for name in names:
        assert ingress.control("POST", f"/v1/renew?domain={name}")[0] == 202
    ingress.wait_settled(90 + 15 * len(names))


# ---- what it can get at


def test_it_reads_and_writes_nothing_of_others_and_reaches_nobody(world: World) -> None:
    """Other keys, the room of another order, credentials, the journal, sockets, processes."""
    held = {"do": "ask", "messages": [f"auth {OTHER} {VALUE}\n"]}
    ingress = _start(world, NAME, OTHER, THIRD, plans={OTHER: held}, second_server=True)
    stack = ingress.stack
    Volume(stack, account=False).put(THIRD)
    stack.bind.second.hold()
    token = stack.directory / "token"
    token.write_text(ingress.environment.pop("RFC2136_KEY_SECRET"))
    token.chmod(0o600)
    ingress.environment["RFC2136_KEY_SECRET_FILE"] = str(token)
    _plan(stack, {OTHER: held, NAME: {"do": "wait_for_plan"}})
    with ingress:
        ingress.wait_settled(90, THIRD)
        journal = ingress.volume / "dstack-ingress" / "dns"
        ingress.wait_for(lambda: list(journal.glob("*.json")), "the other order's challenge")
        certbots = ingress.processes("certonly")
        busy = next(Path(word).parent.parent for pid in certbots for word in command_line(pid)
                    if word.endswith("cli.ini") and OTHER in command_line(pid))  # fmt: skip
        (hook,) = ingress.processes("ingress-dns auth")
        files = [
            token, *ingress.volume.rglob("privkey*.pem"), *ingress.volume.rglob("*.json"),
            *(ingress.run_dir / "certs").rglob("*.pem"), *busy.rglob("*.json"),
            busy / "secrets" / "cli.ini", Path("/etc/shadow"), Path("/proc/1/environ"),
        ]  # fmt: skip
        folders = [busy, ingress.run_dir / "certs", journal, ingress.volume / "live"]
        # Those two serve what everybody may have, to whoever asks.
        public = {"evidence.sock", "attestation.sock"}
        sockets = [path for path in ingress.run_dir.rglob("*.sock") if path.name not in public]
        assert len(files) > 10 and len(sockets) > 2
        others = [pid for pid in certbots if OTHER in command_line(pid)]
        assert len(others) == 1
        _plan(stack, {OTHER: held, NAME: {
            "do": "look",
            "files": list(map(str, files)),
            "folders": list(map(str, folders)),
            "sockets": list(map(str, sockets)),
            "processes": [ingress.child.pid, hook, *others],
            "users": [0, 59301, busy.stat().st_uid],
            "places": list(map(str, [ingress.run_dir, ingress.run_dir / "certbot", busy,
                                     ingress.volume, journal, ingress.evidence])),
        }})  # fmt: skip
        (told,) = _told(ingress)
        assert {path: got for path, got in told["found"].items() if got.startswith("got")} == {}
        assert told["user"] in USERS and told["user"] != busy.stat().st_uid
        assert told["groups"] == []
        stack.bind.second.release()
        ingress.wait_settled(90, NAME)
        assert [pid for pid in others if Path(f"/proc/{pid}").exists()] == others


# ---- what it leaves to be read

LINKS = (
    "a key that leads elsewhere", "a link that leads elsewhere", "a way up that leads elsewhere",
    "a folder that leads elsewhere",
)  # fmt: skip
FILES = (
    "a FIFO", "a socket", "a key of two names", "a giant key", "more files than there can be",
)  # fmt: skip
LOGS = ("a log that leads elsewhere", "a log that is a FIFO")


def _name(number: int) -> str:
    return f"n{number}.demo.test"


def test_what_it_plants_is_not_followed_and_told(world: World) -> None:
    """In the place of its key, of a folder and of its log."""
    kinds = (*LINKS, *FILES, *LOGS)
    names = [_name(number) for number in range(len(kinds))]
    ingress = _start(world, *names, plans={})
    # A whole lineage of somebody else's, whose key belongs to its certificate.
    target = ingress.stack.public / "elsewhere" / "privkey1.pem"
    target.parent.mkdir()
    target.write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n")
    target.chmod(0o600)
    _plan(ingress.stack, {
        name: {"do": "plant", "what": kind, "target": str(target)}
        for name, kind in zip(names, kinds)
    })  # fmt: skip
    with ingress:
        errors = {kind: _error(ingress, name) for name, kind in zip(names, kinds)}
        for kind in (*LINKS, "a FIFO", "a socket", "a key of two names", "a giant key"):
            assert "privkey" in errors[kind] or "fullchain" in errors[kind], (kind, errors[kind])
        assert "more than 256 files" in errors["more files than there can be"]
        assert ingress.log.count("of what certbot has made are left out; the first: ") == 8
        for reason in ("is a link to another place", "is no regular file", "has another name",
                       "is too large"):  # fmt: skip
            assert reason in ingress.log, reason
        assert ingress.log.count("certbot's log: ") == len(LOGS)
        _holds_no_canary(ingress)
        assert target.read_text().endswith(f"{CANARY}\n") and stat.S_IMODE(target.stat().st_mode) == 0o600
        _is_served_in_the_end(ingress, *names)
        _holds_no_canary(ingress)


def _holds_no_canary(ingress: Ingress) -> None:
    assert CANARY not in ingress.log
    for folder in (ingress.volume, ingress.run_dir):
        for path in folder.rglob("*"):
            if path.is_file():
                assert CANARY not in path.read_text(errors="replace"), path


def test_a_room_that_is_hard_to_clean_is_cleaned(world: World) -> None:
    """Thousands of folders deep, with modes that keep out whoever is not root with all its rights."""
    ingress = _start(world, NAME, plans={NAME: {"do": "clutter"}})
    with ingress:
        _error(ingress, NAME)
        rooms = ingress.run_dir / "certbot"
        left = [path for path in rooms.rglob("*") if not path.is_dir()]
        assert len(left) <= 1 and all(path.name == "letsencrypt.log" for path in left), left
        _is_served_in_the_end(ingress, NAME)


# ---- what it asks for

HOSTILE = {
    "another domain": (f"auth {OTHER} {VALUE}\n", "asks for another name"),
    "a name above": (f"auth demo.test {VALUE}\n", "asks for another name"),
    "a name below": (f"auth x.{NAME} {VALUE}\n", "asks for another name"),
    "two names": (f"auth {NAME} {OTHER} {VALUE}\n", "no challenge value"),
    "a long value": (f"auth {NAME} {VALUE}a\n", "no challenge value"),
    "a short value": (f"auth {NAME} {VALUE[1:]}\n", "no challenge value"),
    "a value that is none": (f"auth {NAME} {VALUE[1:]}\"\n", "no challenge value"),
    "garbage": ("\xff\xfe\x1b[31m\n", "asks for another name"),
    "zeros": (f"auth {NAME} {VALUE}\0\n", "sends more than a line, or no text"),
    "two lines": (f"auth {NAME} {VALUE}\n" * 2, "sends more than a line"),
    "no end": ("x" * 60000, "sends more than a line"),
    "another's value": (f"cleanup {NAME} {VALUE}\n", "takes out a value that it has not put in"),
    "a command": (f"apply {NAME} {VALUE}\n", "asks for another name"),
    "an option": (f"cleanup --all {VALUE}\n", "asks for another name"),
}


def test_whatever_else_it_asks_for_ends_it_and_changes_nothing(world: World) -> None:
    """Nothing of it comes near DNS, and no order is spent."""
    ingress = _start(world, NAME, plans={NAME: {"do": "ask", "messages": []}})
    _plan(ingress.stack, {NAME: {"do": "ask", "messages": [HOSTILE["garbage"][0]]}})
    with ingress:
        _error(ingress, NAME)
        before = ingress.stack.bind.snapshot("demo.test")
        for failures, (kind, (message, told)) in enumerate(HOSTILE.items(), start=2):
            _plan(ingress.stack, {NAME: {"do": "ask", "messages": [message]}})
            assert ingress.control("POST", f"/v1/renew?domain={NAME}")[0] == 202
            error = _error(ingress, NAME, failures)
            assert ENDED in error and told in error, (kind, error)
        assert ingress.domain(NAME)["orders_in_last_hour"] == 0
        assert ingress.stack.bind.snapshot("demo.test") == before
        # A sweep looks for what the latest order may have left.
        ingress.wait_for(lambda: not ingress.processes("ingress-dns"), "the sweep to end")
        _is_served_in_the_end(ingress, NAME)


def test_ten_thousand_messages_are_one_too_many(world: World) -> None:
    ingress = _start(
        world, NAME, plans={NAME: {"do": "flood", "message": f"auth {NAME} {VALUE}\n"}},
        second_server=True,
    )  # fmt: skip
    ingress.stack.bind.second.hold()
    with ingress:
        assert ENDED in _error(ingress, NAME)
        assert ingress.status()["domains"]
        ingress.wait_for(
            lambda: not ingress.stack.bind.query(f"_acme-challenge.{NAME}", "TXT"),
            "its one challenge to go",
        )
        ingress.stack.bind.second.release()
        _is_served_in_the_end(ingress, NAME)


def test_a_few_values_one_after_the_other_and_no_more(world: World) -> None:
    messages = [f"{what} {NAME} {VALUE[:-1]}{n}\n" for n in range(5) for what in ("auth", "cleanup")]
    ingress = _start(world, NAME, plans={NAME: {"do": "ask", "messages": messages, "waits": True}})
    with ingress:
        assert f"{ENDED}asks too often" in _error(ingress, NAME)
        assert [told["answer"] for told in _told(ingress, 8)] == ["done\n"] * 8
        assert ingress.stack.bind.query(f"_acme-challenge.{NAME}", "TXT") == []


def test_a_hook_ends_with_its_certbot_and_leaves_nothing(world: World) -> None:
    ingress = _start(world, NAME, plans={}, second_server=True)
    until = ingress.stack.notes / "go"
    _plan(ingress.stack, {
        NAME: {"do": "leave_the_hook", "message": f"auth {NAME} {VALUE}\n", "until": str(until)}
    })  # fmt: skip
    ingress.stack.bind.second.hold()
    challenge = f"_acme-challenge.{NAME}"
    with ingress:
        ingress.wait_for(lambda: ingress.stack.bind.query(challenge, "TXT") == [VALUE], "the value")
        assert ingress.processes("ingress-dns auth")
        until.touch()
        _error(ingress, NAME)
        ingress.wait_for(lambda: not ingress.stack.bind.query(challenge, "TXT"), "it to go")
        ingress.wait_for(lambda: not ingress.processes("ingress-dns"), "the hook to end")
        ingress.stack.bind.second.release()
        _is_served_in_the_end(ingress, NAME)


# ---- what it leaves running


def test_nothing_of_it_runs_on_when_its_key_is_looked_at(world: World) -> None:
    """One in a session of its own that minds no signal, one that is always another process."""
    ingress = _start(world, NAME, plans={NAME: {"do": "stay"}})
    with ingress:
        ingress.wait_settled()
        told = {what: pid for line in _told(ingress, 2) for what, pid in line.items()}
        assert set(told) == {"stays", "runs_away"}
        assert not Path(f"/proc/{told['stays']}").exists()
        assert _hostile_processes(ingress) == []
        assert ingress.fetch(NAME).json()["name"] == "app"


def test_it_begins_so_many_processes_and_all_are_ended(world: World) -> None:
    ingress = _start(world, NAME, plans={NAME: {"do": "bomb"}})
    ingress.environment["CERTBOT_TIMEOUT"] = "20"
    with ingress:
        counts = [told["count"] for told in _told(ingress)]
        assert 0 < max(counts) < 128
        # On a slow machine the first certbot is ended before it has told.
        failures = ingress.domain(NAME)["failures"]
        assert "took too long" in _error(ingress, NAME, failures + 1)
        assert _hostile_processes(ingress) == []
        _is_served_in_the_end(ingress, NAME)
