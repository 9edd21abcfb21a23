"""ingressd with wrong settings, --check and --render."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.ingress import Ingress
from support.volume import Volume

from .conftest import World

BAD_CONFIG, USAGE = 78, 64


def test_all_mistakes_are_told_at_once_and_nothing_starts(world: World) -> None:
    world.make_stack()
    wrong = {"PORT": "0", "MAXCONN": "many", "TIMEOUT_CLIENT": "10", "DNS_PROVIDER": "nobody"}
    ingress = Ingress(world.stack, **wrong, STRICT_SNY="true")
    done = ingress.run("ingressd")
    assert done.returncode == BAD_CONFIG
    for name, value in wrong.items():
        line = next(line for line in done.stderr.splitlines() if name in line)
        assert value in line
    assert "did you mean" in done.stderr and "STRICT_SNI" in done.stderr
    assert not ingress.run_dir.exists() and not ingress.volume.exists()


def test_check_shows_every_setting_and_hides_secrets(world: World) -> None:
    stack = world.make_stack()
    ingress = Ingress(stack)
    good = ingress.run("ingressd", "--check")
    assert good.returncode == 0, good.stderr
    assert "RFC2136_KEY_SECRET" in good.stdout
    assert stack.bind.key_secret not in good.stdout + good.stderr
    bad = ingress.run(
        "ingressd", "--check", PORT="70000", DOMAINS="", DOMAINS_FILE="/nonexistent",
        ROUTING_MAP_FILE="/nonexistent",
    )  # fmt: skip
    assert bad.returncode == BAD_CONFIG
    assert "70000" in bad.stderr and "PORT" in bad.stdout
    sources = {line.split()[0]: line.split(maxsplit=2)[2] for line in bad.stdout.splitlines()[1:]}
    assert sources["DOMAINS"] == "file /nonexistent, wrong"
    assert sources["ROUTING_MAP"] == "environment, wrong"  # there, and in a file
    assert not ingress.run_dir.exists()


def test_check_names_what_cannot_be_seen(world: World, tmp_path: Path) -> None:
    """What Windows, word processors and `docker --env-file` leave in values."""
    ingress = Ingress(world.make_stack())
    secret = tmp_path / "key"
    secret.write_text(f"RFC2136_KEY_SECRET={world.stack.bind.key_secret}\r\n\r\n")
    done = ingress.run(
        "ingressd", "--check",
        PORT="443\r", LOG_LEVEL='"info"', DOMAINS="\ufeffapp.demo.test\u00a0",
        GATEWAY_DOMAIN="_.gateway.demo.test", RFC2136_KEY_SECRET="",
        RFC2136_KEY_SECRET_FILE=str(secret), **{"\ufeffSET_CAA": "true"},
    )  # fmt: skip
    assert done.returncode == BAD_CONFIG
    for part in (
        'PORT is "443\\x0d"', "carriage return",
        'LOG_LEVEL is ""info""', "quotes are part of it",
        'DOMAINS has "\\xef\\xbb\\xbfapp.demo.test\\xc2\\xa0"', "begins with a byte order mark",
        'the variable "\\xef\\xbb\\xbfSET_CAA" is not a setting; did you mean SET_CAA?',
        "RFC2136_KEY_SECRET_FILE: the content of its file looks like NAME=VALUE",
        'GATEWAY_DOMAIN is "_.gateway.demo.test": Android',
    ):  # fmt: skip
        assert part in done.stderr
    assert world.stack.bind.key_secret not in done.stdout + done.stderr
    done.stderr.encode("ascii")


def test_check_refuses_a_target_that_is_the_ingress(world: World) -> None:
    ingress = Ingress(world.make_stack())
    for target in ("localhost:8443", "[::1]:8443", "app.demo.test:8443", "127.0.0.1:8080"):
        done = ingress.run(
            "ingressd", "--check", PORT="8443", EVIDENCE_PORT="8080",
            ROUTING_MAP=f"app.demo.test={target}",
        )  # fmt: skip
        assert done.returncode == BAD_CONFIG, target
        assert f"ROUTING_MAP's app.demo.test leads to {target}, " in done.stderr


def test_domains_come_from_a_file_that_is_read_once(world: World, tmp_path: Path) -> None:
    """The supervisor's children know its domains, though the file has gone since."""
    world.make_stack()
    names = tmp_path / "domains"
    names.write_text("# both\nAPP.demo.test.\n\napi.demo.test\n")
    names.chmod(0o600)
    ingress = world.ingress(DOMAINS=None, DOMAINS_FILE=str(names))
    ingress.wait_settled()
    names.unlink()
    assert ingress.ctl("dns", "plan").stdout == "No changes.\n"
    before = ingress.serial("app.demo.test")
    assert ingress.ctl("renew", "app.demo.test", "--force").returncode == 0
    assert ingress.serial("app.demo.test") != before
    names.write_text("app.demo.test\n\nno domain\n")
    done = ingress.run("ingressd", "--check")
    assert done.returncode == BAD_CONFIG
    assert 'DOMAINS_FILE has "no domain" (line 3): must be a domain name' in done.stderr


def test_render_writes_what_haproxy_accepts_without_a_warning(world: World) -> None:
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    ingress = Ingress(stack, ALPN="h2,http/1.1", SERVER_FIRST="api.demo.test", RELOAD_GRACE="1h")
    # Not pytest's folder, whose path is too long for sockets.
    folder = ingress.run_dir.with_name("rendered")
    assert ingress.run("ingressd", "--render", str(folder)).returncode == 0
    for name in ("haproxy.cfg", "crt-list.txt", "routes.map", "certs/app.demo.test.pem"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    checked = subprocess.run(
        ["haproxy", "-c", "-f", folder / "haproxy.cfg"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr
    assert not ingress.run_dir.exists()


def test_a_folder_whose_path_is_too_long_for_sockets_is_told(world: World, tmp_path: Path) -> None:
    done = Ingress(world.make_stack()).run("ingressd", "--render", str(tmp_path / ("r" * 60)))
    assert done.returncode == 0
    assert "has more than 69 bytes: HAProxy refuses" in done.stderr


def test_a_folder_to_run_in_that_cannot_be_written_is_told(world: World) -> None:
    done = Ingress(world.make_stack(), RUN_DIR="/proc/ingress").run("ingressd")
    assert done.returncode == 1
    assert "RUN_DIR has to be a folder to write in" in done.stderr
    assert "cannot make the folder /proc/ingress: No such file or directory" in done.stderr


def test_wrong_usage_is_64(world: World) -> None:
    world.make_stack()
    ingress = Ingress(world.stack)
    for arguments in (("--nonsense",), ("--render",), ("--check", "more")):
        done = ingress.run("ingressd", *arguments)
        assert done.returncode == USAGE, arguments
        assert "usage: ingressd" in done.stderr
    assert ingress.run("ingressd", "--version").stdout.startswith("ingressd ")
