"""Includes go one way: between folders as docs/architecture.md has it, between files in no circle."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)

Files = Mapping[str, str]


def _sources() -> dict[str, str]:
    folders = ("common", "supervisor", "dns-hooks", "evidence")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.[ch]")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def _allowed() -> dict[str, set[str]]:
    """By the table of architecture.md: each folder, and the folders whose headers it may include."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = re.search(r"^\| folder \|.*\| may include \|\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines()]
    return {
        folder.strip("`/"): {name.rstrip("/") for name in re.findall(r"`([\w/-]+)`", others)}
        for folder, _, others in rows
    }


def _wrong_arrows(files: Files, allowed: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Includes from a folder into one that it has no business with, or of what is not there."""
    for name, text in files.items():
        here = os.path.dirname(name)
        for included in INCLUDE.findall(text):
            there = os.path.dirname(included)
            if included not in files or (there != here and there not in allowed.get(here, set())):
                yield name, included


def _code(text: str) -> str:
    """Without comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.DOTALL)


# What begins a line and is not local to its file: a function, a variable.
FUNCTION = re.compile(
    r"^(?!static\b|typedef\b|extern\b|struct \w+ \{)[a-z][\w *\n\t]*?\b(\w+)\(", re.MULTILINE
)
DECLARED_VARIABLE = re.compile(r"^extern [\w *]*?\b(\w+)(?:\[\w*\])?;", re.MULTILINE)
VARIABLE = re.compile(r"^(?!static\b|extern\b)[a-z][\w *]*?\b(\w+)(?:\[\w*\])? = ", re.MULTILINE)


def _headers(files: Files) -> dict[str, set[str]]:
    """Which headers each header includes."""
    return {n: set(INCLUDE.findall(text)) for n, text in files.items() if n.endswith(".h")}


def _uses(files: Files) -> dict[str, set[str]]:
    """Which files each file calls, by the functions and variables that headers declare: a header
    that several files share does not hide that they call one another."""
    code = {name: _code(text) for name, text in files.items()}
    declared: set[str] = set()
    for name, text in code.items():
        if name.endswith(".h"):
            declared.update(FUNCTION.findall(text), DECLARED_VARIABLE.findall(text))
    # Two programs may each have a function of one name.
    defined = {
        (name.partition("/")[0], symbol): name
        for name, text in code.items()
        if name.endswith(".c")
        for symbol in (*FUNCTION.findall(text), *VARIABLE.findall(text))
        if symbol in declared
    }
    graph: dict[str, set[str]] = {}
    for name, text in code.items():
        if name.endswith(".c"):
            words = set(re.findall(r"\b\w+\b", re.sub(r"\b(?:struct|enum) \w+", " ", text)))
            top = name.partition("/")[0]
            found = {defined.get((top, w)) or defined.get(("common", w)) for w in words}
            graph[name] = {other for other in found if other not in (None, name)}
    return graph


def _circles(graph: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """Those that reach one another."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        open_ends = [start]
        while open_ends:
            for name in graph.get(open_ends.pop(), set()) - seen:
                seen.add(name)
                open_ends.append(name)
        return seen

    reach = {name: reached(name) for name in graph}
    circles = {
        frozenset(other for other in reach[name] if name in reach.get(other, set()))
        for name in graph
        if name in reach[name]
    }
    return sorted(circles, key=sorted)


def test_folders_include_only_what_the_document_allows() -> None:
    files = _sources()
    assert len(files) > 300
    wrong = set(_wrong_arrows(files, _allowed()))
    assert not wrong, sorted(wrong)


def test_every_folder_has_a_row_and_every_row_a_folder() -> None:
    assert set(_allowed()) == {os.path.dirname(name) for name in _sources()}


def test_what_a_folder_keeps_to_itself_is_included_there_alone() -> None:
    files = _sources()
    kept = {n: os.path.dirname(n) for n in files if "Nobody else looks inside." in files[n]}
    assert kept
    uses = [(n, i) for n, text in files.items() for i in INCLUDE.findall(text) if i in kept]
    assert len(uses) > len(kept)
    assert [use for use in uses if os.path.dirname(use[0]) != kept[use[1]]] == []


def test_folders_have_no_circle() -> None:
    assert _circles(_allowed()) == []


def test_headers_have_no_circle() -> None:
    assert _circles(_headers(_sources())) == []


def test_files_have_no_circle() -> None:
    graph = _uses(_sources())
    assert len(graph) > 150
    assert sum(map(len, graph.values())) > 800
    circles = _circles(graph)
    assert not circles, [sorted(circle) for circle in circles]


# ---- that what is wrong is seen

TREE = {
    "common/a.h": "int a_read(int fd);\nextern const struct table a_table[];\n",
    "common/a.c": '#include "common/a.h"\n\nint a_read(int fd)\n{\n\treturn fd;\n}\n',
    "common/a_more.c": '#include "common/a.h"\n\nconst struct table a_table[] = {\n\t{"b_write("},\n};\n',
    "high/b.h": '#include "common/a.h"\n\nvoid b_write(void);\n',
    "high/b.c": '#include "high/b.h"\n\nvoid b_write(void)\n{\n\ta_read(a_table); /* b_main() */\n}\n',
    "high/program.c": '#include "high/b.h"\n\nint main(void)\n{\n\tb_write();\n}\n',
}
ARROWS: dict[str, set[str]] = {"common": set(), "high": {"common"}}


def test_a_tree_as_it_should_be_passes() -> None:
    assert list(_wrong_arrows(TREE, ARROWS)) == []
    assert _uses(TREE) == {
        "common/a.c": set(),
        "common/a_more.c": set(),
        "high/b.c": {"common/a.c", "common/a_more.c"},
        "high/program.c": {"high/b.c"},
    }
    assert _circles(_headers(TREE)) == []


@pytest.mark.parametrize(
    ("name", "included"),
    [
        ("common/a.c", "high/b.h"),  # up
        ("high/b.c", "common/gone.h"),  # to nowhere
        ("high/b.c", "b.h"),  # not by its path
    ],
)
def test_a_wrong_arrow_is_seen(name: str, included: str) -> None:
    tree = {**TREE, name: TREE[name] + f'#include "{included}"\n'}
    assert list(_wrong_arrows(tree, ARROWS)) == [(name, included)]


def test_a_circle_of_files_is_seen_behind_a_header_that_both_share() -> None:
    there = "\nstatic void f(void)\n{\n\tg(a_table);\n}\n"
    back = "\nstatic void f(void)\n{\n\ta_read(1);\n}\n"
    tree = {**TREE, "common/a.c": TREE["common/a.c"] + there}
    assert _circles(_uses(tree)) == []
    tree["common/a_more.c"] += back
    assert _circles(_uses(tree)) == [frozenset({"common/a.c", "common/a_more.c"})]


def test_a_circle_of_headers_is_seen() -> None:
    tree = {**TREE, "common/a.h": '#include "high/b.h"\n'}
    assert _circles(_headers(tree)) == [frozenset({"common/a.h", "high/b.h"})]


def test_a_circle_of_three_is_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert _circles(graph) == [frozenset({"a", "b", "c"})]
