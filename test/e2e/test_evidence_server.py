"""ingress-evidence serve: HTTP as curl sees it, and its bounds."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import wait_until
from support.receive import receive

from .evidence_bench import Bench, bench, visible_names
from .evidence_http import ask, connect, curl, parse, read_to_end

CONNECTIONS_MAX = 256
IDLE_SECONDS = 15
REQUEST_SECONDS = 30
SLACK_SECONDS = 5

TYPES = {
    "acme-account.json": "application/json",
    "quote.json": "application/json",
    "cert-app.example.com.pem": "application/x-pem-file",
    "cert-*.example.com.pem": "application/x-pem-file",
    "sha256sum.txt": "text/plain; charset=utf-8",
}


@pytest.fixture(name="empty")
def _empty(tmp_path: Path) -> Iterator[Bench]:
    """Served before anything was published."""
    with bench(tmp_path) as made, made.serving():
        yield made


@pytest.fixture(name="served")
def _served(empty: Bench) -> Bench:
    empty.publish("app.example.com", "*.example.com")
    return empty


# ---- files


def test_before_the_first_generation_there_is_503(empty: Bench) -> None:
    for path in ("/evidences", "/evidences/", "/evidences/quote.json"):
        answer = curl(empty, path)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "no evidence yet" in json.loads(answer.body)["error"]
    assert curl(empty, "/").status == 404


@pytest.mark.parametrize("name", sorted(TYPES))
def test_each_file_is_served(served: Bench, name: str) -> None:
    content = (served.evidence / name).read_bytes()
    answer = curl(served, f"/evidences/{name}")
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers.items() >= {
        "content-type": TYPES[name],
        "content-length": str(len(content)),
        "etag": f'"{hashlib.sha256(content).hexdigest()}"',
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "access-control-allow-origin": "*",
    }.items()
    head = curl(served, f"/evidences/{name}", "--head")
    assert (head.status, head.body) == (200, b"")
    del head.headers["date"], answer.headers["date"]
    assert head.headers == answer.headers


@pytest.mark.parametrize("path", ["/evidences", "/evidences/", "/evidences/?x=y"])
def test_the_index_lists_the_files(served: Bench, path: str) -> None:
    answer = curl(served, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.body.decode()
    for name in visible_names(served.evidence):
        content = (served.evidence / name).read_bytes()
        assert f'<a href="/evidences/{name}">{name}</a>' in page
        assert f"<code>sha256 {hashlib.sha256(content).hexdigest()}</code>" in page
    assert '<link rel="icon" href="data:,">' in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_index_has_commands_for_the_host_that_was_asked(served: Bench) -> None:
    page = curl(served, "/evidences/", "-H", "Host: app.example.com:8443").body.decode()
    assert "ingressctl verify https://app.example.com:8443<" in page
    page = curl(served, "/evidences/", "-H", "Host: <script>").body.decode()
    assert "ingressctl verify https://HOST<" in page and "<script" not in page


def test_programs_get_the_index_as_json(served: Bench) -> None:
    answer = curl(served, "/evidences/", "-H", "Accept: application/json")
    assert answer.headers["content-type"] == "application/json"
    listed = {file["name"]: file for file in json.loads(answer.body)["files"]}
    assert sorted(listed) == sorted(visible_names(served.evidence))
    for name, file in listed.items():
        content = (served.evidence / name).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["path"] == f"/evidences/{name}"
    browser = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"
    answer = curl(served, "/evidences/", "-H", f"Accept: {browser}")
    assert answer.headers["content-type"].startswith("text/html")


def test_the_index_has_an_etag(served: Bench) -> None:
    first = curl(served, "/evidences/")
    again = curl(served, "/evidences/", "-H", f"If-None-Match: {first.headers['etag']}")
    assert (again.status, again.body) == (304, b"")
    head = curl(served, "/evidences/", "--head")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == first.headers["etag"]
    assert "Accept" in first.headers["vary"]
    served.publish("app.example.com")
    assert curl(served, "/evidences/").headers["etag"] != first.headers["etag"]


def test_a_new_generation_is_served_at_once(served: Bench) -> None:
    before = curl(served, "/evidences/quote.json")
    served.publish("app.example.com")
    after = curl(served, "/evidences/quote.json")
    assert after.body == (served.evidence / "quote.json").read_bytes() != before.body
    assert curl(served, "/evidences/cert-*.example.com.pem").status == 404


def test_every_answer_is_whole_while_generations_change(served: Bench) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(lambda: [served.publish("app.example.com") for _ in range(30)])
        answers = 0
        while not publishing.done():
            answer = curl(served, "/evidences/quote.json")
            assert answer.status == 200
            assert answer.headers["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
            answers += 1
        publishing.result()
    assert answers > 10


# ---- conditions and methods


def test_a_known_etag_gets_304(served: Bench) -> None:
    etag = curl(served, "/evidences/quote.json").headers["etag"]
    for condition in (etag, f"W/{etag}", f'"x", {etag}', f'"x",W/{etag},"y"', "*"):
        answer = curl(served, "/evidences/quote.json", "-H", f"If-None-Match: {condition}")
        assert (answer.status, answer.body) == (304, b""), condition
        assert answer.headers["etag"] == etag
        assert "content-length" not in answer.headers
    for condition in ('"x"', etag[:-2] + '"', etag.strip('"'), "x" + etag, ""):
        answer = curl(served, "/evidences/quote.json", "-H", f"If-None-Match: {condition}")
        assert answer.status == 200, condition


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_get_405(served: Bench, method: str) -> None:
    answer = curl(served, "/evidences/quote.json", "-X", method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "error" in json.loads(answer.body)


def test_a_method_with_a_body_gets_405_too(served: Bench) -> None:
    assert curl(served, "/evidences/", "-d", "a=b").status == 405


def test_an_unknown_method_is_refused(served: Bench) -> None:
    assert curl(served, "/evidences/", "-X", "FROB").status == 501


# ---- paths


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/favicon.ico",
        "/evidencesX",
        "/evidences//",
        "/evidences/nothing",
        "/evidences/quote.json/",
        "/evidences//quote.json",
        "/evidences/./quote.json",
        "/evidences/../evidences/quote.json",
        "/evidences/..data/quote.json",
        "/evidences/..data",
        "/evidences/%2e%2edata/quote.json",
        "/evidences/../../../../etc/passwd",
        "/evidences/%2e%2e/%2e%2e/etc/passwd",
        "/evidences/..%2f..%2fetc%2fpasswd",
        "/evidences/..%252f..%252fetc%252fpasswd",
        "/evidences/%2fetc%2fpasswd",
        "/evidences//etc/passwd",
        "/evidences/quote.json%00",
        "/evidences/quote.json%00.txt",
        "/evidences/cert-%252a.example.com.pem",
        "/evidences/QUOTE.JSON",
        "/evidences/.",
        "/evidences/..",
        "/evidences/%",
        "/%00/evidences/quote.json",
    ],
)
def test_what_is_not_there_gets_404(served: Bench, path: str) -> None:
    answer = curl(served, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert "error" in json.loads(answer.body)
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/evidences/cert-%2A.example.com.pem",
        "/evidences/cert-%2a.example.com.pem?query=%2f..",
        "/%65vidences/%63ert-*.example.com.pem",
    ],
)
def test_percent_signs_are_decoded_once(served: Bench, path: str) -> None:
    content = (served.evidence / "cert-*.example.com.pem").read_bytes()
    assert curl(served, path).body == content


# ---- requests that are out of bounds


def test_large_headers_are_refused(served: Bench) -> None:
    assert curl(served, "/evidences/", "-H", f"X: {'x' * 7000}").status == 200
    assert curl(served, "/evidences/", "-H", f"X: {'x' * 9000}").status in (400, 413)
    many = [option for number in range(300) for option in ("-H", f"X-{number}: {'x' * 30}")]
    assert curl(served, "/evidences/", *many).status in (400, 413)
    assert curl(served, f"/evidences/{'x' * 9000}").status in (400, 413)


def test_large_bodies_are_refused_unread(served: Bench) -> None:
    raw = b"POST /evidences/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    assert parse(ask(served, raw + b"x")).status == 413


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE"])
@pytest.mark.parametrize(
    "length",
    [
        b"Content-Length: %d",
        b"Content-Length: 0\r\nContent-Length: %d",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: x",
    ],
)
def test_a_body_is_never_taken_for_a_request(served: Bench, method: bytes, length: bytes) -> None:
    inner = b"GET /evidences/quote.json HTTP/1.1\r\nHost: x\r\n\r\n"
    field = length.replace(b"%d", str(len(inner)).encode())
    head = method + b" /evidences/ HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner) if b"chunked" in field else inner
    received = ask(served, head + body)
    assert received.count(b"HTTP/1.1 ") == 1
    assert parse(received).status in (400, 405)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n"])
def test_a_body_without_a_byte_is_none(served: Bench, method: bytes, end: bytes) -> None:
    head = method + b" /evidences/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert parse(ask(served, head + end)).status == 200


@pytest.mark.parametrize(
    "raw", [b"\r\n" * 3, b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 9000]
)
def test_nonsense_does_no_harm(served: Bench, raw: bytes) -> None:
    with connect(served) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        read_to_end(connection)
    assert curl(served, "/evidences/").status == 200


def test_connections_are_kept_between_requests(served: Bench) -> None:
    request = b"GET /evidences/sha256sum.txt HTTP/1.1\r\nHost: x\r\n%s\r\n"
    content = (served.evidence / "sha256sum.txt").read_bytes()
    with connect(served) as connection:
        for _ in range(3):
            connection.sendall(request % b"")
            received = b""
            while not received.endswith(content):
                assert (more := receive(connection, 1)), "the connection ended amid an answer"
                received += more
        connection.sendall(request % b"Connection: close\r\n")
        assert read_to_end(connection).endswith(content)


# ---- clients that are slow, or many


def is_gone(connection: socket.socket) -> bool:
    """Whether the server has hung up on a connection that does not block."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_silent_clients_are_hung_up_on(served: Bench) -> None:
    started = time.monotonic()
    with connect(served) as silent, connect(served) as stopped:
        silent.setblocking(False)
        stopped.setblocking(False)
        stopped.sendall(b"GET /evidences/ HTTP/1.1\r\nHost")
        assert curl(served, "/evidences/").status == 200
        wait_until(
            lambda: is_gone(silent) and is_gone(stopped),
            what="the silent clients to be gone",
            deadline=IDLE_SECONDS + SLACK_SECONDS,
        )
    assert time.monotonic() - started >= IDLE_SECONDS - 1


def test_a_client_that_sends_drop_by_drop_is_hung_up_on(served: Bench) -> None:
    started = time.monotonic()
    with connect(served) as dripping:
        dripping.setblocking(False)
        dripping.sendall(b"GET /evidences/ HTTP/1.1\r\nX: ")

        def dripped_out() -> bool:
            try:
                dripping.send(b"x")
            except BrokenPipeError:
                return True
            return is_gone(dripping)

        wait_until(
            dripped_out,
            what="the dripping client to be gone",
            deadline=REQUEST_SECONDS + SLACK_SECONDS,
        )
    assert time.monotonic() - started >= REQUEST_SECONDS - 1


def test_connections_past_the_maximum_wait(served: Bench) -> None:
    crowd = [connect(served) for _ in range(CONNECTIONS_MAX)]
    try:
        with connect(served) as waiting:
            waiting.sendall(b"GET /evidences/ HTTP/1.0\r\n\r\n")
            waiting.settimeout(1)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            crowd.pop().close()
            waiting.settimeout(20)
            assert parse(read_to_end(waiting)).status == 200
    finally:
        for connection in crowd:
            connection.close()
    assert curl(served, "/evidences/").status == 200


def test_clients_that_do_not_read_make_room_for_others(served: Bench) -> None:
    """The answer is more than the socket takes, so the server has to wait for them."""
    (served.evidence / "..data" / "large.txt").write_bytes(b"x" * 300_000)
    with contextlib.ExitStack() as held:
        for _ in range(CONNECTIONS_MAX):
            stalled = held.enter_context(connect(served))
            stalled.sendall(b"GET /evidences/large.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        # Were the others not waiting, each of them would have IDLE_SECONDS.
        # A client that is slow to send its request may itself have to make room: it tries again.
        again = ("--retry", "3", "--retry-all-errors", "--max-time", str(IDLE_SECONDS - 3))
        assert curl(served, "/evidences/", *again).status == 200


def test_many_short_connections_are_not_held_up(served: Bench) -> None:
    started = time.monotonic()
    for _ in range(4 * CONNECTIONS_MAX):
        assert ask(served, b"GET /evidences/sha256sum.txt HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")
    # Were each kept until a time-out ends it, this would take many minutes.
    assert time.monotonic() - started < 6 * SLACK_SECONDS
