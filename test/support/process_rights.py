"""What rights and limits the product's processes have, against the table of docs/architecture.md."""

from __future__ import annotations

import pwd
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .ingress import BIN, Ingress, command_line
from .process import session_members

ROOT = Path(__file__).resolve().parent.parent.parent
MEBIBYTE = 1 << 20
CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_BIND_SERVICE": 10, "SYS_CHROOT": 18, "SYS_RESOURCE": 24,
}  # fmt: skip
# AddressSanitizer needs more address space than any limit leaves it.
IS_SANITIZED = b"__asan_init" in (BIN / "ingressd").read_bytes()
HOLDING_HAPROXY = "holding-haproxy"
"""The name of a script that a test puts in the place of HAProxy."""


# ---- the table


@dataclass(frozen=True)
class Row:
    process: str
    users: range
    capabilities: int
    bounds: int
    memory: int | None
    file: int | None


def _bits(names: str) -> int:
    return 0 if names == "none" else sum(1 << CAPABILITIES[name] for name in names.split())


def _bytes(text: str) -> int | None:
    return int(text.removesuffix(" MiB")) * MEBIBYTE if text else None


def _users(text: str) -> range:
    """One, or "59310 to 59341"."""
    first, _, last = text.partition(" to ")
    number = int(first) if first.isdecimal() else pwd.getpwnam(first).pw_uid
    return range(number, int(last or number) + 1)


def _rows(available: int) -> dict[str, Row]:
    """By the first cell; of the capabilities those that there are."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text.partition("## Who runs as what")[2].partition("\n## ")[0]
    rows = {}
    for line in re.findall(r"^\| `.*\|$", table, re.MULTILINE):
        process, user, capabilities, memory, file, _ = (c.strip() for c in line.split("|")[1:-1])
        bits = _bits(capabilities) & available
        rows[process] = Row(process, _users(user), bits, bits, _bytes(memory), _bytes(file))
    master, workers = rows[MASTER], rows[WORKERS]
    rows[WORKERS] = Row(WORKERS, workers.users, 0, master.bounds, workers.memory, workers.file)
    return rows


MASTER, WORKERS = "`haproxy -W`, the master", "`haproxy -W`, the workers"
LOOK = "`haproxy -c`, `haproxy -vv`"
CERTBOT = "`certbot` and the shell that runs its hooks"
DNS = "`ingress-dns`"
SERVE = "`ingress-evidence serve`, `attest`"
ASKER = "`ingress-evidence attest`, which starts one process per question"
PUBLISH = "`ingress-evidence publish`, `identity`, `origin`, `webhook`"
PROBE, RESOLVE = "`ingressctl probe`", "`ingress-resolve`"
EVERY_ROW = {MASTER, WORKERS, LOOK, CERTBOT, DNS, SERVE, ASKER, PUBLISH, PROBE, RESOLVE}


# ---- what there is


@dataclass(frozen=True)
class Sight:
    """One look at a process."""

    argv: tuple[str, ...]
    users: frozenset[int]
    capabilities: int
    bounds: int
    others: int  # inheritable and ambient
    no_new_privs: bool
    memory: int | None
    file: int | None
    core: int | None
    ends_first: bool  # when memory runs out
    parent: int


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _soft_limit(text: str, name: str) -> int | None:
    found = re.search(rf"^{name} +(\S+)", text, re.MULTILINE)
    assert found is not None
    return None if found[1] == "unlimited" else int(found[1])


def look_at(pid: int) -> Sight | None:
    """None if it has ended, or executes another program meanwhile."""
    argv = command_line(pid)
    try:
        status, limits = status_of(pid), Path(f"/proc/{pid}/limits").read_text()
        score = int(Path(f"/proc/{pid}/oom_score_adj").read_text())
    except (OSError, ProcessLookupError):
        return None
    if not argv or "Uid" not in status or command_line(pid) != argv:
        return None
    capabilities = int(status["CapPrm"], 16)
    return Sight(
        argv=tuple(argv),
        users=frozenset(map(int, status["Uid"].split() + status["Gid"].split())),
        capabilities=capabilities | int(status["CapEff"], 16),
        bounds=int(status["CapBnd"], 16),
        others=int(status["CapInh"], 16) | int(status["CapAmb"], 16),
        no_new_privs=status["NoNewPrivs"] == "1",
        memory=_soft_limit(limits, "Max address space"),
        file=_soft_limit(limits, "Max file size"),
        core=_soft_limit(limits, "Max core file size"),
        ends_first=score == 1000,
        parent=int(status["PPid"]),
    )


def _row_of(sight: Sight, supervisor: int) -> str | None:
    """Which row of the table it has to be like; None for ingressd itself."""
    line = " ".join(sight.argv)
    program = Path(sight.argv[0]).name
    if program == "ingressd":
        return None
    if program == "haproxy" or Path(sight.argv[1]).name == HOLDING_HAPROXY:
        if "-W" not in sight.argv:
            return LOOK
        return MASTER if sight.parent == supervisor else WORKERS
    if program == "ingress-dns":
        return DNS
    if program == "ingress-evidence":
        if sight.argv[1] == "attest" and sight.parent != supervisor:
            return ASKER if 0 in sight.users else PUBLISH
        return SERVE if sight.argv[1] in ("serve", "attest") else PUBLISH
    if program == "ingressctl":
        return PROBE
    if program == "ingress-resolve":
        return RESOLVE
    assert "certbot" in line or "INGRESS_ASK" in line, f"a child that is in no row: {line}"
    return CERTBOT


class Watch:
    """Looks at all of the product's processes, again and again, and compares."""

    def __init__(self, ingress: Ingress, supervisor: Callable[[], int], available: int) -> None:
        self._ingress = ingress
        self._supervisor = supervisor
        self._rows = _rows(available)
        self._bounds_stay = not available >> CAPABILITIES["SETPCAP"] & 1
        self._available = available
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: set[str] = set()
        self.wrong: set[str] = set()

    def _look(self) -> None:
        while not self._ended.wait(0.002):
            supervisor = self._supervisor()
            if self._is_not_there_yet(supervisor):
                continue
            for pid in session_members(self._ingress.child.pid):
                sight = look_at(pid)
                if sight is not None and pid != supervisor:
                    self._compare(sight, supervisor)

    @staticmethod
    def _is_not_there_yet(supervisor: int) -> bool:
        """What prepares its surroundings has children of its own."""
        return [Path(word).name for word in command_line(supervisor)[:1]] != ["ingressd"]

    def _compare(self, sight: Sight, supervisor: int) -> None:
        try:
            name = _row_of(sight, supervisor)
        except AssertionError as error:
            self.wrong.add(str(error))
            return
        if name is None:
            return
        row = self._rows[name]
        told = f"{' '.join(sight.argv)[:120]} is {sight}, not {row}"
        limits = (None if IS_SANITIZED else row.memory, row.file)
        if (sight.memory, sight.file) != limits or not sight.no_new_privs:
            self.wrong.add(told)
        if sight.ends_first != (row.memory is not None):
            self.wrong.add(told)
        if sight.core != 1 and not (IS_SANITIZED and sight.core == 0):  # which it sets itself
            self.wrong.add(told)
        if name == CERTBOT and len(sight.users) != 1:
            self.wrong.add(told)
        elif 0 not in row.users and 0 in sight.users:
            return  # it has not come so far yet
        if name == ASKER and sight.capabilities != row.capabilities:
            return  # nor has this: it begins with the rights of its parent
        bounds = self._available if self._bounds_stay else row.bounds
        if (sight.capabilities, sight.bounds, sight.others) != (row.capabilities, bounds, 0):
            self.wrong.add(told)
        if not sight.users & set(row.users):
            self.wrong.add(told)
        self.seen.add(name)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
