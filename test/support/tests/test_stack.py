"""The whole set up at once."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.stack import Stack

UNIX_SOCKET_MAX = 100


def test_the_environment_fits_what_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/somewhere")
    with Stack(tmp_path) as stack:
        environment = stack.environment(SET_CAA="true", APP_ID=None)
        assert "SSL_CERT_FILE" not in environment
        assert (environment["SET_CAA"], environment.get("APP_ID")) == ("true", None)
        address, port = environment["RFC2136_SERVER"].split(":")
        with socket.create_connection((address, int(port)), timeout=5):
            assert environment["DNS_PORT"] == port
        assert stack.bind.query(environment["GATEWAY_DOMAIN"], "A") == ["127.0.0.1"]
        assert environment["ACME_SERVER"] == stack.acme.url
        assert Path(environment["ACME_CA_BUNDLE"]).is_file()
        for route, name in zip(environment["ROUTING_MAP"].splitlines(), ["app", "api"]):
            domain, _, target = route.partition("=")
            assert domain == f"{name}.demo.test"
            with urllib.request.urlopen(f"http://{target}/", timeout=5) as answer:
                assert json.load(answer)["name"] == name


def test_sockets_fit_and_other_users_can_reach_them_wherever_the_test_lives(
    tmp_path: Path,
) -> None:
    long_directory = tmp_path / ("long" * 40)
    long_directory.mkdir()
    with Stack(long_directory, guest_agent="dstack") as stack:
        environment = stack.environment()
        assert stack.agent is not None
        assert Path(environment["DSTACK_SOCKET"]) == stack.agent.socket
        for path in (environment["DSTACK_SOCKET"], environment["RUN_DIR"] + "/" + "s" * 40):
            assert len(os.fsencode(path)) < UNIX_SOCKET_MAX
        public = Path(environment["RUN_DIR"]).parent
        assert public.stat().st_mode & 0o777 == 0o755
        assert "APP_ID" not in environment
    assert not public.exists()


def test_cloudflare_as_the_provider(tmp_path: Path) -> None:
    with Stack(tmp_path, provider="cloudflare", second_server=True) as stack:
        environment = stack.environment()
        assert stack.dns_api is not None
        assert stack.dns_api.settings.items() <= environment.items()
        assert not [name for name in environment if name.startswith("RFC2136")]
        assert stack.bind.second.query("gateway.demo.test", "A") == ["127.0.0.1"]


def test_a_part_that_does_not_start_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path, zones=["not a zone"])
    with pytest.raises((ValueError, ChildProcessError)):
        stack.start()
    assert not stack.run_dir.parent.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((stack.app.host, stack.app.port), timeout=5)


def test_many_at_once(tmp_path: Path) -> None:
    def start(number: int) -> str:
        directory = tmp_path / str(number)
        directory.mkdir()
        with Stack(directory) as stack:
            stack.bind.add("mine.demo.test", 60, "TXT", str(number))
            assert stack.bind.query("mine.demo.test", "TXT") == [str(number)]
            return stack.environment()["PORT"]

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(start, range(4)))) == 4
