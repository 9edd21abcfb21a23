"""One product in one mode, with an app behind each of its names."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

from support.backend import BannerBackend, EchoBackend
from support.h1_client import H1Client
from support.h2_client import H2Client
from support.ingress import Ingress
from support.stack import Stack
from support.tcp_server import TcpServer
from support.volume import Volume
from support.web_app import WebApp

WEB = "web.demo.test"
OTHER = "other.demo.test"
WILD = "*.demo.test"
ECHO = "echo.demo.test"
MAIL = "mail.demo.test"
LISTED_MAIL = "listed.demo.test"
SUMS = "/evidences/sha256sum.txt"

WAIT = 4.0
# Less than WAIT by so much that a busy machine does not matter.
AT_ONCE = 3.0
# By how much more a busy machine may make it.
SLACK = 15.0


class Site:
    """`web.demo.test` is the first route.

    `extra` are more names with their targets; `settings` go to the product. With
    `proxy_protocol`, the apps that speak HTTP want the PROXY protocol's header.
    """

    def __init__(
        self,
        directory: Path,
        *,
        extra: dict[str, str] | None = None,
        proxy_protocol: bool = False,
        **settings: str,
    ) -> None:
        self.directory = directory
        self.apps: dict[str, TcpServer] = {
            WEB: WebApp("web", proxy_protocol=proxy_protocol),
            OTHER: WebApp("other", proxy_protocol=proxy_protocol),
            WILD: WebApp("wild", proxy_protocol=proxy_protocol),
            ECHO: EchoBackend(),
            MAIL: BannerBackend("mail"),
            LISTED_MAIL: BannerBackend("listed"),
        }
        self._extra = extra or {}
        self._settings = settings
        self.mode = settings["EVIDENCE_ROUTING"]
        self._running = contextlib.ExitStack()
        self.ingress: Ingress

    def start(self) -> Site:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Site:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        stack = self._running.enter_context(Stack(self.directory, guest_agent="dstack"))
        volume = Volume(stack)
        routes = dict(self._extra)
        for name, app in self.apps.items():
            routes[name] = self._running.enter_context(app).address
        for name in routes:
            volume.put(name, lineage=name.replace("*", "any"))
        settings = {
            "DOMAINS": "\n".join(routes),
            "ROUTING_MAP": "\n".join(f"{name}={target}" for name, target in routes.items()),
            "ALPN": "h2,http/1.1",
            "EVIDENCE_WAIT": f"{int(WAIT * 1000)}ms",
            "SERVER_FIRST": LISTED_MAIL,
            **self._settings,
        }
        self.ingress = self._running.enter_context(Ingress(stack, **settings))
        self.ingress.wait_domain(WEB, lambda domain: domain["served"], "to be served")
        self.ingress.wait_status(
            lambda s: s["evidence"]["published_at"], "the evidence to be published"
        )

    @property
    def web(self) -> WebApp:
        app = self.apps[WEB]
        assert isinstance(app, WebApp)
        return app

    def url(self, path: str, name: str = WEB) -> str:
        return f"https://{name}:{self.ingress.port}{path}"

    def sums(self) -> bytes:
        """The evidence as EVIDENCE_PORT has it: what every other way must give, too."""
        return self.ingress.fetch_evidence(SUMS).body

    # ---- clients

    @contextlib.contextmanager
    def h1(self, name: str = WEB) -> Iterator[H1Client]:
        with self.ingress.connect(name, alpn=("http/1.1",)) as tls:
            yield H1Client(tls, name)

    @contextlib.contextmanager
    def h2(self, name: str = WEB) -> Iterator[H2Client]:
        with self.ingress.connect(name, alpn=("h2",)) as tls:
            assert tls.selected_alpn_protocol() == "h2"
            yield H2Client(tls, name)

    @contextlib.contextmanager
    def tcp(self, name: str) -> Iterator[socket.socket]:
        """Without ALPN, as protocols other than HTTP are."""
        with self.ingress.connect(name) as tls:
            yield tls

    @contextlib.contextmanager
    def h1_without_alpn(self) -> Iterator[H1Client]:
        with self.tcp(WEB) as tls:
            yield H1Client(tls, WEB)

    def app_behind(self, name: str | None, alpn: str) -> str:
        """Who answers under a TLS name; without one, or with an unknown one, too."""
        with self.ingress.connect(name, verify=False, alpn=(alpn,)) as tls:
            if alpn == "h2":
                return str(json.loads(H2Client(tls, name or "none").get("/").body)["name"])
            return str(H1Client(tls, name or "none").get("/").json()["name"])

    def roots(self) -> Path:
        """What curl, wget and the like have to trust."""
        return self.directory / "volume-ca.pem"
