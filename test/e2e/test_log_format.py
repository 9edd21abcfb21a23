"""The log: one event a line; with LOG_FORMAT=json one object a line, whoever says it."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from support.cloudflare_api import CloudflareApi
from support.ingress import Ingress

from .conftest import World

NAME = "app.demo.test"
# What happens at every start and tells nobody anything.
SAYS_NOTHING = (
    "No changes",
    "No challenge values",
    "nothing stands in the way",
    "made here",
    "installed",
)


def _one_domain(world: World, **settings: str) -> Ingress:
    stack = world.make_stack(guest_agent="dstack")
    return world.ingress(
        DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}", **settings
    )


def _lines(ingress: Ingress) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ingress.log.splitlines()]


def _one(lines: list[dict[str, Any]], words: str) -> dict[str, Any]:
    found = [line for line in lines if words in line["message"]]
    assert len(found) == 1, (words, found)
    return found[0]


def test_every_line_is_one_json_object(world: World) -> None:
    ingress = _one_domain(world, LOG_FORMAT="json", LOG_LEVEL="debug")
    ingress.wait_settled()
    assert ingress.ctl("reload").returncode == 0
    assert ingress.stop() == 0
    objects = _lines(ingress)
    assert all(isinstance(entry, dict) and entry for entry in objects)
    said = json.dumps(objects)
    for program in ("ingressd", "haproxy", "certbot", "ingress-dns", "ingress-evidence"):
        assert program in said


def test_a_certificate_s_way_can_be_followed_by_the_fields(world: World) -> None:
    ingress = _one_domain(world, LOG_FORMAT="json", SET_CAA="true")
    ingress.wait_settled()
    certificate = ingress.domain(NAME)["certificate"]
    lines = _lines(ingress)
    served = _one(lines, "is served")
    assert served["domain"] == NAME
    assert served["serial"] == certificate["serial"]
    assert served["not_after"] == certificate["not_after"]
    assert served["next_at"] == certificate["renew_at"]
    about = [line for line in lines if line.get("domain") == NAME]
    for words in (
        f"added the DNS record {NAME} A ",
        f"added the DNS record _dstack-app-address.{NAME} TXT ",
        f"added the DNS record {NAME} CAA ",
        "ordering a certificate",
        "challenge value",
        "the value can be seen everywhere",
        "the private key is made here",
    ):
        assert any(words in line["message"] for line in about), words
    assert not any(line["message"].startswith("[") for line in lines)


# What differs from one machine to another.
VARIES = (
    (r"^\S+Z ", ""),
    (r"https?://[^\s;\"]+", "URL"),
    (r"(?<=issue \")[a-z.]+;", "CA;"),
    (r"\b20\d\d-[0-9T:-]+Z", "TIME"),
    (r"\b(app|gateway)\.(demo\.test|example\.(com|net))", r"\1.NAME"),
    (r"(?<=TXT )\"[^\"]*\"", "APP"),
    (r"(?<=challenge value )\S+", "VALUE"),
    (r"(?<=certificate )[0-9A-F]+", "SERIAL"),
    (r"(?<=id is )[0-9a-f]+", "ID"),
    (r"(?<= A )[0-9.]+|(?<= AAAA )[0-9a-f:]+", "ADDRESS"),
    (r"(?<=HAProxy )[0-9]\S*|(?<=port )\d+|(?<=worker )\d+|(?<=ingress )[0-9]\S*", "N"),
    (r"(?<=on |in )/[^\s:]+", "FOLDER"),
)


def _same_everywhere(line: str) -> str:
    for pattern, word in VARIES:
        line = re.sub(pattern, word, line)
    return line


def test_the_documents_show_a_first_start_as_it_is(world: World) -> None:
    ingress = _one_domain(world, SET_CAA="true")
    ingress.wait_settled()
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    block = re.search(r"## The log\n.*?```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    shown = {_same_everywhere(line) for line in block[1].splitlines()}
    logged = {_same_everywhere(line) for line in ingress.log.splitlines()}
    # This machine's limit of open files, not the product's.
    logged = {line for line in logged if "MAXCONN=" not in line}
    assert shown == logged


def test_a_record_is_told_as_added_once_it_is(world: World) -> None:
    stack = world.make_stack(provider="cloudflare")
    assert isinstance(stack.dns_api, CloudflareApi)
    stack.dns_api.fault("status", match="^POST .*/dns_records", times=None, status=500)
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_domain(NAME, lambda d: d["error"], "the API to refuse a record")
    failed = ingress.log
    assert "cannot change the records of " in failed
    stack.dns_api.clear_faults()
    assert ingress.ctl("renew", NAME).returncode == 0
    ingress.wait_settled()
    for record in (f"{NAME} CNAME gateway.", f"_dstack-app-address.{NAME} TXT "):
        assert f"the DNS record {record}" not in failed
        assert ingress.log.count(f"[{NAME}] added the DNS record {record}") == 1, ingress.log


def test_a_failure_says_its_step_its_attempt_and_when_it_is_tried_again(world: World) -> None:
    stack = world.make_stack()
    stack.acme.refuse()
    ingress = world.ingress(
        DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}", LOG_FORMAT="json"
    )
    failed = ingress.wait_domain(NAME, lambda d: d["error"], "to fail")
    lines = [line for line in _lines(ingress) if line.get("attempt") == 1]
    assert len(lines) == 1
    assert (lines[0]["domain"], lines[0]["level"]) == (NAME, "warn")
    assert failed["state"] == f"waiting: {lines[0]['step']}"
    assert lines[0]["next_at"][:16] == failed["next_at"][:16]
    assert failed["error"] in lines[0]["message"]


def test_the_domain_of_a_failure_is_named_once(world: World) -> None:
    stack = world.make_stack()
    stack.bind.add(NAME, 60, "CAA", '0 issue "other.test"')
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    failed = ingress.wait_domain(NAME, lambda d: d["error"], "to fail")
    assert failed["error"].startswith("preflight: the CA would refuse")
    assert f"[{NAME}] preflight failed" in ingress.log


def test_the_end_of_a_failure_is_told(world: World) -> None:
    stack = world.make_stack()
    stack.acme.refuse()
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_domain(NAME, lambda d: d["error"], "to fail")
    stack.acme.clear_faults()
    assert ingress.ctl("renew", NAME).returncode == 0
    ingress.wait_settled()
    assert f"[{NAME}] all is well again, after 1 failed attempt\n" in ingress.log


def test_what_holds_up_nothing_is_told_once_and_when_it_is_over(world: World) -> None:
    stack = world.make_stack(provider="cloudflare")
    assert isinstance(stack.dns_api, CloudflareApi)
    ingress = world.ingress(DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}")
    ingress.wait_settled()
    stack.dns_api.fault("status", match=rf"name\.exact={NAME}", times=None, status=500)

    def look_again() -> None:
        before = ingress.domain(NAME)["next_at"]
        assert ingress.ctl("renew", NAME).returncode == 0
        ingress.wait_domain(
            NAME, lambda d: d["state"] == "settled" and d["next_at"] != before, "to be looked at"
        )

    def told(words: str) -> list[str]:
        return [line for line in ingress.log.splitlines() if words in line]

    for _ in range(3):
        look_again()
    assert len(told("records failed, which holds up nothing (again in ")) == 1
    stack.dns_api.clear_faults()
    for _ in range(2):
        look_again()
    (end,) = told("records succeeded, after it had failed for ")
    (begin,) = told("which holds up nothing")
    assert re.search(rf"\[{NAME}\] records succeeded, after it had failed for \d+ s: ", end)
    assert end.partition(" s: ")[2] == begin.partition(" s): ")[2]


def _trouble(log: str) -> list[str]:
    """The warnings and errors but for the guest agent's, which these stacks have not got."""
    told = [line for line in log.splitlines() if re.search(" (warn|error) ", line)]
    return [line for line in told if "guest agent" not in line]


@pytest.mark.parametrize("provider", ["rfc2136", "cloudflare"])
def test_an_attempt_while_dns_is_away_is_one_line(world: World, provider: str) -> None:
    stack = world.make_stack(provider=provider)
    ingress = world.ingress(
        DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}", SET_CAA="true"
    )
    ingress.wait_settled()
    since = len(ingress.log)
    stack.bind.stop()
    assert ingress.ctl("renew", "--force", NAME).returncode != 0
    ingress.wait_log("preflight failed (attempt 3, again in ", since=since)
    told = _trouble(ingress.log[since:])
    assert len(told) == 3, told
    for attempt, line in enumerate(told, 1):
        assert re.search(
            rf"\[{NAME}\] preflight failed \(attempt {attempt}, again in \d+ s\): no order .*"
            rf"cannot connect to the DNS server {stack.bind.server}: Connection refused$",
            line,
        ), line


def test_an_order_while_the_ca_is_away_is_one_failure(world: World) -> None:
    """CAA records cannot be kept then either, and nobody says that this holds up nothing."""
    stack = world.make_stack()
    ingress = world.ingress(
        DOMAINS=NAME, ROUTING_MAP=f"{NAME}={stack.app.address}", SET_CAA="true"
    )
    ingress.wait_settled()
    since = len(ingress.log)
    stack.acme.refuse()
    assert ingress.ctl("renew", "--force", NAME).returncode != 0
    ingress.wait_log("issue failed (attempt 1, again in ", since=since)
    told = _trouble(ingress.log[since:])
    assert len(told) == 1, told


def test_the_end_of_haproxy_and_its_return_are_told(world: World) -> None:
    ingress = _one_domain(world)
    ingress.wait_settled()
    since = len(ingress.log)
    os.kill(ingress.status()["haproxy"]["pid"], signal.SIGKILL)
    ingress.wait_log("HAProxy serves again (worker ", since=since)
    assert "HAProxy was killed by signal 9 (Killed)" in ingress.log[since:]


def test_who_asked_for_a_reload_or_a_renewal_is_told(world: World) -> None:
    ingress = _one_domain(world)
    ingress.wait_settled()
    user = f"of user {os.getuid()}\n"
    for words, told in (
        (("reload",), "reload: asked for by process "),
        (("renew", "--force", NAME), f"[{NAME}] renew --force: asked for by process "),
        (("renew",), "renew: asked for by process "),
        (("dns", "plan"), "dns plan: asked for by process "),
    ):
        since = len(ingress.log)
        assert ingress.ctl(*words).returncode == 0
        assert told in ingress.log[since:], words
        assert user in ingress.log[since:]


def test_a_second_start_tells_what_is_served_and_nothing_that_says_nothing(world: World) -> None:
    ingress = _one_domain(world)
    ingress.wait_settled()
    assert ingress.stop() == 0
    since = len(ingress.log)
    ingress.start()
    ingress.wait_settled()
    ingress.wait_status(lambda s: s["evidence"]["published_at"], "the evidence")
    again = ingress.log[since:]
    assert f"[{NAME}] certificate {ingress.domain(NAME)['certificate']['serial']} is served" in again
    for words in SAYS_NOTHING:
        assert words not in again


def test_an_orderly_stop_in_the_middle_of_an_order_is_no_failure(world: World) -> None:
    ingress = _one_domain(world)
    ingress.wait_log("ordering a certificate")
    since = len(ingress.log)
    assert ingress.stop() == 0
    after = ingress.log[since:]
    ended = f"{NAME}: its certificate's order is ended, it begins anew at the next start"
    assert f"stopping (SIGTERM); {ended}\n" in after
    assert after.endswith(" ingressd: stopped\n")
    assert not [line for line in after.splitlines() if " warn " in line or " error " in line]


def test_a_stop_says_what_has_failed_and_nothing_where_all_is_well(world: World) -> None:
    stack = world.make_stack()
    names = (NAME, "api.demo.test")
    stack.bind.add(NAME, 60, "CAA", '0 issue "other.test"')
    ingress = world.ingress()
    ingress.wait_domain(NAME, lambda d: d["error"], "to fail")
    ingress.wait_settled(90, names[1])
    since = len(ingress.log)
    assert ingress.stop() == 0
    (line,) = [line for line in ingress.log[since:].splitlines() if "stopping" in line]
    failed = rf"{NAME}: preflight has failed \(attempt \d+\), it is tried again at the next start"
    assert re.search(rf"stopping \(SIGTERM\); {failed}$", line), line
    stack.bind.delete(NAME, "CAA")
    since = len(ingress.log)
    ingress.start()
    ingress.wait_settled(90, *names)
    assert ingress.stop() == 0
    assert "stopping (SIGTERM)\n" in ingress.log[since:]
