"""Every provider with an HTTP API, emulated: credentials never follow a redirect."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bind import Bind
from support.dns_api import EMULATORS, DnsApi, emulator
from support.http_service import HttpService, Request, Response

from .dns_bench import Bench, api_bench, challenge

STATUSES = (301, 302, 303, 307, 308)


class OtherHost(HttpService):
    """Writes down everything that it is sent, to the last header."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[str] = []

    def respond(self, request: Request) -> Response:
        self.received.append(f"{request.line}\n{request.headers}\n{request.body.decode()}")
        return Response(200)


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "bind") as started:
        yield started


@pytest.fixture(name="other")
def _other() -> Iterator[OtherHost]:
    with OtherHost() as started:
        yield started


@pytest.fixture(name="api", params=EMULATORS)
def _api(request: pytest.FixtureRequest, bind: Bind) -> Iterator[DnsApi]:
    with emulator(request.param, bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: DnsApi) -> Bench:
    return api_bench(tmp_path, bind, api)


@pytest.mark.parametrize("status", STATUSES)
def test_another_host_gets_nothing(
    bench: Bench, api: DnsApi, other: OtherHost, status: int
) -> None:
    urllib.request.urlopen(other.origin, timeout=5).close()
    assert len(other.received) == 1, "it hears what comes"
    redirect = api.fault(
        "status", times=None, status=status, body="", headers={"Location": f"{other.origin}/x"}
    )
    for arguments in (["plan"], ["apply"], ["auth"]):
        result = bench.run(*arguments, **challenge("app.demo.test", "v"))
        assert result.returncode != 0
        assert f"HTTP status {status}" in result.stdout + result.stderr
    assert redirect.hits >= 3
    assert len(other.received) == 1


def test_nor_does_it_when_only_writes_are_redirected(
    bench: Bench, api: DnsApi, bind: Bind, other: OtherHost
) -> None:
    """The reads go well, so that a request with a body is next."""
    before = api.dump("demo.test")
    writes = api.fault(
        "status",
        # Namecheap's API takes reads by POST as well.
        match="^(POST|PUT|PATCH|DELETE) ",
        times=None,
        status=307,
        body="",
        headers={"Location": f"{other.origin}/x"},
    )
    assert bench.run("apply").returncode != 0
    assert writes.hits >= 1
    assert other.received == []
    assert api.dump("demo.test") == before
    assert bind.query("app.demo.test", "CNAME") == []
