"""A secondary name server that can be made to lag."""

from __future__ import annotations

import contextlib
import errno
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .named import Named, NameServer, PortInUse
from .notify_gate import NotifyGate
from .ports import ReservedPort
from .process import Child, wait_until
from .relay import Relay

INSIDE_ADDRESS = "127.0.0.1"

ZONE = """\
zone "{zone}" {{
    type secondary;
    file "{zone}.copy";
    primaries {{ {address} port {port}; }};
    allow-update-forwarding {{ any; }};
}};
"""


class SecondServer(NameServer):
    """A named that transfers its zones from a primary, and forwards updates to it, reached at
    `address`:`port`.

    It follows at once, unless it is held: then no NOTIFY message reaches it, nor do the primary's
    answers, since it may still be about to ask because of an earlier message. `notify_port` is
    where, on 127.0.0.1, the primary has to send its NOTIFY messages. `child` is the process, for
    tests that pause it.
    """

    def __init__(self, address: str, port: int) -> None:
        super().__init__(address, port)
        self._running = contextlib.ExitStack()
        self._inside = self._running.enter_context(ReservedPort(INSIDE_ADDRESS))
        self._gate = NotifyGate((INSIDE_ADDRESS, self._inside.number))
        self._running.callback(self._gate.stop)
        self.notify_port = self._gate.port
        self._upstream_port = self._running.enter_context(ReservedPort(INSIDE_ADDRESS)).number
        self._upstream: Relay
        self.child: Child

    def start(
        self,
        directory: Path,
        zones: Sequence[str],
        primary: NameServer,
        keys: str = "",
        clock: Mapping[str, str] | None = None,
    ) -> None:
        """Returns when all zones were transferred. `keys`: statements, of who may ask it."""
        self._upstream = self._relay(
            (INSIDE_ADDRESS, self._upstream_port), (primary.address, primary.port)
        )
        statements = keys + "".join(
            ZONE.format(zone=zone, address=INSIDE_ADDRESS, port=self._upstream_port)
            for zone in zones
        )
        inside = Named(directory, INSIDE_ADDRESS, self._inside.number, statements, clock=clock)
        self._running.callback(inside.stop)
        self.child = inside.child
        for zone in zones:
            wait_until(
                functools.partial(_loaded, inside, zone),
                what=f"the secondary to have {zone}",
                detail=self.child.log_tail,
            )
        self._relay((self.address, self.port), (INSIDE_ADDRESS, self._inside.number))

    def stop(self) -> None:
        self._running.close()

    def hold(self) -> None:
        """From here on it does not learn of updates."""
        self._gate.close_gate()
        self._upstream.hold()

    @property
    def held_back(self) -> int:
        """Of how many updates the primary has told it in vain, since it was held."""
        return self._gate.waiting

    def release(self) -> None:
        """It catches up, and follows again."""
        self._upstream.release()
        self._gate.open_gate()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.hold()
        try:
            yield
        finally:
            self.release()

    @contextlib.contextmanager
    def untold(self) -> Iterator[None]:
        """No NOTIFY message reaches it, but it can forward updates, and lags behind them."""
        self._gate.close_gate()
        try:
            yield
        finally:
            self._gate.open_gate()

    def _relay(self, outside: tuple[str, int], inside: tuple[str, int]) -> Relay:
        try:
            relay = Relay(outside, inside)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse("%s:%d" % outside) from error
            raise
        self._running.callback(relay.stop)
        return relay


def _loaded(server: NameServer, zone: str) -> bool:
    try:
        return bool(server.query(zone, "SOA"))
    except RuntimeError:  # SERVFAIL until the transfer is done
        return False
