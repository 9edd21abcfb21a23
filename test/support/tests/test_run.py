"""What the runner of all tests says at its end of those that failed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

RUNNER = Path(__file__).resolve().parent.parent.parent / "run.py"
REPORT = """\
<testsuites><testsuite tests="4" failures="1" errors="1" skipped="1">
<testcase classname="e2e.test_one" name="test_a"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase name="of_a_unit"><error>the end</error></testcase>
<testcase classname="e2e.test_one" name="test_b"/>
<testcase classname="e2e.test_one" name="test_c"><skipped message="not here"/></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("runner", RUNNER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "runner", module)  # its dataclass looks for it
    spec.loader.exec_module(module)
    return module


def test_each_failure_is_named_with_the_first_line_of_its_reason(
    runner: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "unit-x.xml"
    report.write_text(REPORT)
    assert runner.junit("e2e", report, 1) == runner.Count(1, 2)
    runner.show_failures()
    assert capsys.readouterr().out == (
        "failed: e2e: e2e.test_one::test_a: assert 1 == 2\n"
        "failed: e2e: unit-x::of_a_unit: the end\n"
    )


def test_of_many_failures_some_are_named_and_the_others_counted(
    runner: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.failures["e2e"] = [f"test_{number}" for number in range(runner.MOST_SHOWN + 3)]
    runner.show_failures()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == runner.MOST_SHOWN + 1
    assert lines[-1] == "failed: e2e: 3 more, see build/test/e2e.xml"


def test_a_stage_that_died_without_a_report_is_named(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(runner, "LOGS", tmp_path)
    (tmp_path / "e2e.log").touch()
    monkeypatch.setitem(
        runner.STAGES, "e2e", lambda: runner.junit("e2e", tmp_path / "missing.xml", 1)
    )
    monkeypatch.setattr(runner, "show_tail", lambda stage: None)
    assert runner.run_stages(["e2e"]) == runner.Count(0, 1)
    runner.show_failures()
    assert capsys.readouterr().out.splitlines()[-1] == "failed: e2e: see build/test/e2e.log"
