"""Alias, TXT and CAA records at Cloudflare, as its API takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi

from ..dns_bench import APP_ID, FAILED, Bench, api_bench
from .zone import TXT_NAME, content


def test_records_are_not_proxied(bench: Bench, api: CloudflareApi) -> None:
    before = api.records("demo.test")
    bench.ok("apply")
    new = [record for record in api.records("demo.test") if record not in before]
    assert sorted((r["type"], r["name"], r["proxied"]) for r in new) == [
        ("CNAME", "app.demo.test", False),
        ("TXT", TXT_NAME, False),
    ]


def test_an_apex_with_name_servers_of_others(bench: Bench, api: CloudflareApi) -> None:
    """Secondary ones, say. They are shown, the SOA record is not."""
    api.seed("demo.test", "NS", "demo.test", "ns1.secondary.test")
    bench.ok("apply", "--only", "alias", DOMAINS="demo.test")
    assert content(api, "demo.test", "CNAME") == ["gateway.demo.test"]
    assert content(api, "demo.test", "NS") == ["ns1.secondary.test"]


def test_a_cname_is_updated_in_place(bench: Bench, api: CloudflareApi) -> None:
    record_id = api.seed("demo.test", "CNAME", "app.demo.test", "old.test", ttl=120)
    bench.ok("apply", "--only", "alias")
    (record,) = [r for r in api.records("demo.test") if r["name"] == "app.demo.test"]
    assert (record["id"], record["content"], record["ttl"]) == (
        record_id,
        "gateway.demo.test",
        120,
    )


def test_a_refused_cname_brings_the_addresses_back(bench: Bench, api: CloudflareApi) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        api.seed("demo.test", "A", "app.demo.test", address, proxied=True)
    before = api.dump("demo.test")
    refusal = {"success": False, "errors": [{"code": 9999, "message": "not today"}]}
    api.fault("status", '^POST', times=1, status=400, body=refusal)
    result = bench.run("apply", "--only", "alias")
    assert result.returncode == FAILED
    assert "error 9999: not today" in result.stderr
    # The automatic TTL is 300 s, and comes back as that.
    assert [r.replace('"ttl": 300', '"ttl": 1') for r in api.dump("demo.test")] == [
        r.replace('"ttl": 300', '"ttl": 1') for r in before
    ]


def test_a_proxied_alias_is_made_plain(bench: Bench, api: CloudflareApi) -> None:
    api.seed("demo.test", "CNAME", "app.demo.test", "gateway.demo.test", proxied=True)
    assert "it was proxied" in bench.ok("apply", "--only", "alias")
    (record,) = [r for r in api.records("demo.test") if r["name"] == "app.demo.test"]
    assert record["proxied"] is False


def test_the_apex_may_be_a_cname(bench: Bench, api: CloudflareApi) -> None:
    bench.ok("apply", "--only", "alias", DOMAINS="demo.test,*.demo.test")
    assert content(api, "demo.test", "CNAME") == ["gateway.demo.test"]
    assert content(api, "*.demo.test", "CNAME") == ["gateway.demo.test"]


@pytest.mark.parametrize("form", ["as sent", "quoted", "unquoted", "split"])
def test_txt_reads_back_in_any_form(tmp_path: Path, bind: Bind, form: str) -> None:
    with CloudflareApi(bind, txt_form=form) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("apply", "--only", "txt")
        assert bench.ok("apply", "--only", "txt").endswith("\nNo changes.\n")
        bench.ok("set-txt", "x.demo.test", 'with "quotes" \\ too')
        assert "removed" in bench.ok("del-txt", "x.demo.test", 'with "quotes" \\ too')


def test_caa_stands_beside_the_cname(tmp_path: Path, bench: Bench, api: CloudflareApi) -> None:
    uri = "https://acme-v02.api.letsencrypt.org/acme/acct/7"
    # Let's Encrypt's names are known; its directory cannot be reached from a test.
    settings = {"SET_CAA": "true", "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
                "https_proxy": "http://127.0.0.1:1"}
    bench.ok("apply", "--account-uri", uri, **settings)
    (caa,) = [r for r in api.records("demo.test") if r["type"] == "CAA"]
    assert caa["data"] == {
        "flags": 0,
        "tag": "issue",
        "value": f"letsencrypt.org; validationmethods=dns-01; accounturi={uri}",
    }
    assert content(api, "app.demo.test", "CNAME") == ["gateway.demo.test"]


@pytest.mark.parametrize("ttl", [300, 600])
def test_a_record_that_somebody_else_made_meanwhile(
    bench: Bench, api: CloudflareApi, ttl: int
) -> None:
    """The API refuses the same one again, whatever its TTL, and it is as good as ours."""
    value = f'"{APP_ID}:443"'
    fault = api.fault(
        "meanwhile", "^POST", call=lambda: api.seed("demo.test", "TXT", TXT_NAME, value, ttl)
    )
    bench.ok("apply", "--only", "txt")
    assert (fault.hits, api.requests("POST")[-1].status) == (1, 400)
    assert content(api, TXT_NAME, "TXT").count(value) == 1
