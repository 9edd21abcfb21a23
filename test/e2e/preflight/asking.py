"""What the tests of `ingress-dns preflight` ask, and about what."""

from __future__ import annotations

from ..dns_bench import ACCOUNT, FAILED, Bench

DOMAIN = "app.demo.test"
CHALLENGE = f"_acme-challenge.{DOMAIN}"
OTHERS = '0 issue "other-ca.test"'
OURS = '0 issue "ca.demo.test"'


def preflight(bench: Bench, *domains: str, **extra: str) -> str:
    return bench.ok("preflight", "--account-uri", ACCOUNT, *(domains or (DOMAIN,)), **extra)


def refusal(bench: Bench, *domains: str, status: int = FAILED, **extra: str) -> str:
    """What is said on standard error where an order must not be made."""
    result = bench.run(
        "preflight", "--account-uri", ACCOUNT, *(domains or (DOMAIN,)), **extra
    )
    assert result.returncode == status, result.stdout + result.stderr
    assert bench.noted() == []
    return result.stderr
