"""ingress-dns with a program of the operator's, here one that tells BIND."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.process import wait_until

from .conftest import World
from .dns_bench import (
    ACCOUNT,
    APP_ID,
    BAD_CONFIG,
    FOREIGN,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    challenge,
)
from .exec_program import calls, nsupdate, program

APP = "app.demo.test"
NAME = "_acme-challenge.new.demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"

def is_alive(pid: int) -> bool:
    """A zombie, which its new parent has not noticed yet, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind) -> Bench:
    variables = {
        "DNS_RESOLVERS": bind.server,
        "DNS_PORT": str(bind.port),
        "DNS_EXEC": nsupdate(tmp_path, bind),
    }
    return Bench(tmp_path, variables, [bind.key_secret])


# ---- running it


def test_it_is_told_the_name_and_the_value(tmp_path: Path, bench: Bench) -> None:
    result = bench.run("auth", **challenge("new.demo.test", "-v_1"))
    assert result.returncode == 0, result.stderr
    assert f"{bench.variables['DNS_EXEC']}: telling BIND to present" in result.stderr
    bench.ok("cleanup", **challenge("new.demo.test", "-v_1"))
    assert calls(tmp_path) == [f"present {NAME}. -v_1", f"cleanup {NAME}. -v_1"]


def test_values_by_hand(tmp_path: Path, bench: Bench, bind: Bind) -> None:
    bench.ok("set-txt", "x.demo.test", "v")
    assert bind.query("x.demo.test", "TXT") == ["v"]
    bench.ok("del-txt", "x.demo.test", "v")
    assert bind.query("x.demo.test", "TXT") == []
    result = bench.run("list", "x.demo.test")
    assert result.returncode == BAD_CONFIG
    assert "cannot list records" in result.stderr


def test_it_gets_no_credentials_and_no_descriptors(tmp_path: Path, bench: Bench) -> None:
    script = f"""#!/bin/sh
env >"{tmp_path}/env"
ls /proc/self/fd >"{tmp_path}/fds"
cut -d " " -f 5 /proc/self/stat >"{tmp_path}/group"
"""
    foreign = {
        "DNS_PROVIDER": "exec",
        "CLOUDFLARE_API_TOKEN": "c" * 40,
        "LINODE_API_TOKEN": "l" * 64,
        "RFC2136_KEY_SECRET": "c2VjcmV0",
        "SOMETHING_ELSE": "of nobody's business",
        "https_proxy": "http://proxy.test:3128",
    }
    bench.ok("set-txt", "x.demo.test", "v", DNS_EXEC=program(tmp_path, script), **foreign)
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert seen["https_proxy"] == foreign["https_proxy"]
    assert "PATH" in seen
    assert not [name for name in seen if name.endswith(("TOKEN", "SECRET", "ELSE"))]
    # 3 is the folder that is listed.
    assert (tmp_path / "fds").read_text().split() == ["0", "1", "2", "3"]
    assert int((tmp_path / "group").read_text()) != os.getpgid(0)


def test_its_failure_is_told_and_the_challenge_stays_noted(tmp_path: Path, bench: Bench) -> None:
    """It may have done half of its work."""
    script = "#!/bin/sh\necho one; echo the zone is locked >&2; exit 3\n"
    result = bench.run(
        "auth", **challenge("new.demo.test", "v"), DNS_EXEC=program(tmp_path, script)
    )
    assert result.returncode == UNREACHABLE
    assert f"present {NAME}. ...` exited with status 3: the zone is locked" in result.stderr
    assert bench.noted() == ["v"]
    bench.variables["DNS_EXEC"] = program(tmp_path, "#!/bin/sh\nexit 0\n")
    bench.ok("cleanup", "--all")
    assert bench.noted() == []


def test_it_has_a_deadline_and_leaves_nothing_behind(tmp_path: Path, bench: Bench) -> None:
    script = f'#!/bin/sh\nsleep 1000 &\necho $! >"{tmp_path}/pid"\necho still at it\nwait\n'
    began = time.monotonic()
    result = bench.run(
        "set-txt", "x.demo.test", "v",
        DNS_EXEC=program(tmp_path, script), PROPAGATION_TIMEOUT="1",
    )  # fmt: skip
    assert result.returncode == TRY_LATER
    assert "did not end within 1000 ms and was killed" in result.stderr
    assert "still at it" in result.stderr
    assert time.monotonic() - began < 30
    left = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_alive(left), what="the program's child to be gone")


def test_its_output_is_bounded(tmp_path: Path, bench: Bench) -> None:
    bench.variables["DNS_EXEC"] = program(tmp_path, "#!/bin/sh\nexec yes\n")
    result = bench.run("set-txt", "x.demo.test", "v", PROPAGATION_TIMEOUT="1")
    assert result.returncode == TRY_LATER
    assert "did not end within 1000 ms and was killed" in result.stderr
    bench.variables["DNS_EXEC"] = program(tmp_path, "#!/bin/sh\nyes $$ | head -c 10000000\n")
    talkative = bench.run("set-txt", "x.demo.test", "v")
    assert talkative.returncode == 0, talkative.stderr[-500:]
    for told in (result.stderr, talkative.stderr):
        assert "what it said after 65536 bytes is not shown" in told


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/etc/passwd", "/tmp"])
def test_a_program_that_is_none(bench: Bench, path: str) -> None:
    result = bench.run("set-txt", "x.demo.test", "v", DNS_EXEC=path)
    assert result.returncode == BAD_CONFIG
    assert f'DNS_EXEC is "{path}": must be the path of an executable file' in result.stderr


# ---- what it cannot do


def test_other_records_are_asked_for(tmp_path: Path, bench: Bench, bind: Bind) -> None:
    out = bench.ok("plan")
    assert "+ CNAME gateway.demo.test" in out
    assert f'+ TXT "{APP_ID}:443"' in out
    assert "Make these records by hand" in out and "2 to add" in out
    assert out.endswith(
        "Missing in DNS, and yours to make (lines for a zone file):\n"
        f"{APP}. 3600 IN CNAME gateway.demo.test.\n"
        f'{TXT_NAME}. 3600 IN TXT "{APP_ID}:443"\n'
    )
    applied = bench.run("apply")
    assert (applied.returncode, applied.stdout) == (TRY_LATER, out)
    assert f"{APP}. CNAME gateway.demo.test. is missing" in applied.stderr
    assert not (tmp_path / "calls").exists()
    bind.add(f"{APP}.", 60, "CNAME", "gateway.demo.test.")
    bind.add(f"{TXT_NAME}.", 60, "TXT", "abc:80")
    out = bench.ok("plan")
    assert "CNAME" not in out
    assert f'~ TXT "abc:80" -> TXT "{APP_ID}:443"' in out
    bind.add(f"{TXT_NAME}.", 60, "TXT", f"{APP_ID}:443")
    bind.delete(f"{TXT_NAME}.", "TXT", "abc:80")
    assert bench.ok("apply").endswith("No changes.\n")
    assert not (tmp_path / "calls").exists()


def test_what_a_wildcard_makes_up_is_not_there(bench: Bench, bind: Bind) -> None:
    """It is not in the way of a TXT record, and an alias of it ends where a name below begins."""
    bind.add("*.demo.test.", 60, "CNAME", "gateway.demo.test.")
    out = bench.ok("plan", DOMAINS="*.demo.test,below.demo.test")
    assert out.count("+ CNAME") == 1 and "\nbelow.demo.test\n  + CNAME" in f"\n{out}"
    assert out.count("+ TXT") == 2
    bind.add("below.demo.test.", 60, "CNAME", "gateway.demo.test.")
    for part in ("-wildcard", ".below"):
        bind.add(f"_dstack-app-address{part}.demo.test.", 60, "TXT", f"{APP_ID}:443")
    assert bench.ok("plan", DOMAINS="*.demo.test,below.demo.test") == "No changes.\n"


def test_caa_is_asked_for_with_the_account(bench: Bench) -> None:
    settings = {
        "SET_CAA": "true",
        "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
        "https_proxy": "http://127.0.0.1:1",
    }
    out = bench.ok("plan", "--only", "caa", "--account-uri", ACCOUNT, **settings)
    assert f"accounturi={ACCOUNT}" in out
    out = bench.ok("plan", "--account-uri", ACCOUNT, **settings)
    assert "+ A 127.0.0.1" in out and "+ AAAA ::1" in out


def test_a_foreign_record_in_the_way_is_told(bench: Bench, bind: Bind) -> None:
    bind.delete(f"{TXT_NAME}.")
    bind.add(f"{TXT_NAME}.", 60, "CNAME", "elsewhere.test.")
    out = bench.ok("plan", "--only", "txt")
    assert "! " in out and "remove the CNAME" in out
    assert "No changes" not in out


def test_without_dns_everything_is_asked_for(bench: Bench) -> None:
    out = bench.ok("plan", DNS_RESOLVERS="127.0.0.1:1")
    assert "cannot tell what is there already" in out
    assert "2 to add" in out


# ---- all of it


def test_certificates_with_records_made_by_hand(world: World) -> None:
    stack = world.make_stack()
    bind = stack.bind
    ingress = world.ingress(
        DNS_PROVIDER="exec",
        DNS_EXEC=nsupdate(world.directory, bind),
        DOMAINS=APP,
        ROUTING_MAP=None,
        TARGET_ENDPOINT=stack.app.address,
        SET_CAA="true",
        DNS_SETUP_MODE="print",
        RFC2136_SERVER=None,
        RFC2136_KEY_NAME=None,
        RFC2136_KEY_SECRET=None,
        RFC2136_KEY_ALGORITHM=None,
    )
    ingress.wait_settled(120)
    assert ingress.fetch(APP).status == 200
    for record in (f"{APP} A", f"_dstack-app-address.{APP} TXT", f"{APP} CAA 0 issue"):
        assert f"[{APP}] to be made by hand: adding the DNS record {record} " in ingress.log
    name = f"_acme-challenge.{APP}."
    assert [line.split()[:2] for line in calls(world.directory)] == [
        ["present", name],
        ["cleanup", name],
    ]
    assert bind.query(name, "TXT") == []
    assert bind.key_secret not in ingress.log
