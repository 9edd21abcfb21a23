"""An ACME server for tests: Debian's Pebble, with an HTTPS certificate of its own."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from .certificates import LOOPBACK_NAMES, LocalCa
from .ports import ReservedPort
from .process import Child, clean_environment

HOST = "127.0.0.1"
REQUEST_TIMEOUT = 5.0

# Lines of Pebble's log, the same in 2.4 and 2.6.
NEW_ORDER = re.compile(r"POST /order-plz -> calling handler")
FAILED_VALIDATION = re.compile(r"authz \S+ set INVALID by completed challenge")

FAST = {
    "PEBBLE_VA_NOSLEEP": "1",
    "PEBBLE_WFE_NONCEREJECT": "0",
    "PEBBLE_AUTHZREUSE": "0",
}


class Pebble:
    """An ACME server that validates DNS-01 by asking `dns_server` ("address:port").

    A client has to trust `ca_bundle` to talk to it; the certificates it issues end at
    `root_pem()`, which is another authority, new with every start.

    - `host`: the address it listens on
    - `validity`: lifetime of the certificates in seconds, Pebble's own (years) if None
    - `blocked_domains`: orders for these are rejected
    - `eab_keys`: key id to base64url HMAC key; if given, accounts must be bound to one of them
    - `environment`: PEBBLE_ variables over those of FAST
    """

    def __init__(
        self,
        directory: Path,
        dns_server: str,
        *,
        host: str = HOST,
        ca: LocalCa | None = None,
        validity: int | None = None,
        blocked_domains: Sequence[str] = (),
        eab_keys: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        self.host = host
        self.ca = ca or LocalCa(
            directory, tuple(dict.fromkeys((*LOOPBACK_NAMES, host)))
        )
        self.ca_bundle = self.ca.bundle
        self._directory = directory
        self._dns_server = dns_server
        self._validity = validity
        self._blocked_domains = list(blocked_domains)
        self._eab_keys = dict(eab_keys or {})
        self._environment = clean_environment(**{**FAST, **(environment or {})})
        self._running = contextlib.ExitStack()
        self.child: Child

    def start(self) -> Pebble:
        acme = self._running.enter_context(ReservedPort(self.host))
        management = self._running.enter_context(ReservedPort(self.host))
        self.origin = f"https://{self.host}:{acme.number}"
        self.directory_url = f"{self.origin}/dir"
        self._management_origin = f"https://{self.host}:{management.number}"
        log = self._directory / "pebble.log"
        log.unlink(missing_ok=True)
        self.child = Child(
            [
                _program(),
                "-config", self._write_configuration(acme.number, management.number),
                "-dnsserver", self._dns_server,
                # Its documentation announces that the default will change.
                "-strict=false",
            ],
            log,
            env=self._environment,
            cwd=self._directory,
        )
        self._running.callback(self.child.stop)
        try:
            self.child.wait_for(self._answers, what="Pebble to answer")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Pebble:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def root_pem(self) -> str:
        """The root that the issued certificates end at."""
        return self._get(f"{self._management_origin}/roots/0").decode()

    def directory(self) -> dict[str, object]:
        """The ACME directory object."""
        return dict(json.loads(self._get(self.directory_url)))

    def orders(self) -> int:
        """How many new-order requests there were since the start, rejected ones included."""
        return len(NEW_ORDER.findall(self.child.log_text()))

    def failed_validations(self) -> int:
        """How many challenges were answered and found wrong since the start."""
        return len(FAILED_VALIDATION.findall(self.child.log_text()))

    def _write_configuration(self, acme_port: int, management_port: int) -> Path:
        certificate, key = self.ca.issue("pebble")
        configuration = {
            "listenAddress": f"{self.host}:{acme_port}",
            "managementListenAddress": f"{self.host}:{management_port}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": 5002,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(self._eab_keys),
            "externalAccountMACKeys": self._eab_keys,
            "domainBlocklist": self._blocked_domains,
            # Clients sleep for as long as these say before they look at a result.
            "retryAfter": {"authz": 1, "order": 1},
        }
        if self._validity is not None:
            configuration["certificateValidityPeriod"] = self._validity
            configuration["profiles"] = {
                "default": {"description": "the only one", "validityPeriod": self._validity}
            }
        path = self._directory / "pebble.json"
        path.write_text(json.dumps({"pebble": configuration}, indent=2))
        return path

    def _answers(self) -> bool:
        try:
            self.directory()
            self.root_pem()
        except OSError:
            return False
        return True

    def _get(self, url: str) -> bytes:
        # The management port serves the same certificate as the ACME port.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=self.ca.client_context()),
        )
        with opener.open(url, timeout=REQUEST_TIMEOUT) as answer:
            return bytes(answer.read())


def _program() -> Path:
    found = shutil.which("pebble", path="/usr/bin:/usr/local/bin")
    if found is None:
        raise FileNotFoundError("pebble (package pebble) is needed for the ACME tests")
    return Path(found)
