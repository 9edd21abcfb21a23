"""A Docker engine of the test's own: private socket, private folders, nothing of the machine's."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.process import Child, clean_environment, wait_until

START_DEADLINE = 60.0
STOP_GRACE = 30.0
COMMAND_DEADLINE = 180.0
# A command in a container costs a good part of this.
LOOK_INTERVAL = 0.5
OURS = Path("/usr")  # of Debian
NETWORK = ("--bip", "10.88.1.1/24")


class _Api(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=COMMAND_DEADLINE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


class Engine:
    """dockerd; raises TimeoutError or ChildProcessError, with its log, where it cannot start."""

    def __init__(
        self,
        folder: Path,
        *plugins: Path,
        usr: Path = OURS,
        network: Sequence[str] = NETWORK,
        configuration: str = "{}",
    ) -> None:
        """`usr` has bin/docker and sbin/dockerd."""
        folder.mkdir(parents=True)
        for plugin in plugins:
            self.add_plugin(folder, plugin)
        (folder / "daemon.json").write_text(configuration)  # not the machine's
        self.socket = folder / "docker.sock"
        self.program = str(usr / "bin" / "docker")
        path = f"{usr}/bin:{usr}/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.environment = clean_environment(
            PATH=path, HOME=str(folder), DOCKER_HOST=f"unix://{self.socket}",
            COMPOSE_PROJECT_NAME="test",
        )  # fmt: skip
        self._child = Child(
            [
                str(usr / "sbin" / "dockerd"), "--config-file", str(folder / "daemon.json"),
                "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                "--pidfile", str(folder / "pid"), "--host", f"unix://{self.socket}",
                "--cgroup-parent", f"/{os.environ['INGRESS_CGROUP']}", *network,
                "--default-address-pool", "base=10.88.128.0/17,size=24",
            ],
            folder / f"{folder.name}-engine.log",
            env=clean_environment(PATH=path, HOME=str(folder)),
        )  # fmt: skip
        try:
            self._child.wait_for(self._answers, what="dockerd to answer", deadline=START_DEADLINE)
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def add_plugin(home: Path, plugin: Path) -> None:
        """To the commands that docker has for whom this is home."""
        folder = home / ".docker" / "cli-plugins"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / plugin.name).symlink_to(plugin)

    def _answers(self) -> bool:
        return self.socket.exists() and self.try_docker("version").returncode == 0

    def stop(self) -> None:
        """What still runs in containers is ended first."""
        if self._child.running:
            for container in self.try_docker("ps", "-aq").stdout.split():
                self.try_docker("rm", "--force", "--volumes", container)
        self._child.stop(STOP_GRACE)

    # ---- commands

    def try_docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([self.program, *arguments])

    def docker(self, *arguments: str) -> str:
        """What it prints; it has to succeed."""
        done = self.try_docker(*arguments)
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inspect(self, container: str) -> dict[str, Any]:
        """By the API: this is asked often, and docker's command takes its time."""
        api = _Api(self.socket)
        try:
            api.request("GET", f"/containers/{container}/json")
            answer = api.getresponse()
            body = answer.read()
        finally:
            api.close()
        assert answer.status == 200, body
        return dict(json.loads(body))

    def load(self, archive: Path) -> str:
        """The name of the image in it."""
        return self.docker("load", "--input", str(archive)).rpartition("Loaded image: ")[2].strip()

    def compose(
        self, files: list[Path], *arguments: str, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        options = [word for file in files for word in ("--file", str(file))]
        return self._run([self.program, "compose", *options, *arguments], environment)

    def _run(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE,
            check=False,
        )


class Container:
    """A container by name, which may be made, ended and started again meanwhile."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.engine.inspect(self.name)["State"])

    @property
    def pid(self) -> int:
        """Of its first process, as seen from here; 0 while it does not run."""
        return int(self.state["Pid"])

    @property
    def log(self) -> str:
        done = self.engine.try_docker("logs", self.name)
        return done.stdout + done.stderr

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.engine.try_docker("exec", self.name, *command)

    def status(self) -> dict[str, Any] | None:
        """ingressctl's; None while it does not answer."""
        done = self.run("ingressctl", "status", "--json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else None

    def wait_healthy(self, deadline: float) -> None:
        """As Docker sees it, by the image's own health check."""
        wait_until(
            lambda: self.state["Health"]["Status"] == "healthy",
            what=f"{self.name} to be healthy",
            deadline=deadline,
            detail=lambda: f"{json.dumps(self.state, indent=1)}\n{self.log[-4000:]}",
        )

    def wait_served(self, deadline: float) -> None:
        """Sooner than Docker's next look at its health."""

        def served() -> bool:
            time.sleep(LOOK_INTERVAL)
            return self.run("ingressctl", "health").returncode == 0

        wait_until(
            served,
            what=f"all domains of {self.name} to be served",
            deadline=deadline,
            detail=lambda: f"{self.run('ingressctl', 'status').stdout}\n{self.log[-4000:]}",
        )

    def wait_ended(self, deadline: float) -> None:
        """And its ports to be free: the engine tells no state while it frees them."""
        wait_until(
            lambda: not self.state["Running"], what=f"{self.name} to have ended", deadline=deadline
        )

    def crash(self) -> float:
        """kill -9 of its first process; when, by time.monotonic()."""
        pid = self.pid
        os.kill(pid, 9)
        return time.monotonic()
