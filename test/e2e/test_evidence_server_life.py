"""ingress-evidence serve: how it starts, gives up root, and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support.process import wait_until
from support.receive import receive

from .evidence_bench import PROGRAM, Bench, bench
from .evidence_http import ask, connect, curl, parse, read_to_end

NOBODY = 65534
SERVER = 59303  # common/privileges.h
LARGE = 3 * 1024 * 1024

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")


def test_sigterm_ends_it_with_idle_connections_open(tmp_path: Path) -> None:
    with bench(tmp_path) as made, made.serving() as server:
        with connect(made) as idle:
            idle.sendall(b"GET /evidences/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert receive(idle, 12) == b"HTTP/1.1 503"
            started = time.monotonic()
            assert server.terminate() == 0
            assert time.monotonic() - started < 2


def test_sigterm_lets_an_answer_finish(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.publish()
        large = made.evidence / "..data" / "large.txt"
        large.write_bytes(b"x" * LARGE)
        with made.serving() as server, connect(made) as slow:
            slow.sendall(b"GET /evidences/large.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            received = slow.recv(1000)
            server.signal(signal.SIGTERM)
            server.wait_for(lambda: "stopping" in server.log_text(), what="it to notice")
            received += read_to_end(slow)
            assert len(parse(received).body) == LARGE
            assert server.wait(10) == 0


def test_an_inherited_socket_is_served(tmp_path: Path) -> None:
    with bench(tmp_path) as made, socket.socket(socket.AF_UNIX) as listener:
        made.publish()
        listener.bind(os.fspath(made.socket))
        listener.listen()
        with subprocess.Popen(
            [PROGRAM, "serve", "--fd", str(listener.fileno())],
            env=made.environment(ASAN_OPTIONS="detect_leaks=0"),
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        ) as server:
            assert curl(made, "/evidences/").status == 200
            server.terminate()
            assert server.wait(10) == 0


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.publish()
        with made.serving() as server:
            assert made.run("serve", "--socket", str(made.socket)).returncode == 1
            assert curl(made, "/evidences/").status == 200
            server.kill()
        assert made.socket.exists()
        with made.serving():
            assert curl(made, "/evidences/").status == 200


def test_a_file_in_the_sockets_place_is_kept(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.socket.write_text("precious")
        result = made.run("serve", "--socket", str(made.socket))
        assert result.returncode == 1
        assert "is not a socket" in result.stderr
        assert made.socket.read_text() == "precious"


@as_root
def test_root_is_given_up(tmp_path: Path) -> None:
    with bench(tmp_path) as made, made.serving() as server:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == [str(SERVER)] * 4
        assert status["Gid"].split() == [str(SERVER)] * 4
        assert status["Groups"].strip() == ""
        assert status["NoNewPrivs"] == "1"
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[capabilities], 16) == 0
        assert os.readlink(f"/proc/{server.pid}/root") == str(made.evidence)


@as_root
def test_an_ordinary_user_can_serve() -> None:
    """Nothing to give up then, and nothing that only root could do."""
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        with bench(Path(folder)) as made:
            made.publish()
            with made.serving(prefix=prefix, leaks=True) as server:
                assert curl(made, "/evidences/quote.json").status == 200
                assert curl(made, "/evidences/quote.json", "-d", "x").status == 405
                assert curl(made, "/evidences/none").status == 404
                made.publish()
                assert curl(made, "/evidences/").status == 200
                status = Path(f"/proc/{server.pid}/status").read_text()
                assert "NoNewPrivs:\t1\n" in status
                assert server.terminate() == 0, server.log_tail()


@as_root
def test_a_link_out_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    """Even somebody who can write to the folder gets no other file out of the server."""
    with bench(tmp_path) as made, made.serving():
        made.publish()
        (made.evidence / "..data").unlink()
        (made.evidence / "..data").symlink_to("/etc")
        assert curl(made, "/evidences/hostname").status == 503
        assert curl(made, "/evidences/").status == 503


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """The kernel forgets the parent-death signal of a process that changes its user."""
    with bench(tmp_path) as made:
        made.evidence.mkdir()
        script = 'setpriv --pdeathsig KILL -- "$@" & echo $! ; wait'
        parent = subprocess.Popen(
            ["sh", "-c", script, "sh", PROGRAM, "serve", "--socket", made.socket],
            env=made.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        try:
            wait_until(lambda: listens(made), what="the server to answer")
            parent.kill()
            parent.wait()
            wait_until(lambda: not is_alive(pid), what="the server to be gone")
        finally:
            parent.stdout.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def listens(made: Bench) -> bool:
    try:
        return ask(made, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 404")
    except (FileNotFoundError, ConnectionRefusedError):
        return False


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie waits for whoever inherits it
