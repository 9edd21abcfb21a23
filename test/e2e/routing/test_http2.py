"""EVIDENCE_ROUTING=request: HTTP/2, request by request, to an app that speaks it in the clear."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.h2_client import H2Answer
from support.web_app import pattern

from .site import SUMS, Site

LARGE = 8 * 1024 * 1024
REFUSED_STREAM = 7


def _told(answer: H2Answer) -> dict[str, object]:
    return dict(json.loads(answer.body))


def test_each_request_of_a_connection_is_routed_by_itself(by_request: Site) -> None:
    sums = by_request.sums()
    with by_request.h2() as client:
        for number in range(3):
            told = _told(client.get(f"/app/{number}"))
            assert (told["path"], told["version"]) == (f"/app/{number}", "2")
            assert client.get(SUMS).body == sums
        assert b"<h1>Evidence</h1>" in client.get("/evidences").body
        assert _told(client.get("/evidencesX"))["name"] == "web"


def test_streams_of_both_kinds_at_once(by_request: Site) -> None:
    paths = [SUMS if n % 5 == 0 else f"/{n}" for n in range(40)]
    with by_request.h2() as client:
        answers = client.get_all(paths)
    for path, answer in zip(paths, answers):
        if path == SUMS:
            assert answer.body == by_request.sums()
        else:
            assert _told(answer)["path"] == path


def test_large_bodies_both_ways(by_request: Site) -> None:
    content = pattern(LARGE)
    with by_request.h2() as client:
        told = _told(client.request("PUT", "/upload", body=content))
        assert (told["length"], told["sha256"]) == (LARGE, hashlib.sha256(content).hexdigest())
        assert bytes(client.get(f"/download?bytes={LARGE}").body) == content


@pytest.mark.parametrize("size", [12 * 1024, 28 * 1024])
def test_large_heads_pass(by_request: Site, size: int) -> None:
    cookie = {"cookie": "x" * size}
    with by_request.h2() as client:
        assert int(str(_told(client.get("/", headers=cookie))["header_bytes"])) > size
        assert client.get(SUMS, headers=cookie).body == by_request.sums()


def test_a_head_that_is_too_large_is_refused(by_request: Site) -> None:
    with by_request.h2() as client:
        try:
            answer = client.get("/", headers={"cookie": "x" * 60_000})
        except ConnectionError:
            return
        assert answer.reset is not None or answer.status in (400, 431)


def test_methods_other_than_get_and_head_do_not_reach_the_evidence(by_request: Site) -> None:
    with by_request.h2() as client:
        assert client.request("POST", SUMS, body=b"abc").status == 405
        head = client.request("HEAD", SUMS)
        assert int(head.headers["content-length"]) == len(by_request.sums())
        assert not head.body


def test_a_stream_given_up_leaves_the_others(by_request: Site) -> None:
    with by_request.h2() as client:
        client.cancel(client.send("GET", f"/download?bytes={LARGE}"))
        assert _told(client.get("/still"))["path"] == "/still"
        assert client.get(SUMS).status == 200


def test_routed_by_connection_evidence_refuses_requests_for_the_app(by_connection: Site) -> None:
    """... in a way that says: ask again, on another connection. Then it closes this one."""
    with by_connection.h2() as client:
        sums, app, quote = client.get_all([SUMS, "/app", "/evidences/quote.json"])
        assert sums.body == by_connection.sums()
        assert app.reset == REFUSED_STREAM
        assert quote.status == 200
        client.wait_end()
        assert client.goaway


def test_routed_by_connection_the_app_keeps_what_began_with_it(by_connection: Site) -> None:
    with by_connection.h2() as client:
        assert _told(client.get("/app"))["path"] == "/app"
        assert _told(client.get(SUMS))["path"] == SUMS
