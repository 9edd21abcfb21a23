"""Somebody else with write access to a folder: plants and renames in it until killed.

`python3 folder_vandal.py FOLDER OUTSIDE SEED [UID]` puts links that lead to OUTSIDE, folders, FIFOs
and files wherever a writer of evidence may want to put something, and renames what it finds. It
holds a lock on FOLDER, leaves alone what is inside of folders that others made, and says "at work" after its first round. Its own folders have mode 0777:
so they can be told from those of others.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

READERS_NAMES = ("quote.json", "sha256sum.txt", "acme-account.json", "cert-app.example.com.pem")
HIDDEN_NAMES = ("..data", "..new-vandal", "..gen-vandal", ".new-vandal", "..aside-vandal")
FOLDER_MODE = 0o777


class Vandal:
    """One folder, and what is done to it."""

    def __init__(self, folder: Path, outside: Path, seed: int) -> None:
        self.folder = folder
        self.outside = outside
        self.chance = random.Random(seed)
        self.plants: tuple[Callable[[Path], None], ...] = (
            self._link_to_folder,
            self._link_to_file,
            self._fifo,
            self._folder,
            self._file,
            self._link_to_a_generation,
        )

    def round(self) -> None:
        """One act; what the writer has changed meanwhile may make it fail."""
        with contextlib.suppress(OSError):
            if self.chance.random() < 0.5:
                self._rename(self._any_path(), self._any_path())
            else:
                path = self._any_path()
                if path.is_symlink() or path.exists():
                    self._rename(path, self.folder / f"vandal-{self.chance.randrange(20)}")
                self.chance.choice(self.plants)(path)

    def _any_path(self) -> Path:
        found = os.listdir(self.folder)
        ours = [name for name in found if name.startswith(("..gen-", "..new-", ".new-"))]
        pools = [pool for pool in (READERS_NAMES, HIDDEN_NAMES, found, ours) if pool]
        return self.folder / self.chance.choice(self.chance.choice(pools))

    def _rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def _link_to_folder(self, path: Path) -> None:
        path.symlink_to(self.outside)

    def _link_to_file(self, path: Path) -> None:
        path.symlink_to(self.outside / self.chance.choice(READERS_NAMES))

    def _link_to_a_generation(self, path: Path) -> None:
        path.symlink_to("..gen-vandal")

    def _fifo(self, path: Path) -> None:
        os.mkfifo(path)

    def _folder(self, path: Path) -> None:
        path.mkdir(FOLDER_MODE)
        self._file(path / "quote.json")

    def _file(self, path: Path) -> None:
        """New ones only: what a generation has is not this vandal's to change."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        os.write(file, b"planted")
        os.close(file)


def main(folder: str, outside: str, seed: str, user: str = "") -> None:
    if user:
        os.setgroups([])
        os.setresgid(int(user), int(user), int(user))
        os.setresuid(int(user), int(user), int(user))
    os.umask(0)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    vandal = Vandal(Path(folder), Path(outside), int(seed))
    vandal.round()
    print("at work", flush=True)
    while True:
        vandal.round()


if __name__ == "__main__":
    main(*sys.argv[1:])
