"""The front that gives Pebble's directory the CA's names, and its faults."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from support.acme_directory import AcmeDirectory
from support.pebble import Pebble


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    directory = tmp_path_factory.mktemp("acme")
    # No name is asked for, so no DNS server runs.
    with Pebble(directory, "127.0.0.1:1") as running:
        yield running


@pytest.fixture
def front(pebble: Pebble) -> Iterator[AcmeDirectory]:
    with AcmeDirectory(pebble, ["ca.demo.test", "ca2.demo.test"]) as running:
        yield running


def fetch(front: AcmeDirectory, url: str | None = None, timeout: float = 5) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(front._pebble.ca_bundle))
    with urllib.request.urlopen(url or front.url, timeout=timeout, context=context) as answer:
        return dict(json.load(answer))


def test_only_the_identities_differ_from_pebbles_own(front: AcmeDirectory, pebble: Pebble) -> None:
    directory = fetch(front)
    assert directory["meta"].pop("caaIdentities") == ["ca.demo.test", "ca2.demo.test"]
    # The same CA bundle is good for Pebble itself.
    assert directory == fetch(front, pebble.directory_url)


def test_a_client_that_does_not_know_the_authority_gets_nothing(front: AcmeDirectory) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(front.url, timeout=5, context=ssl.create_default_context())
    assert front.requests() == []


@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_refusal_is_a_problem_document(front: AcmeDirectory, retry_after: str) -> None:
    refusal = front.refuse(429, retry_after=retry_after, times=1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(front)
    with refused.value as answer:
        assert (answer.code, answer.headers["Retry-After"]) == (429, retry_after)
        assert json.load(answer)["type"] == "urn:ietf:params:acme:error:rateLimited"
    assert refusal.hits == 1
    assert "meta" in fetch(front)


def test_a_hang_ends_with_the_clients_patience(front: AcmeDirectory) -> None:
    front.fault("hang")
    with pytest.raises(TimeoutError):
        fetch(front, timeout=0.1)
    assert "meta" in fetch(front)


def test_it_can_be_down_and_come_back_on_the_same_port(front: AcmeDirectory) -> None:
    front.down()
    with pytest.raises(urllib.error.URLError, match="refused"):
        fetch(front)
    front.up()
    assert "meta" in fetch(front)
