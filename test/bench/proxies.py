"""The proxies that are compared, each on one core with one thread, and what they cost.

All of them end TLS at 127.0.0.1 with the same certificate and hand the bytes to the same
address.  The load and what answers it run on the other core.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.certificates import LocalCa
from support.ingress import BIN
from support.ports import ReservedPort
from support.process import Child, clean_environment, wait_until

DOMAIN = "bench.test"
H1_NAME = f"app.{DOMAIN}"
H2_NAME = f"h2.{DOMAIN}"
PROXY_CPU, LOAD_CPU = "0", "1"

CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256"
CURVES = "X25519:P-256"

PLAIN = """\
global
    maxconn 4396
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers {ciphers}
    ssl-default-bind-curves {curves}
defaults
    mode tcp
    timeout connect 10s
    timeout client 24h
    timeout server 24h
frontend tls
    bind :::{port} v4v6 ssl crt {pem} alpn h2,http/1.1
    maxconn 4096
    default_backend app
backend app
    server app {backend}
"""

NGINX = """\
load_module modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
pid {folder}/nginx-{half_close}.pid;
error_log stderr;
events {{ worker_connections 8192; }}
stream {{
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers {ciphers};
        ssl_ecdh_curve {curves};
        ssl_alpn h2 http/1.1;
        proxy_timeout 24h;
        proxy_half_close {half_close};
        proxy_pass {backend};
    }}
}}
"""

HITCH = """\
frontend = "[127.0.0.1]:{port}"
backend = "[{backend_host}]:{backend_port}"
pem-file = "{pem}"
tls-protos = TLSv1.2 TLSv1.3
ciphers = "{ciphers}"
ecdh-curve = "{curves}"
alpn-protos = "h2,http/1.1"
workers = 1
daemon = off
user = "_hitch"
"""

STUNNEL = """\
foreground = yes
syslog = no
debug = err
pid =
[tls]
accept = 127.0.0.1:{port}
connect = {backend}
cert = {pem}
ciphers = {ciphers}
curves = {curves}
"""

# nginx as what is behind the proxies: it costs the load's core little.
BACKEND = """\
daemon off;
worker_processes 1;
pid {folder}/backend.pid;
error_log stderr;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    sendfile on;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{h1};
        listen 127.0.0.1:{h2} http2;
        location /file {{ alias {file}; }}
        location / {{ return 200 "{marker}"; }}
    }}
}}
"""
MARKER = "END-OF-ANSWER"
FILE_SIZE = 64 * 1024 * 1024


def pinned(cpu: str, argv: Sequence[str | os.PathLike[str]]) -> list[str]:
    return ["taskset", "-c", cpu, *map(os.fspath, argv)]


def cpu_seconds(child: Child) -> float:
    """User and system time of the child and its descendants, ended threads included.

    What utime and stime of /proc/PID/stat say, in nanoseconds instead of ticks.
    """
    libc = ctypes.CDLL(None)
    total = 0.0
    for pid in child.survivors():
        clock = ctypes.c_int()
        if libc.clock_getcpuclockid(pid, ctypes.byref(clock)) == 0:
            total += time.clock_gettime(clock.value)
    return total


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Proxy:
    key: str
    title: str
    port: int
    child: Child


class Field:
    """A folder with a certificate on a certbot volume, the backend, and the proxies on demand."""

    def __init__(self, folder: Path, running: contextlib.ExitStack) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self._running = running
        self.ca = LocalCa(folder)
        self.volume = folder / "letsencrypt"
        self.pem = self.put_lineage(f"*.{DOMAIN}")
        self.h1_port = self.reserve()
        self.h2_port = self.reserve()
        self._start_backend()

    def reserve(self) -> int:
        return self._running.enter_context(ReservedPort()).number

    def put_lineage(self, *names: str) -> Path:
        """As certbot leaves it; returns one file with the chain and the key."""
        base = names[0].removeprefix("*.")
        chain, key = (path.read_bytes() for path in self.ca.issue(base, names))
        live = self.volume / "live" / base
        live.mkdir(parents=True)
        for name, content in (
            ("cert", chain), ("chain", b""), ("fullchain", chain), ("privkey", key),
        ):  # fmt: skip
            (live / f"{name}.pem").write_bytes(content)
        pem = self.folder / f"{base}.pem"
        pem.write_bytes(chain + key)
        return pem

    def start(self, key: str, title: str, argv: Sequence[str], port: int, cpu: str) -> Proxy:
        child = Child(pinned(cpu, argv), self.folder / f"{key}.log")
        self._running.callback(child.stop)
        child.wait_for(lambda: accepts(port), what=f"{key} to listen")
        return Proxy(key, title, port, child)

    def write(self, name: str, template: str, **values: object) -> Path:
        path = self.folder / name
        path.write_text(template.format(folder=self.folder, **values))
        return path

    def render(self, folder: str, port: int, **settings: str) -> Path:
        """`ingressd --render` with the settings; returns haproxy.cfg."""
        run_dir = self.folder / f"{folder}.run"
        (run_dir / "chroot").mkdir(parents=True, exist_ok=True)
        environment = clean_environment(
            DOMAINS=f"*.{DOMAIN}",
            ROUTING_MAP=f"{H1_NAME}=127.0.0.1:{self.h1_port}\n{H2_NAME}=127.0.0.1:{self.h2_port}",
            GATEWAY_DOMAIN="gateway.test",
            RFC2136_SERVER="127.0.0.1",
            RFC2136_KEY_NAME="bench",
            RFC2136_KEY_SECRET="YmVuY2g=",
            APP_ID="0123456789abcdef0123456789abcdef01234567",
            ALPN="h2,http/1.1",
            PORT=str(port),
            EVIDENCE_PORT=str(self.reserve()),
            LETSENCRYPT_DIR=str(self.volume),
            RUN_DIR=str(run_dir),
        )
        out = self.folder / folder
        subprocess.run(
            [BIN / "ingressd", "--render", out],
            env=environment | settings,
            check=True,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return out / "haproxy.cfg"

    def route_all(self, port: int) -> str:
        """A ROUTING_MAP that sends every name to the backend at that port."""
        return f"*.{DOMAIN}=127.0.0.1:{port}"

    # ---- the contestants

    def ingress(self, key: str, title: str, **settings: str) -> Proxy:
        port = self.reserve()
        config = self.render(key, port, **settings)
        # As the supervisor starts it.
        environment = (
            f"OPENSSL_CONF={config.parent}/openssl.cnf",
            "GLIBC_TUNABLES=glibc.malloc.tcache_count=127",
        )
        argv = ["env", *environment, "haproxy", "-f", str(config)]
        return self.start(key, title, argv, port, PROXY_CPU)

    def serve_evidence(self, key: str, files: Mapping[str, str]) -> Child:
        """The evidence server of ingress(key, ...)."""
        evidence = self.folder / f"{key}.evidence"
        generation = evidence / "..gen-1"
        generation.mkdir(parents=True)
        for name, content in files.items():
            (generation / name).write_text(content)
        (evidence / "..data").symlink_to(generation.name)
        socket_path = self.folder / key / "chroot/evidence.sock"
        command = [BIN / "ingress-evidence", "serve", "--socket", socket_path]
        server = Child(
            pinned(LOAD_CPU, command),
            self.folder / f"{key}.evidence.log",
            env=clean_environment(EVIDENCE_DIR=str(evidence)),
        )
        self._running.callback(server.stop)
        server.wait_for(socket_path.exists, what="the evidence server to listen")
        socket_path.chmod(0o666)
        return server

    def other(
        self, key: str, title: str, template: str, argv: Sequence[str], **values: str
    ) -> Proxy:
        """A proxy with a configuration of its own, whose path comes last in `argv`."""
        port = self.reserve()
        config = self.write(
            f"{key}.conf",
            template,
            port=port,
            pem=self.pem,
            ciphers=CIPHERS,
            curves=CURVES,
            backend=f"127.0.0.1:{self.h1_port}",
            backend_host="127.0.0.1",
            backend_port=self.h1_port,
            **values,
        )
        return self.start(key, title, [*argv, str(config)], port, PROXY_CPU)

    def haproxy(self) -> Proxy:
        return self.other("haproxy", "HAProxy, one backend", PLAIN, ["haproxy", "-f"])

    def nginx(self) -> Proxy:
        return self.other("nginx", "nginx stream", NGINX, ["nginx", "-c"], half_close="off")

    def nginx_half_close(self) -> Proxy:
        """As the others do it: when one side ends, the other may go on. nginx costs less
        otherwise."""
        title = "nginx stream, proxy_half_close on"
        return self.other("nginx-half", title, NGINX, ["nginx", "-c"], half_close="on")

    def hitch(self) -> Proxy:
        return self.other("hitch", "hitch", HITCH, ["hitch", "--config"])

    def stunnel(self) -> Proxy:
        return self.other("stunnel", "stunnel", STUNNEL, ["stunnel4"])

    def _start_backend(self) -> None:
        big = self.folder / "big"
        with open(big, "wb") as file:
            file.truncate(FILE_SIZE - len(MARKER))
            file.seek(0, os.SEEK_END)
            file.write(MARKER.encode())
        big.chmod(0o644)
        config = self.write(
            "backend.conf", BACKEND, h1=self.h1_port, h2=self.h2_port, file=big, marker=MARKER
        )
        backend = self.start("backend", "", ["nginx", "-c", str(config)], self.h1_port, LOAD_CPU)
        wait_until(lambda: accepts(self.h2_port), what="the backend", detail=backend.child.log_tail)


@contextlib.contextmanager
def field(folder: Path) -> Iterator[Field]:
    with contextlib.ExitStack() as running:
        yield Field(folder, running)
