"""Everything around the product that an end-to-end test needs, and the product's environment."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from .acme_directory import AcmeDirectory
from .backend import Backend
from .bind import Bind
from .dns_api import EMULATORS, DnsApi, emulator
from .pebble import Pebble
from .ports import ReservedPort
from .process import clean_environment

if TYPE_CHECKING:
    from .guest_agent import GuestAgent
    from .quote_pki import QuotePki
    from .simulated_guest import SimulatedGuest

DOMAINS = ("app.demo.test", "api.demo.test")
LOOPBACK = "127.0.0.1"
STANDIN_APP_ID = "0123456789abcdef0123456789abcdef01234567"


class Stack:
    """Bind, Pebble behind an AcmeDirectory, and two backends: `app` and `api`.

    - `provider`: "rfc2136" has the product update BIND itself, any other starts its emulator
    - `closed`: those of the zones that the credentials do not reach
    - `guest_agent`: "dstack" or "tappd" starts a simulated guest agent, None leaves its socket out
    - `platform`: the kind of the simulated guest, whose agent is a new one then; see SimulatedGuest
    - `second_server`: see Bind; `validity`, `blocked_domains`, `eab_keys`: see Pebble
    - `outside`: an address of this machine at which containers reach the CA and the DNS server
    - `caa_identities`: the CA's names for CAA records

    `public` is a folder that every user gets to. Parts that are not there are None. The product's own ports, `port` and `evidence_port`, stay
    reserved while the stack is up.
    """

    def __init__(
        self,
        directory: Path,
        *,
        zones: Sequence[str] = ("demo.test",),
        closed: Sequence[str] = (),
        provider: str = "rfc2136",
        guest_agent: str | None = None,
        platform: str | None = None,
        second_server: bool = False,
        validity: int | None = None,
        blocked_domains: Sequence[str] = (),
        eab_keys: Mapping[str, str] | None = None,
        caa_identities: Sequence[str] = ("ca.demo.test",),
        outside: str | None = None,
    ) -> None:
        if provider != "rfc2136" and provider not in EMULATORS:
            raise ValueError(f"provider {provider!r}: use rfc2136 or {', '.join(EMULATORS)}")
        self.directory = directory.resolve()
        self._provider = provider
        self._open = [zone for zone in zones if zone not in closed]
        self._agent_api = guest_agent
        self._platform = platform
        self._eab_keys = dict(eab_keys or {})
        self._caa_identities = caa_identities
        self._running = contextlib.ExitStack()
        self.bind = Bind(
            self.directory / "bind", zones, closed=closed, second=second_server, outside=outside
        )
        self._make_pebble = functools.partial(
            Pebble,
            self.directory / "pebble",
            host=outside or LOOPBACK,
            validity=validity,
            blocked_domains=blocked_domains,
            eab_keys=eab_keys,
        )
        self.app = Backend("app")
        self.api = Backend("api")
        self.dns_api: DnsApi | None = None
        self.agent: GuestAgent | None = None
        self.pebble: Pebble
        self.acme: AcmeDirectory

    def start(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Stack:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def environment(self, **overrides: str | None) -> dict[str, str]:
        """The whole environment for `ingressd`: two domains, each with its backend.

        An override of None takes a variable away.
        """
        first, second = DOMAINS
        settings: dict[str, str | None] = {
            "DOMAINS": "\n".join(DOMAINS),
            "ROUTING_MAP": f"{first}={self.app.address}\n{second}={self.api.address}",
            "GATEWAY_DOMAIN": f"gateway.{self.bind.zones[0]}",
            "PORT": str(self.port),
            "EVIDENCE_PORT": str(self.evidence_port),
            "DNS_RESOLVERS": self.bind.server,
            "DNS_PORT": str(self.bind.port),
            "ACME_SERVER": self.acme.url,
            "ACME_CA_BUNDLE": str(self.pebble.ca_bundle),
            "LETSENCRYPT_DIR": str(self.directory / "letsencrypt"),
            "EVIDENCE_DIR": str(self.public / "evidences"),
            "RUN_DIR": str(self.run_dir),
            "DSTACK_SOCKET": str(self.public / "dstack.sock"),
            "TAPPD_SOCKET": str(self.public / "tappd.sock"),
            "APP_ID": None if self.agent else STANDIN_APP_ID,
            **self._provider_settings(),
            **self._eab_settings(),
            **overrides,
        }
        return clean_environment(
            HOME=str(self.directory),
            **{name: value for name, value in settings.items() if value is not None},
        )

    @property
    def notes(self) -> Path:
        """A folder in which every user may write."""
        return self.public / "notes"

    def script(self, name: str, text: str) -> str:
        """An executable script of the shell, where every user gets to it; its path."""
        path = self.public / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return str(path)

    def _start(self) -> None:
        # pytest's directories are too long for a unix socket and closed to other users, and the
        # product has processes that give up root.
        self.public = Path(tempfile.mkdtemp(prefix="ingress-", dir="/tmp"))
        self._running.callback(shutil.rmtree, self.public, ignore_errors=True)
        self.public.chmod(0o755)
        self.notes.mkdir()
        self.notes.chmod(0o777)
        self.run_dir = self.public / "run"
        self.port = self._running.enter_context(ReservedPort()).number
        self.evidence_port = self._running.enter_context(ReservedPort()).number
        self._running.enter_context(self.app)
        self._running.enter_context(self.api)
        if self._agent_api is not None:
            _import_agent()
        with ThreadPoolExecutor() as parallel:
            agent = parallel.submit(self._start_agent)
            try:
                self._running.enter_context(self.bind)
                provider = parallel.submit(self._start_provider)
                self._start_ca()
                provider.result()
            finally:
                agent.result()

    def _start_ca(self) -> None:
        self.pebble = self._running.enter_context(self._make_pebble(self.bind.server))
        self.acme = AcmeDirectory(self.pebble, self._caa_identities)
        self._running.enter_context(self.acme)

    def _start_provider(self) -> None:
        if self._provider in EMULATORS:
            self.dns_api = self._running.enter_context(
                emulator(self._provider, self.bind.only(self._open))
            )

    def _start_agent(self) -> None:
        if self._agent_api is None:
            return
        GuestAgent, QuotePki, SimulatedGuest = _import_agent()
        pki = QuotePki(self.directory / "quote-pki")
        guest = SimulatedGuest(pki, platform=self._platform or "tdx")
        socket_path = self.public / f"{self._agent_api}.sock"
        self.agent = GuestAgent(
            socket_path, guest, api=self._agent_api, is_new=self._platform is not None
        )
        self._running.callback(self.agent.stop)

    def _provider_settings(self) -> dict[str, str]:
        if self.dns_api is not None:
            return self.dns_api.settings
        return {
            "DNS_PROVIDER": "rfc2136",
            "RFC2136_SERVER": self.bind.server,
            "RFC2136_KEY_NAME": self.bind.key_name,
            "RFC2136_KEY_SECRET": self.bind.key_secret,
            "RFC2136_KEY_ALGORITHM": self.bind.key_algorithm,
        }

    def _eab_settings(self) -> dict[str, str]:
        if not self._eab_keys:
            return {}
        key_id, key = next(iter(self._eab_keys.items()))
        return {"ACME_EAB_KID": key_id, "ACME_EAB_HMAC_KEY": key}


def _import_agent() -> tuple[type[GuestAgent], type[QuotePki], type[SimulatedGuest]]:
    """Not with the module, so that the rest of the harness does without the TDX simulator.

    Called before there are threads: two that import parts of one package may wait for each other.
    """
    from .guest_agent import GuestAgent
    from .quote_pki import QuotePki
    from .simulated_guest import SimulatedGuest

    return GuestAgent, QuotePki, SimulatedGuest
