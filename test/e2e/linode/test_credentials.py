"""Linode's tokens: wrong ones, weak ones, and that they stay where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi

from ..dns_bench import BAD_CONFIG, FAILED, Bench, api_bench
from .zone import says, writes


@pytest.mark.parametrize("scopes", [(), ("domains:read_only",), ("account:read_write",)])
def test_a_token_without_permission(tmp_path: Path, bind: Bind, scopes: tuple[str, ...]) -> None:
    with LinodeApi(bind, scopes=scopes) as api:
        before = api.dump("demo.test")
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "Your OAuth token is not authorized to use this endpoint." in result.stdout
        assert "check LINODE_API_TOKEN" in result.stdout
        assert api.dump("demo.test") == before


def test_a_user_without_permission(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(bind, restricted=True) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "HTTP status 403, Unauthorized" in result.stdout


def test_a_wrong_token(bench: Bench, api: LinodeApi) -> None:
    token = "0" * 64
    result = bench.run("apply", LINODE_API_TOKEN=token)
    assert result.returncode == BAD_CONFIG
    assert "Invalid Token" in result.stdout
    assert token not in result.stdout + result.stderr
    assert writes(api) == []


def test_the_token_stays_where_it_is(bench: Bench, bind: Bind, api: LinodeApi) -> None:
    """In headers only, and at its host: bench.run looks for it in all that is said."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    api.fault("status", times=1, status=403, body=says(f"token {api.token} is bad"))
    result = bench.run("apply", LOG_LEVEL="debug")
    assert result.returncode == BAD_CONFIG
    assert "token ***" in result.stdout
    assert api.token not in json.dumps([(r.target, r.body) for r in api.requests()])
    with LinodeApi() as elsewhere:
        target = {"Location": f"{elsewhere.url}/domains"}
        api.fault("status", times=None, status=307, headers=target, body={"a": 1})
        assert bench.run("apply").returncode == FAILED
        assert elsewhere.requests() == []
