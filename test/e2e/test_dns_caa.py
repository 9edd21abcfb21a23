"""`ingress-dns caa`: who may have certificates for a name, without settings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind

from .dns_bench import ACCOUNT, PROGRAM, USAGE

OURS = f'0 issue "ca.test; accounturi={ACCOUNT}"'
OTHERS = '0 issue "other-ca.test"'
DEADLINE = 60


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind", ("demo.test", "acme.test")) as started:
        yield started


def run(
    *arguments: str, resolvers: str | None = None, port: int = 53
) -> subprocess.CompletedProcess[str]:
    environment = {} if resolvers is None else {"DNS_RESOLVERS": resolvers, "DNS_PORT": str(port)}
    return subprocess.run(
        [str(PROGRAM), "caa", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def caa(bind: Bind, name: str, account: str | None = ACCOUNT) -> tuple[str, str, str]:
    """Binding, the name whose records count, and why."""
    options = [] if account is None else ["--account", account]
    done = run(name, *options, resolvers=bind.server, port=bind.port)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return answer["binding"], answer["at"], answer["detail"]


def test_the_nearest_set_counts(bind: Bind) -> None:
    assert caa(bind, "app.demo.test") == ("absent", "", "")
    bind.add("demo.test.", 60, "CAA", OTHERS)
    binding, at, why = caa(bind, "app.demo.test")
    assert (binding, at) == ("open", "demo.test") and "other-ca.test" in why
    bind.add("app.demo.test.", 60, "CAA", OURS)
    assert caa(bind, "App.Demo.Test.") == ("account", "app.demo.test", "")
    # They add up.
    bind.add("app.demo.test.", 60, "CAA", OTHERS)
    assert caa(bind, "app.demo.test")[0] == "open"


def test_wildcards(bind: Bind) -> None:
    bind.add("demo.test.", 60, "CAA", OURS)
    assert caa(bind, "*.demo.test") == ("account", "demo.test", "")
    bind.add("demo.test.", 60, "CAA", OTHERS.replace("issue", "issuewild"))
    assert caa(bind, "*.demo.test")[0] == "open"
    assert caa(bind, "app.demo.test")[0] == "account"


def test_aliases_are_followed_but_not_their_parents(bind: Bind) -> None:
    bind.add("app.demo.test.", 60, "CNAME", "target.acme.test.")
    bind.add("target.acme.test.", 60, "TXT", "it exists")
    bind.add("acme.test.", 60, "CAA", OURS)
    assert caa(bind, "app.demo.test")[0] == "absent"
    bind.add("target.acme.test.", 60, "CAA", OURS)
    assert caa(bind, "app.demo.test")[0] == "account"


def test_any_account(bind: Bind) -> None:
    bind.add("demo.test.", 60, "CAA", OURS)
    assert caa(bind, "app.demo.test", account=None)[0] == "account"
    assert caa(bind, "app.demo.test", account="https://ca.demo.test/acme/acct/8")[0] == "open"


def test_nobody_answers(bind: Bind) -> None:
    done = run("app.demo.test", resolvers="127.0.0.1:1")
    assert done.returncode == 0 and json.loads(done.stdout)["binding"] == "unknown"
    assert json.loads(done.stdout)["detail"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["a.test", "--account"], ["a.test", "b.test"], ["--account", ACCOUNT], ["-x"], ["a..test"]],
)
def test_usage(arguments: list[str]) -> None:
    done = run(*arguments, resolvers="127.0.0.1:1")
    assert done.returncode == USAGE and done.stderr and not done.stdout


def test_a_port_that_is_none() -> None:
    done = run("a.test", resolvers="127.0.0.1:1", port=0)
    assert done.returncode == 78 and "DNS_PORT" in done.stderr
