"""Starting, issuing, memory: what the supervisor adds to HAProxy and certbot.

Always in pairs, one after the other in the same run, so that the machine's moods hit both.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support.ingress import BIN, Ingress
from support.process import Child, clean_environment
from support.stack import Stack

from .report import Report, Row, spread

NAME = "app.demo.test"
STARTS = 15
ISSUES = 5
ANSWER_DEADLINE = 30.0
POLL = 0.002
MANY = 10
MANY_ISSUES, MANY_PAIRS, MANY_DEADLINE = 20, 2, 300.0
RSS_GOAL = 8 * 1024  # KiB

HOOK = """\
#!/bin/sh
exec nsupdate -k {folder}/key <<END
server 127.0.0.1 {port}
update {verb} _acme-challenge.$CERTBOT_DOMAIN 60 TXT "$CERTBOT_VALIDATION"
send
END
"""


def answers(port: int) -> bool:
    """Whether a TLS client gets an answer of the app's backend."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as raw:
            with context.wrap_socket(raw, server_hostname=NAME) as tls:
                tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
                return tls.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def seconds_until(
    predicate: Callable[[], bool],
    begun: float,
    deadline: float = ANSWER_DEADLINE,
    poll: float = POLL,
) -> float:
    while not predicate():
        if time.monotonic() - begun > deadline:
            raise TimeoutError("no good answer")
        time.sleep(poll)
    return time.monotonic() - begun


def time_start(argv: list[str], environment: dict[str, str], port: int, log: Path) -> float:
    begun = time.monotonic()
    with Child(argv, log, env=environment) as child:
        took = seconds_until(lambda: answers(port), begun)
        child.stop()
    return took


def bench_start(report: Report, folder: Path) -> None:
    with Stack(folder, guest_agent="dstack") as stack:
        ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
        with ingress:
            ingress.wait_settled()
        rendered = folder / "rendered"
        done = ingress.run("ingressd", "--render", str(rendered))
        assert done.returncode == 0, done.stderr
        ours, alone = [], []
        for _ in range(STARTS):
            alone.append(
                time_start(
                    ["haproxy", "-f", str(rendered / "haproxy.cfg")],
                    clean_environment(),
                    ingress.port,
                    folder / "haproxy.log",
                )
            )
            ours.append(
                time_start(
                    [str(BIN / "ingressd")], ingress.environment, ingress.port, folder / "start.log"
                )
            )
    ratio = statistics.median(ours) / statistics.median(alone)
    report.add(
        Row(
            f"restart with certificates to first good answer ({STARTS} pairs)",
            spread(ours, "ms", 1000),
            f"`haproxy -f` alone {spread(alone, 'ms', 1000)}",
            f"at most 3 times: {ratio:.2f}",
            ratio <= 3,
        )
    )


def certbot_alone(stack: Stack, folder: Path, *names: str) -> float:
    """First certificates, account and all, by certbot with hooks made of nsupdate; one after the
    other, as certbot's lock has it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    key = (
        f'key "{stack.bind.key_name}" {{ algorithm {stack.bind.key_algorithm}; '
        f'secret "{stack.bind.key_secret}"; }};\n'
    )
    (folder / "key").write_text(key)
    for verb in ("add", "delete"):
        hook = folder / verb
        hook.write_text(HOOK.format(folder=folder, port=stack.bind.port, verb=verb))
        hook.chmod(0o755)
    begun = time.monotonic()
    for name in names:
        run_certbot(stack, folder, name)
    return time.monotonic() - begun


def run_certbot(stack: Stack, folder: Path, name: str) -> None:
    subprocess.run(
        [
            "certbot", "certonly", "--non-interactive", "--agree-tos",
            "--register-unsafely-without-email", "--server", stack.acme.url,
            "--manual", "--preferred-challenges", "dns",
            "--manual-auth-hook", str(folder / "add"),
            "--manual-cleanup-hook", str(folder / "delete"),
            "--config-dir", str(folder / "config"), "--work-dir", str(folder / "work"),
            "--logs-dir", str(folder / "logs"), "-d", name,
        ],
        env=clean_environment(REQUESTS_CA_BUNDLE=str(stack.pebble.ca_bundle)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip


def forget_all(ingress: Ingress) -> None:
    """As on a machine where it has never run."""
    shutil.rmtree(ingress.volume, ignore_errors=True)
    for entry in ingress.evidence.glob("*") if ingress.evidence.exists() else ():
        entry.unlink() if not entry.is_dir() or entry.is_symlink() else shutil.rmtree(entry)


def bench_issue(report: Report, folder: Path) -> None:
    bench_one_issue(report, folder / "one")
    bench_many_issues(report, folder / "many")


def bench_many_issues(report: Report, folder: Path) -> None:
    """Until the last name is answered under its own certificate."""
    ours, alone = [], []
    names = [f"n{i}.demo.test" for i in range(MANY_ISSUES)]
    with Stack(folder, guest_agent="dstack") as stack:
        for _ in range(MANY_PAIRS):
            alone.append(
                certbot_alone(stack, folder / "alone", *(f"alone.{name}" for name in names))
            )
            ingress = Ingress(
                stack, DOMAINS=",".join(names), ROUTING_MAP=None, TARGET_ENDPOINT=stack.app.address
            )
            forget_all(ingress)
            for name in names:
                stack.bind.delete(f"_dstack-app-address.{name}")
                stack.bind.delete(name)
            begun = time.monotonic()
            with ingress:
                ingress.wait_settled(MANY_DEADLINE)
                ours.append(time.monotonic() - begun)
    ratio = statistics.median(ours) / statistics.median(alone)
    report.add(
        Row(
            f"empty volume to {MANY_ISSUES} names settled ({MANY_PAIRS} pairs)",
            spread(ours, "s", digits=1),
            f"certbot with shell hooks, one after the other {spread(alone, 's', digits=1)}",
            f"at most a third: {ratio:.2f}",
            ratio <= 1 / 3,
        )
    )


def bench_one_issue(report: Report, folder: Path) -> None:
    ours, alone = [], []
    with Stack(folder, guest_agent="dstack") as stack:
        for _ in range(ISSUES):
            alone.append(certbot_alone(stack, folder / "alone", f"alone.{NAME}"))
            ingress = Ingress(stack, DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
            forget_all(ingress)
            stack.bind.delete(f"_dstack-app-address.{NAME}")
            stack.bind.delete(NAME)
            begun = time.monotonic()
            with ingress:
                ours.append(seconds_until(lambda: answers(ingress.port), begun))
    more = statistics.median(ours) - statistics.median(alone)
    report.add(
        Row(
            f"empty volume to first good answer, one domain ({ISSUES} pairs)",
            spread(ours, "s", digits=2),
            f"certbot with shell hooks {spread(alone, 's', digits=2)}",
            f"at most 2 s more: {more:.2f}",
            more <= 2,
        )
    )


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ValueError("no VmRSS")


def bench_memory(report: Report, folder: Path) -> None:
    names = [f"n{i}.demo.test" for i in range(MANY)]
    with Stack(folder, guest_agent="dstack") as stack:
        ingress = Ingress(
            stack, DOMAINS=",".join(names), ROUTING_MAP=None, TARGET_ENDPOINT=stack.app.address
        )
        with ingress:
            ingress.wait_settled()
            kib = resident_kib(ingress.child.pid)
    report.add(
        Row(
            f"ingressd resident, {MANY} domains settled",
            f"{kib / 1024:.1f} MB",
            "",
            "under 8 MB",
            kib < RSS_GOAL,
        )
    )
