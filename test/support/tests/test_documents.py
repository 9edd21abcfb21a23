"""The documents say what is there: tests, links, settings, programs, exit statuses, restrictions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def _text(path: str) -> str:
    return (ROOT / path).read_text()


def _section(text: str, title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


# ---- SECURITY.md and its tests

FILE = re.compile(r"`(test/[\w./-]+)`")
# Names of tests in C may be like any other words: they stand behind their file.
NAMED = re.compile(r"`(test_\w+)`")
OF_A_FILE = re.compile(r"`(test/[\w./-]+)`:\s((?:`\w+`(?:,\s+|))+)")


def _promises() -> list[str]:
    """The bullets of "What keeps what"."""
    text = _section(_text("SECURITY.md"), "What keeps what")
    return re.findall(r"^- .*\n(?:  .*\n)*", text, re.MULTILINE)


PROMISES = _promises()


def _has_test(file: str, name: str) -> bool:
    return re.search(rf"^(?:def|static void) {name}\(", _text(file), re.MULTILINE) is not None


def test_there_are_promises() -> None:
    assert len(PROMISES) > 15
    # Nothing stands between them that would not be looked at.
    text = _section(_text("SECURITY.md"), "What keeps what")
    assert "".join(PROMISES) == text.strip("\n") + "\n"


@pytest.mark.parametrize("promise", PROMISES, ids=[p[2:50].strip() for p in PROMISES])
def test_each_promise_names_tests_that_are_there(promise: str) -> None:
    files = FILE.findall(promise)
    assert files, "no test shows it"
    for name in NAMED.findall(promise):
        assert any(_has_test(file, name) for file in files), name
    for file, names in OF_A_FILE.findall(promise):
        for name in re.findall(r"`(\w+)`", names):
            assert _has_test(file, name), (file, name)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_are_there(document: Path) -> None:
    named = re.findall(
        r"`((?:common|supervisor|dns-hooks|evidence|templates|test|docs|\.ci|\.github)/[\w./-]*)`",
        document.read_text(),
    )
    for name in named:
        if "NAME" not in name:  # one that is still to be made
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path) if path else document
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, target


# ---- settings; README's tables are held against the program by test/e2e/test_settings_in_readme.py


def _tables(text: str) -> list[list[str]]:
    """The rows of the tables in it, as cells."""
    rows = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows]


def _variables(cell: str) -> list[str]:
    return re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)


def test_every_variable_of_a_provider_is_explained() -> None:
    providers = _text("DNS_PROVIDERS.md")
    second = _section(_text("README.md"), "Settings").split("\nDNS providers (")[1]
    for cells in _tables(second)[1:]:
        for name in _variables(cells[1]):
            assert f"`{name}`" in providers or f"`{name}=" in providers, name


# ---- programs


def test_every_program_is_documented_and_in_the_image() -> None:
    mains = _text("Makefile").partition("MAINS    := ")[2].partition("FOLDERS")[0]
    programs = re.findall(r"/([\w-]+)\.c", mains)
    assert len(programs) > 3
    for document in ("README.md", "docs/architecture.md"):
        for program in programs:
            assert program in _text(document), (document, program)
    tested = re.search(r"^PROGRAMS = \((.*)\)$", _text("test/image/test_files.py"), re.MULTILINE)
    assert tested is not None
    assert sorted(re.findall(r'"([\w-]+)"', tested[1])) == sorted(programs)


def test_exit_statuses_are_those_of_the_code() -> None:
    header = _text("common/error.h")
    code = re.findall(r"^\tEXIT_\w+ = (\d+),", header, re.MULTILINE)
    assert len(code) > 4
    readme = re.search(r"^Exit statuses everywhere: (.*?)\n\n", _text("README.md"), re.M | re.S)
    assert readme is not None
    assert re.findall(r"\b\d+\b", readme[1]) == code
    for document in ("README.md", "docs/architecture.md"):
        text = " ".join(_text(document).split())
        assert re.search(r"0 ok, 1 failed, 64 usage, 69 .*, 75 try again later, 78 bad", text)


# ---- the first example

LOCKED_DOWN = ("read_only", "tmpfs", "cap_drop", "cap_add", "security_opt")
ALIKE = (*LOCKED_DOWN, "container_name", "restart", "stop_grace_period")


def _restrictions(compose: str) -> dict[str, list[str]]:
    """Of the first service: each key with its words, whichever way a list is written."""
    service = re.split(r"^  [\w-]+:\n", compose, flags=re.MULTILINE)[1]
    found = {}
    for name in ALIKE:
        match = re.search(rf"^    {name}:(.*\n(?:      .*\n)*)", service, re.MULTILINE)
        words = re.sub(r"#.*", "", match.group(1)) if match else ""
        found[name] = sorted(re.findall(r"[\w/:-]*\w", words))
    return found


def test_the_first_example_is_as_locked_down_as_the_compose_files() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", _text("README.md"), re.MULTILINE | re.DOTALL)
    wanted = _restrictions(_text("docker-compose.yaml"))
    assert wanted["cap_drop"] == ["ALL"] and wanted["read_only"] == ["true"]
    assert wanted["tmpfs"] == ["/run"] and "no-new-privileges:true" in wanted["security_opt"]
    assert all(wanted.values()), wanted
    assert _restrictions(examples[0]) == wanted
    assert _restrictions(_text("docker-compose.multi.yaml")) == wanted


def test_no_compose_file_has_docker_make_a_folder_in_a_sockets_place() -> None:
    """As the short form does where the host has no socket of that name."""
    files = [_text("docker-compose.yaml"), _text("docker-compose.multi.yaml"), _text("README.md")]
    for text in files:
        assert not re.search(r"- \S+\.sock:", text)
        assert text.count(".sock\n        bind:") == text.count("create_host_path: false") > 0
