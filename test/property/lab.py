"""Where sequences are run: one provider, one zone full of other people's records."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from support.bind import Bind
from support.dns_api import EMULATORS, DnsApi, emulator
from support.rfc2136_api import Rfc2136Api

from .driver import Driver, Result

SEED = os.environ.get("PROPERTY_SEED", "1")
ZONE = "demo.test"
AWAY = "away.test"
"""Another zone, out of reach, whose names are delegated to ZONE."""

GATEWAY = f"gateway.{ZONE}"
FEW_FOREIGN_RECORDS = 40
MANY_FOREIGN_RECORDS = 200
PROVIDERS = (*EMULATORS, Rfc2136Api.provider)

# An API that shows a zone as a whole still takes a few pages for it.
PAGES = {"linode": 2}
PAGE_LIMIT = 5

# With a hang among the faults of a run: how long the program waits for any answer. What is slow
# for another reason is then given up as well, which is one more fault.
PATIENCE_MS = 40

SETTINGS = {
    "GATEWAY_DOMAIN": GATEWAY,
    # Known by name; nobody has to be asked, and nobody is.
    "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
    "https_proxy": "http://127.0.0.1:1",
    "LOG_LEVEL": "warn",
}


CNAMES = (
    "app", "_dstack-app-address.app", "_acme-challenge.app",
    "wild", "_dstack-app-address.wild", "_dstack-app-address-wildcard.wild", "_acme-challenge.wild",
)  # fmt: skip


def place(name: str) -> str:
    """Where the records stand for a name, or a wildcard, of AWAY; others at the name itself."""
    return f"{name.removeprefix('*.')}.{ZONE}" if name.endswith(AWAY) else name


def cnames() -> str:
    """What the operator has made in AWAY, as lines of a zone file."""
    lines = [f"{owner} CNAME {place(f'{owner}.{AWAY}')}." for owner in CNAMES]
    return "\n".join([*lines, f"*.wild CNAME {place(f'wild.{AWAY}')}."])


class Lab:
    """The zone at one provider, as it was, again and again; and ingress-dns to write to it.

    `bind` tells where the zone is delegated and the gateway's addresses; only for rfc2136 the
    zone in it is the one that is written to. `foreign_records` may be set before fresh().
    """

    def __init__(self, provider: str, bind: Bind, folder: Path) -> None:
        self.provider = provider
        self.foreign_records = FEW_FOREIGN_RECORDS
        self.volume = folder / "letsencrypt"
        self._bind = bind
        self.base: list[str] = []
        """The lines of the zone as it was."""
        self._api: DnsApi | None = None
        self._kept = b""
        self._change: dict[str, str | None] = {}
        self._driver = Driver(
            folder,
            {
                **SETTINGS,
                "DNS_RESOLVERS": bind.server,
                "DNS_PORT": str(bind.port),
                "LETSENCRYPT_DIR": str(self.volume),
            },
        )

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.stop()
        if self._api is not None:
            self._api.stop()
        if self.provider == Rfc2136Api.provider and self.base:  # the next one shares BIND
            with Rfc2136Api(self._bind) as server:
                server.restore(ZONE, self.base)

    def fresh(self) -> DnsApi:
        """The provider with nothing but foreign records in the zone, and no notes on disk."""
        shutil.rmtree(self.volume, ignore_errors=True)
        if self._api is None:
            self._api = self._open()
            self._api.seed_foreign(ZONE, self.foreign_records)
            self._api.seed_opaque(ZONE, random.Random(f"{SEED} opaque {self.provider}"))
            self._kept = self._api.keep()
            self.base = self._api.dump(ZONE)
        else:
            self._api.bring_back(self._kept)
        self.set(**self._api.settings)
        return self._api

    def _open(self) -> DnsApi:
        if self.provider == Rfc2136Api.provider:
            api: DnsApi = Rfc2136Api(self._bind)
        else:
            pages = PAGES.get(self.provider)
            page_limit = self.foreign_records // pages if pages else PAGE_LIMIT
            api = emulator(self.provider, None, zones=(ZONE,), page_limit=page_limit)
        api.one_by_one = True
        return api.start()

    def set(self, **environment: str | None) -> None:
        """Changes the program's environment from its next run on."""
        self._change.update(environment)

    def run(
        self, *arguments: str, hangs: bool = False, seen: bool | None = True
    ) -> Result:
        change, self._change = self._change, {}
        return self._driver.run(
            *arguments, environment=change, patience_ms=PATIENCE_MS if hangs else 0, seen=seen
        )

    def noted(self) -> str:
        """The notes about challenge values that may still be in the zone, one after the other."""
        notes = self.volume / "dstack-ingress" / "dns"
        return "".join(note.read_text() for note in notes.glob("*.json"))
