"""Linode's tokens and users that may do too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bind import Bind
from support.linode_api import LinodeApi

from ..dns_bench import BAD_CONFIG, api_bench


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
