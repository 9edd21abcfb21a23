#!/usr/bin/python3
"""Runs every test of the project and ends with one line `N passed, N failed`.

    test/run.py            all stages
    test/run.py unit e2e   only these, one after the other

A stage that dies, or that runs nothing, counts as a failure. Its output is under
build/test/STAGE.log; of a stage that fails the end is shown.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from support.signals import take_end_signals

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
TAIL_LINES = 120
MOST_SHOWN = 20
LONGEST_REASON = 300
EXCUSED = 77
"""What a script ends with that says why it need not run here."""
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
# The tests wait a good part of their time.
WORKERS = ["-n", "4", "--dist", "load"]
# ---- which end-to-end tests run where
#
# A test that the Debian around it cannot make a difference to runs once; the others run on each.

E2E = "test/e2e"
# What HAProxy and OpenSSL do for clients, and of that, what our own programs decide.
DATA_PATH = (f"{E2E}/protocols", f"{E2E}/routing", f"{E2E}/test_data_path.py")
DATA_PATH_OF_OURS = (
    f"{E2E}/protocols/test_backend_names.py", f"{E2E}/protocols/test_backend_dns.py",
    f"{E2E}/routing/test_evidence_crowds.py",
)  # fmt: skip
# What certbot makes of the volume, and its own files of ours.
CERTBOTS_WAYS = (
    f"{E2E}/test_clean_room.py::test_after_each_kind_of_order_plain_certbot_has_no_complaint",
    f"{E2E}/test_clean_room.py::test_no_cli_ini_acts_on_an_order",
    f"{E2E}/test_clean_room.py::test_hooks_of_an_older_setup_are_not_run_and_told_once",
    f"{E2E}/test_going_back.py",
    f"{E2E}/test_accounts.py::test_many_first_certificates_are_ordered_with_one_account",
    f"{E2E}/test_accounts.py::test_an_account_that_the_ca_has_lost_is_replaced_once[]",
)
# Of test_dns_*: whole orders, and the supervisor's decisions.
NOT_DNS_ALONE = {"test_dns_certbot.py", "test_dns_providers.py", "test_dns_setup.py"}
# Our own programs with what others send them, in which the sanitizers look for mistakes.
READS_WHAT_OTHERS_SEND = (
    *(
        f"{E2E}/{name}"
        for name in (
            "cloudflare", "linode", "namecheap", "route53", "preflight",
            "test_attestation.py", "test_attestation_platforms.py", "test_attestation_refused.py",
            "test_commands.py", "test_control.py", "test_evidence.py", "test_evidence_folder.py",
            "test_evidence_platforms.py", "test_evidence_server.py", "test_evidence_server_life.py",
            "test_guest_agent.py", "test_lying_ca.py", "test_outside_text.py",
        )
    ),
    *(
        f"{E2E}/{path.name}"
        for path in sorted((ROOT / E2E).glob("test_dns_*.py"))
        if path.name not in NOT_DNS_ALONE
    ),
)  # fmt: skip
# How many sequences for each DNS provider, of which `test/property` alone makes more; see there.
SEQUENCES = "300"
# With another HAProxy, OpenSSL and certbot than on Debian 12.
ON_DEBIAN_13 = (
    *DATA_PATH, *CERTBOTS_WAYS, *READS_WHAT_OTHERS_SEND,
    *(
        f"{E2E}/{name}"
        for name in (
            "test_adoption.py", "test_bad_certificates.py", "test_bad_configuration.py",
            "test_dns_certbot.py", "test_first_start.py", "test_haproxy_traffic.py",
            "test_refused_by_haproxy.py", "test_render_by_hand.py", "test_renewal.py",
        )
    ),
    *(f"--ignore={name}" for name in DATA_PATH_OF_OURS),
)  # fmt: skip
# What a HAProxy and a certbot to come may do otherwise; what our rules route where is not among it.
ON_FORKY = (
    *(
        f"{E2E}/protocols/{name}"
        for name in (
            "test_evidence_http1.py", "test_evidence_http2.py", "test_openings.py",
            "test_rendered.py", "test_tls.py",
        )
    ),
    f"{E2E}/test_data_path.py", f"{E2E}/test_refused_by_haproxy.py", *CERTBOTS_WAYS,
)  # fmt: skip
cpu_seconds: dict[str, float] = defaultdict(float)
"""By stage, with all that its commands have started and waited for."""
failures: dict[str, list[str]] = defaultdict(list)
"""By stage, each failed test with the first line of its reason."""
LAST_LINE = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def __iadd__(self, other: Count) -> Count:
        self.passed += other.passed
        self.failed += other.failed
        return self


@functools.cache
def alone() -> tuple[str, ...]:
    """Before a command: in a namespace of processes of its own, whose first one reaps, if that can
    be.  All of them end with this runner.

    An ingressd has the kernel end all that runs as one of certbot's users, in the containers of
    another stage too.
    """
    command = (
        "setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
        "sh", "-c", '"$@"; exit $?', "stage",
    )  # fmt: skip
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


def run(stage: str, command: list[str], **environment: str) -> int:
    """Runs a command with its output in the stage's log; returns its exit status."""
    with (LOGS / f"{stage}.log").open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        process = subprocess.Popen(
            [*alone(), *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:  # this run is to end
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_seconds[stage] += used.ru_utime + used.ru_stime
    return process.returncode


def at_least_one_failure(count: Count, status: int) -> Count:
    """What died or ran nothing has failed, whatever it counted before."""
    if count.failed == 0 and (status != 0 or count.passed == 0):
        count.failed = 1
    return count


def reason(case: ET.Element) -> str | None:
    """Why this test of a JUnit report failed, in one line; None if it did not."""
    bad = case.find("failure")
    if bad is None:
        bad = case.find("error")
    if bad is None:
        return None
    lines = (bad.get("message") or bad.text or "").strip().splitlines()
    return lines[0][:LONGEST_REASON] if lines else "no reason given"


def read_junit(stage: str, path: Path) -> Count | None:
    """The count in a JUnit report; None if it is missing, broken or empty."""
    count = Count()
    try:
        suites = list(ET.parse(path).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        return None
    if sum(int(suite.get("tests", "0")) for suite in suites) == 0:
        return None
    for suite in suites:
        bad = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        skipped = int(suite.get("skipped", "0") or 0)
        count.failed += bad
        count.passed += int(suite.get("tests", "0")) - bad - skipped
        for case in suite.iter("testcase"):
            why = reason(case)
            if why is not None:
                failures[stage].append(f"{case.get('classname') or path.stem}::{case.get('name')}: {why}")
    return count


def junit(stage: str, path: Path, status: int) -> Count:
    """The same, with a missing report or one in which nothing passed as a failure."""
    return at_least_one_failure(read_junit(stage, path) or Count(), status)


def unit(stage: str, report: Path, status: int) -> Count:
    """One program's count. That all its tests were left out is said by their names ("... without
    the sanitizer") and is no failure; that it ran none at all is."""
    count = read_junit(stage, report)
    if count is None or (status != 0 and count.failed == 0):
        return Count(0, 1)
    return count


def pytest(stage: str, folder: str, variant: str, *extra: str) -> Count:
    report = LOGS / f"{stage}.xml"
    report.unlink(missing_ok=True)
    status = run(
        stage,
        [*PYTEST, folder, f"--junitxml={report}", *extra],
        INGRESS_BIN=str(ROOT / "build" / variant / "bin"),
        # LeakSanitizer needs ptrace rights that a container may not have; the unit tests
        # look for leaks.
        ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
    )
    return junit(stage, report, status)


def build(stage: str, variant: str, *targets: str) -> bool:
    return run(stage, ["make", "-s", "-j2", f"VARIANT={variant}", *targets]) == 0


def units(stage: str, variant: str) -> Count:
    if not build(stage, variant, "all", "units"):
        return Count(0, 1)
    count = Count()
    for program in sorted((ROOT / "build" / variant / "unit").glob("*/test_*")):
        if not os.access(program, os.X_OK) or program.suffix:
            continue
        report = LOGS / f"{stage}-{program.parent.name}-{program.name}.xml"
        report.unlink(missing_ok=True)
        status = run(
            stage, [str(program)], CMOCKA_MESSAGE_OUTPUT="xml", CMOCKA_XML_FILE=str(report)
        )
        count += unit(stage, report, status)
    return at_least_one_failure(count, 0)


def last_line(stage: str, command: list[str]) -> Count:
    """What counts itself, and says so at its end as this does."""
    log = LOGS / f"{stage}.log"
    status = run(stage, command)
    found = LAST_LINE.findall(log.read_text(errors="replace"))
    count = Count(*map(int, found[-1])) if found else Count()
    return at_least_one_failure(count, status)


def verify(stage: str, variant: str) -> Count:
    """The verifier against an independent one, and against everything that a quote can be."""
    if not build(stage, variant, "all", "verify-driver"):
        return Count(0, 1)
    return pytest(stage, "test/verify", variant)


def demo_check(stage: str, variant: str) -> Count:
    return last_line(stage, ["make", "-s", "demo-check", f"VARIANT={variant}"])


def fuzz(stage: str) -> Count:
    """Each target counts as one. The same inputs every time; `make fuzz` tries new ones."""
    return last_line(stage, ["make", "-s", "fuzz", "FUZZ_SECONDS=1", "FUZZ_OPTIONS=--seed=1"])


def e2e(stage: str, variant: str) -> Count:
    if not build(stage, variant):
        return Count(0, 1)
    elsewhere = [f"--ignore={name}" for name in READS_WHAT_OTHERS_SEND]
    return pytest(stage, E2E, variant, *WORKERS, *elsewhere)


def properties(stage: str, variant: str) -> Count:
    if not build(stage, variant, "all", "properties"):
        return Count(0, 1)
    os.environ.setdefault("PROPERTY_SEQUENCES", SEQUENCES)
    return pytest(stage, "test/property", variant, "-n", "2", "--dist", "load")


def debian(stage: str, suite: str, variant: str, *tests: str) -> Count:
    """End-to-end tests with everything of another Debian (compiler, HAProxy, OpenSSL, ...)."""
    report = LOGS / f"{stage}.xml"
    report.unlink(missing_ok=True)
    root = f"build/{stage}-root"
    # A path inside that root, where the project is another folder.
    junitxml = f"--junitxml={report.relative_to(ROOT)}"
    status = run(stage, ["test/debian", suite, root, *tests, junitxml], VARIANT=variant)
    return junit(stage, report, status)


def image(stage: str) -> Count:
    """The image built and run. Where that cannot be, and need not, nothing is counted."""
    report = LOGS / f"{stage}.xml"
    report.unlink(missing_ok=True)
    if run(stage, [".ci/packages", "image"]) != 0:
        return Count(0, 1)
    status = run(stage, ["test/image/run.sh"])
    lines = (LOGS / f"{stage}.log").read_text(errors="replace").splitlines()
    for line in lines:
        if line.startswith("not run: "):
            print(line, flush=True)
    if status == EXCUSED:
        print(lines[-1], flush=True)
        return Count()
    return junit(stage, report, status)


def checks(stage: str) -> Count:
    """Each static check counts as one."""
    names = ("check-format", "check-banned", "check-cppcheck", "check-tidy", "check-shell")
    count = Count()
    for name in names:
        if run(stage, ["make", "-s", name]) == 0:
            count.passed += 1
        else:
            count.failed += 1
            failures[stage].append(name)
    return count


def compiled() -> Count:
    """Both builds first, so that the stages behind, which run side by side, find them made."""
    for variant in ("release", "asan"):
        if not build("build", variant, "all", "units", "properties", "verify-driver"):
            return Count(0, 1)
    return Count(2, 0)


STAGES: dict[str, Callable[[], Count]] = {
    "build": compiled,
    "check": lambda: checks("check"),
    "unit": lambda: units("unit", "release"),
    "unit-asan": lambda: units("unit-asan", "asan"),
    "support": lambda: pytest("support", "test/support/tests", "release", *WORKERS),
    "e2e": lambda: e2e("e2e", "release"),
    "verify": lambda: verify("verify", "asan"),
    "property": lambda: properties("property", "release"),
    "demo": lambda: demo_check("demo", "release"),
    "demo-asan": lambda: demo_check("demo-asan", "asan"),
    "debian13": lambda: debian("debian13", "trixie", "asan", *ON_DEBIAN_13),
    "forky": lambda: debian("forky", "forky", "release", *ON_FORKY),
    "fuzz": lambda: fuzz("fuzz"),
    "image": lambda: image("image"),
}

# Two stages at a time share two cores, in this order: the longest first.  What measures by the
# clock (the demo's check) comes after them, alone.  End-to-end tests run with what is shipped on
# Debian 12, with the sanitizers on Debian 13, or both (see above); the image's tests run what is
# shipped on Debian 13.  On Debian forky, for its HAProxy and certbot, those that depend on them run.
SIDE_BY_SIDE = (
    "debian13", "check", "unit", "unit-asan", "support", "verify", "fuzz", "e2e", "image",
    "property", "forky",
)  # fmt: skip
AT_ONCE = 2
LAST = ("demo", "demo-asan")

_printing = threading.Lock()


def show_tail(stage: str) -> None:
    text = (LOGS / f"{stage}.log").read_text(errors="replace")
    print(f"---- the end of {stage}.log")
    print("\n".join(text.splitlines()[-TAIL_LINES:]))
    print("----", flush=True)


def show_failures() -> None:
    """All of them once more at the end, where whoever sees no more than that finds them."""
    for stage, names in failures.items():
        for name in names[:MOST_SHOWN]:
            print(f"failed: {stage}: {name}")
        if len(names) > MOST_SHOWN:
            print(f"failed: {stage}: {len(names) - MOST_SHOWN} more, see build/test/{stage}.xml")


def run_stages(stages: Iterable[str]) -> Count:
    """One after the other, each told in a line."""
    total = Count()
    for stage in stages:
        (LOGS / f"{stage}.log").unlink(missing_ok=True)
        begun = time.monotonic()
        count = STAGES[stage]()
        took = time.monotonic() - begun
        with _printing:
            counts = f"{count.passed:5} ok {count.failed:4} failed"
            times = f"{took:6.1f} s, {cpu_seconds[stage]:6.1f} s of CPU"
            print(f"{stage:10} {counts}  {times}", flush=True)
            if count.failed > 0:
                show_tail(stage)
                failures[stage] = failures[stage] or [f"see build/test/{stage}.log"]
        total += count
    return total


def run_everything() -> Count:
    total = run_stages(["build"])
    if total.failed > 0:
        return total
    with ThreadPoolExecutor(AT_ONCE) as stages:
        for count in stages.map(lambda stage: run_stages([stage]), SIDE_BY_SIDE):
            total += count
    total += run_stages(LAST)
    return total


def main(wanted: list[str]) -> int:
    take_end_signals()
    unknown = [name for name in wanted if name not in STAGES]
    if unknown:
        print(f"no stage {unknown[0]}; there are: {' '.join(STAGES)}", file=sys.stderr)
        return 64
    LOGS.mkdir(parents=True, exist_ok=True)
    total = run_stages(wanted) if wanted else run_everything()
    show_failures()
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
