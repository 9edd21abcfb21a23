"""ingress-dns with Namecheap's API, emulated: a zone is written whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from support.bind import Bind
from support.namecheap_api import NamecheapApi
from support.namecheap_hosts import Host

from ..dns_bench import ACCOUNT, FAILED, Bench, api_bench, challenge
from .zone import CAA, NAME, ZONE, at


def test_few_calls_are_made(bench: Bench, api: NamecheapApi) -> None:
    """There are 20 in a minute: one change costs three, and nothing is read twice in between."""
    bench.ok("apply")
    change = ["domains.dns.getHosts", "domains.dns.setHosts", "domains.dns.getHosts"]
    assert api.commands() == ["domains.getList", "domains.dns.getHosts", *change, *change]
    api.forget_requests()
    bench.ok("apply")
    assert api.commands() == ["domains.getList", "domains.dns.getHosts"]


def test_an_alias_is_changed_in_place(bench: Bench, api: NamecheapApi) -> None:
    api.seed(ZONE, Host("app", "CNAME", "old.test.", ttl="120"))
    bench.ok("apply", "--only", "alias")
    (host,) = [h for h in api.zone(ZONE).hosts if h.name == "app"]
    assert (host.address, host.ttl) == ("gateway.demo.test.", "120")


def test_a_redirect_at_the_name(bench: Bench, api: NamecheapApi) -> None:
    """No address can stand beside it: the plan does not promise one."""
    api.seed(ZONE, Host("app", "URL301", "https://elsewhere.test/"))
    before = api.dump(ZONE)
    told = [bench.run(command, "--only", "alias") for command in ("plan", "apply")]
    assert [result.returncode for result in told] == [FAILED, FAILED]
    reasons = [result.stderr.partition(" error ")[2] for result in told]
    assert "URL301" in reasons[0] and reasons[0] == reasons[1]
    assert "Plan:" not in told[0].stdout
    assert api.dump(ZONE) == before


def test_a_caa_value_has_no_spaces(bench: Bench, bind: Bind, api: NamecheapApi) -> None:
    bench.ok("apply", "--account-uri", ACCOUNT, **CAA)
    value = f"letsencrypt.org;validationmethods=dns-01;accounturi={ACCOUNT}"
    assert at(api, "app") == ["A 127.0.0.1", "AAAA ::1", f'CAA 0 issue "{value}"']
    assert bind.query("app.demo.test", "CAA") == [f'0 issue "{value}"']


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_namespaces_are_understood(tmp_path: Path, bind: Bind, scheme: str) -> None:
    with NamecheapApi(bind, scheme=scheme) as api:
        api_bench(tmp_path, bind, api).ok("apply")
        assert at(api, "app") == ["CNAME gateway.demo.test."]


# ---- challenges


def test_a_challenge_delegated_to_an_empty_zone(tmp_path: Path, bind: Bind) -> None:
    """The last record goes, too; Namecheap parks the zone then, which is no trouble of ours."""
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with NamecheapApi(bind, parking=True) as api:
        for host in list(api.zone("acme.test").hosts):
            api.zone("acme.test").hosts.remove(host)
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query("new.acme.test", "TXT") == ["v"]
        assert api.dump("acme.test") == ["EmailType NONE", "new 60 TXT 10 v"]
        assert "domains.getInfo" in api.commands()
        bench.ok("cleanup", **challenge("new.demo.test", "v"))
        assert bind.query("new.acme.test", "TXT") == []
        assert len(api.dump("acme.test")) == 3


def test_two_processes_take_turns(bench: Bench, bind: Bind, api: NamecheapApi) -> None:
    before = api.dump(ZONE)
    names = [f"p{n}.demo.test" for n in range(4)]
    children = [
        threading.Thread(target=bench.ok, args=("set-txt", name, "x")) for name in names
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    after = api.dump(ZONE)
    assert [line for line in after if line not in before] == [
        f"p{n} 300 TXT 10 x" for n in range(4)
    ]
    assert [line for line in before if line not in after] == []
