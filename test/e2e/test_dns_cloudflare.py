"""ingress-dns with Cloudflare's API, emulated: its rules, and everything it can do wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi, CloudflareZone

from .dns_bench import (
    APP_ID,
    BAD_CONFIG,
    FAILED,
    FOREIGN,
    TRY_LATER,
    UNREACHABLE,
    Bench,
    api_bench,
    challenge,
)

TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "401": ({"kind": "status", "status": 401}, BAD_CONFIG, "HTTP status 401"),
    "403": (
        {
            "kind": "status",
            "status": 403,
            "body": {
                "success": False,
                "errors": [{"code": 9109, "message": "Invalid access token"}],
            },
        },
        BAD_CONFIG,
        "error 9109: Invalid access token",
    ),
    "429": (
        {"kind": "rate_limited", "headers": {"retry-after": "3600"}},
        TRY_LATER,
        "wait 3600 seconds",
    ),
    "500": ({"kind": "status", "status": 500}, UNREACHABLE, "HTTP status 500"),
    "html": (
        {"kind": "status", "status": 200, "body": "<html>Welcome</html>"},
        UNREACHABLE,
        "is not JSON: '<html>Welcome",
    ),
    "truncated": ({"kind": "truncated"}, UNREACHABLE, "Cloudflare"),
    "closed": ({"kind": "closed"}, UNREACHABLE, "Empty reply"),
    "reset": ({"kind": "reset"}, UNREACHABLE, "Cloudflare"),
    "empty": ({"kind": "empty"}, UNREACHABLE, "HTTP status 200"),
    "no-success": (
        {"kind": "status", "status": 200, "body": {"success": False, "errors": []}},
        FAILED,
        "HTTP status 200",
    ),
    "no-result": (
        {"kind": "status", "status": 200, "body": {"success": True, "result": None}},
        UNREACHABLE,
        "lacks result",
    ),
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        UNREACHABLE,
        "HTTP status 302",
    ),
    "half a listing": (
        {
            "kind": "status",
            "status": 200,
            "body": {"success": True, "result": [], "result_info": {"total_count": 3}},
        },
        TRY_LATER,
        "not whole",
    ),
}


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = ("demo.test", "acme.test")
    with Bind(tmp_path / "bind", zones, records={"demo.test": FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[CloudflareApi]:
    with CloudflareApi(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: CloudflareApi) -> Bench:
    return api_bench(tmp_path, bind, api)


def content(api: CloudflareApi, name: str, kind: str) -> list[str]:
    return sorted(
        r["content"] for r in api.records("demo.test") if (r["name"], r["type"]) == (name, kind)
    )


def writes(api: CloudflareApi) -> list[str]:
    return [f"{r.method} {r.body}" for r in api.requests() if r.method != "GET"]


# ---- records


def test_applying_makes_the_records_once(bench: Bench, api: CloudflareApi) -> None:
    before = api.records("demo.test")
    bench.ok("apply")
    after = api.records("demo.test")
    new = [record for record in after if record not in before]
    assert all(record in after for record in before)
    assert sorted((r["type"], r["name"], r["proxied"]) for r in new) == [
        ("CNAME", "app.demo.test", False),
        ("TXT", TXT_NAME, False),
    ]
    api.forget_requests()
    assert bench.ok("apply") == "No changes.\n"
    assert writes(api) == []


def test_a_cname_is_updated_in_place(bench: Bench, api: CloudflareApi) -> None:
    record_id = api.seed("demo.test", "CNAME", "app.demo.test", "old.test", ttl=120)
    bench.ok("apply", "--only", "alias")
    (record,) = [r for r in api.records("demo.test") if r["name"] == "app.demo.test"]
    assert (record["id"], record["content"], record["ttl"]) == (
        record_id,
        "gateway.demo.test",
        120,
    )


def test_addresses_give_way_to_a_cname(bench: Bench, api: CloudflareApi) -> None:
    for kind, address in (("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1")):
        api.seed("demo.test", kind, "app.demo.test", address)
    bench.ok("apply", "--only", "alias")
    assert content(api, "app.demo.test", "CNAME") == ["gateway.demo.test"]
    assert content(api, "app.demo.test", "A") == content(api, "app.demo.test", "AAAA") == []


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


def test_many_records_at_one_name_are_read_page_by_page(bench: Bench, api: CloudflareApi) -> None:
    for number in range(23):
        api.seed("demo.test", "TXT", TXT_NAME, f'"{number:04x}:443"')
    bench.ok("apply", "--only", "txt")
    assert content(api, TXT_NAME, "TXT") == sorted(
        [f'"{APP_ID}:443"', '"not an app address"']
    )


@pytest.mark.parametrize("form", ["as sent", "quoted", "unquoted", "split"])
def test_txt_reads_back_in_any_form(tmp_path: Path, bind: Bind, form: str) -> None:
    with CloudflareApi(bind, txt_form=form) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("apply", "--only", "txt")
        assert bench.ok("apply", "--only", "txt") == "No changes.\n"
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
    assert bench.ok("apply", "--account-uri", uri, **settings) == "No changes.\n"
    bench.ok("apply", "--account-uri", uri + "8", **settings)
    (caa,) = [r for r in api.records("demo.test") if r["type"] == "CAA"]
    assert caa["data"]["value"].endswith(uri + "8")


# ---- challenges


def test_a_challenge_comes_and_goes(bench: Bench, bind: Bind, api: CloudflareApi) -> None:
    before = api.records("demo.test")
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert bind.query(NAME, "TXT") == ["v"]
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.records("demo.test") == before
    assert bench.noted() == []


def test_a_challenge_delegated_by_cname(tmp_path: Path, bind: Bind) -> None:
    """The account holds acme.test only; demo.test is somewhere else."""
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query("new.acme.test", "TXT") == ["v"]
        assert [r.target.split("/")[-1] for r in api.requests("POST")] == ["dns_records"]


@pytest.mark.parametrize("kind", ["closed", "status"])
def test_a_write_whose_answer_was_lost_is_repeated(
    bench: Bench, api: CloudflareApi, kind: str
) -> None:
    fault = api.fault(kind, "^POST", times=1, after=True)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert len([r for r in api.records("demo.test") if r["name"] == NAME]) == 1
    fault = api.fault(kind, "^DELETE", times=1, after=True)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert [r for r in api.records("demo.test") if r["name"] == NAME] == []


def test_a_call_that_is_repeated_does_not_end_the_run(bench: Bench, api: CloudflareApi) -> None:
    fault = api.fault("closed", "/dns_records", times=1)
    bench.ok("apply", DOMAINS="app.demo.test,two.demo.test")
    assert fault.hits == 1
    for domain in ("app.demo.test", "two.demo.test"):
        assert content(api, domain, "CNAME") == ["gateway.demo.test"]
        assert f'"{APP_ID}:443"' in content(api, f"_dstack-app-address.{domain}", "TXT")


def test_a_short_rate_limit_is_waited_for(bench: Bench, api: CloudflareApi) -> None:
    fault = api.fault("rate_limited", times=1)
    bench.ok("apply", "--only", "txt")
    assert fault.hits == 1


# ---- faults


@pytest.mark.parametrize("where", ["/zones\\?", "/dns_records\\?"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_read_means_no_write(
    bench: Bench, api: CloudflareApi, name: str, where: str
) -> None:
    arguments, status, words = FAULTS[name]
    before = api.records("demo.test")
    api.fault(match=f"^GET .*{where}", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []
    assert api.records("demo.test") == before


@pytest.mark.parametrize("kind", ["repeat_page", "unknown_types"])
def test_a_listing_that_makes_no_sense(bench: Bench, api: CloudflareApi, kind: str) -> None:
    api.fault(kind, "/dns_records", times=None)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode != 0
    assert "Cloudflare" in result.stderr
    assert writes(api) == []


def test_a_lost_page_means_no_write(bench: Bench, api: CloudflareApi) -> None:
    for number in range(12):
        api.seed("demo.test", "TXT", TXT_NAME, f'"text {number}"')
    lost = {"success": True, "result": [], "result_info": {"total_count": 13}}
    api.fault("status", "page=2", times=None, status=200, body=lost)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "not whole" in result.stderr
    assert writes(api) == []


def test_a_record_on_two_pages_means_no_write(bench: Bench, api: CloudflareApi) -> None:
    """It was pushed there, and another one past what was read: the count is right all the same."""
    for number in range(9):
        api.seed("demo.test", "TXT", TXT_NAME, f'"text {number}"')
    total = sum(record["name"] == TXT_NAME for record in api.records("demo.test"))
    assert total == 2 * api.page_limit
    page = [r for r in api.records("demo.test") if r["name"] == TXT_NAME][api.page_limit - 1 : -1]
    pushed = {"success": True, "result": page, "result_info": {"total_count": total}}
    api.fault("status", "page=2", times=None, status=200, body=pushed)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert f"the record {page[0]['id']} of {TXT_NAME} came twice" in result.stderr
    assert writes(api) == []


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


def test_a_failed_challenge_write_is_told(bench: Bench, bind: Bind, api: CloudflareApi) -> None:
    refusal = {"success": False, "errors": [{"code": 1004, "message": "DNS Validation Error"}]}
    api.fault("status", "^POST", times=None, status=400, body=refusal)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "error 1004: DNS Validation Error" in result.stderr
    assert bench.noted() == []


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


def test_a_challenge_that_may_have_been_written_stays_noted(
    bench: Bench, bind: Bind, api: CloudflareApi
) -> None:
    api.fault("status", "^POST", times=None, after=True, status=500)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    # the repetition is answered "exists": it is known to be there, unless every answer is lost
    assert result.returncode == UNREACHABLE
    assert bench.noted() == ["v"]
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert bind.query(NAME, "TXT") == []
    assert bench.noted() == []


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


def test_a_zone_in_two_accounts(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("demo.test", account="Second account")]
    with CloudflareApi(bind, zones=zones) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "Test account, Second account" in result.stdout
        assert writes(api) == []


def test_a_zone_that_is_not_active_is_warned_about(tmp_path: Path, bind: Bind) -> None:
    zones = [CloudflareZone("pending.test", status="pending")]
    with CloudflareApi(zones=zones) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="app.pending.test")
        result = bench.run("plan")
        assert result.returncode == 0
        assert "is pending, not active" in result.stderr


def test_an_api_that_hangs(bench: Bench, api: CloudflareApi) -> None:
    """With life's own clock once; for every provider see the property tests."""
    api.fault("hang", times=None)
    result = bench.run("apply")
    assert result.returncode == TRY_LATER
    assert "timed out" in result.stderr


def test_the_token_stays_where_it_is(bench: Bench, api: CloudflareApi) -> None:
    """In headers only: bench.run looks for it in all that is said, on every path."""
    bench.ok("apply", LOG_LEVEL="debug", LOG_FORMAT="json")
    echo = {"success": False, "errors": [{"code": 1, "message": f"token {api.token} is bad"}]}
    api.fault("status", times=None, status=403, body=echo)
    result = bench.run("apply", LOG_LEVEL="debug")
    assert result.returncode == BAD_CONFIG
    assert api.token not in json.dumps([(r.target, r.body) for r in api.requests()])
