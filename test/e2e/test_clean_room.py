"""Nothing that lies on the volume or in a home folder acts on an order."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest

from support import plain_certbot
from support.ingress import BIN, Ingress
from support.process import Child
from support.stack import Stack

from .conftest import World

NAME = "app.demo.test"


def _only(stack: Stack) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}"}


def _write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


CLI_INI = {
    "another way to answer challenges": "authenticator = webroot\nwebroot-path = /nowhere\n",
    "two ways to answer challenges": "webroot = true\n",
    "hooks": "pre-hook = touch {trace}\npost-hook = touch {trace}\ndeploy-hook = touch {trace}\n",
    "an option of another certbot": "no-such-option = yes\n",
    "another server": "server = https://127.0.0.1:1/dir\nstaging = true\n",
    "a dry run": "dry-run = true\n",
}


@pytest.mark.parametrize("content", CLI_INI.values(), ids=CLI_INI.keys())
def test_no_cli_ini_acts_on_an_order(world: World, tmp_path: Path, content: str) -> None:
    """Neither the one of a home folder nor that of the volume, mounted where certbot looks."""
    if os.geteuid() != 0:
        pytest.skip("a mount namespace of its own takes root")
    stack = world.make_stack()
    trace = tmp_path / "trace"
    ingress = Ingress(stack, **_only(stack), LETSENCRYPT_DIR="/etc/letsencrypt")
    home = Path(ingress.environment["HOME"]) / ".config" / "letsencrypt"
    volume = stack.directory / "letsencrypt"
    volume.mkdir()
    home.mkdir(parents=True)
    for folder in (home, volume):
        (folder / "cli.ini").write_text(content.format(trace=trace))
    ingress.child = Child(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
         f"mount --bind {volume} /etc/letsencrypt && exec {BIN}/ingressd"],
        ingress.log_file,
        env=ingress.environment,
    )  # fmt: skip
    with ingress.child:
        ingress.wait_settled()
        assert ingress.fetch(NAME).json()["name"] == "app"
        assert stack.pebble.orders() == 1
        assert ingress.log.count("cli.ini is of an older setup; it is not used") == 1
    assert not trace.exists()


def test_hooks_of_an_older_setup_are_not_run_and_told_once(world: World, tmp_path: Path) -> None:
    stack = world.make_stack()
    ingress = Ingress(stack, **_only(stack))
    trace = tmp_path / "trace"
    for kind in ("pre", "deploy", "post"):
        _write_script(ingress.volume / "renewal-hooks" / kind / "x.sh", f"env > {trace}\nexit 1\n")
    with ingress:
        ingress.wait_settled()
        conf = ingress.volume / "renewal" / f"{NAME}.conf"
        conf.write_text(conf.read_text() + f"pre_hook = touch {trace}\nrenew_hook = touch {trace}\n")
        first = ingress.serial(NAME)
        done = ingress.ctl("renew", NAME, "--force")
        assert done.returncode == 0, done.stderr + ingress.log
        assert ingress.serial(NAME) != first
        assert ingress.log.count("renewal-hooks/deploy has 1 hook of an older setup") == 1
        assert f"renew_hook = touch {trace}" in conf.read_text()  # for the way back
    assert not trace.exists()


@pytest.mark.parametrize("lock", [".certbot.lock", "dstack-ingress/.certbot.lock"])
def test_an_order_does_not_care_for_locks_on_the_volume(world: World, lock: str) -> None:
    stack = world.make_stack()
    ingress = Ingress(stack, **_only(stack))
    (ingress.volume / lock).parent.mkdir(parents=True)
    with (ingress.volume / lock).open("w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        with ingress:
            ingress.wait_settled()
            assert stack.pebble.orders() == 1


def test_after_each_kind_of_order_plain_certbot_has_no_complaint(
    world: World, tmp_path: Path
) -> None:
    """A first certificate, a renewal, a wildcard beside its name; and certbot goes on from there."""
    stack = world.make_stack()
    names = ("demo.test", "*.demo.test")
    ingress = world.ingress(
        DOMAINS=",".join(names), ROUTING_MAP=",".join(f"{n}={stack.app.address}" for n in names)
    )
    ingress.wait_settled()
    made = plain_certbot.certificates(ingress, tmp_path)
    assert sorted(made.values()) == [["*.demo.test"], ["demo.test"]]
    assert set(made) == {"demo.test", "demo.test-0001"}
    done = ingress.ctl("renew", "--force", "demo.test")
    assert done.returncode == 0, done.stderr
    assert plain_certbot.certificates(ingress, tmp_path) == made
    (lineage,) = (name for name, domains in made.items() if domains == ["demo.test"])
    plain_certbot.renew(ingress, tmp_path, lineage)
    assert (ingress.volume / "archive" / lineage / "privkey3.pem").exists()
    assert plain_certbot.certificates(ingress, tmp_path) == made
    seen = ingress.serial("demo.test")
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_for(lambda: ingress.try_serial("demo.test") not in (seen, None), "certbot's")
    done = ingress.ctl("renew", "--force", "demo.test")
    assert done.returncode == 0, done.stderr
    assert (ingress.volume / "archive" / lineage / "privkey4.pem").exists()
    assert plain_certbot.certificates(ingress, tmp_path) == made


def test_a_room_is_gone_with_its_order(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    rooms = Path(ingress.environment["RUN_DIR"]) / "certbot"
    assert list(rooms.iterdir()) == []


def test_a_certbot_that_its_user_cannot_reach_runs_as_root_and_that_is_told(
    world: World, tmp_path: Path
) -> None:
    """As the only one could before: an update takes nobody's certificates away."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to keep it")
    stack = world.make_stack()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = _write_script(closed / "certbot", 'id -u >"${0%/*}/user"\nexec certbot "$@"\n')
    ingress = world.ingress(**_only(stack), CERTBOT=str(program))
    ingress.wait_settled()
    assert (closed / "user").read_text() == "0\n"
    told = "certbot runs as root, which reads every key: user 59310, whom it would have, cannot use "
    assert ingress.log.count(f"{told}{program}") == 1


SPOILED = {
    "no conf": lambda volume: (volume / "renewal" / f"{NAME}.conf").unlink(),
    "a conf that is no conf": lambda volume: (volume / "renewal" / f"{NAME}.conf").write_text("?\n"),
    "an empty conf": lambda volume: (volume / "renewal" / f"{NAME}.conf").write_text(""),
    "an empty key": lambda volume: (volume / "archive" / NAME / "privkey1.pem").write_text(""),
    "no key": lambda volume: (volume / "archive" / NAME / "privkey1.pem").unlink(),
    "an empty chain": lambda volume: (volume / "archive" / NAME / "fullchain1.pem").write_text(""),
    "no archive": lambda volume: shutil.rmtree(volume / "archive"),
    "no live": lambda volume: shutil.rmtree(volume / "live"),
    "an empty folder": lambda volume: [p.unlink() for p in (volume / "live" / NAME).iterdir()],
    "copies for links": lambda volume: _copy_links(volume / "live" / NAME),
    "links to where it was mounted before": lambda volume: _lead_elsewhere(volume / "live" / NAME),
}


def _copy_links(folder: Path) -> None:
    for link in list(folder.glob("*.pem")):
        content = link.read_bytes()
        link.unlink()
        link.write_bytes(content)


def _lead_elsewhere(folder: Path) -> None:
    for link in list(folder.glob("*.pem")):
        file = link.resolve().name
        link.unlink()
        link.symlink_to(f"/config/etc/letsencrypt/archive/{NAME}/{file}")


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_lineage_costs_one_order(world: World, tmp_path: Path, kind: str) -> None:
    stack = world.make_stack()
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    assert ingress.stop() == 0
    SPOILED[kind](ingress.volume)
    ingress.start()
    ingress.wait_settled()
    is_whole = kind not in ("an empty key", "no key", "an empty chain", "no archive")
    assert stack.pebble.orders() == (1 if is_whole else 2)
    if is_whole:
        done = ingress.ctl("renew", "--force", NAME)
        assert done.returncode == 0, done.stderr
        assert stack.pebble.orders() == 2
    assert ingress.fetch(NAME).json()["name"] == "app"
    assert NAME in plain_certbot.certificates(ingress, tmp_path)
