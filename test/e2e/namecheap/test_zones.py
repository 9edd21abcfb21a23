"""Which zone of the account a name is in, and zones that are not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi
from support.namecheap_hosts import Host, NamecheapZone

from ..dns_bench import APP_ID, FAILED, TRY_LATER, Bench, api_bench, challenge
from .zone import LIST, SET, TXT_HOST, ZONE, at


def test_a_public_suffix_of_two_labels(tmp_path: Path, bind: Bind) -> None:
    with NamecheapApi(bind, zones=["a.test", "b.test", "c.test", "d.test"]) as api:
        bench = api_bench(tmp_path, bind, api, DOMAINS="deep.app.example.co.test")
        bench.ok("apply", "--only", "txt")
        assert at(api, "_dstack-app-address.deep.app", "example.co.test") == [f"TXT {APP_ID}:443"]
        # Its second page had it.
        assert api.commands()[:3] == ["domains.getList", "domains.getList", "domains.dns.getHosts"]


def test_a_shared_domain_is_found_by_asking(tmp_path: Path, bind: Bind) -> None:
    with NamecheapApi(bind) as api:
        api.zone("example.co.test").listed = False
        bench = api_bench(tmp_path, bind, api, DOMAINS="app.example.co.test")
        bench.ok("apply", "--only", "txt")
        assert at(api, TXT_HOST, "example.co.test") == [f"TXT {APP_ID}:443"]


def test_a_long_list_is_not_read_to_its_end(tmp_path: Path, bind: Bind) -> None:
    zones = [NamecheapZone(f"many-{n}.test") for n in range(600)]
    with NamecheapApi(bind, zones=zones, page_limit=2) as api:
        api_bench(tmp_path, bind, api).ok("apply", "--only", "txt")
        assert api.commands().count("domains.getList") == 1
        assert at(api, TXT_HOST) == [f"TXT {APP_ID}:443"]


def test_a_list_that_never_ends(bench: Bench, api: NamecheapApi) -> None:
    api.page_limit = 2
    fault = api.fault("repeat_page", LIST, times=None)
    # So many domains that the list is of no use: the names are asked for one by one.
    bench.ok("apply", "--only", "txt")
    assert fault.hits == 1


def test_a_page_that_does_not_fit(bench: Bench, api: NamecheapApi) -> None:
    api.page_limit = 1
    api.fault("status", LIST, times=1, status=200, body=_page(1, 3, "x.test"))
    api.fault("status", LIST, times=1, status=200, body=_page(1, 3, "x.test"))
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "the listing is not whole" in result.stderr
    assert api.writes() == 0


def _page(page: int, total: int, name: str) -> str:
    return (
        '<ApiResponse Status="OK"><Errors/><CommandResponse><DomainGetListResult>'
        f'<Domain Name="{name}"/></DomainGetListResult><Paging><TotalItems>{total}</TotalItems>'
        f"<CurrentPage>{page}</CurrentPage></Paging></CommandResponse></ApiResponse>"
    )


# ---- zones that are not written


def refused(bench: Bench, api: NamecheapApi, words: str, *arguments: str) -> None:
    """Reading works, writing does not, and the zone stays as it is."""
    before = api.dump(ZONE)
    result = bench.run(*(arguments or ("set-txt", "x.demo.test", "v")))
    assert result.returncode == FAILED, result.stderr
    assert words in result.stdout + result.stderr
    assert api.writes() == 0
    assert api.dump(ZONE) == before


@pytest.mark.parametrize("email_type", ["OX", "GMAIL", "SOMETHING", ""])
def test_mail_that_would_break(bench: Bench, api: NamecheapApi, email_type: str) -> None:
    api.zone(ZONE).email_type = email_type
    refused(bench, api, f"EmailType {email_type}" if email_type else "(EmailType)")
    assert "but not changed" in bench.run("plan").stderr


@pytest.mark.parametrize("email_type", ["NONE", "MX", "FWD"])
def test_mail_that_stays(bench: Bench, api: NamecheapApi, email_type: str) -> None:
    for host in list(api.zone(ZONE).hosts):
        if host.type == "MX" and email_type != "MX":
            api.unseed(ZONE, host)
    api.zone(ZONE).email_type = email_type
    before = api.dump(ZONE)
    bench.ok("set-txt", "x.demo.test", "v")
    bench.ok("del-txt", "x.demo.test", "v")
    assert api.dump(ZONE) == before


def test_mail_to_one_address_stays(tmp_path: Path, bind: Bind) -> None:
    with NamecheapApi(bind) as api:
        api.seed("acme.test", Host("acme.test", "MXE", "192.0.2.5", title="MXE"))
        before = api.dump("acme.test")
        bench = api_bench(tmp_path, bind, api)
        bench.ok("set-txt", "x.acme.test", "v")
        assert "MXE" in bench.ok("list", "acme.test")
        bench.ok("del-txt", "x.acme.test", "v")
        assert api.dump("acme.test") == before


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (Host("home", "A", "192.0.2.1", ddns=True), "'home A 192.0.2.1 (TTL 1800)'"),
        (Host("off", "A", "192.0.2.1", active=False), "is not active"),
        (Host("new", "A", "192.0.2.1", extra={"Weight": "7"}), "has the attribute Weight"),
        (Host("long", "A", "192.0.2.1", ttl="86400"), "has the TTL '86400'"),
        (Host("none", "TXT", ""), "has no value"),
    ],
)
def test_a_record_that_cannot_be_put_back(
    bench: Bench, api: NamecheapApi, host: Host, words: str
) -> None:
    api.seed(ZONE, host)
    refused(bench, api, words)


def test_other_name_servers(bench: Bench, api: NamecheapApi) -> None:
    api.zone(ZONE).our_dns = False
    refused(bench, api, "has other name servers than Namecheap's")


def test_a_target_that_is_not_served(bench: Bench, api: NamecheapApi) -> None:
    before = api.dump(ZONE)
    result = bench.run("apply", "--only", "alias", GATEWAY_DOMAIN="_.gateway.demo.test")
    assert result.returncode == FAILED
    assert 'the target begins with "_."' in result.stderr
    assert "APP_ID-PORT.gateway.demo.test" in result.stderr
    assert (api.writes(), api.dump(ZONE)) == (0, before)


def test_a_redirect_in_the_way(bench: Bench, api: NamecheapApi) -> None:
    """What Namecheap parks a new domain with."""
    api.seed(ZONE, Host("@", "URL", "http://www.demo.test/", title="URL Forwarding"))
    before = api.dump(ZONE)
    result = bench.run("apply", "--only", "alias", DOMAINS=ZONE)
    assert result.returncode == FAILED
    assert "'@ URL http://www.demo.test/ (TTL 1800)'" in result.stderr
    assert (api.writes(), api.dump(ZONE)) == (0, before)


def test_a_cname_in_the_way(bench: Bench, api: NamecheapApi) -> None:
    api.seed(ZONE, Host("x", "CNAME", "elsewhere.test."))
    refused(bench, api, "is a CNAME (to elsewhere.test)")


def test_quotes(bench: Bench, api: NamecheapApi) -> None:
    refused(bench, api, "double quotes", "set-txt", "x.demo.test", 'with "quotes"')


def test_what_the_api_refuses_is_told(bench: Bench, api: NamecheapApi) -> None:
    message = 'CAA record with tag "issue" has incorrect value.'
    fault = api.fault("api_error", SET, times=None, body=f"2050900 {message}")
    before = api.dump(ZONE)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert f"error 2050900: {message}" in result.stderr
    assert (fault.hits, api.dump(ZONE), bench.noted()) == (1, before, [])
