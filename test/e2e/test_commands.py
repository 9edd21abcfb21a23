"""The command lines of all programs: what is documented is there, and what a command has not got is told."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import pytest

from support.ingress import BIN

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]

OK, USAGE = 0, 64
WITH_COMMANDS = ("ingressctl", "ingress-dns", "ingress-evidence", "ingress-resolve")
PROGRAMS = (*WITH_COMMANDS, "ingressd")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Without any setting: what is wrong with a command line is told before anything else."""
    return subprocess.run(
        [BIN / program, *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "RUN_DIR": "/nonexistent"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def options_in(text: str) -> dict[str, bool]:
    """The rows "  --option VALUE" of a help: each option, and whether it takes a value."""
    rows = re.findall(r"^  --([a-z0-9-]+)( [A-Z]\S*)?(?: {2,}|$)", text, re.MULTILINE)
    return {name: value != "" for name, value in rows if name not in ("version", "help")}


@functools.cache
def commands(program: str) -> dict[str, dict[str, bool]]:
    """Each command of the program with its options."""
    shown = run(program, "--help")
    assert shown.returncode == OK and shown.stderr == ""
    rows = re.findall(r"^  ([a-z][a-z-]*(?: [a-z]+)?)(?= |$)", shown.stdout, re.MULTILINE)
    found = {}
    for name in rows:
        said = run(program, *name.split(), "--help")
        assert (said.returncode, said.stderr) == (OK, ""), name
        assert said.stdout.startswith(f"usage: {program} {name}"), name
        found[name] = options_in(said.stdout)
    return found


ALL = [(program, name) for program in WITH_COMMANDS for name in commands(program)]
IDS = [f"{program} {name}" for program, name in ALL]


def test_there_are_commands() -> None:
    assert len(ALL) > 20
    assert commands("ingressctl")["renew"] == {"force": False, "socket": True}
    assert "--force" in run("ingressctl", "--help").stdout


@pytest.mark.parametrize(("program", "name"), ALL, ids=IDS)
def test_an_option_of_another_command_is_wrong_usage(program: str, name: str) -> None:
    own = commands(program)[name]
    others = {o: v for options in commands(program).values() for o, v in options.items()}
    for option, has_value in {**others, "nonsense": False}.items():
        if option in own:
            continue
        value = ["/nonexistent"] if has_value else []
        done = run(program, *name.split(), f"--{option}", *value)
        assert (done.returncode, done.stdout) == (USAGE, ""), option
        assert f"{name} has no option --{option}" in done.stderr
        assert f"usage: {program} {name}" in done.stderr
    assert run(program, *name.split(), "-x").returncode == USAGE


@pytest.mark.parametrize(("program", "name"), ALL, ids=IDS)
def test_an_option_without_its_value_is_wrong_usage(program: str, name: str) -> None:
    for option, has_value in commands(program)[name].items():
        if has_value:
            done = run(program, *name.split(), f"--{option}")
            assert done.returncode == USAGE and f"--{option} needs a value" in done.stderr
        else:
            done = run(program, *name.split(), f"--{option}=x")
            assert done.returncode == USAGE and f"--{option}" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version_are_everywhere(program: str) -> None:
    shown = run(program, "--version")
    assert (shown.returncode, shown.stderr) == (OK, "")
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\S*\n", shown.stdout)
    shown = run(program, "--help")
    assert shown.returncode == OK and shown.stdout.startswith(f"usage: {program}")
    assert "Exit status: 0 ok, 1 failed, 64 usage" in " ".join(shown.stdout.split())
    for wrong in (["--nonsense"], ["nonsense"], ["--version", "x", "--nonsense"][2:]):
        done = run(program, *wrong)
        assert (done.returncode, done.stdout) == (USAGE, "")
        assert f"usage: {program}" in done.stderr


def test_half_a_command_says_what_is_missing() -> None:
    done = run("ingressctl", "dns")
    assert done.returncode == USAGE and "dns needs one of: plan, apply" in done.stderr
    done = run("ingressctl", "dns", "show")
    assert done.returncode == USAGE and "dns needs one of: plan, apply" in done.stderr


def test_two_modes_at_once_are_wrong_usage() -> None:
    done = run("ingressd", "--check", "--render", "/nonexistent")
    assert done.returncode == USAGE and "--check and --render" in done.stderr


# ---- documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_documented_are_there(document: Path) -> None:
    text = document.read_text()
    for program in WITH_COMMANDS:
        # In code only: prose has "ingressctl is ...".
        code = re.findall(r"`[^`\n]*`|^    .*$|^(?:docker .*|\$ )?ingress.*$", text, re.MULTILINE)
        for line in code:
            for words in re.findall(rf"\b{program} ([a-z][a-z-]*(?: [a-z]+)?)", line):
                name = words if words in commands(program) else words.split()[0]
                assert name in commands(program), (line, name)


def test_readme_s_list_has_every_command_with_its_options() -> None:
    block = (ROOT / "README.md").read_text().partition("### Commands\n")[2].split("```")[1]
    rows = re.findall(r"^ingressctl ([a-z]+(?: [a-z]+)?)(.*)$", block, re.MULTILINE)
    assert {name for name, _ in rows} == set(commands("ingressctl")) - {"version"}
    for name, rest in rows:
        for option in re.findall(r"--([a-z-]+)", rest):
            assert option in (*commands("ingressctl")[name], "help"), (name, option)
