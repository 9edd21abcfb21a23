"""The faults that every emulator can commit, and its log."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from support.http_service import HttpService, Request, Response


class Counter(HttpService):
    """Counts what was carried out, whether or not the client got to know."""

    held = ("done",)
    done = 0

    def respond(self, request: Request) -> Response:
        if request.path == "/defect":
            raise KeyError("a defect")
        self.done += 1
        return Response.of_json({"done": self.done, "query": request.query})


@pytest.fixture
def service() -> Iterator[Counter]:
    with Counter() as running:
        yield running


def ask(
    service: HttpService, target: str = "/", method: str = "GET", body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    client = http.client.HTTPConnection(service.host, service.port, timeout=0.5)
    client.request(method, target, body=body, headers={"Authorization": "Bearer secret"})
    answer = client.getresponse()
    content = answer.read()
    client.close()
    return answer, content


def test_the_log_has_everything_but_the_credential(service: Counter) -> None:
    ask(service, "/a?b=c%20d", "POST", b"content")
    ask(service)
    (logged,) = service.requests("POST")
    assert (logged.target, logged.body, logged.status) == ("/a?b=c%20d", "content", 200)
    assert len(service.requests()) == 2
    assert "secret" not in repr(service.requests())
    service.forget_requests()
    assert service.requests() == []


@pytest.mark.parametrize("kind", ["closed", "reset", "hang"])
@pytest.mark.parametrize("after", [False, True])
def test_no_answer_before_or_after_the_deed(service: Counter, kind: str, after: bool) -> None:
    service.fault(kind, after=after)
    with pytest.raises((ConnectionError, TimeoutError)):
        ask(service)
    assert service.done == int(after)
    assert service.requests()[0].status == 0
    assert ask(service)[0].status == 200


def test_a_status_with_html_json_and_headers(service: Counter) -> None:
    service.fault("status", status=502)
    answer, content = ask(service)
    assert (answer.status, answer.getheader("Content-Type")) == (502, "text/html")
    assert content.startswith(b"<html>")
    service.fault("status", status=429, body={"a": 1}, headers={"Retry-After": "3"})
    answer, content = ask(service)
    assert (answer.status, answer.getheader("Retry-After")) == (429, "3")
    assert json.loads(content) == {"a": 1}
    assert service.done == 0


def test_a_truncated_answer_is_noticeable_and_an_empty_one_is_not(service: Counter) -> None:
    service.fault("truncated")
    with pytest.raises(http.client.IncompleteRead):
        ask(service)
    service.fault("empty")
    answer, content = ask(service)
    assert (answer.status, content) == (200, b"")
    assert service.done == 2


def test_a_wrong_content_type(service: Counter) -> None:
    service.fault("content_type", content_type="text/html; charset=utf-8")
    answer, content = ask(service)
    assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
    assert json.loads(content)["done"] == 1


def test_a_fault_hits_what_it_matches_as_often_as_it_was_told_to(service: Counter) -> None:
    fault = service.fault("status", match=r"^POST /a\?x=", times=2)
    assert [
        ask(service, target, method)[0].status
        for method, target in [
            ("GET", "/a?x=1"),
            ("POST", "/b?x=1"),
            ("POST", "/a?x=1"),
            ("POST", "/a?x=2"),
            ("POST", "/a?x=3"),
        ]
    ] == [200, 200, 503, 503, 200]
    assert fault.hits == 2


def test_a_fault_without_end_lasts_until_it_is_cleared(service: Counter) -> None:
    service.fault("status", times=None)
    assert {ask(service)[0].status for _ in range(5)} == {503}
    service.clear_faults()
    assert ask(service)[0].status == 200


def test_a_hanging_client_does_not_keep_the_service_from_stopping(service: Counter) -> None:
    service.fault("hang")
    client = http.client.HTTPConnection(service.host, service.port, timeout=5)
    client.request("GET", "/")
    service.stop()
    with pytest.raises(ConnectionError):
        client.getresponse()
    client.close()


def test_a_defect_of_an_emulator_fails_the_test_that_meets_it() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)GET /defect.*a defect"):
        with Counter() as service:
            assert ask(service, "/defect")[0].status == 500


def test_a_fault_that_nobody_knows_is_a_defect() -> None:
    with pytest.raises(RuntimeError, match="no such kind of fault here: earthquake"):
        with Counter() as service:
            service.fault("earthquake")
            ask(service)


def test_a_fault_that_lets_some_requests_pass(service: Counter) -> None:
    fault = service.fault("status", match="^GET", skip=2)
    assert [ask(service)[0].status for _ in range(2)] == [200, 200]
    assert ask(service, method="POST", body=b"")[0].status == 200
    assert [ask(service)[0].status for _ in range(2)] == [503, 200]
    assert (fault.hits, service.done) == (1, 4)


def test_the_world_changes_before_the_answer(service: Counter) -> None:
    def write() -> None:
        service.done += 10

    service.fault("meanwhile", call=write)
    assert json.loads(ask(service)[1])["done"] == 11
    service.fault("closed", call=service.down)
    with pytest.raises(ConnectionError):
        ask(service)
    with pytest.raises(ConnectionRefusedError):
        ask(service)
    service.up()
    assert json.loads(ask(service)[1])["done"] == 12


def test_what_was_kept_comes_back(service: Counter) -> None:
    ask(service)
    kept = service.keep()
    ask(service)
    service.fault("closed", times=None)
    service.bring_back(kept)
    assert service.requests() == []
    assert json.loads(ask(service)[1])["done"] == 2


def test_headers_are_found_in_any_case(service: Counter) -> None:
    with socket.create_connection((service.host, service.port), 5) as client:
        client.sendall(b"POST / HTTP/1.1\r\ncontent-LENGTH: 2\r\nCONNECTION: Close\r\n\r\n")
        client.sendall(b"ab")
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")
    assert service.requests()[0].body == "ab"


def test_several_requests_in_one_piece(service: Counter) -> None:
    with socket.create_connection((service.host, service.port), 5) as client:
        client.sendall(b"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n"
                       b"Connection: close\r\n\r\n")  # fmt: skip
        assert client.makefile("rb").read().count(b"HTTP/1.1 200 OK\r\n") == 2
    assert [(r.target, r.body) for r in service.requests()] == [("/1", "ab"), ("/2", "")]


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nno header\r\n\r\n", b"GET /\r\n\r\n"])
def test_what_is_no_request(service: Counter, sent: bytes) -> None:
    with socket.create_connection((service.host, service.port), 5) as client:
        client.sendall(sent)
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 400 ")


def test_one_by_one_a_fault_hits_no_connection_that_was_used_before() -> None:
    """A client may repeat by itself what fails there."""
    with Counter() as service:
        service.one_by_one = True
        client = http.client.HTTPConnection(service.host, service.port, timeout=5)
        client.request("GET", "/")
        answer = client.getresponse()
        answer.read()
        assert answer.getheader("Connection") is None
        fault = service.fault("closed", skip=1)
        assert client.sock.recv(1) == b""
        client.close()
        assert ask(service)[0].getheader("Connection") == "close"
        with pytest.raises(ConnectionError):
            ask(service)
        assert fault.hits == 1
        assert ask(service)[0].getheader("Connection") is None
