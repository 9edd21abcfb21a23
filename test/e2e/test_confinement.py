"""Each child has the rights and limits that docs/architecture.md says, and no more."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.ingress import BIN, Ingress, command_line
from support.process import Child, clean_environment, session_members, wait_until
from support.process_rights import (
    CAPABILITIES, CERTBOT, DNS, EVERY_ROW, HOLDING_HAPROXY, IS_SANITIZED, LOOK, PROBE, Watch, look_at,
    status_of,
)  # fmt: skip
from support.stack import Stack
from support.volume import Volume

from .conftest import World

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = ROOT / "test/support/small_namespace.py"
NAME = "app.demo.test"
NOBODY = 65534
DNS_USER = 59301
MEBIBYTE = 1 << 20
SEEN_DEADLINE = 60.0
# Long enough to be looked at.
SLOW_SECONDS = 3.0

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give it up")


# Checks a configuration once somebody has written to the FIFO, if there is one.
HOLDING_SCRIPT = """\
#!/bin/sh
if [ "$1" = -c ] && [ -e {fifo} ]; then read -r go <{fifo}; fi
exec {program} "$@"
"""


def _hold_haproxys_check(ingress: Ingress, watch: Watch) -> None:
    fifo = ingress.stack.directory / "haproxy.fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor() as elsewhere:
        reload = elsewhere.submit(ingress.ctl, "reload")
        ingress.wait_for(lambda: LOOK in watch.seen, LOOK, SEEN_DEADLINE)
        fifo.write_text("go\n")
        fifo.unlink()
        assert reload.result().returncode == 0


def _hold_probe(ingress: Ingress, watch: Watch) -> None:
    """Whose handshake nobody answers."""
    worker = ingress.status()["haproxy"]["worker"]
    os.kill(worker, signal.SIGSTOP)
    try:
        assert ingress.control("POST", f"/v1/renew?domain={NAME}")[0] == 202
        ingress.wait_for(lambda: PROBE in watch.seen, PROBE, SEEN_DEADLINE)
    finally:
        os.kill(worker, signal.SIGCONT)


def _hold_dns(ingress: Ingress, stack: Stack, watch: Watch) -> None:
    """A server that does not answer for a while is asked again."""
    with ThreadPoolExecutor() as elsewhere:
        stack.bind.first.child.pause()
        try:
            elsewhere.submit(ingress.ctl, "dns", "plan")
            ingress.wait_for(lambda: DNS in watch.seen, DNS, SEEN_DEADLINE)
        finally:
            stack.bind.first.child.resume()


def _everything_happens(ingress: Ingress, stack: Stack, watch: Watch) -> None:
    """From an empty volume to a served domain, with every child held until it was seen."""
    agent = stack.agent
    assert agent is not None
    agent.fault("slow", seconds=2)
    ingress.wait_for(lambda: CERTBOT in watch.seen, CERTBOT, SEEN_DEADLINE)
    ingress.wait_for(lambda: ingress.processes("ingress-dns auth"), "certbot's hook", SEEN_DEADLINE)
    stack.bind.second.release()
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
    _hold_haproxys_check(ingress, watch)
    _hold_probe(ingress, watch)
    _hold_dns(ingress, stack, watch)
    assert watch.seen == EVERY_ROW
    ingress.wait_settled()
    assert ingress.fetch(NAME).json()["name"] == "app"


def _stack(world: World) -> Stack:
    stack = world.make_stack(guest_agent="dstack", second_server=True)
    stack.bind.second.hold()  # a challenge is waited for
    return stack


def _settings(stack: Stack) -> dict[str, str | None]:
    haproxy = stack.directory / HOLDING_HAPROXY
    program = shutil.which("haproxy", path=clean_environment()["PATH"])
    haproxy.write_text(
        HOLDING_SCRIPT.format(fifo=stack.directory / "haproxy.fifo", program=program)
    )
    haproxy.chmod(0o755)
    return {
        "DOMAINS": NAME, "SET_CAA": "true",
        "HAPROXY": str(haproxy),
        # One backend is known by name, so that names are looked up.
        "ROUTING_MAP": f"{NAME}={stack.app.address},other.demo.test=localhost:1",
    }  # fmt: skip


def _available() -> int:
    return int(status_of(os.getpid())["CapBnd"], 16)


def test_every_child_is_as_the_table_says(world: World) -> None:
    stack = _stack(world)
    ingress = world.ingress(**_settings(stack))
    with Watch(ingress, lambda: ingress.child.pid, _available()) as watch:
        _everything_happens(ingress, stack, watch)
    assert watch.wrong == set()


def test_haproxys_workers_see_a_folder_of_sockets_only(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    workers = [pid for pid in ingress.processes("haproxy -W") if status_of(pid)["Uid"].split()[0] != "0"]
    assert workers
    for pid in workers:
        root = Path(f"/proc/{pid}/root")
        assert root.readlink() == ingress.run_dir / "chroot"
        entries = [path.lstat() for path in root.iterdir()]
        assert entries and all(stat.S_ISSOCK(entry.st_mode) for entry in entries)
        # Root's, and nobody else's to write.
        assert (root.stat().st_uid, root.stat().st_mode & 0o022) == (0, 0)


# ---- as a container of the compose file


def _compose_capabilities() -> list[str]:
    text = (ROOT / "docker-compose.yaml").read_text()
    added = text.partition("cap_add:")[2].partition("security_opt:")[0]
    return re.findall(r"^ +- ([A-Z_]+)", added, re.MULTILINE)


IN_A_CONTAINER = """\
mount --make-rprivate /
for folder in "$@"; do mount --bind "$folder" "$folder"; done
mount -o remount,bind,ro /
if [ -n "$HIDEPID" ]; then mount -t proc -o "hidepid=$HIDEPID" proc /proc; fi
exec setpriv --no-new-privs --inh-caps=-all --bounding-set="-all$CAPABILITIES" -- "$INGRESSD"
"""


def _start_in_a_container(
    ingress: Ingress, capabilities: list[str], *, within: Sequence[Path | str] = (), hidepid: str = ""
) -> None:
    """With a root that is read-only but for the volumes and /run, and these capabilities; started
    by the command `within`, if there is one; /proc shows less with `hidepid`."""
    environment = {
        **ingress.environment,
        "CAPABILITIES": "".join(f",+{name.lower()}" for name in capabilities),
        "HIDEPID": hidepid,
        "INGRESSD": str(BIN / "ingressd"),
    }
    folders = [ingress.volume, ingress.evidence, ingress.run_dir]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    ingress.child = Child(
        [*within, "unshare", "--mount", "sh", "-euc", IN_A_CONTAINER, "sh", *folders],
        ingress.log_file,
        env=environment,
        death_signal=signal.SIGTERM,
    )


@pytest.mark.parametrize("given", ["the compose file's", "an earlier one's"])
def test_with_the_capabilities_of_the_compose_file_too(world: World, given: str) -> None:
    stack = _stack(world)
    capabilities = _compose_capabilities()
    assert "SETPCAP" in capabilities and "DAC_OVERRIDE" not in capabilities
    if given == "an earlier one's":
        capabilities.remove("SETPCAP")
    ingress = Ingress(stack, **_settings(stack))
    _start_in_a_container(ingress, capabilities)
    available = sum(1 << CAPABILITIES[name] for name in capabilities)
    with ingress.child, Watch(ingress, lambda: ingress.child.pid, available) as watch:
        _everything_happens(ingress, stack, watch)
        for _ in range(2):
            assert ingress.ctl("renew", "--force", NAME).returncode == 0
            ingress.wait_settled()
        # Each room can be used again, although root may not look into one of another user's.
        ingress.wait_for(
            lambda: not list((ingress.run_dir / "certbot").iterdir()), "the rooms to be removed"
        )
        assert "cannot remove" not in ingress.log
        assert ("for want of the capabilities: SETPCAP" in ingress.log) == (
            given == "an earlier one's"
        )
        assert ingress.stop() == 0
    assert watch.wrong == set()


@pytest.mark.parametrize("hidepid", ["invisible", "ptraceable"])
def test_with_a_proc_that_hides_the_processes_of_others_too(world: World, hidepid: str) -> None:
    """From the users; with the second from root as well, as in a rootless container."""
    stack = _stack(world)
    ingress = Ingress(stack, **_settings(stack))
    _start_in_a_container(ingress, _compose_capabilities(), hidepid=hidepid)
    available = sum(1 << CAPABILITIES[name] for name in _compose_capabilities())
    with ingress.child, Watch(ingress, lambda: ingress.child.pid, available) as watch:
        _everything_happens(ingress, stack, watch)
        assert f"hidepid={hidepid}" in Path(f"/proc/{ingress.child.pid}/mounts").read_text()
        assert " error " not in ingress.log
        assert ingress.stop() == 0
    assert watch.wrong == set()


def _roots_certbot(ingress: Ingress) -> int:
    """The capabilities of a certbot that runs as root, once there is one."""
    seen: list[int] = []

    def is_seen() -> bool:
        for pid in ingress.processes("certbot"):
            sight = look_at(pid)
            if sight is not None and "certonly" in sight.argv and sight.users == {0}:
                seen.append(sight.capabilities)
        return bool(seen)

    ingress.wait_for(is_seen, "certbot as root", SEEN_DEADLINE)
    return seen[0]


def test_without_the_right_to_end_certbot_it_stays_roots_and_that_is_told(world: World) -> None:
    """Nor can HAProxy's workers be ended then."""
    stack = _stack(world)
    capabilities = [name for name in _compose_capabilities() if name != "KILL"]
    ingress = Ingress(stack, **_settings(stack))
    _start_in_a_container(ingress, capabilities)
    with ingress.child:
        assert _roots_certbot(ingress) == 0  # of DAC_OVERRIDE, which the container has not got
        stack.bind.second.release()
        ingress.wait_settled()
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
        # By the first worker or the second: neither is ended.
        ingress.wait_for(lambda: ingress.try_serial(NAME), "the certificate to be served")
        for told in (
            "certbot runs as root, which reads every key: it has not got the capabilities KILL",
            "the container has not got the capability KILL: HAProxy cannot end a worker",
        ):
            assert ingress.log.count(told) == 1
        assert "has no users such as" not in ingress.log


def test_in_a_user_namespace_without_our_users_everything_works_and_is_told(world: World) -> None:
    """As in a rootless container that was given a thousand users."""
    stack = _stack(world)
    ingress = Ingress(stack, **_settings(stack))
    _start_in_a_container(ingress, _compose_capabilities(), within=["/usr/bin/python3", SMALL])
    with ingress.child:
        ingress.wait_for(lambda: ingress.processes("ingress-dns auth"), "certbot's hook", SEEN_DEADLINE)
        stack.bind.second.release()
        ingress.wait_settled()
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
        for server in ("ingress-evidence serve", "ingress-evidence attest"):
            sight = look_at(ingress.processes(server)[0])
            assert sight is not None and (sight.users, sight.others) == ({0}, 0)
        serve = look_at(ingress.processes("ingress-evidence serve")[0])
        assert serve is not None and serve.capabilities == 0
        assert ingress.fetch(NAME, "/evidences/quote.json").status == 200
        nonce = "00" * 32
        assert ingress.fetch(NAME, f"/evidences/attestation.json?nonce={nonce}").status == 200
        assert ingress.ctl("reload").returncode == 0
        assert ingress.fetch(NAME).json()["name"] == "app"
        assert ingress.log.count("user namespace has no users such as 59301") == 1
        assert "there is no user 59310, or no right to be one" in ingress.log
        assert " error " not in ingress.log
        assert ingress.stop() == 0


# ---- without root


@pytest.fixture(name="open_world")
def _open_world() -> Iterator[World]:
    """In a directory that everybody can get to."""
    with tempfile.TemporaryDirectory(prefix="ingress-e2e-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        made = World(Path(folder))
        try:
            yield made
        finally:
            made.stop()


def _is_hidden(ingress: Ingress, program: str, *word: str) -> bool:
    """Others of the same user do not get to see what such a process holds: /proc gives it to root.
    (As root it is hidden anyway: the kernel sees to that when a process changes its user.)"""
    for pid in session_members(ingress.child.pid):
        line = command_line(pid)
        if [Path(each).name for each in line[:1]] + line[1 : 1 + len(word)] != [program, *word]:
            continue
        with contextlib.suppress(OSError):
            return IS_SANITIZED or Path(f"/proc/{pid}/environ").stat().st_uid == 0
    return False


def test_without_root_everything_works_and_one_line_says_what_is_not_confined(
    open_world: World,
) -> None:
    stack = _stack(open_world)
    programs = open_world.directory / "bin"
    shutil.copytree(BIN, programs)
    ingress = Ingress(stack, **_settings(stack))
    for folder in (ingress.volume, ingress.evidence, ingress.run_dir):
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    assert stack.agent is not None
    stack.agent.socket.chmod(0o777)
    ingress.child = Child(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--",
         programs / "ingressd"],
        ingress.log_file,
        env=ingress.environment,
        death_signal=signal.SIGTERM,
    )  # fmt: skip
    with ingress.child:
        ingress.wait_for(lambda: _is_hidden(ingress, "ingress-dns", "auth"), "the hook's memory")
        stack.agent.fault("slow", seconds=SLOW_SECONDS)
        stack.bind.second.release()
        ingress.wait_for(lambda: _is_hidden(ingress, "ingress-evidence", "origin"), "origin's")
        ingress.wait_settled()
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
        assert ingress.fetch(NAME).json()["name"] == "app"
        assert ingress.log.count("not started as root") == 1
        for pid in session_members(ingress.child.pid):
            status = status_of(pid)
            assert set(status["Uid"].split()) == {str(NOBODY)}
        (server,) = ingress.processes("ingress-evidence serve")
        assert status_of(server)["NoNewPrivs"] == "1"
        assert _is_hidden(ingress, "ingressd")
        assert ingress.stop() == 0


# ---- what is left of earlier versions, and of others


def test_a_journal_that_was_roots_is_handed_over_and_used(world: World) -> None:
    """A value that an earlier version noted is taken out by the user that comes now."""
    stack = _stack(world)
    ingress = world.ingress(**_settings(stack))
    journal = ingress.volume / "dstack-ingress" / "dns"
    ingress.wait_for(lambda: list(journal.glob("*.json")), "a noted challenge", SEEN_DEADLINE)
    ingress.child.kill()
    ingress.child.stop()  # and what it had started
    for path in (journal, *journal.iterdir()):
        os.chown(path, 0, 0)
    key = next(ingress.volume.rglob("private_key.json"))
    os.link(key, journal / "linked.json")
    stack.bind.second.release()
    ingress.start()
    ingress.wait_settled()
    assert stack.bind.query(f"_acme-challenge.{NAME}", "TXT") == []
    assert journal.stat().st_uid == DNS_USER
    assert key.stat().st_uid == 0  # a second name does not make it anybody's
    assert [path.name for path in journal.glob("*.json")] == ["linked.json"]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_volume_of_another_user_is_adopted(world: World, mode: int) -> None:
    """As root could do before: certbot gives a new key the owner, group and mode of the old one."""
    stack = world.make_stack()
    ingress = world.ingress(**_settings(stack))
    ingress.wait_settled()
    assert ingress.stop() == 0
    for path in (ingress.volume, *ingress.volume.rglob("*")):
        os.chown(path, 1234, 5678, follow_symlinks=False)
        if path.is_dir():
            path.chmod(mode)
    keys = list((ingress.volume / "archive" / NAME).glob("privkey*.pem"))
    keys[0].chmod(0o640)
    ingress.start()
    ingress.wait_settled()
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr
    made = ingress.volume / "archive" / NAME / f"privkey{len(keys) + 1}.pem"
    assert (made.stat().st_gid, stat.S_IMODE(made.stat().st_mode)) == (5678, 0o640)
    assert "going on as root" not in ingress.log
    assert ingress.fetch(NAME).json()["name"] == "app"


def test_an_evidence_folder_of_somebody_elses_stays_theirs(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    ingress = Ingress(stack, **_settings(stack))
    ingress.evidence.mkdir()
    os.chown(ingress.evidence, 1234, 1234)
    with ingress:
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
        assert ingress.evidence.stat().st_uid == 1234


def test_the_probe_needs_no_rights_even_when_started_by_hand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        child = Child(
            [BIN / "ingressctl", "probe", "--port", str(port), NAME], tmp_path / "probe.log"
        )
        with child:
            with silent.accept()[0]:
                sight = look_at(child.pid)
                assert sight is not None and 0 not in sight.users
                assert (sight.capabilities, sight.bounds, sight.others) == (0, 0, 0)
                child.kill()
    wait_until(lambda: not child.running, what="it to be gone")
