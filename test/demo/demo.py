#!/usr/bin/python3
"""The whole product on this machine: `make demo`, and `make demo-check` with --check.

    DEMO_PORT   where ingressd serves; 8443, or for --check any free one
    DEMO_BIN    the programs; build/release/bin
    DEMO_DIR    the folder below; build/demo

BIND serves demo.test, Pebble is the CA, a simulator the guest agent; the backends are `app`,
`api` and `wild`. ingressd is started again when it is killed. What there is to see stays in the
folder until the next run, but for what ends with the processes (*):

    ca.pem           the CA's root, for curl --cacert
    quote-root.pem   the root that the simulated machine's quotes end at, in the place of Intel's
    ingressd.env     the settings of ingressd, for the shell: set -a; . build/demo/ingressd.env
    ingressd.log     what it says
    ingressd.pid  *  for kill -9
    run           *  its RUN_DIR, with control.sock
    letsencrypt      its certificate volume
    evidences        what it publishes
    bind/ns1         the name server: demo.test.zone, named.log
    pebble           the CA: pebble.log
    demo.env         what check.sh needs to know
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
sys.path.insert(0, str(TESTS))

from listeners import why_unusable  # noqa: E402
from support.backend import Backend  # noqa: E402
from support.order_count import OrderCount  # noqa: E402
from support.process import Child  # noqa: E402
from support.quote_pki import QuotePki  # noqa: E402
from support.stack import Stack  # noqa: E402

DEFAULT_PORT = 8443
CAA_ISSUER = "ca.demo.test"

LOOK_INTERVAL = 0.2
SUPERVISE_INTERVAL = 0.02
CERTIFICATES_DEADLINE = 180.0
STOP_GRACE = 20.0
# Killed sooner than this it did not serve, and would not the next time.
SHORTEST_LIFE = 1.0

# How much longer than the bounds in check.sh the programs may take: AddressSanitizer costs a
# factor of two to three.
SANITIZER_SLOWNESS = 3
SANITIZER_MARK = b"__asan_init"

EX_FAILED = 1


class Failure(Exception):
    """Something the user has to know, as a sentence."""


class Ingressd:
    """ingressd in `directory`, started again whenever it is killed."""

    def __init__(self, program: Path, directory: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._log = directory / "ingressd.log"
        self._pid_file = directory / "ingressd.pid"
        self._environment = environment
        self._start()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        self.child = Child(
            [self._program], self._log, env=self._environment, death_signal=signal.SIGTERM
        )
        unfinished = self._pid_file.with_suffix(".new")
        unfinished.write_text(f"{self.child.pid}\n")
        unfinished.rename(self._pid_file)

    def supervise(self) -> bool:
        """To be called often; whether it had to be started again."""
        status = self.child.exit_status
        if status is None:
            return False
        if status >= 0 or time.monotonic() - self._started_at < SHORTEST_LIFE:
            raise Failure(f"ingressd ended with status {status}\n{self.child.log_tail()}")
        # A container ends with its first process; so does what this one has left.
        self.child.stop()
        self._start()
        return True

    def stop(self) -> None:
        self.child.stop(STOP_GRACE)
        self._pid_file.unlink(missing_ok=True)


class Demo:
    """Everything, running."""

    def __init__(self, directory: Path, programs: Path, port: int | None) -> None:
        self.directory = directory
        self.programs = programs
        self._began = time.monotonic()
        self._running = contextlib.ExitStack()
        self._stack = Stack(directory, guest_agent="dstack", caa_identities=(CAA_ISSUER,))
        self._wanted_port = port
        self.port: int
        self.ingressd: Ingressd

    def __enter__(self) -> Demo:
        try:
            self._start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of it running.
        with signals_ignored():
            self._running.close()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def supervise(self) -> None:
        if self.ingressd.supervise():
            self.say(f"ingressd was killed; started again (pid {self.ingressd.child.pid})")

    # ---- starting

    def _start(self) -> None:
        stack = self._running.enter_context(self._stack)
        self.port = self._wanted_port or stack.port
        self.say(f"DNS server for demo.test at {stack.bind.server} (named)")
        self.say(f"ACME CA {CAA_ISSUER} at {stack.acme.url} (Pebble)")
        self.say("guest agent (simulated: its quotes are real in form, but not Intel's)")
        self._wild = self._running.enter_context(Backend("wild"))
        self.routes = {
            "app.demo.test": stack.app,
            "api.demo.test": stack.api,
            "*.wild.demo.test": self._wild,
        }
        for name, backend in self.routes.items():
            self.say(f"backend for {name} at {backend.address}")
        self._orders = self._running.enter_context(OrderCount(stack.pebble))
        self._running.callback(self._keep_evidence)
        self._write_files()
        self.ingressd = Ingressd(self.programs / "ingressd", self.directory, self._environment())
        self._running.callback(self.ingressd.stop)
        self.say(f"ingressd on port {self.port} (pid {self.ingressd.child.pid})")

    def _environment(self) -> dict[str, str]:
        """Lists are given with commas: the shell reads this too."""
        return self._stack.environment(
            PORT=str(self.port),
            DOMAINS=",".join(self.routes),
            ROUTING_MAP=",".join(f"{name}={to.address}" for name, to in self.routes.items()),
            SET_CAA="true",
        )

    def _write_files(self) -> None:
        stack, environment = self._stack, self._environment()
        assert stack.agent is not None
        (self.directory / "ca.pem").write_text(stack.pebble.root_pem())
        quote_root = QuotePki(self.directory / "quote-pki").root_pem
        (self.directory / "quote-root.pem").write_bytes(quote_root.read_bytes())
        # Sockets have short paths only, and the evidence is served by a process that is
        # nobody's, so both are elsewhere.
        (self.directory / "run").symlink_to(environment["RUN_DIR"])
        (self.directory / "evidences").symlink_to(environment["EVIDENCE_DIR"])
        write_shell_variables(self.directory / "ingressd.env", environment)
        sanitized = SANITIZER_MARK in (self.programs / "ingressd").read_bytes()
        write_shell_variables(
            self.directory / "demo.env",
            {
                "DEMO_BIN": str(self.programs.resolve()),
                "DEMO_PORT": str(self.port),
                "DEMO_DNS_PORT": str(stack.bind.port),
                "DEMO_APP_ID": stack.agent.guest.app_id.hex(),
                "DEMO_CAA_ISSUER": CAA_ISSUER,
                "DEMO_ORDERS_URL": self._orders.url,
                "DEMO_SLOWNESS": str(SANITIZER_SLOWNESS if sanitized else 1),
            },
        )

    def _keep_evidence(self) -> None:
        """Leaves a copy for when the stack takes the original away, and no dangling link."""
        link = self.directory / "evidences"
        original = link.resolve()
        link.unlink()
        if original.exists():
            shutil.copytree(original, link, ignore=shutil.ignore_patterns("..*"))
        (self.directory / "run").unlink()

    # ---- waiting

    def wait_for_certificates(self) -> None:
        """Says every step of every domain until all are served."""
        end = time.monotonic() + CERTIFICATES_DEADLINE
        seen: dict[str, str] = {}
        while True:
            self.supervise()
            domains = self._domains()
            for domain in domains:
                self._say_step(domain, seen)
            if domains and all(d["state"] == "settled" and d["served"] for d in domains):
                return
            if time.monotonic() > end:
                raise Failure(
                    f"no certificates after {CERTIFICATES_DEADLINE:g} s\n"
                    + self.ingressd.child.log_tail()
                )
            time.sleep(LOOK_INTERVAL)

    def _say_step(self, domain: dict[str, Any], seen: dict[str, str]) -> None:
        state = domain["state"]
        if state == "settled" and domain["served"]:
            state = f"served with certificate {domain['certificate']['serial']}"
        elif domain["error"]:
            state += f" ({domain['error']})"
        if seen.get(domain["name"]) != state:
            seen[domain["name"]] = state
            self.say(f"{domain['name']:17} {state}")

    def _domains(self) -> list[dict[str, Any]]:
        """As the status has them; none while ingressd does not answer yet."""
        status = subprocess.run(
            [self.programs / "ingressctl", "--socket", self.control_socket, "status", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return list(json.loads(status.stdout)["domains"]) if status.returncode == 0 else []

    @property
    def control_socket(self) -> str:
        return f"{self.directory}/run/control.sock"

    # ---- what to try

    def print_commands(self) -> None:
        folder, ctl = str(self.directory), self.programs / "ingressctl"
        names = ["app.demo.test", "api.demo.test", "anything.wild.demo.test"]
        files = ["acme-account.json", *(f"cert-{name}.pem" for name in self.routes)]
        files = [*files, "sha256sum.txt", "quote.json"]
        dig = f"dig +noall +answer @127.0.0.1 -p {self._stack.bind.port}"
        control = f"{ctl} --socket {self.control_socket}"
        blocks = {
            "The apps, each under its name:": [self._curl(name, "/") for name in names],
            "The evidence that the keys are the attested app's, and its check sums:": [
                self._curl(names[0], "/evidences/"),
                self._curl(
                    names[0],
                    "/evidences/{" + ",".join(files) + "}",
                    f"--silent --remote-name-all --create-dirs --output-dir {folder}/fetched ",
                ),
                f"(cd {folder}/fetched && sha256sum -c sha256sum.txt)",
            ],
            "All of that at once; and refused, since no machine of Intel's made the quotes:": [
                self._verify(names[0], f"--root {folder}/quote-root.pem"),
                self._verify(names[0]),
            ],
            "What is in DNS, and what the CA was asked for:": [
                f"{dig} app.demo.test A app.demo.test CAA '*.wild.demo.test' CNAME "
                "wild.demo.test CAA",
                f"curl {self._curl_proxy()}{self._orders.url}",
            ],
            "The state; a renewal; a crash (it is started again):": [
                f"{control} status",
                f"{control} renew app.demo.test --force",
                f"kill -9 $(cat {folder}/ingressd.pid)",
            ],
        }
        for title, commands in blocks.items():
            print(f"\n{title}\n")
            for command in commands:
                print(f"  {command}")
        print(f"\nFiles are in {folder}. Ctrl-C ends it all.", flush=True)

    def _curl(self, name: str, path: str, options: str = "") -> str:
        url = f"https://{name}:{self.port}{path}"
        return (
            f"curl {options}{self._curl_proxy()}--cacert {self.directory}/ca.pem "
            f"--resolve {name}:{self.port}:127.0.0.1 {shlex.quote(url) if '{' in url else url}"
        )

    def _verify(self, name: str, options: str = "") -> str:
        return " ".join(
            [
                f"{self.programs / 'ingressctl'} verify https://{name}:{self.port}",
                f"--connect-to 127.0.0.1:{self.port} --ca {self.directory}/ca.pem {options}",
            ]
        ).rstrip()

    @staticmethod
    def _curl_proxy() -> str:
        """curl would ask a proxy of the user's for the names and get nowhere."""
        return "--noproxy '*' " if any(n.lower().endswith("_proxy") for n in os.environ) else ""


def write_shell_variables(path: Path, variables: Mapping[str, str]) -> None:
    """For `.` of the shell. Only for the user: the key of the zone may be among them."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(v)}\n" for name, v in variables.items()))


@contextlib.contextmanager
def signals_ignored() -> Iterator[None]:
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in ends]
    try:
        yield
    finally:
        for number, handler in zip(ends, before):
            signal.signal(number, handler)


def end_in_order(number: int, _: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


@contextlib.contextmanager
def own_folder(directory: Path) -> Iterator[Path]:
    """Makes the folder empty; one demo has it at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    claim = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failure(
            f"another demo runs in {directory}; end it with Ctrl-C, or choose another folder: "
            f"DEMO_DIR={directory}-2"
        ) from None
    try:
        for old in directory.iterdir():
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
        yield directory
    finally:
        os.close(claim)


def chosen_port(check: bool) -> int | None:
    """None: any that is free."""
    text = os.environ.get("DEMO_PORT", "")
    if not text and check:
        return None
    if text and not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise Failure(f"DEMO_PORT={text}: it must be a number from 1 to 65535")
    port = int(text or DEFAULT_PORT)
    reason = why_unusable(port)
    if reason is not None:
        raise Failure(f"port {port}: {reason}; choose another: make demo DEMO_PORT={port + 1000}")
    return port


def chosen_path(variable: str, default: str) -> Path:
    """Relative to where the user is, which keeps sockets' paths and printed commands short."""
    path = Path(os.environ.get(variable) or ROOT / default).resolve()
    return Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path


def check(demo: Demo) -> int:
    """Runs check.sh beside the demo, which goes on as if a user were there."""
    script = [TESTS / "demo" / "check.sh", demo.directory]
    with subprocess.Popen(script, stdin=subprocess.DEVNULL) as checker:
        try:
            while checker.poll() is None:
                demo.supervise()
                time.sleep(SUPERVISE_INTERVAL)
        except BaseException:
            checker.terminate()
            raise
    return EX_FAILED if checker.returncode else 0


def run(arguments: argparse.Namespace) -> int:
    programs = chosen_path("DEMO_BIN", "build/release/bin")
    if not (programs / "ingressd").exists():
        raise Failure(f"there is no {programs}/ingressd; build it with make, or set DEMO_BIN")
    port = chosen_port(arguments.check)
    with own_folder(chosen_path("DEMO_DIR", "build/demo")) as folder:
        with Demo(folder, programs, port) as demo:
            demo.wait_for_certificates()
            if arguments.check:
                return check(demo)
            demo.print_commands()
            while True:
                demo.supervise()
                time.sleep(SUPERVISE_INTERVAL)


def main() -> int:
    parser = argparse.ArgumentParser(description="The whole product on this machine.")
    parser.add_argument("--check", action="store_true", help="run check.sh, then end")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_in_order)
    try:
        return run(arguments)
    except (Failure, TimeoutError, ChildProcessError, FileNotFoundError) as error:
        print(f"demo: {error}", file=sys.stderr)
        if arguments.check:
            print("0 passed, 1 failed")
        return EX_FAILED
    except KeyboardInterrupt:
        print("\nEnded.")
        return EX_FAILED if arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
