"""The app and the evidence in every order, by the clients people script with."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.far_away import FarAway
from support.process import clean_environment

from .site import SUMS, WEB, Site

ACCOUNT = "/evidences/acme-account.json"
DEADLINE = 60.0
ROUND_TRIP = 0.1

ORDERS = {
    "evidence first": (SUMS, "/a"),
    "app first": ("/a", SUMS),
    "both twice, evidence first": (SUMS, "/a", ACCOUNT, "/b"),
    "both twice, app first": ("/a", SUMS, "/b", ACCOUNT),
    "evidence only": (SUMS, ACCOUNT, SUMS),
}


def _run(argv: list[str]) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        argv,
        capture_output=True,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done


def _who(body: bytes) -> str:
    """Who gave the answer."""
    if re.match(rb"[0-9a-f]{64}  ", body) or b"/my-account/" in body:
        return "evidence"
    return str(json.loads(body)["name"])


def _curl(
    site: Site, directory: Path, paths: tuple[str, ...], *options: str, port: int | None = None
) -> list[str]:
    """All in one process, which keeps its connection if it is let; who answered each."""
    argv = ["curl", "-sS", "--fail", "--noproxy", "*", "--cacert", str(site.roots()), *options]
    if "--parallel" not in options:
        argv.append("--fail-early")  # or its status would be that of the last one
    port = port or site.ingress.port
    argv += ["--resolve", f"{WEB}:{port}:127.0.0.1"]
    files = [directory / f"answer-{number}" for number in range(len(paths))]
    for path, file in zip(paths, files):
        argv += ["-o", str(file), f"https://{WEB}:{port}{path}"]
    _run(argv)
    return [_who(file.read_bytes()) for file in files]


def _wget(site: Site, directory: Path, paths: tuple[str, ...]) -> list[str]:
    """One process, too. It knows no --resolve: the address is in the URL, so no name in TLS."""
    answers = directory / "answers"
    urls = [site.url(path, "127.0.0.1") for path in paths]
    _run(["wget", "-q", "--no-check-certificate", "--save-headers", "-O", str(answers), *urls])
    bodies = re.split(rb"HTTP/1\.1 200 OK\r\n.*?\r\n\r\n", answers.read_bytes(), flags=re.DOTALL)
    return [_who(body) for body in bodies[1:]]


def _right(paths: tuple[str, ...]) -> list[str]:
    return ["evidence" if path.startswith("/evidences/") else "web" for path in paths]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_routed_by_request(
    by_request: Site, tmp_path: Path, version: str, order: str
) -> None:
    paths = ORDERS[order]
    assert _curl(by_request, tmp_path, paths, version) == _right(paths)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_routed_by_connection(by_connection: Site, tmp_path: Path, version: str) -> None:
    """What began with evidence is closed behind it or leads to both; what began with the app is
    the app's."""

    def who(*paths: str) -> list[str]:
        return _curl(by_connection, tmp_path, paths, version)

    assert who(SUMS, "/a") == ["evidence", "web"]
    assert who(SUMS, ACCOUNT, "/a") == ["evidence", "evidence", "web"]
    assert who("/a", SUMS) == ["web", "web"]
    again = "evidence" if version == "--http2" else "web"
    assert who(SUMS, "/a", ACCOUNT) == ["evidence", "web", again]
    for path in ("/a", SUMS, "/b", ACCOUNT):
        assert who(path) == _right((path,))


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_from_far_away(either: Site, tmp_path: Path, version: str) -> None:
    """What ends a connection would cross the next request on it."""
    paths = (SUMS, ACCOUNT, SUMS, "/a")
    with FarAway(either.ingress.port, ROUND_TRIP) as way:
        assert _curl(either, tmp_path, paths, version, port=way.port) == _right(paths)
        assert _curl(either, tmp_path, paths[2:], version, port=way.port) == _right(paths[2:])


def test_curl_in_parallel(either: Site, tmp_path: Path) -> None:
    """On one connection of HTTP/2; evidence first, which both modes do right."""
    paths = (SUMS, "/a", ACCOUNT, "/b")
    options = ("--http2", "--parallel", "--no-progress-meter")
    assert _curl(either, tmp_path, paths, *options) == _right(paths)


@pytest.mark.parametrize("order", ORDERS)
def test_wget_routed_by_request(by_request: Site, tmp_path: Path, order: str) -> None:
    paths = ORDERS[order]
    assert _wget(by_request, tmp_path, paths) == _right(paths)


def test_wget_routed_by_connection(by_connection: Site, tmp_path: Path) -> None:
    assert _wget(by_connection, tmp_path, (SUMS, "/a")) == ["evidence", "web"]
    assert _wget(by_connection, tmp_path, ("/a", SUMS, "/b")) == ["web", "web", "web"]


def _nghttp(site: Site, paths: tuple[str, ...]) -> dict[str, str]:
    """Status by path; all on one connection, at once."""
    urls = [site.url(path, "127.0.0.1") for path in paths]
    done = _run(["nghttp", "--no-verify-peer", "--verbose", "--null-out", *urls])
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode())
    sent = dict(
        re.findall(r"send HEADERS frame <.*?stream_id=(\d+)>.*?:path: (\S+)", text, re.DOTALL)
    )
    answers = dict(re.findall(r"recv \(stream_id=(\d+)\) :status: (\d+)", text))
    answers |= dict(
        re.findall(r"recv RST_STREAM frame <.*?stream_id=(\d+)>\s*\(error_code=(\w+)", text)
    )
    return {path: answers[stream] for stream, path in sent.items()}


def test_nghttp_routed_by_request(by_request: Site) -> None:
    for paths in ORDERS.values():
        assert _nghttp(by_request, paths) == {path: "200" for path in paths}


def test_nghttp_routed_by_connection(by_connection: Site) -> None:
    """It asks for all at once and repeats nothing."""
    assert _nghttp(by_connection, (SUMS, ACCOUNT)) == {SUMS: "200", ACCOUNT: "200"}
    assert _nghttp(by_connection, ("/a", "/b")) == {"/a": "200", "/b": "200"}
    assert _nghttp(by_connection, (SUMS, "/a")) == {SUMS: "200", "/a": "200"}
