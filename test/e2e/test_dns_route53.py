"""ingress-dns with Route 53's API, emulated: its rules, and everything it can do wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bind import Bind
from support.route53_api import Route53Api
from support.route53_zone import RecordSet, Zone

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

ZONE = "demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"

# Fault: its arguments, exit status, part of the sentence.
FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "throttled": (
        {"kind": "aws", "status": 400, "body": "Throttling"},
        TRY_LATER,
        "HTTP status 400, Throttling: Rate exceeded",
    ),
    "prior request": (
        {"kind": "aws", "status": 400, "body": "PriorRequestNotComplete"},
        TRY_LATER,
        "PriorRequestNotComplete",
    ),
    "429": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}},
        TRY_LATER,
        "HTTP status 429",
    ),
    "401": ({"kind": "status", "status": 401}, BAD_CONFIG, "HTTP status 401"),
    "denied": (
        {"kind": "aws", "status": 403, "body": "AccessDenied"},
        BAD_CONFIG,
        "ListResourceRecordSets",
    ),
    "expired": (
        {"kind": "aws", "status": 403, "body": "ExpiredToken"},
        BAD_CONFIG,
        "give a new AWS_SESSION_TOKEN",
    ),
    "404": (
        {"kind": "aws", "status": 404, "body": "NoSuchHostedZone"},
        FAILED,
        "HTTP status 404, NoSuchHostedZone",
    ),
    "500": ({"kind": "aws", "status": 500, "body": "InternalError"}, UNREACHABLE, "InternalError"),
    "html": (
        {"kind": "status", "status": 200, "body": "<html>Welcome</html>"},
        UNREACHABLE,
        "IsTruncated",
    ),
    "broken html": (
        {"kind": "status", "status": 502, "body": "<html><br>Bad gateway</html>"},
        UNREACHABLE,
        "is not XML",
    ),
    "entities": (
        {
            "kind": "status",
            "status": 200,
            "body": '<!DOCTYPE a [<!ENTITY e "ee">]><ListResourceRecordSetsResponse/>',
        },
        UNREACHABLE,
        "document type",
    ),
    "truncated": ({"kind": "truncated"}, UNREACHABLE, "Route 53"),
    "closed": ({"kind": "closed"}, UNREACHABLE, "Empty reply"),
    "reset": ({"kind": "reset"}, UNREACHABLE, "Route 53"),
    "empty": ({"kind": "empty"}, UNREACHABLE, "HTTP status 200"),
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        FAILED,
        "HTTP status 302",
    ),
    "without entries": (
        {
            "kind": "status",
            "status": 200,
            "body": "<ListResourceRecordSetsResponse><IsTruncated>true</IsTruncated>"
            "</ListResourceRecordSetsResponse>",
        },
        UNREACHABLE,
        "IsTruncated",
    ),
}


@pytest.fixture(name="bind")
def _bind(tmp_path: Path) -> Iterator[Bind]:
    zones = (ZONE, "acme.test")
    with Bind(tmp_path / "bind", zones, records={ZONE: FOREIGN}) as started:
        yield started


@pytest.fixture(name="api")
def _api(bind: Bind) -> Iterator[Route53Api]:
    with Route53Api(bind) as started:
        yield started


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, bind: Bind, api: Route53Api) -> Bench:
    return api_bench(tmp_path, bind, api)


def writes(api: Route53Api) -> list[str]:
    return [r.body for r in api.requests("POST")]


def actions(body: str) -> list[tuple[str, str]]:
    """Action and type of each change of a batch."""
    return re.findall(r"<Action>(\w+)</Action>.*?<Type>(\w+)</Type>", body)


# ---- records


def test_applying_makes_the_records_once(bench: Bench, api: Route53Api) -> None:
    before = api.dump(ZONE)
    bench.ok("apply")
    new = [line for line in api.dump(ZONE) if line not in before]
    assert [line for line in before if line not in api.dump(ZONE)] == []
    assert len(new) == 2
    assert api.values(ZONE, "app.demo.test", "CNAME") == ["gateway.demo.test."]
    assert api.values(ZONE, TXT_NAME, "TXT") == [f'"{APP_ID}:443"', '"not an app address"']
    api.forget_requests()
    assert bench.ok("apply") == "No changes.\n"
    assert writes(api) == []


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


# ---- what belongs to others


def test_foreign_sets_are_left_alone_and_told_of(bench: Bench, api: Route53Api) -> None:
    zone = api.zone(ZONE)
    alias = {"AliasTarget": "<HostedZoneId>Z1</HostedZoneId><DNSName>x.elb.test.</DNSName>"}
    zone.put(RecordSet("app.demo.test", "A", None, [], None, alias))
    zone.put(RecordSet(NAME, "TXT", 60, ['"a"'], "one", {"Weight": "1"}))
    zone.put(RecordSet(TXT_NAME, "CNAME", 60, ["a.test."], "one", {"Region": "eu-west-1"}))
    before = api.dump(ZONE)
    result = bench.run("apply", "--only", "alias")
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


# ---- challenges


def test_a_challenge_waits_until_it_is_in_sync(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(bind, polls=2, seconds=None) as api:
        before = api.dump(ZONE)
        bench = api_bench(tmp_path, bind, api)
        bench.ok("auth", **challenge("new.demo.test", "v"))
        assert bind.query(NAME, "TXT") == ["v"]
        assert len([r for r in api.requests("GET") if "/change/" in r.target]) == 3
        bench.ok("cleanup", **challenge("new.demo.test", "v"))
        assert api.dump(ZONE) == before
        assert bench.noted() == []


def test_a_change_that_stays_pending(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(bind, polls=1000, seconds=None) as api:
        bench = api_bench(tmp_path, bind, api, PROPAGATION_TIMEOUT="2")
        result = bench.run("auth", **challenge("new.demo.test", "v"))
        assert result.returncode == TRY_LATER
        assert re.search("the change C[0-9A-F]+ is still PENDING", result.stderr)
        assert api.values(ZONE, NAME, "TXT") == []
        assert bench.noted() == []


def test_two_values_at_one_name(bench: Bench, bind: Bind, api: Route53Api) -> None:
    bench.ok("auth", **challenge("new.demo.test", "one"))
    bench.ok("auth", **challenge("*.new.demo.test", "two"))
    assert bind.query(NAME, "TXT") == ["one", "two"]
    bench.ok("cleanup", **challenge("new.demo.test", "one"))
    assert api.values(ZONE, NAME, "TXT") == ['"two"']


def test_a_challenge_delegated_by_cname(tmp_path: Path, bind: Bind) -> None:
    bind.add(NAME + ".", 60, "CNAME", "new.acme.test.")
    with Route53Api(bind) as api:
        api_bench(tmp_path, bind, api).ok("auth", **challenge("new.demo.test", "v"))
        assert api.values("acme.test", "new.acme.test", "TXT") == ['"v"']


@pytest.mark.parametrize("kind", ["closed", "status"])
def test_a_write_whose_answer_was_lost(bench: Bench, api: Route53Api, kind: str) -> None:
    """It is sent again and refused then; looking again shows that it was made."""
    fault = api.fault(kind, "^POST", times=1, after=True)
    bench.ok("auth", **challenge("new.demo.test", "v"))
    assert fault.hits == 1
    assert api.values(ZONE, NAME, "TXT") == ['"v"']
    api.fault(kind, "^POST", times=1, after=True)
    bench.ok("cleanup", **challenge("new.demo.test", "v"))
    assert api.values(ZONE, NAME, "TXT") == []


def test_a_challenge_that_may_have_been_written_stays_noted(
    bench: Bench, bind: Bind, api: Route53Api
) -> None:
    api.fault("status", "^POST", times=None, after=True, status=500)
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == UNREACHABLE
    assert bench.noted() == ["v"]
    api.clear_faults()
    bench.ok("cleanup", "--all")
    assert api.values(ZONE, NAME, "TXT") == []


# ---- zones


def test_private_zones_are_passed_over(tmp_path: Path, bind: Bind) -> None:
    zones = [Zone(ZONE, private=True), Zone("app.demo.test", private=True)]
    with Route53Api(bind, zones=zones, page_limit=1) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == 0, result.stderr
        assert "the zone app.demo.test is a private one" in result.stderr
        assert len(api.values(ZONE, TXT_NAME, "TXT")) == 2


def test_a_zone_twice(tmp_path: Path, bind: Bind) -> None:
    second = Zone(ZONE)
    with Route53Api(bind, zones=[second], page_limit=1) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == BAD_CONFIG
        assert "the account has the public zone demo.test 2 times" in result.stdout
        assert second.id in result.stdout
        assert writes(api) == []


def test_no_zone(tmp_path: Path, bind: Bind) -> None:
    with Route53Api(zones=["other.test"]) as api:
        result = api_bench(tmp_path, bind, api).run("apply")
        assert result.returncode == FAILED
        assert "reach no zone that holds" in result.stderr


# ---- faults


@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_read_means_no_write(bench: Bench, api: Route53Api, name: str) -> None:
    arguments, status, words = FAULTS[name]
    before = api.dump(ZONE)
    api.fault(match="^GET .*/rrset", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []
    assert api.dump(ZONE) == before


@pytest.mark.parametrize("name", ["throttled", "denied", "404", "html", "truncated", "empty"])
def test_a_failed_search_for_the_zone_means_no_write(
    bench: Bench, api: Route53Api, name: str
) -> None:
    arguments, status, words = FAULTS[name]
    api.fault(match="/hostedzonesbyname", times=None, **arguments)
    result = bench.run("apply")
    assert words in result.stdout + result.stderr
    assert result.returncode == status, result.stderr
    assert writes(api) == []


def test_a_page_that_repeats(bench: Bench, api: Route53Api) -> None:
    api.fault("repeat_page", "/rrset", times=None)
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == TRY_LATER
    assert "came twice" in result.stderr
    assert writes(api) == []


@pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete"])
def test_busy_is_waited_for(bench: Bench, api: Route53Api, code: str) -> None:
    faults = [api.fault("aws", m, status=400, body=code) for m in ("^POST", "/rrset", "byname")]
    bench.ok("apply", "--only", "txt")
    assert [fault.hits for fault in faults] == [1, 1, 1]
    assert len(api.values(ZONE, TXT_NAME, "TXT")) == 2


@pytest.mark.parametrize("action", ["ListResourceRecordSets", "ChangeResourceRecordSets"])
def test_missing_permission(bench: Bench, api: Route53Api, action: str) -> None:
    api.denied = {action}
    result = bench.run("apply", "--only", "txt")
    assert result.returncode == BAD_CONFIG
    assert f"not authorized to perform: route53:{action}" in result.stderr
    assert "let the policy of these credentials allow route53:" in result.stderr


def test_without_permission_to_ask_for_changes_the_value_is_taken_back(
    bench: Bench, api: Route53Api
) -> None:
    api.denied = {"GetChange"}
    result = bench.run("auth", **challenge("new.demo.test", "v"))
    assert result.returncode == BAD_CONFIG
    assert "route53:GetChange because no identity-based policy" in result.stderr
    assert api.values(ZONE, NAME, "TXT") == []
    assert bench.noted() == []
