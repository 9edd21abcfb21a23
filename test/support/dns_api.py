"""What the emulators of providers' APIs have in common, so that one test can be put to each.

Alone: `python3 -m support.dns_api PROVIDER --zone demo.test` (with test/ as working directory)
starts BIND and the provider's emulator, prints the settings to use, and serves until it is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import random
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any, Protocol

from .bind import Bind
from .faults import Fault
from .http_service import LoggedRequest


class DnsApi(Protocol):
    """An emulator that runs; a context manager. See http_service.HttpService for the rest.

    Made from a Bind, its zones are the zones, with what is in them, and every change is written
    through; made from `None` and `zones`, it has empty zones and nothing behind it.
    """

    provider: str
    """As in DNS_PROVIDER."""

    fault_kinds: dict[str, dict[str, Any]]
    """The faults of its own (its rate limit, ...) by name, each as arguments of `fault`."""

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make the product use it, credentials included."""

    @property
    def credentials(self) -> list[str]:
        """Those of their values that must not turn up anywhere."""

    def dump(self, zone: str) -> list[str]:
        """Every record of the zone with everything that a user could have set, one line each,
        sorted. Ids are left out: APIs that replace whole zones give new ones."""

    def seed_foreign(self, zone: str, count: int) -> None:
        """Puts `count` records there that are somebody else's, past all rules: of every type that
        the provider knows, some of types it does not document, some beside the product's own
        names. The same ones each time."""

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        """Puts one record there, past all rules; `value` in the form of a zone file."""

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        """Puts foreign records there whose values mean nothing: see foreign.opaque_places. Without
        a BIND behind it, which could not have them."""

    def fault(self, kind: str, match: str = "", times: int | None = 1, **detail: Any) -> Fault: ...

    def clear_faults(self) -> None: ...

    def requests(self, method: str | None = None) -> list[LoggedRequest]: ...

    def forget_requests(self) -> None: ...

    def keep(self) -> bytes:
        """What it holds now, for `bring_back`, which brings back just that: without faults, and
        with no requests in the log."""

    def bring_back(self, kept: bytes) -> None: ...

    def down(self) -> None: ...

    def up(self) -> None: ...

    def settle(self) -> None:
        """Cuts what is open, and waits until nothing is done about it any more."""

    def __enter__(self) -> DnsApi: ...

    def __exit__(self, *_: object) -> None: ...


EMULATORS = {
    "cloudflare": "cloudflare_api:CloudflareApi",
    "linode": "linode_api:LinodeApi",
    "namecheap": "namecheap_api:NamecheapApi",
    "route53": "route53_api:Route53Api",
}
"""Module and class, by DNS_PROVIDER."""

HURRIED: dict[str, dict[str, Any]] = {
    "linode": {"ttl_steps": (5,)},
}
"""Options that spare a test minutes that the real provider makes a client wait."""


def emulator(provider: str, bind: Bind | None, **options: Any) -> DnsApi:
    """The emulator of a provider, not yet started; hurried, unless `options` say otherwise."""
    module, name = EMULATORS[provider].split(":")
    make = getattr(importlib.import_module(f".{module}", __package__), name)
    api: DnsApi = make(bind, **{**HURRIED.get(provider, {}), **options})
    return api


def main() -> None:
    parser = argparse.ArgumentParser(description="a provider's DNS API, emulated, on loopback")
    parser.add_argument("provider", choices=EMULATORS)
    parser.add_argument("--zone", action="append", help="default: demo.test; may be repeated")
    parser.add_argument("--page-limit", type=int, default=5)
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with contextlib.ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        bind = running.enter_context(Bind(directory, arguments.zone or ["demo.test"]))
        api = running.enter_context(
            emulator(arguments.provider, bind, page_limit=arguments.page_limit)
        )
        for name, value in api.settings.items():
            print(f"{name}={value}")
        print(f"DNS_RESOLVERS={bind.server}\nDNS_PORT={bind.port}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
