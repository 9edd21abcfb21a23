"""What others write is printed and logged as text: it gives a terminal no orders, begins no line of
its own; and of a file that cannot be read nothing is quoted."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.ingress import Ingress
from support.lying_dns import CAA, TXT, lying_dns
from support.stack import Stack
from support.terminal import ORDERS, obeyed
from support.volume import Volume

from .conftest import World
from .dns_bench import ACCOUNT, Bench, api_bench, challenge

NAME = "app.demo.test"
SEEN = "\\x1b]0;owned\\x07\\nforged line\\r\\x7f\\u009b31m\\u202egnp.exe\\u200b\\u2028\\ufeff"
"""The same as people see it."""
KNOWN_CA = "https://acme-v02.api.letsencrypt.org:1/directory"
CANARY = "canary-7d1f0c"
SHADOW = f"root:$y$j9T${CANARY}:19000:0:99999:7:::\n{CANARY}\n"


def _only(stack: Stack) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}"}


def _all_that_is_said(ingress: Ingress) -> str:
    """By every command, and in the log."""
    said = [
        ingress.ctl(*command)
        for command in (("status",), ("status", "--json"), ("health",), ("dns", "plan"))
    ]
    return ingress.log + "".join(each.stdout + each.stderr for each in said)


def _served(world: World, **settings: str | None) -> Ingress:
    """A domain that is served by what the volume holds."""
    ingress = world.ingress(**_only(world.stack), **settings)
    ingress.wait_settled()
    return ingress


# ---- the CA


def test_the_uri_of_the_account(world: World) -> None:
    """The CA chooses it, as the Location of the new account.  One that is no URI is not used."""
    volume = Volume(world.make_stack())
    volume.put(NAME)
    (account,) = volume.path.glob("accounts/*/*/*/regr.json")
    uri = f"https://ca.test/{ORDERS}"
    account.write_text(json.dumps({"body": {}, "uri": uri}))
    ingress = _served(world)
    used = ingress.status()["acme"]["account"]
    assert used.startswith(f"{world.stack.pebble.origin}/my-account/")
    assert f"account {used}" in ingress.ctl("status").stdout
    assert f"ACME account {account.parent.name} is passed over" in ingress.log
    assert obeyed(_all_that_is_said(ingress)) is None


def test_the_ca_s_problem(world: World) -> None:
    stack = world.make_stack()
    problem = {"type": "urn:ietf:params:acme:error:malformed", "detail": ORDERS, "status": 403}
    stack.acme.fault(
        "status", times=None, status=403, body=problem, content_type="application/problem+json"
    )
    ingress = world.ingress(**_only(stack), LOG_LEVEL="debug")
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the refusal")
    assert "forged line" in told["error"], told["error"]
    assert obeyed(_all_that_is_said(ingress)) is None


# ---- the provider, and DNS


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind") as bind:
        yield bind


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_the_provider_s_refusal(tmp_path: Path, bind: Bind, status: int) -> None:
    with CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        body = {"success": False, "errors": [{"code": 1, "message": ORDERS}], "result": None}
        for command in (("plan", "--only", "alias"), ("list", NAME), ("preflight",)):
            api.clear_faults()
            api.fault("status", times=None, status=status, body=body)
            result = bench.run(*command)
            assert result.returncode != 0
            assert "forged line" in result.stderr
            assert obeyed(result.stdout + result.stderr) is None


def test_records_of_the_provider(tmp_path: Path, bind: Bind) -> None:
    """Anybody with access to the zone may have written them."""
    records = [
        {"id": f"{n}", "type": kind, "name": NAME, "content": ORDERS, "ttl": 60, "proxied": False}
        for n, kind in enumerate(("TXT", "MX", "\x1b[2J"))
    ]
    records.append({**records[0], "id": "9", "type": "CAA", "content": f'0 issue "{ORDERS}"',
                    "data": {"flags": 0, "tag": "issue", "value": ORDERS}})  # fmt: skip
    count = len(records)
    info = {"page": 1, "per_page": 100, "count": count, "total_count": count, "total_pages": 1}
    body = {"success": True, "errors": [], "messages": [], "result": records, "result_info": info}
    with CloudflareApi(bind) as api:
        # The CA is known by name; nobody has to be asked, and nobody is.
        settings = {"SET_CAA": "true", "ACME_SERVER": KNOWN_CA, "https_proxy": "http://127.0.0.1:1"}
        bench = api_bench(tmp_path, bind, api, **settings)
        for command in (("list", NAME), ("plan", "--account-uri", ACCOUNT)):
            api.clear_faults()
            api.fault("status", "dns_records", times=None, status=200, body=body)
            result = bench.run(*command)
            assert SEEN[:20] in result.stdout or command[0] == "plan"
            assert obeyed(result.stdout + result.stderr) is None


def test_records_in_dns(tmp_path: Path) -> None:
    """Where a program makes the records, those to be made by hand are told from what DNS has."""
    with lying_dns("demo.test", "127.0.0.6", (), "1") as liar:
        liar.eagerness = 0
        liar.records[(NAME, CAA)] = [b"\0\x05issue" + ORDERS.encode()]
        liar.records[(f"_dstack-app-address.{NAME}", TXT)] = [
            bytes([len(ORDERS.encode())]) + ORDERS.encode()
        ]
        variables = {
            "DNS_RESOLVERS": liar.server,
            "DNS_PORT": str(liar.port),
            "DNS_EXEC": "/bin/true",
            "SET_CAA": "true",
            "ACME_SERVER": KNOWN_CA,
            "https_proxy": "http://127.0.0.1:1",
        }
        bench = Bench(tmp_path, variables, [])
        result = bench.run("plan", "--account-uri", ACCOUNT)
        assert "0 issue" in result.stdout and "cannot be understood" in result.stdout
        assert obeyed(result.stdout + result.stderr) is None


# ---- the guest agent


class _RudeAgent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"error": ORDERS}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass


def test_the_guest_agent_s_complaint(world: World) -> None:
    volume = Volume(world.make_stack())
    volume.put(NAME)
    socket_path = Path(world.stack.run_dir).parent / "rude.sock"
    with _RudeAgent(str(socket_path), _RudeAgent.Handler) as agent:
        threading.Thread(target=agent.serve_forever, daemon=True).start()
        ingress = _served(world, DSTACK_SOCKET=str(socket_path))
        ingress.wait_status(
            lambda s: "forged line" in (s["evidence"]["error"] or ""), "the complaint"
        )
        assert obeyed(_all_that_is_said(ingress)) is None
        agent.shutdown()


# ---- clients


def test_clients(world: World) -> None:
    """What they send is in HAProxy's lines at the level debug, if anywhere."""
    volume = Volume(world.make_stack())
    volume.put(NAME)
    ingress = _served(world, LOG_LEVEL="debug")
    for first in (ORDERS.encode(), b"GET /" + ORDERS.encode() + b" HTTP/1.1\r\n\r\n",
                  b"PROXY " + ORDERS.encode() + b"\r\n"):  # fmt: skip
        for port in (ingress.port, ingress.evidence_port):
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                client.sendall(first)
                client.shutdown(socket.SHUT_WR)
                client.settimeout(10)
                with contextlib.suppress(OSError):
                    while client.recv(4096):
                        pass
    assert ingress.fetch(NAME).json()["name"] == "app"
    assert obeyed(_all_that_is_said(ingress)) is None


# ---- links on the volume


LINKS = (
    "dstack-ingress/state.json",
    "dstack-ingress/dns/0123456789abcdef0123456789abcdef.json",
    "accounts/{server}/0123456789abcdef/regr.json",
    "live/other.demo.test/fullchain.pem",
    "live/other.demo.test/privkey.pem",
    "live/{name}/fullchain.pem",
    "live/{name}/privkey.pem",
    "renewal/{name}.conf",
    "renewal/other.demo.test.conf",
    "cli.ini",
)


@pytest.mark.parametrize("path", LINKS)
@pytest.mark.parametrize("content", ["shadow", "json"])
def test_a_link_to_somebody_s_secret(world: World, path: str, content: str) -> None:
    """Root can read what it leads to."""
    stack = world.make_stack()
    volume = Volume(stack)
    volume.put(NAME)
    volume.put("other.demo.test")
    secret = world.directory / "secret"
    secret.write_text(SHADOW if content == "shadow" else json.dumps({CANARY: CANARY, "x": CANARY}))
    server = stack.acme.url.partition("://")[2]
    link = volume.path / path.format(server=server, name=NAME)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    ingress = world.ingress(**_only(stack), LOG_LEVEL="debug")
    ingress.wait_status(lambda s: s["haproxy"]["worker"] or s["haproxy"]["error"], "HAProxy")
    if "renewal" in path or "cli" in path:  # what certbot reads
        ingress.ctl("renew", NAME, "--force")
    said = _all_that_is_said(ingress)
    sweep = ingress.run("ingress-dns", "cleanup", "--all")
    preflight = ingress.run("ingress-dns", "preflight", **challenge(NAME, "v"))
    for each in (sweep, preflight):
        said += each.stdout + each.stderr
    assert CANARY not in said
