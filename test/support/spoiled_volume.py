"""A certificate volume that somebody spoils: the host, a broken disk, a hasty hand.

A good one is kept; `fresh` makes a copy and spoils it at a number of places, by a seed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .terminal import ORDERS
from .volume import Volume

CANARY = "canary-of-somebody-else-6a1f"
HUGE, SMALL = 1 << 33, 1 << 20
ODD_NAMES = (
    b"\x1b[2Jx",
    b"a\nforged line",
    b"\xff\xfe",
    b"n" * 255,
    b"%s%n",
    b" ",
    b"-rf",
    b"*",
    b"\xe2\x80\xaegnp",
    b"..x",
    b"README",
)
ODD_VALUES = (
    None, True, -1, 0.5, 1e308, 253402300799, 1 << 62, "", "x" * 70_000, ORDERS, [], {},
    [[]], [-1] * 5, [253402300799] * 9, {"a": {"b": []}},
)  # fmt: skip
ODD_DOCUMENTS = (
    b"[" * 100_000,
    b'{"a":' * 70 + b"1" + b"}" * 70,
    b'{"version":1,"version":2}',
    b'{"uri":"a","uri":"b"}',
    b'{"version":1,"domains":{%s}}' % b",".join(b'"d%d":{}' % n for n in range(250_000)),
    b'{"certificates":[%s0]}' % (b"0," * 3_000_000),
    b'{"version":1,"app_id":"\x1b]0;owned\x07","domains":{"\x1b[2J":{}}}',
    b'{"version":1e999,"domains":[]}',
    b'{"\\u0000":1}',
    b"null",
    b"\xff\xfe{\x00}\x00",
)


class SpoiledVolume:
    """`lies` counts what was done, by kind; `untouched` holds the lineages of the last copy that
    are as they were, `log` what was done to the others."""

    def __init__(self, volume: Volume, names: tuple[str, ...], seed: str) -> None:
        self.path = volume.path
        self.names = names
        self.lies: Counter[str] = Counter()
        self.untouched: set[str] = set()
        self.log: list[str] = []
        self._rng = random.Random(seed)
        parent = volume.path.parent
        self._good, self._wrong = parent / "good", parent / "wrong"
        self._canary = parent / "canary"
        self._canary.write_text(f"root:{CANARY}:20000:0:99999:7:::\n" * 20)
        for name in names:  # newer ones, whose keys are not theirs
            volume.put(name, lineage=f"{name}-wrong", matching_key=False)
        for kind in ("live", "archive"):
            for wrong in (self.path / kind).glob("*-wrong"):
                (self._wrong / kind).mkdir(parents=True, exist_ok=True)
                wrong.rename(self._wrong / kind / wrong.name)
        for name in names:
            volume.put(name)
        self._add_the_rest()
        self.path.rename(self._good)
        self._of_files: list[Callable[[Path], None]] = [
            self._flip, self._flip, self._cut, self._empty, self._sparse, self._another,
            self._document, self._member, self._member,
        ]  # fmt: skip
        self._kinds: list[Callable[[Path], None]] = [
            *self._of_files, self._folder, self._fifo, self._socket, self._link, self._link,
            self._closed, self._gone,
        ]  # fmt: skip

    def _add_the_rest(self) -> None:
        """What certbot and the product leave beside lineages."""
        account = next((self.path / "accounts").rglob("0123456789abcdef"))
        server = "https://" + str(account.parent.relative_to(self.path / "accounts"))
        (account / "private_key.json").write_text(json.dumps({"kty": "RSA", "d": CANARY}))
        (account / "meta.json").write_text(json.dumps({"creation_dt": "2026-01-01T00:00:00Z"}))
        own = self.path / "dstack-ingress"
        (self.path / "renewal").mkdir()
        own.mkdir(mode=0o700)
        entries = []
        for name in self.names:
            conf = f"version = 2.1.0\n[renewalparams]\nserver = {server}\n"
            (self.path / "renewal" / f"{name}.conf").write_text(conf)
            entries.append({"name": name, "serial": "01", "spki_sha256": "ab" * 32,
                            "account": None, "origin": "adopted"})  # fmt: skip
        (own / "history.json").write_text(json.dumps({"certificates": entries}))
        domains = {
            name: {"orders": [1000], "step": "issue", "attempt": 2, "not_before": 1, "error": "x"}
            for name in self.names
        }
        state = {"version": 1, "app_id": "ab" * 20, "domains": domains}
        (own / "state.json").write_text(json.dumps(state))
        (own / "key-origin").write_text(f"dstack-ingress key-origin 1\nmac {'0' * 64}\n")
        (own / "journal").mkdir()
        (own / "journal" / "0").write_text("_acme-challenge.app.demo.test x\n")

    # ---- a copy

    def fresh(self, count: int, below: str = "") -> None:
        """Spoils `count` entries, of those below a folder if one is named."""
        self.remove()
        shutil.copytree(self._good, self.path, symlinks=True)
        self.untouched, self.log = set(self.names), []
        for _ in range(count):
            if self._rng.random() < 0.15:
                self._add_lineage()
            else:
                self._spoil(below)

    def remove(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    def _spoil(self, below: str) -> None:
        entries = _entries(self.path / below)
        if not entries:
            return
        path, lie = self._rng.choice(entries), self._rng.choice(self._kinds)
        self._tell(lie.__name__, path)
        self._touch(path)
        if lie in self._of_files and not _is_small_file(path):
            return
        with contextlib.suppress(OSError, ValueError):  # what is spoiled already
            lie(path)

    def _tell(self, lie: str, path: Path) -> None:
        self.lies[lie.strip("_")] += 1
        self.log.append(f"{lie} {os.fsencode(path.relative_to(self.path))!r}")

    def _touch(self, path: Path) -> None:
        parts = path.relative_to(self.path).parts
        if parts[0] not in ("live", "archive"):
            return
        self.untouched -= set(self.names) if len(parts) == 1 else {parts[1]}

    def _add_lineage(self) -> None:
        """Beside the others: with an odd name, or one whose key is another's."""
        live = self.path / "live"
        # Nothing is ever written where a link leads.
        if any(not _is_folder(self.path / kind) for kind in ("live", "archive")):
            return
        path = live / os.fsdecode(self._rng.choice(ODD_NAMES))
        with contextlib.suppress(OSError):
            if self._rng.random() < 0.5:
                self._tell("_odd_name", path)
                lineage = self._rng.choice(sorted((self._good / "live").iterdir()))
                shutil.copytree(lineage, path, symlinks=True)
                return
            wrong = self._rng.choice(sorted((self._wrong / "live").iterdir()))
            self._tell("_wrong_key", live / wrong.name)
            for kind in ("live", "archive"):
                to = self.path / kind / wrong.name
                shutil.copytree(self._wrong / kind / wrong.name, to, symlinks=True)

    # ---- of one entry

    def _flip(self, path: Path) -> None:
        content = bytearray(path.read_bytes())
        for _ in range(self._rng.choice([1, 1, 9, 200])):
            content[self._rng.randrange(len(content))] ^= 1 << self._rng.randrange(8)
        path.write_bytes(content)

    def _cut(self, path: Path) -> None:
        os.truncate(path, self._rng.randrange(path.stat().st_size))

    def _empty(self, path: Path) -> None:
        os.truncate(path, 0)

    def _sparse(self, path: Path) -> None:
        os.truncate(path, self._rng.choice([1 << 20, 1 << 23, HUGE]))

    def _gone(self, path: Path) -> None:
        if _is_folder(path):
            shutil.rmtree(path)
        else:
            path.unlink()

    def _folder(self, path: Path) -> None:
        self._gone(path)
        path.mkdir()
        (path / "inside").write_text(CANARY)

    def _fifo(self, path: Path) -> None:
        self._gone(path)
        os.mkfifo(path)

    def _socket(self, path: Path) -> None:
        self._gone(path)
        here = os.open(path.parent, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)

    def _link(self, path: Path) -> None:
        self._gone(path)
        targets = [path.name, "/nonexistent/x", "/dev/zero", "/dev/full", "/proc/self/mem", ".",
                   "/", str(self._canary), str(self._canary), "../" * 40, "x" * 4000]  # fmt: skip
        path.symlink_to(self._rng.choice(targets))

    def _closed(self, path: Path) -> None:
        if not path.is_symlink():
            path.chmod(self._rng.choice([0, 0o100, 0o222, 0o7777]))

    def _another(self, path: Path) -> None:
        """The content of another file of the volume."""
        files = sorted(file for file in self._good.rglob("*") if file.is_file())
        path.write_bytes(self._rng.choice(files).read_bytes())

    def _document(self, path: Path) -> None:
        path.write_bytes(self._rng.choice(ODD_DOCUMENTS))

    def _member(self, path: Path) -> None:
        """Another value, anywhere in a document."""
        document = json.loads(path.read_text())
        at = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = self._rng.choice(keys)
            if isinstance(at[key], (dict, list)) and at[key] and self._rng.random() < 0.8:
                at = at[key]
                continue
            at[key] = self._rng.choice(ODD_VALUES)
            break
        path.write_text(json.dumps(document))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_small_file(path: Path) -> bool:
    """What may be read and written: not what a link leads to, nor what was made huge."""
    kind = path.lstat()
    return stat.S_ISREG(kind.st_mode) and kind.st_size < SMALL


def _entries(folder: Path) -> list[Path]:
    """All below it, but what was put there as a folder of lies."""
    found = [
        Path(parent) / name
        for parent, folders, files in os.walk(folder)
        for name in [*folders, *files]
    ]
    return sorted(path for path in found if path.name != "inside")
