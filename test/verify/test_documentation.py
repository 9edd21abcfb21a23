"""docs/verification.md says what the program does: its lines, its options, its statuses."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.ingress import BIN

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/verification.md").read_text()
CTL = BIN / "ingressctl"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all lines, of a report on something that is no quote."""
    nothing = tmp_path_factory.mktemp("nothing") / "quote"
    nothing.write_text("none")
    done = subprocess.run(
        [CTL, "verify", "--json", "--quote", nothing], capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return list(json.loads(done.stdout)["checks"])


def usage() -> str:
    return subprocess.run(
        [CTL, "verify", "--help"], capture_output=True, text=True, check=True
    ).stdout


def test_each_line_of_the_report_has_its_row(report: list[str]) -> None:
    table = PAGE.partition("## The report, line by line")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == report
    for name, cells in rows:
        assert all(cell.strip() for cell in cells.split("|")), name


def test_each_row_says_what_the_program_says() -> None:
    source = (ROOT / "supervisor/verify/findings.c").read_text()
    said = dict(re.findall(r'\[CHECK_\w+\] = \{"([a-z-]+)",\s*"([^"]+)"\}', source))
    assert said
    for name, proves in said.items():
        assert f"| `{name}` | {proves} |" in PAGE.replace("`sha256sum.txt`", "sha256sum.txt"), name


def test_no_option_is_missing_or_made_up() -> None:
    known = set(re.findall(r"--[a-z][a-z0-9-]+", usage()))
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", PAGE))
    others = {"--rm", "--data-binary"}  # docker's and curl's
    assert mentioned - others == known


def test_the_statuses_are_those_of_the_usage() -> None:
    for status in re.findall(r"\b(\d+) ", usage().partition("Exit status:")[2]):
        assert re.search(rf"Exit status.*\b{status}\b", PAGE, re.DOTALL), status
