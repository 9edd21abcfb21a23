"""Credentials stay where they belong, at LOG_LEVEL=debug and in failures too."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from support.dns_api import EMULATORS
from support.ingress import Ingress, command_line
from support.process import session_members
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
SHELLS = ("sh", "dash", "bash")
HOOK = (
    'echo auth "$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION" >"$INGRESS_ASK" && '
    'read -r answer <"$INGRESS_ANSWER" && [ "$answer" = done ]'
)
MAY_HOLD_CREDENTIALS = ("ingressd", "ingress-dns")


class Watch:
    """Looks at argv and environ of all the product's processes, again and again."""

    def __init__(
        self, ingress: Ingress, secrets: list[str], may_hold: tuple[str, ...] = ()
    ) -> None:
        self._ingress = ingress
        self._secrets = secrets
        self._may_hold = may_hold
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.programs: set[str] = set()
        self.leaks: set[str] = set()

    def _look(self) -> None:
        while not self._ended.wait(0.005):
            for pid in session_members(self._ingress.child.pid):
                self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        argv = command_line(pid)
        if not argv:
            return
        program = Path(argv[0]).name
        if program in ("env", "setpriv"):
            return  # the harness starts the product by them
        self.programs.add(program)
        if any(secret in " ".join(argv) for secret in self._secrets):
            self.leaks.add(f"argv of {program}")
        try:
            environ = Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except OSError:
            return
        # Between fork and exec a child still looks like its parent: argv is read again.
        if program not in self._may_hold and command_line(pid) == argv:
            if any(secret in environ for secret in self._secrets):
                self.leaks.add(f"environment of {program}")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.parametrize("given", ["plain", "file"])
@pytest.mark.parametrize("provider", ["rfc2136", *EMULATORS])
def test_no_secret_is_found_where_it_must_not_be(
    world: World, tmp_path: Path, provider: str, given: str
) -> None:
    stack = world.make_stack(
        provider=provider, guest_agent="dstack", eab_keys={"kid-1": EAB_KEY}
    )
    credentials = stack.dns_api.credentials if stack.dns_api else [stack.bind.key_secret]
    secrets = [*credentials, EAB_KEY]
    if stack.dns_api:
        stack.dns_api.fault("status", status=500, body={"you sent": " ".join(credentials)})
    settings: dict[str, str | None] = {
        "DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}", "LOG_LEVEL": "debug",
    }  # fmt: skip
    if given == "file":
        settings.update(_into_files(stack, secrets, tmp_path))
    ingress = world.ingress(**settings)
    may_hold = MAY_HOLD_CREDENTIALS if given == "plain" else ()
    with Watch(ingress, secrets, may_hold) as watch:
        ingress.wait_settled()
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
        # It is over in a moment: planned until it was looked at.
        ingress.wait_for(lambda: _plans(ingress) and "ingress-dns" in watch.programs, "ingress-dns")
    assert watch.leaks == set()
    # The last is certbot; a shell between it and its hooks comes and goes.
    assert {"ingressd", "haproxy", "ingress-evidence", "ingress-dns", "python3"} <= watch.programs
    keys = [path.read_text().splitlines()[1] for path in ingress.volume.rglob("privkey*.pem")]
    for secret in [*secrets, *keys]:
        assert secret not in ingress.log
        assert secret not in json.dumps(ingress.status())
    _check_files(ingress, credentials, EAB_KEY, keys)


def test_haproxys_environment_is_built_from_nothing(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    pids = ingress.processes("haproxy -W")
    assert pids
    for pid in pids:
        given = Path(f"/proc/{pid}/environ").read_text().split("\0")
        names = {entry.partition("=")[0] for entry in given if entry}
        assert {"OPENSSL_CONF", "GLIBC_TUNABLES"} <= names
        # What a master that is reloaded hands on to itself.
        own = {name for name in names if name.startswith("HAPROXY_") or name == "H2_MAX_REUSE"}
        assert names - own == {"OPENSSL_CONF", "GLIBC_TUNABLES"}


def _plans(ingress: Ingress) -> bool:
    assert ingress.ctl("dns", "plan").returncode == 0
    return True


def _into_files(stack: Stack, secrets: list[str], folder: Path) -> dict[str, str | None]:
    """Every variable with a secret in it taken away, with NAME_FILE in its place."""
    moved: dict[str, str | None] = {}
    for name, value in stack.environment().items():
        if value in secrets:
            file = folder / f"{name}.secret"
            file.touch(mode=0o600)
            file.write_text(value + "\n")
            moved.update({name: None, f"{name}_FILE": str(file)})
    assert moved
    return moved


def _check_files(
    ingress: Ingress, credentials: list[str], eab_key: str, keys: list[str]
) -> None:
    """After the order: no credential anywhere, keys where only their owner reads them."""
    for folder in (ingress.volume, ingress.run_dir, ingress.evidence):
        for path in folder.rglob("*"):
            if not path.is_file():
                continue
            text = path.read_text(errors="replace")
            assert not any(secret in text for secret in credentials), path
            assert eab_key not in text, path
            if any(key in text for key in keys):
                assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path
                assert folder != ingress.evidence


def test_a_shell_runs_certbots_hooks_and_nothing_else(world: World) -> None:
    """By a line in which nothing stands that a setting, DNS or the CA has said."""
    stack = world.make_stack(second_server=True)
    stack.bind.second.hold()
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_for(lambda: _challenged(stack), "certbot's hook to wait")
    lines = [command_line(pid) for pid in session_members(ingress.child.pid)]
    shells = [line for line in lines if line and Path(line[0]).name in SHELLS]
    assert shells == [["/bin/sh", "-c", HOOK]]


def test_certbot_is_told_what_its_own_run_needs_and_nothing_else(world: World) -> None:
    """Of the settings nothing; of the secrets the key of an external account, in its file."""
    stack = world.make_stack(second_server=True, eab_keys={"kid-1": EAB_KEY})
    stack.bind.second.hold()
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_for(lambda: _challenged(stack), "certbot's hook to wait")
    (certbot,) = (pid for pid in ingress.processes("certonly"))
    given = Path(f"/proc/{certbot}/environ").read_text().split("\0")
    assert {entry.partition("=")[0] for entry in given if entry} == {
        "PATH", "HOME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "NETRC", "PYTHONNOUSERSITE",
        "PYTHONPATH", "REQUESTS_CA_BUNDLE", "INGRESS_SUPERVISED", "INGRESS_ASK", "INGRESS_ANSWER",
    }  # fmt: skip
    room = next((ingress.run_dir / "certbot").glob("[0-9]*"))
    contents = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    with_key = [path for path, content in contents.items() if EAB_KEY.encode() in content]
    assert with_key == [room / "secrets" / "cli.ini"]
    assert not any(stack.bind.key_secret.encode() in content for content in contents.values())


def test_files_with_secrets_of_a_killed_run_are_gone_after_the_next_start(world: World) -> None:
    stack = world.make_stack(second_server=True, eab_keys={"kid-1": EAB_KEY})
    stack.bind.second.hold()
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_for(lambda: _challenged(stack), "certbot's hook to wait")
    configuration = next(ingress.run_dir.glob("certbot/*/secrets/cli.ini"))
    assert EAB_KEY in configuration.read_text()
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert stat.S_IMODE(configuration.parent.stat().st_mode) == 0o700
    ingress.child.kill()
    ingress.child.stop()  # and what it had started
    assert configuration.exists()
    stack.bind.first.child.pause()  # so that no certbot comes as far as running
    try:
        ingress.start()
        ingress.wait_status(lambda s: True, "the control socket")
        assert not configuration.exists()
    finally:
        stack.bind.first.child.resume()


def _challenged(stack: Stack) -> bool:
    """By certbot: the value by which the preflight tries whether it can write is no challenge."""
    values = stack.bind.query(f"_acme-challenge.{NAME}", "TXT")
    return any("dstack-ingress-can-write-here" not in value for value in values)
