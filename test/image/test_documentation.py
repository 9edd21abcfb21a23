"""Every command of the documentation does what it says, typed as it stands there.

By a user who has docker-compose.yaml, whose settings are changed in a file over it; example.com is a
zone of the test's.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ingress import request_on
from support.process import wait_until

from .builds import ROOT
from .conftest import stack_for_containers
from .deployment import Deployment
from .engine import Engine

NAME = "app.example.com"
DEADLINE = 120.0
END = 2000
COMMANDS = ("sh", "console")
OTHERS = ("", "c", "yaml")
# A block that has one of these at the beginning of a line is one of commands and what they are for.
LISTED = re.compile(r"^(ingress(?:d|ctl)(?: [^ ]+)*)  +\S", re.MULTILINE)
# What it says of a site, and that the documents have it right, is for test/e2e and test/verify.
VERIFY = "--help"
PLACES = {"[DOMAIN]": NAME, "NAME": NAME, "DIR": "/run/rendered", "URL": VERIFY}

# Who else runs it: a file of the tests, and what is said there.
ELSEWHERE = {
    "./build-image.sh --verify": ("test/image/test_verify.py", r'\.run\("--verify"\)'),
    "make": ("Dockerfile", "make -s -C /src .* all;"),
    "make demo": ("test/run.py", '"demo": .*demo_check'),
    "make test": (".ci/run", "exec make test"),
    "make unit": ("test/run.py", 'units\\("unit", "release"\\)'),
    "make check": ("test/run.py", '"check-format", "check-banned"'),
    "PYTHONPATH=test python3 -m pytest test/e2e/test_restarts.py": ("test/run.py", '"test/e2e"'),
}

VERIFY_A_SITE = "docker run --rm dstack-ingress:0.1.0 ingressctl verify https://app.example.com"
ELSEWHERE[VERIFY_A_SITE] = ("test/e2e/test_attestation.py", '"verify", "--json", f"https://')

# A receiver of the operator's own answers it.
A_TASK = (
    """echo '{"domain":"app.example.com","challenge":"dns-01","records":"""
    """[{"type":"TXT","name":"x.example.com","value":"y"}]}' |"""
)
for line in (A_TASK, "docker exec -i ingress ingress-evidence webhook"):
    ELSEWHERE[line] = ("test/e2e/test_dns_webhook.py", r'\[str\(PROGRAM\), "webhook"\]')

BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _documents() -> list[Path]:
    """All but the one for clients of a site, which test/verify types."""
    documents = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    return [document for document in documents if document.name != "verification.md"]


def _blocks() -> list[tuple[str, str]]:
    """Each block of commands, with where it stands."""
    found = []
    for document in _documents():
        text = document.read_text()
        for match in BLOCK.finditer(text):
            language, block = match.groups()
            where = f"{document.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}"
            assert language in COMMANDS + OTHERS, f"{where}: {language}: are there commands in it?"
            if language in COMMANDS:
                found.append((where, block))
            elif LISTED.search(block):
                commands = LISTED.findall(block)
                found.append((where, "".join(f"docker exec ingress {_filled(c)}\n" for c in commands)))
    return found


def _filled(command: str) -> str:
    return " ".join(PLACES.get(word, word) for word in command.split())


def _commands(block: str) -> list[str]:
    lines = (re.sub(r"(^|\s+)#.*", "", line).removeprefix("$ ").strip() for line in block.splitlines())
    return [line for line in lines if line]


def _is_run_elsewhere(block: str) -> bool:
    known = [command in ELSEWHERE for command in _commands(block)]
    assert all(known) or not any(known), block
    return all(known)


BLOCKS = _blocks()
HERE = [(where, block) for where, block in BLOCKS if not _is_run_elsewhere(block)]
# What a user's shell makes of braces is not what sh does.
RUNS = [
    (where, block, shell)
    for where, block in HERE
    for shell in (("sh", "bash") if "{" in block else ("sh",))
]


def test_what_is_said_to_be_run_elsewhere_is_run_there() -> None:
    written = {command for _, block in BLOCKS for command in _commands(block)}
    for command, (file, words) in ELSEWHERE.items():
        assert command in written, f"{command}: no document has it any more"
        assert re.search(words, (ROOT / file).read_text()), (command, file)
    assert len(HERE) > 5


def test_a_site_is_verified_by_the_image_alone(engine: Engine, image: str) -> None:
    """As documented, without a daemon, settings or volumes; nobody answers here."""
    said = engine.docker("run", "--rm", image, "ingressctl", "verify", "--help")
    assert said.startswith("usage: ingressctl verify https://HOST")


@pytest.fixture(scope="module")
def deployment(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with stack_for_containers(tmp_path_factory.mktemp("stack"), zones=("example.com",)) as stack:
        deployment = Deployment(
            engine, image, stack, "docker-compose.yaml", "ingress", {"app": "app"},
            settings={"DNS_PROVIDER": "rfc2136"},
            variables={"DOMAIN": NAME, "GATEWAY_DOMAIN": "gateway.example.com"},
        )  # fmt: skip
        try:
            deployment.up().container().wait_served(DEADLINE)
            yield deployment
        finally:
            deployment.down()


@pytest.fixture(scope="module")
def home(
    deployment: Deployment, compose: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A user's, whose curl finds example.com here."""
    home = tmp_path_factory.mktemp("home")
    deployment.engine.add_plugin(home, compose)
    (home / "ca.pem").write_text(deployment.stack.pebble.root_pem())
    (home / ".curlrc").write_text(f'connect-to = "::127.0.0.1:443"\ncacert = "{home}/ca.pem"\n')
    return home


@pytest.mark.parametrize(
    ("where", "block", "shell"), RUNS, ids=[f"{where}-{shell}" for where, _, shell in RUNS]
)
def test_the_commands_do_what_they_say(
    deployment: Deployment, home: Path, tmp_path: Path, where: str, block: str, shell: str
) -> None:
    def evidence() -> bool:
        with deployment.connect(NAME) as tls:
            return request_on(tls, NAME, "/evidences/quote.json").status == 200

    wait_until(evidence, what="evidence", deadline=DEADLINE)
    done = subprocess.run(
        [shell, "-euc", "\n".join(_commands(block))],
        cwd=tmp_path,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "DOCKER_HOST": f"unix://{deployment.engine.socket}",
            **deployment.compose_variables,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{where}\n{block}{done.stdout[-END:]}{done.stderr[-END:]}"
    assert done.stdout.strip(), f"{where}: it says nothing"
    if "quote.json" in block:
        _first_half_of_report_data(done.stdout, tmp_path / "quote.json")


def _first_half_of_report_data(said: str, quote: Path) -> None:
    digest = said.splitlines()[-1].split()[0]
    assert re.fullmatch("[0-9a-f]{64}", digest), said
    assert digest + "0" * 64 in quote.read_text()
