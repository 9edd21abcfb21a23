"""Cloudflare's tokens: malformed ones and weak ones."""

from __future__ import annotations

from pathlib import Path

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


def test_a_token_that_can_be_none(bench: Bench, api: CloudflareApi) -> None:
    """The API refuses its form, by another status than a wrong one's."""
    result = bench.run("apply", CLOUDFLARE_API_TOKEN="short")
    assert result.returncode == BAD_CONFIG
    assert writes(api) == []
