"""Backends' names when the product starts with DNS as bad as it gets, and as libc finds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from support.process import wait_until

from .conftest import Site
from .followed import ADDRESSES, FOREIGN, SLACK, ZONE, Followed, backends
from .peers import private_mounts, program
from .product import BIN

FIRST, SECOND, _ = ADDRESSES
SILENT = 6
# A silent DNS cost twenty seconds for each name.
SERVED_WITHIN = 15.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with backends() as number:
        yield number


@pytest.fixture(scope="module")
def silent(site: Site, port: int) -> Iterator[Followed]:
    """DNS says nothing when it starts, and one of its backends has an address of its own."""
    targets = {f"n{i}": f"n{i}.{ZONE}:{{port}}" for i in range(SILENT)}
    made = Followed(site, "silent", {"address": f"{FIRST}:{{port}}", **targets}, port)
    made.dns.silent = True
    for i in range(SILENT):
        made.dns.addresses[f"n{i}.{ZONE}"] = [FIRST]
    start = time.monotonic()
    with made:
        assert time.monotonic() - start < SERVED_WITHIN
        yield made


def test_what_needs_no_name_is_served_at_once(silent: Followed) -> None:
    assert silent.dns.silent
    assert silent.reached("address") == FIRST
    assert silent.reached("n0") == "", "refused, and at once"
    with silent.client("address") as client:
        client.request("GET", "/evidences/")
        assert client.getresponse().status in (200, 404, 503)
    assert f"DNS has told no address yet for {SILENT} of {SILENT} backends" in (
        silent.product.child.log_text()
    )


def test_a_reload_does_not_wait_for_dns(silent: Followed) -> None:
    assert silent.dns.silent
    done = silent.ctl("reload")
    assert done.returncode == 0, done.stderr
    assert silent.reached("address") == FIRST


def test_names_come_in_when_dns_does(silent: Followed) -> None:
    silent.dns.silent = False
    for i in range(SILENT):
        silent.is_reached(f"n{i}", FIRST)


def test_known_addresses_outlive_the_supervisor(silent: Followed) -> None:
    silent.dns.silent = False
    for i in range(SILENT):
        silent.is_reached(f"n{i}", FIRST)
    silent.dns.silent = True
    silent.restart()
    for i in range(SILENT):
        assert silent.reached(f"n{i}") == FIRST
    wait_until(
        lambda: silent.backends()[f"n0.{ZONE}"]["error"] == "DNS does not answer",
        what="the silence to be noticed", deadline=SLACK,
    )  # fmt: skip
    assert silent.reached("n0") == FIRST
    silent.dns.addresses[f"n0.{ZONE}"] = [SECOND]
    silent.dns.silent = False
    silent.is_reached("n0", SECOND)


def test_a_file_of_addresses_is_judged_like_an_answer(site: Site, port: int) -> None:
    """It was written on other networks, or by somebody else."""
    made = Followed(site, "spoiled", {"app": f"app.{ZONE}:{{port}}"}, port)
    made.dns.silent = True
    run = made.product.directory / "run"
    run.mkdir()
    (run / "addresses").write_text(f"app.{ZONE} {FOREIGN} 1764000000\n")
    with made:
        wait_until(
            lambda: made.servers(f"app.{ZONE}:{port}") == {"255.255.255.255"},
            what="the server to be seen without an address", deadline=SLACK,
        )  # fmt: skip
        assert made.reached("app") == ""


def test_any_network_can_be_permitted(site: Site, port: int) -> None:
    made = Followed(
        site, "permitted", {"app": f"app.{ZONE}:{{port}}"}, port,
        BACKEND_NETWORKS="203.0.113.0/24",
    )  # fmt: skip
    made.dns.addresses[f"app.{ZONE}"] = [FOREIGN]
    with made:
        wait_until(
            lambda: made.servers(f"app.{ZONE}:{port}") == {FOREIGN},
            what="the address to be taken", deadline=SLACK,
        )  # fmt: skip
        assert made.backends()[f"app.{ZONE}"]["error"] is None


# ---- resolv.conf and hosts as they are

AS_LIBC = {
    "search": ("search elsewhere.test backends.test\nnameserver {dns}\n", "short:{port}"),
    "a tab": ("nameserver\t{dns}\n", f"short.{ZONE}:{{port}}"),
    "the second server": (
        "nameserver 127.0.0.2\nnameserver {dns}\noptions ndots:2\n", f"short.{ZONE}:{{port}}",
    ),
}


@pytest.mark.parametrize("which", AS_LIBC)
def test_names_are_found_and_followed_as_libc_does(site: Site, port: int, which: str) -> None:
    resolv_conf, target = AS_LIBC[which]
    made = Followed(
        site, f"libc-{which.replace(' ', '-')}", {"app": target}, port,
        replaced={"/etc/resolv.conf": resolv_conf},
    )  # fmt: skip
    made.dns.addresses[f"short.{ZONE}"] = [FIRST]
    with made:
        made.is_reached("app", FIRST)
        made.dns.addresses[f"short.{ZONE}"] = [SECOND]
        made.is_reached("app", SECOND)


HOSTS = "127.0.0.1 localhost\n{address} app.hosts.test\n"


@pytest.mark.parametrize("nameserver", ["fe80::1%eth0", "{dns}"])
def test_a_name_in_hosts_needs_no_dns(site: Site, port: int, nameserver: str) -> None:
    """DNS, if any answers, denies it."""
    made = Followed(
        site, f"hosts-{len(nameserver)}", {"app": "app.hosts.test:{port}"}, port,
        replaced={
            "/etc/resolv.conf": f"nameserver {nameserver}\n",
            "/etc/hosts": HOSTS.replace("{address}", FIRST),
        },
    )  # fmt: skip
    with made:
        assert made.reached("app") == FIRST
        made.rewrite("/etc/hosts", HOSTS.replace("{address}", SECOND))
        made.is_reached("app", SECOND)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to copy all of /etc")
def test_without_a_resolv_conf_everything_else_works(site: Site, port: int) -> None:
    etc = site.folder("no-resolv-conf")
    shutil.copytree("/etc", etc, symlinks=True, dirs_exist_ok=True)
    (etc / "resolv.conf").unlink(missing_ok=True)
    (etc / "hosts").write_text(HOSTS.replace("{address}", FIRST))
    script = f'mount --bind "{etc}" /etc\nexec "$@"'
    made = Followed(
        site, "no-resolv",
        {"app": "app.hosts.test:{port}", "dns": f"app.{ZONE}:{{port}}"}, port,
        prefix=[program("unshare"), "--mount", "sh", "-euc", script, "mounts"],
    )  # fmt: skip
    with made:
        assert made.reached("app") == FIRST
        assert made.reached("dns") == ""
        # It appears while the product runs, and libc sees it.
        made.dns.addresses[f"app.{ZONE}"] = [SECOND]
        (etc / "resolv.conf").write_text(f"nameserver {made.dns.address}\n")
        made.is_reached("dns", SECOND)


def test_render_writes_addresses(site: Site, port: int) -> None:
    """There is no daemon that could tell HAProxy of them later, and HAProxy asks nobody."""
    targets = {label: f"{label}.{ZONE}:{{port}}" for label in ("known", "absent", "lied", "mute")}
    made = Followed(site, "render", targets, port)
    made.dns.addresses = {f"known.{ZONE}": [SECOND], f"lied.{ZONE}": [FOREIGN]}
    made.dns.silent_names = {f"mute.{ZONE}"}
    folder = made.product.directory / "rendered"
    prefix = private_mounts({"/etc/resolv.conf": f"nameserver {made.dns.address}\n"}, made.files)
    done = subprocess.run(
        [*prefix, BIN / "ingressd", "--render", folder],
        env=made.product.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    made.dns.stop()
    assert done.returncode == 0, done.stderr
    config = (folder / "haproxy.cfg").read_text()
    assert f"backend known.{ZONE}:{port} from tcp_defaults\n    server app {SECOND}:{port}\n" in config
    for label in ("absent", "lied", "mute"):
        assert (
            f"backend {label}.{ZONE}:{port} from tcp_defaults\n"
            f"    server app 255.255.255.255:{port} disabled\n"
        ) in config
        assert f"backend {label}.{ZONE} has no address" in done.stderr
    assert f"DNS says {FOREIGN}, which is not believed" in done.stderr
