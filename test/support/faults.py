"""Faults that a test asks an HTTP emulator to commit."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """What goes wrong with which requests.

    `match` is searched for in "METHOD target", the target with its query string. `skip` is how
    many such requests pass by before the first that is hit, `times` how many are still to be hit,
    None for all; `hits` how many were.

    Kinds that every emulator knows:

    - "closed": the connection is closed without an answer (refused ones: HttpService.down)
    - "reset": the same, by RST
    - "hang": no answer until the client gives up or the emulator stops
    - "status": the answer is `status`, with `body` (a dict becomes JSON) and `headers`
    - "truncated": the answer breaks off in the middle of its body
    - "empty": the right status with no body
    - "content_type": the right answer under the `content_type` given
    - "meanwhile": the right answer, to what `call` has made of the world

    With `after`, a "closed", "reset", "hang" or "status" comes after the request was carried out:
    the write happened, and the client does not know. The last four kinds always do.

    `call` runs first, whatever the kind: somebody else writes between a read and a write, or the
    emulator goes down.
    """

    kind: str
    match: str = ""
    times: int | None = 1
    after: bool = False
    status: int = 503
    body: str | dict[str, Any] = "<html><body><h1>Service Unavailable</h1></body></html>"
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    skip: int = 0
    call: Callable[[], None] | None = None
    hits: int = 0

    def takes(self, line: str) -> bool:
        """Whether it hits this request, which counts as seen from then on."""
        if self.times == 0 or re.search(self.match, line) is None:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The faults in force, the oldest that matches a request first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    @property
    def are_armed(self) -> bool:
        """Whether any is left to be committed."""
        with self._lock:
            return any(fault.times != 0 for fault in self._faults)

    def take(self, line: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.takes(line):
                    return fault
        return None
