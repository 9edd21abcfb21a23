"""Cloudflare's tokens: wrong ones, weak ones, and that they stay where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi

from ..dns_bench import BAD_CONFIG, Bench, api_bench
from .zone import writes


def test_a_token_without_permission(tmp_path: Path, bind: Bind) -> None:
    with CloudflareApi(bind, permissions={"zone:read", "dns:read"}) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "CLOUDFLARE_API_TOKEN" in result.stdout
        assert writes(api) and all(r.status == 403 for r in api.requests("POST"))


@pytest.mark.parametrize("token", ["x" * 40, "short"])
def test_a_wrong_token(bench: Bench, api: CloudflareApi, token: str) -> None:
    result = bench.run("apply", CLOUDFLARE_API_TOKEN=token)
    assert result.returncode == BAD_CONFIG
    assert token not in result.stdout + result.stderr or token == "short"
    assert writes(api) == []


def test_the_token_stays_where_it_is(bench: Bench, api: CloudflareApi) -> None:
    """In headers only: bench.run looks for it in all that is said, on every path."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    echo = {"success": False, "errors": [{"code": 1, "message": f"token {api.token} is bad"}]}
    api.fault("status", times=None, status=403, body=echo)
    result = bench.run("apply", LOG_LEVEL="debug")
    assert result.returncode == BAD_CONFIG
    assert api.token not in json.dumps([(r.target, r.body) for r in api.requests()])
