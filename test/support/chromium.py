"""A headless Chromium, driven through its DevTools protocol on a pair of pipes.

The protocol: messages of JSON, each ended by a NUL byte (chromedevtools.github.io).  It says what
a page test cannot see otherwise: over which protocol, and on which connection, each answer came.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import clean_environment, wait_until

PROGRAM = Path("/usr/bin/chromium")
PATIENCE = 60.0
STOP_DEADLINE = 10.0
READ_SIZE = 65536
# dup2() onto itself would leave the file descriptor closed on exec: stay clear of 3 and 4.
FIRST_FREE = 10

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--remote-debugging-pipe",
)


class NavigationError(Exception):
    """The page could not be loaded; net::ERR_..."""


@dataclass(frozen=True)
class Response:
    """One answer, as the browser's network log has it."""

    url: str
    status: int
    protocol: str
    connection: int


class Chromium:
    """A browser; each `tab_group()` has connections, cache and cookies of its own."""

    def __init__(self, directory: Path, *options: str) -> None:
        commands, self._out = _pipe()
        self._in, events = _pipe()
        log = directory / "chromium.log"
        # It ends by itself when the pipes do, so a test run that dies leaves none behind.
        self._pid = os.posix_spawn(
            PROGRAM,
            [str(PROGRAM), *OPTIONS, *options, f"--user-data-dir={directory / 'profile'}"],
            clean_environment(HOME=str(directory)),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, commands, 3),
                (os.POSIX_SPAWN_DUP2, events, 4),
            ],
            setsid=True,
        )
        os.close(commands)
        os.close(events)
        self._buffer = bytearray()
        self._numbers = itertools.count(1)
        self._replies: dict[int, dict[str, Any]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self.version: str = self.call("Browser.getVersion")["product"]

    def stop(self) -> None:
        os.close(self._out)
        os.close(self._in)
        try:
            wait_until(self._is_gone, what="Chromium to end", deadline=STOP_DEADLINE)
        except TimeoutError:
            os.killpg(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def _is_gone(self) -> bool:
        return os.waitpid(self._pid, os.WNOHANG)[0] == self._pid

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextlib.contextmanager
    def tab_group(self) -> Iterator[Callable[[], Tab]]:
        """Gives a function that opens a tab; together they are one user's browser, just started."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        try:
            yield lambda: Tab(self, context)
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)

    # ---- the protocol

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        _write_all(self._out, json.dumps(message).encode() + b"\0")
        self.wait(lambda: number in self._replies, f"the reply to {method}")
        reply = self._replies.pop(number)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return dict(reply["result"])

    def events(self, session: str) -> list[dict[str, Any]]:
        """All that the session has been told so far."""
        return self._events.setdefault(session, [])

    def wait(self, predicate: Callable[[], object], what: str) -> None:
        """Takes messages in until `predicate` holds."""
        end = time.monotonic() + PATIENCE
        while not predicate():
            left = end - time.monotonic()
            if left < 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError(f"Chromium: after {PATIENCE:g} s still waiting for {what}")
            data = os.read(self._in, READ_SIZE)
            if not data:
                raise ChildProcessError(f"Chromium ended before {what}")
            self._take(data)

    def _take(self, data: bytes) -> None:
        self._buffer += data
        *messages, rest = self._buffer.split(b"\0")
        self._buffer = rest
        for message in map(json.loads, messages):
            if "id" in message:
                self._replies[message["id"]] = message
            else:
                self.events(message.get("sessionId", "")).append(message)


class Tab:
    """One page. Certificates are not judged here: the tests' other clients do that."""

    def __init__(self, browser: Chromium, context: str) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)
        self._session: str = browser.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")
        self._call("Security.setIgnoreCertificateErrors", ignore=True)

    def open(self, url: str) -> Response:
        """As if typed into the address bar; the page's answer."""

        def navigate() -> None:
            error = self._call("Page.navigate", url=url).get("errorText")
            if error:
                raise NavigationError(f"{url}: {error}")

        return self._load(navigate)

    def reload(self) -> Response:
        return self._load(lambda: self._call("Page.reload"))

    def click(self, link: str) -> Response:
        """On the link to `link`, as it stands in the page's source."""
        return self._load(lambda: self.run(f"document.querySelector('a[href=\"{link}\"]').click()"))

    def run(self, script: str) -> Any:
        """The script's value; that of its promise, if it is one."""
        result = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """In CSS pixels; a mobile browser lays pages out by what they say of their viewport."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip

    @property
    def text(self) -> str:
        return str(self.run("document.documentElement.innerText"))

    def events(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of one kind so far."""
        return [
            event["params"]
            for event in self._browser.events(self._session)
            if event["method"] == method
        ]

    @property
    def responses(self) -> list[Response]:
        """All answers so far, those to the browser's own requests (favicon) too."""
        received = self.events("Network.responseReceived")
        return [_response(parameters["response"]) for parameters in received]

    def screenshot(self) -> bytes:
        """PNG, in base64."""
        return str(self._call("Page.captureScreenshot")["data"]).encode()

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def _load(self, start: Callable[[], object]) -> Response:
        events = self._browser.events(self._session)
        before = len(events)
        start()

        def is_loaded() -> bool:
            return any(event["method"] == "Page.loadEventFired" for event in events[before:])

        self._browser.wait(is_loaded, "the page to be loaded")
        documents = [
            event["params"]["response"]
            for event in events[before:]
            if event["method"] == "Network.responseReceived"
            and event["params"]["type"] == "Document"
        ]
        return _response(documents[-1])


def _response(raw: dict[str, Any]) -> Response:
    return Response(raw["url"], raw["status"], raw["protocol"], raw["connectionId"])


def _pipe() -> tuple[int, int]:
    """The reading and the writing end."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
