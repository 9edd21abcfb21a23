"""Record sets in Route 53: what changes, in one batch, and what others have there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from support.bind import Bind
from support.route53_api import Route53Api
from support.route53_zone import RecordSet

from ..dns_bench import FAILED, TRY_LATER, Bench, api_bench, challenge
from .zone import NAME, TXT_NAME, ZONE, writes


def actions(body: str) -> list[tuple[str, str]]:
    """Action and type of each change of a batch."""
    return re.findall(r"<Action>(\w+)</Action>.*?<Type>(\w+)</Type>", body)


def test_a_set_is_replaced_as_it_was_read_in_one_batch(bench: Bench, api: Route53Api) -> None:
    bench.ok("apply", "--only", "txt")
    (body,) = writes(api)
    assert actions(body) == [("DELETE", "TXT"), ("CREATE", "TXT")]
    assert body.count('"not an app address"') == 2
    assert body.count("<TTL>60</TTL>") == 2


def test_cname_and_address_take_turns_in_one_batch(bench: Bench, api: Route53Api) -> None:
    """A CAA record has to stand there, which a CNAME does not bear."""
    api.seed_value(ZONE, "CNAME", "app.demo.test", "old.test.")
    uri = "https://acme-v02.api.letsencrypt.org/acme/acct/7"
    # Let's Encrypt's names are known; its directory cannot be reached from a test.
    settings = {
        "SET_CAA": "true",
        "ACME_SERVER": "https://acme-v02.api.letsencrypt.org:1/directory",
        "https_proxy": "http://127.0.0.1:1",
        "no_proxy": "127.0.0.1",
    }
    bench.ok("apply", "--only", "alias,caa", "--account-uri", uri, **settings)
    (body,) = writes(api)
    assert actions(body) == [
        ("DELETE", "CNAME"), ("CREATE", "A"), ("CREATE", "AAAA"), ("CREATE", "CAA"),
    ]
    assert api.values(ZONE, "app.demo.test", "A") == ["127.0.0.1"]
    assert api.values(ZONE, "app.demo.test", "CAA") == [
        f'0 issue "letsencrypt.org; validationmethods=dns-01; accounturi={uri}"'
    ]
    # Beside the CAA record it stays an address.
    assert bench.ok("apply", "--only", "alias") == "No changes.\n"


def test_addresses_give_way_to_a_cname(bench: Bench, api: Route53Api) -> None:
    for kind, address in (("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1")):
        api.seed_value(ZONE, kind, "app.demo.test", address)
    bench.ok("apply", "--only", "alias")
    (body,) = writes(api)
    assert actions(body) == [("DELETE", "A"), ("DELETE", "AAAA"), ("CREATE", "CNAME")]


def test_wildcards_are_read_in_their_escaped_form(bench: Bench, api: Route53Api) -> None:
    bench.ok("apply", "--only", "alias", DOMAINS="*.demo.test")
    assert api.values(ZONE, "*.demo.test", "CNAME") == ["gateway.demo.test."]
    assert bench.ok("apply", "--only", "alias", DOMAINS="*.demo.test") == "No changes.\n"
    assert "CNAME" in bench.ok("list", "*.demo.test")


def test_many_sets_at_one_name_are_read_page_by_page(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(bind, page_limit=1) as api:
        for n, kind in enumerate(("MX", "PTR", "SPF", "SRV", "TXT")):
            value = {"MX": "10 m.test.", "SRV": "1 1 1 s.test.", "PTR": "p.test."}
            api.zone(ZONE).add_value(TXT_NAME, kind, 60 + n, value.get(kind, '"text"'))
        bench = api_bench(tmp_path, bind, api)
        listed = bench.ok("list", TXT_NAME)
        for kind in ("MX", "PTR", "SPF", "SRV", "TXT"):
            assert f" {kind} " in listed
        bench.ok("apply", "--only", "txt")
        assert len(api.values(ZONE, TXT_NAME, "TXT")) == 3


def test_text_of_every_kind(bench: Bench, api: Route53Api) -> None:
    for value in ('with "quotes" \\ too', "x" * 600, "\u00e4 <&>"):
        assert "added" in bench.ok("set-txt", "x.demo.test", value)
        assert "is there already" in bench.ok("set-txt", "x.demo.test", value)
    assert len(api.values(ZONE, "x.demo.test", "TXT")) == 3
    assert "removed" in bench.ok("del-txt", "x.demo.test", "\u00e4 <&>")
    assert len(api.values(ZONE, "x.demo.test", "TXT")) == 2


def test_foreign_sets_are_left_alone_and_told_of(bench: Bench, api: Route53Api) -> None:
    zone = api.zone(ZONE)
    alias = {"AliasTarget": "<HostedZoneId>Z1</HostedZoneId><DNSName>x.elb.test.</DNSName>"}
    zone.put(RecordSet("app.demo.test", "A", None, [], None, alias))
    zone.put(RecordSet(NAME, "TXT", 60, ['"a"'], "one", {"Weight": "1"}))
    zone.put(RecordSet(TXT_NAME, "CNAME", 60, ["a.test."], "one", {"Region": "eu-west-1"}))
    before = api.dump(ZONE)
    for command in ("plan", "apply"):
        result = bench.run(command, "--only", "alias")
        assert result.returncode == FAILED
        assert "not ours to change (an alias of x.elb.test.)" in result.stderr
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert 'has TXT records that are not ours to change (the set "one"' in result.stderr
    assert bench.noted() == []
    assert bench.run("apply", "--only", "txt").returncode == FAILED
    assert writes(api) == []
    assert api.dump(ZONE) == before
    assert 'the set "one" of a routing policy' in bench.ok("list", NAME)


def test_types_and_elements_that_nobody_knows(bench: Bench, api: Route53Api) -> None:
    api.fault("unknown_types", "/rrset", times=None)
    bench.ok("apply", "--only", "txt")
    assert len(writes(api)) == 1
    result = bench.run("apply", "--only", "alias")
    assert "a set with Quantum" in result.stderr
    assert len(writes(api)) == 1


def theirs(api: Route53Api, record_type: str, value: str) -> Callable[[], None]:
    """What was served before is waited for, as long as its TTL says."""
    return lambda: api.zone(ZONE).add_value(NAME, record_type, 1, value)


@pytest.mark.parametrize("plain", [False, True])
def test_somebody_else_was_faster(bench: Bench, api: Route53Api, plain: bool) -> None:
    api.plain_refusals = plain
    api.fault("meanwhile", "^POST", call=theirs(api, "TXT", '"theirs"'))
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert api.values(ZONE, NAME, "TXT") == ['"theirs"', '"v"']
    api.fault("meanwhile", "^POST", call=theirs(api, "TXT", '"more"'))
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.values(ZONE, NAME, "TXT") == ['"more"', '"theirs"']


def test_somebody_else_is_always_faster(bench: Bench, api: Route53Api) -> None:
    for n in range(3):
        api.fault("meanwhile", "^POST", call=theirs(api, "TXT", f'"{n}"'))
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == TRY_LATER
    assert "somebody else keeps changing" in result.stderr
    assert api.values(ZONE, NAME, "TXT") == ['"0"', '"1"', '"2"']


def test_somebody_else_put_a_cname_there(bench: Bench, api: Route53Api) -> None:
    api.fault("meanwhile", "^POST", call=theirs(api, "CNAME", "elsewhere.test."))
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert f"{NAME} is a CNAME (to elsewhere.test)" in result.stderr
    assert bench.noted() == []


def test_a_batch_that_is_refused_for_itself_is_told(bench: Bench, api: Route53Api) -> None:
    api.fault("aws", "^POST", times=None, status=400, body="InvalidChangeBatch")
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == FAILED
    assert "HTTP status 400, InvalidChangeBatch: The emulator says" in result.stderr
    assert len(writes(api)) == 1
    assert bench.noted() == []
