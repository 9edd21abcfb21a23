#!/usr/bin/python3
"""Runs a command in a user namespace that has users and groups 0 to 1023 only, as root there.

    python3 small_namespace.py COMMAND [ARGUMENT...]

So a rootless container may be: with few subordinate ids it has no user 59301. The command takes the
place of this process, with its parent-death signal.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

COUNT = 1024
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def map_ids(pid: int) -> None:
    """Only somebody outside of a new namespace may let it have more than one user."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(f"0 0 {COUNT}\n")


def when_told(act: Callable[[int], None]) -> Callable[[], int]:
    """Has a child do `act` to this process when what is returned is called: the exit status of
    the child."""
    told, tell = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(tell)
        status = 1
        try:
            if os.read(told, 1):
                act(parent)
            status = 0
        finally:
            os._exit(status)
    os.close(told)

    def do() -> int:
        os.write(tell, b"x")
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    return do


def enter() -> None:
    death_signal = ctypes.c_int()
    check(libc.prctl(PR_GET_PDEATHSIG, ctypes.byref(death_signal)))
    mapped = when_told(map_ids)
    check(libc.unshare(CLONE_NEWUSER))
    if mapped() != 0:
        raise OSError("the namespace has got no users")
    os.setgroups([])
    check(libc.prctl(PR_SET_PDEATHSIG, death_signal))


if __name__ == "__main__":
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])
