"""Credentials stay where they belong, at LOG_LEVEL=debug and in failures too."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from support.ingress import Ingress, command_line
from support.process import session_members

from .conftest import World

NAME = "app.demo.test"
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
MAY_HOLD_DNS_CREDENTIALS = ("ingressd", "ingress-dns", "certbot", "python3", "sh")


class Watch:
    """Looks at argv and environ of all the product's processes, again and again."""

    def __init__(self, ingress: Ingress, secrets: list[str]) -> None:
        self._ingress = ingress
        self._secrets = secrets
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.programs: set[str] = set()
        self.leaks: set[str] = set()

    def _look(self) -> None:
        while not self._ended.wait(0.005):
            for pid in session_members(self._ingress.child.pid):
                self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        argv = command_line(pid)
        if not argv:
            return
        program = Path(argv[0]).name
        self.programs.add(program)
        if any(secret in " ".join(argv) for secret in self._secrets):
            self.leaks.add(f"argv of {program}")
        try:
            environ = Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except OSError:
            return
        # Between fork and exec a child still looks like its parent: argv is read again.
        if program not in MAY_HOLD_DNS_CREDENTIALS and command_line(pid) == argv:
            if any(secret in environ for secret in self._secrets):
                self.leaks.add(f"environment of {program}")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.parametrize("provider", ["rfc2136", "cloudflare"])
def test_no_secret_is_found_where_it_must_not_be(world: World, provider: str) -> None:
    stack = world.make_stack(
        provider=provider, guest_agent="dstack", eab_keys={"kid-1": EAB_KEY}
    )
    credential = stack.dns_api.credentials[0] if stack.dns_api else stack.bind.key_secret
    secrets = [credential, EAB_KEY]
    if stack.dns_api:
        stack.dns_api.fault("rate_limited")
        stack.dns_api.fault("status", status=500, body={"you sent": credential})
    ingress = world.ingress(
        DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}", LOG_LEVEL="debug"
    )
    with Watch(ingress, secrets) as watch:
        ingress.wait_settled()
        ingress.wait_status(lambda s: s["evidence"]["published_at"], "evidence")
    assert watch.leaks == set()
    assert {"ingressd", "haproxy", "ingress-evidence", "ingress-dns"} <= watch.programs
    keys = [path.read_text() for path in ingress.volume.rglob("privkey*.pem")]
    for secret in [*secrets, *(key.splitlines()[1] for key in keys)]:
        assert secret not in ingress.log
        assert secret not in json.dumps(ingress.status())
    _check_files(ingress, [*secrets, *(key.splitlines()[1] for key in keys)])


def _check_files(ingress: Ingress, secrets: list[str]) -> None:
    for folder in (ingress.volume, ingress.run_dir, ingress.evidence):
        for path in folder.rglob("*"):
            if not path.is_file():
                continue
            text = path.read_text(errors="replace")
            if any(secret in text for secret in secrets):
                assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path
                assert folder != ingress.evidence
