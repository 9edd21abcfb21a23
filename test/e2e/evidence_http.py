"""Requests to ingress-evidence's server: by curl, or byte by byte."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass

from .evidence_bench import Bench


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


def curl(made: Bench, path: str, *options: str) -> Answer:
    """One request, the path sent exactly as it is given."""
    command = ["curl", "-sS", "-i", "--globoff", "--path-as-is", "--max-time", "60"]
    where = ["--unix-socket", str(made.socket), f"http://localhost{path}"]
    raw = subprocess.run([*command, *options, *where], capture_output=True, check=True).stdout
    return parse(raw)


def parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def connect(made: Bench) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.fspath(made.socket))  # without a time-out: a full backlog would be an error
    connection.settimeout(20)
    return connection


def ask(made: Bench, raw: bytes) -> bytes:
    """Everything that comes back until the server closes the connection."""
    with connect(made) as connection:
        connection.sendall(raw)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received
