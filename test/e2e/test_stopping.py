"""The end, in order; and what it is to be PID 1."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.ingress import BIN, HOST, Ingress, request_on
from support.process import Child, clean_environment, wait_until
from support.receive import receive
from support.volume import Volume

from .conftest import World


def _nobody_listens(ingress: Ingress) -> None:
    for port in (ingress.port, ingress.evidence_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), timeout=5)
    assert not ingress.control_socket.exists()


def test_sigterm_ends_everything_and_exits_0(serving: tuple[Ingress, Volume]) -> None:
    ingress, _ = serving
    assert ingress.child.terminate(20) == 0
    assert ingress.child.survivors() == []
    _nobody_listens(ingress)
    assert ingress.log.rstrip().endswith("stopped")


# Longer than any of these tests waits.
LONG = "300s"
SOON = 60.0


def _begin_request(connection: socket.socket, seconds: int) -> None:
    connection.sendall(
        f"GET /slow?seconds={seconds} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )


def _start(world: World, **settings: str) -> Ingress:
    """One domain, served with a certificate from the volume."""
    Volume(world.make_stack()).put("app.demo.test")
    ingress = world.ingress(**_one_domain(world), **settings)
    ingress.wait_settled()
    return ingress


def _one_domain(world: World) -> dict[str, str]:
    return {"DOMAINS": "app.demo.test", "ROUTING_MAP": f"app.demo.test={world.stack.app.address}"}


@pytest.fixture
def patient(world: World) -> Ingress:
    """With a grace that no test can wait for."""
    return _start(world, STOP_GRACE=LONG)


def _told_to_stop(ingress: Ingress) -> None:
    ingress.child.signal(signal.SIGTERM)
    ingress.wait_log("stopping (SIGTERM)")


def test_whoever_comes_is_served_until_those_before_have_finished(patient: Ingress) -> None:
    """The engine starts nothing new before the container has ended."""
    with patient.connect("app.demo.test") as finishing:
        _begin_request(finishing, 3)
        _told_to_stop(patient)
        assert "STOPPING since" in patient.ctl("status").stdout
        for _ in range(20):
            assert patient.fetch("app.demo.test").status == 200
        assert receive(finishing, 12) == b"HTTP/1.1 200"
    assert patient.child.wait(SOON) == 0
    _nobody_listens(patient)
    stop = patient.log.partition("stopping (SIGTERM)")[2]
    assert " error " not in stop and " warn " not in stop, stop


def test_idle_connections_hold_nobody_up(patient: Ingress) -> None:
    with patient.connect("app.demo.test") as kept:
        assert request_on(kept, "app.demo.test", "/").status == 200
        assert patient.child.terminate(SOON) == 0


def test_a_request_that_an_old_worker_has_is_waited_for(patient: Ingress) -> None:
    with patient.connect("app.demo.test") as finishing:
        _begin_request(finishing, 4)
        assert patient.ctl("reload").returncode == 0
        patient.wait_status(lambda s: s["haproxy"]["old_workers"] == 1, "the old worker")
        _told_to_stop(patient)
        assert receive(finishing, 12) == b"HTTP/1.1 200"
    assert patient.child.wait(SOON) == 0


def test_a_haproxy_that_dies_meanwhile_is_no_reason_to_wait(patient: Ingress) -> None:
    with patient.connect("app.demo.test") as held:
        _begin_request(held, 200)
        _told_to_stop(patient)
        os.kill(patient.status()["haproxy"]["worker"], signal.SIGKILL)
        assert patient.child.wait(SOON) == 0
    assert patient.child.survivors() == []


def test_a_second_signal_does_not_wait(patient: Ingress) -> None:
    with patient.connect("app.demo.test") as held:
        _begin_request(held, 200)
        _told_to_stop(patient)
        patient.child.signal(signal.SIGINT)
        assert patient.child.wait(SOON) == 0
    assert patient.child.survivors() == []


@pytest.mark.parametrize(("grace", "told"), [("1s", "are still busy after"), ("0", None)])
def test_what_is_busy_after_the_grace_is_closed(world: World, grace: str, told: str | None) -> None:
    ingress = _start(world, STOP_GRACE=grace)
    with ingress.connect("app.demo.test") as held:
        _begin_request(held, 200)
        assert ingress.child.terminate(SOON) == 0
    assert told is None or told in ingress.log


def test_one_that_is_told_to_stop_shares_its_port_with_the_next(
    patient: Ingress, world: World
) -> None:
    """As in host network mode: whoever comes is served all the time (SO_REUSEPORT)."""
    with patient.connect("app.demo.test") as finishing:
        _begin_request(finishing, 300)
        _told_to_stop(patient)
        run_dir = f"{patient.run_dir}-next"
        following = Ingress(world.stack, **_one_domain(world), RUN_DIR=run_dir)
        following.log_file = world.directory / "next.log"
        with following:
            following.wait_settled()
            assert patient.child.running
            patient.child.signal(signal.SIGTERM)
            assert patient.child.wait(SOON) == 0
            assert following.fetch("app.demo.test").status == 200
    shutil.rmtree(run_dir, ignore_errors=True)


# A master that nobody finds: its socket has another name at first.
HIDING_HAPROXY = """\
#!/bin/sh
if [ "$1" = -W ]; then
    exec {program} -W -db -S "${{4%master.sock*}}hidden.sock${{4#*master.sock}}" "$5" "$6"
fi
exec {program} "$@"
"""


def test_sigterm_before_the_worker_is_known_lets_a_request_finish(
    world: World, tmp_path: Path
) -> None:
    program = tmp_path / "haproxy"
    haproxy = shutil.which("haproxy", path=clean_environment()["PATH"])
    program.write_text(HIDING_HAPROXY.format(program=haproxy))
    program.chmod(0o755)
    Volume(world.make_stack()).put("app.demo.test")
    ingress = world.ingress(DOMAINS="app.demo.test", HAPROXY=str(program))
    ingress.wait_for(lambda: ingress.try_serial("app.demo.test"), "a handshake")
    hidden = ingress.run_dir / "haproxy" / "hidden.sock"
    with ingress.connect("app.demo.test") as finishing:
        finishing.sendall(b"GET /slow?seconds=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        # Both at once for ingressd, which looks at signals before it goes on searching.
        ingress.child.pause()
        ingress.child.signal(signal.SIGTERM)
        hidden.with_name("master.sock").symlink_to(hidden)
        ingress.child.resume()
        assert receive(finishing, 12) == b"HTTP/1.1 200"
    assert ingress.child.wait(9) == 0


def test_sigterm_while_ordering_is_no_failure_of_the_domain(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(DOMAINS="app.demo.test", ROUTING_MAP=f"app.demo.test={stack.app.address}")
    ingress.wait_for(lambda: ingress.processes("certonly"), "certbot to run")
    assert ingress.child.terminate(20) == 0
    assert ingress.child.survivors() == []
    ingress.start()
    ingress.wait_settled()
    assert ingress.fetch("app.demo.test").json()["name"] == "app"


def test_as_pid_1_it_reaps_orphans(world: World, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a PID namespace of its own takes root")
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put("app.demo.test")
    volume.put("api.demo.test")
    ingress = Ingress(stack)
    ingress.child = Child(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", BIN / "ingressd"],
        ingress.log_file,
        env=ingress.environment,
    )
    with ingress.child:
        ingress.wait_settled()
        (inside,) = _children(ingress.child.pid)
        # Its shell ends at once, so it becomes PID 1's, and it stays until it was seen there.
        subprocess.run(
            ["nsenter", "--target", str(inside), "--pid", "--mount",
             "sh", "-c", "sleep 600 </dev/null >/dev/null 2>&1 &"],
            check=True,
            timeout=10,
        )  # fmt: skip
        orphans: list[int] = []
        wait_until(lambda: orphans.extend(_named(inside, "sleep")) or orphans, what="the orphan")
        os.kill(orphans[0], signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{orphans[0]}").exists(), what="it to be reaped")
        os.kill(inside, signal.SIGTERM)
        assert ingress.child.wait(20) == 0


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _named(parent: int, name: str) -> list[int]:
    """The children of that name; one may end while it is looked at."""
    found = []
    for child in _children(parent):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{child}/comm").read_text().strip() == name:
                found.append(child)
    return found
