"""A challenge at Cloudflare whose second attempt is refused."""

from __future__ import annotations

from support.bind import Bind
from support.cloudflare_api import CloudflareApi

from ..dns_bench import BAD_CONFIG, Bench, challenge
from .zone import NAME


def test_a_refused_repetition_of_a_write_that_was_done(
    bench: Bench, bind: Bind, api: CloudflareApi
) -> None:
    """The value is there, whatever the second answer says: it has to be known for the cleanup."""
    refusal = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}
    api.fault("closed", "^POST", times=1, after=True)
    api.fault("status", "^POST", times=None, status=403, body=refusal)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == BAD_CONFIG
    assert bench.noted() == ["v"]
    bench.ok("cleanup", "--all")
    assert bind.query(NAME, "TXT") == []
    assert bench.noted() == []
