"""The compose files of this project, up and running, with a CA and a DNS server beside them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.ingress import Answer, request_on, serial_of
from support.stack import Stack

from .builds import ROOT
from .engine import Container, Engine

PUBLISHED = ("127.0.0.1", 443)
TIMEOUT = 10.0
# A handshake takes milliseconds, on a busy machine some tens of them.
WATCHERS, WATCH_INTERVAL, WATCH_TIMEOUT = 8, 0.01, 0.3
CA_IN_CONTAINER = "/acme-ca.pem"
PROJECT = "test"  # see Engine

BACKEND_CHECK = "import socket; socket.create_connection(('127.0.0.1', 80), 3)"


def backend(image: str, name: str) -> dict[str, Any]:
    """A service: the product's image has a Python, which certbot needs."""
    return {
        "image": image,
        "entrypoint": ["python3", "/test/image/backend.py", name],
        "volumes": [f"{ROOT}/test/support:/test/support:ro", f"{ROOT}/test/image:/test/image:ro"],
        "healthcheck": {"test": ["CMD", "python3", "-c", BACKEND_CHECK], "interval": "3s"},
    }


class Deployment:
    """`file` of the sources with `backends` and `settings` over it: what a user changes, and what
    the stack is in place of the world, but for the settings in `without`. `variables` is what the
    user's shell has.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        stack: Stack,
        file: str,
        service: str,
        backends: Mapping[str, str],
        *,
        settings: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        volumes: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.engine = engine
        self.image = image
        self.stack = stack
        self._service = service
        self._variables = dict(variables or {})
        self._override = stack.directory / "override.yaml"
        services = {name: backend(image, says) for name, says in backends.items()}
        services[service] = {**self._ingress(settings, without, volumes), **(options or {})}
        self._override.write_text(json.dumps({"services": services}).replace("$", "$$"))
        self._files = [ROOT / file, self._override]
        self._trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._trust.load_verify_locations(cadata=stack.pebble.root_pem())

    def _ingress(
        self, settings: Mapping[str, str], without: Sequence[str], volumes: Sequence[str]
    ) -> dict[str, Any]:
        world = self.stack.environment(**dict.fromkeys(without))
        socket_path = world["DSTACK_SOCKET"]
        return {
            "image": self.image,
            "environment": {
                **{name: world[name] for name in world if name.startswith(("DNS_", "RFC2136_"))},
                "ACME_SERVER": world["ACME_SERVER"],
                "ACME_CA_BUNDLE": CA_IN_CONTAINER,
                **settings,
            },
            "volumes": [
                f"{socket_path}:/var/run/dstack.sock",
                f"{self.stack.pebble.ca_bundle}:{CA_IN_CONTAINER}:ro",
                *volumes,
            ],
            # The image's own check, more often.
            "healthcheck": {"interval": "3s"},
        }

    def trust(self, root: Path) -> None:
        self._trust.load_verify_locations(cafile=root)

    # ---- the user's commands

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.engine.compose(self._files, *arguments, environment=self._variables)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done

    @property
    def compose_variables(self) -> dict[str, str]:
        """With which `docker compose` needs no options: as where the file is."""
        files = ":".join(map(str, self._files))
        return {"COMPOSE_FILE": files, "COMPOSE_PROJECT_NAME": PROJECT, **self._variables}

    def up(self) -> Deployment:
        self.compose("up", "--detach")
        return self

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "20")

    def container(self, service: str | None = None) -> Container:
        label = f"label=com.docker.compose.service={service or self._service}"
        found = self.engine.docker("ps", "--all", "--quiet", "--filter", label).split()
        assert len(found) == 1, found
        return Container(self.engine, found[0])

    def address(self, service: str) -> str:
        networks = self.engine.inspect(self.container(service).name)["NetworkSettings"]["Networks"]
        return str(networks[f"{PROJECT}_default"]["IPAddress"])

    def volume(self, name: str) -> Path:
        """Where the files of a volume are."""
        shown = json.loads(self.engine.docker("volume", "inspect", f"{PROJECT}_{name}"))
        return Path(shown[0]["Mountpoint"])

    def fill(self, name: str, folder: Path) -> None:
        """Before the first start: a volume with what is in `folder`."""
        self.engine.docker("volume", "create", f"{PROJECT}_{name}")
        shutil.copytree(folder, self.volume(name), symlinks=True, dirs_exist_ok=True)

    # ---- the clients' view, through the published port

    def connect(
        self, name: str, timeout: float = TIMEOUT, *, port: int = PUBLISHED[1]
    ) -> ssl.SSLSocket:
        plain = socket.create_connection((PUBLISHED[0], port), timeout=timeout)
        try:
            return self._trust.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def serial(self, name: str, timeout: float = TIMEOUT) -> str:
        with self.connect(name, timeout) as tls:
            return serial_of(tls)

    def try_serial(self, name: str, timeout: float = TIMEOUT) -> str | None:
        try:
            return self.serial(name, timeout)
        except OSError:
            return None

    @contextmanager
    def watched(self, name: str, serial: str) -> Iterator[Future[float]]:
        """When, by time.time(), a handshake first had this certificate: looked for from now on.

        By several at once, each of which gives up soon: a connection that is tried before the
        container's network is there hangs for a second, and would hide that it serves.
        """
        found: Future[float] = Future()
        given_up = threading.Event()

        def look() -> None:
            while not given_up.wait(WATCH_INTERVAL):
                if self.try_serial(name, WATCH_TIMEOUT) == serial:
                    with suppress(InvalidStateError):
                        found.set_result(time.time())
                    return

        with ThreadPoolExecutor(WATCHERS) as workers:
            try:
                for _ in range(WATCHERS):
                    workers.submit(look)
                yield found
            finally:
                given_up.set()

    def fetch(self, name: str, path: str = "/") -> Answer:
        with self.connect(name) as tls:
            return request_on(tls, name, path)

    def try_backend(self, name: str) -> str | None:
        """Which backend answers."""
        try:
            return str(self.fetch(name).json()["name"])
        except (OSError, ValueError):
            return None


def child_processes(container: Container, program: str) -> list[int]:
    """Pids, as seen from here, of the processes of a container whose program this is."""
    listed = container.engine.docker("top", container.name, "-eo", "pid").split()[1:]
    found = []
    for pid in map(int, listed):
        try:
            # The link itself: what it points to is in another root.
            name = os.readlink(f"/proc/{pid}/exe").rpartition("/")[2]
        except OSError:
            continue
        if name == program:
            found.append(pid)
    return found
