"""Who listens on a TCP port of this machine, as /proc tells it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

TCP_LISTEN = "0A"
"""State, as /proc/net/tcp has it (proc_pid_net(5))."""


def why_unusable(port: int) -> str | None:
    """Why a server cannot have this port on all addresses; None if it can."""
    inodes = _listening_inodes(port)
    if inodes:
        return f"it is taken by {_owner(inodes)}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                return "ports below 1024 are for root"
            return error.strerror or str(error)
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (Path("/proc/net") / table).read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for fields in map(str.split, lines):
            local, state, inode = fields[1], fields[3], fields[9]
            if state == TCP_LISTEN and int(local.rpartition(":")[2], 16) == port:
                inodes.add(inode)
    return inodes


def _owner(inodes: set[str]) -> str:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = {os.readlink(link) for link in (process / "fd").iterdir()}
            if links & wanted:
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # it has ended, or is another user's
    return "a process of another user"
