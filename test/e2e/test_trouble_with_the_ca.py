"""A CA, a zone or a certbot that fails: others are not affected, and nothing is hammered."""

from __future__ import annotations

import datetime
import json

from support.fake_certbot import ASKING
from support.stack import Stack

from .conftest import World

BAD, GOOD = "app.demo.test", "api.demo.test"


def _only(stack: Stack, name: str = BAD) -> dict[str, str | None]:
    return {"DOMAINS": name, "ROUTING_MAP": f"{name}={stack.app.address}"}


def test_a_domain_that_the_ca_rejects_does_not_affect_another(world: World) -> None:
    world.make_stack(blocked_domains=[BAD])
    ingress = world.ingress()
    ingress.wait_settled(90, GOOD)
    bad = ingress.wait_domain(BAD, lambda d: d["error"], "the CA's refusal")
    assert bad["state"] == "waiting: issue"
    assert "the CA says rejectedIdentifier" in bad["error"], bad["error"]
    assert ingress.fetch(GOOD).json()["name"] == "api"
    assert _seconds_until(bad["next_at"]) > 40


def test_a_zone_that_refuses_updates_does_not_affect_another(world: World) -> None:
    stack = world.make_stack(zones=("demo.test",))
    other = "app.elsewhere.test"  # in no zone of the server
    ingress = world.ingress(
        DOMAINS=f"{other},{GOOD}",
        ROUTING_MAP=f"{other}={stack.app.address},{GOOD}={stack.api.address}",
    )
    ingress.wait_settled(90, GOOD)
    bad = ingress.wait_domain(other, lambda d: d["error"], "the refusal")
    assert bad["state"].startswith("waiting: ")
    assert stack.pebble.failed_validations() == 0
    assert ingress.fetch(GOOD).json()["name"] == "api"


def test_four_orders_an_hour_and_a_restart_does_not_forget(world: World) -> None:
    stack = world.make_stack(blocked_domains=[BAD])
    ingress = world.ingress(**_only(stack))
    for attempt in range(1, 5):
        ingress.wait_domain(BAD, lambda d: d["failures"] == attempt, f"failure {attempt}")
        if attempt == 2:
            since = ingress.domain(BAD)["next_at"]
            ingress.restart()
            waiting = ingress.wait_domain(BAD, lambda d: d["next_at"], "the pause to go on")
            assert abs(_seconds_until(waiting["next_at"]) - _seconds_until(since)) < 5
        if attempt < 4:
            assert ingress.control("POST", f"/v1/renew?domain={BAD}")[0] == 202
    assert stack.pebble.orders() == 4
    assert ingress.control("POST", f"/v1/renew?domain={BAD}&force=1")[0] == 429
    assert ingress.control("POST", f"/v1/renew?domain={BAD}")[0] == 202
    spent = ingress.wait_domain(BAD, lambda d: "4 orders" in (d["error"] or ""), "the budget")
    assert _seconds_until(spent["next_at"]) > 3000
    assert stack.pebble.orders() == 4
    state = json.loads((ingress.volume / "dstack-ingress" / "state.json").read_text())
    assert len(state["domains"][BAD]["orders"]) == 4


def test_retry_after_is_honoured_and_a_ca_that_comes_back_is_used(world: World) -> None:
    stack = world.make_stack()
    stack.acme.refuse(503, retry_after=1234, times=None)
    ingress = world.ingress(**_only(stack))
    told = ingress.wait_domain(BAD, lambda d: d["error"], "the refusal")
    assert 1100 < _seconds_until(told["next_at"]) <= 1234
    stack.acme.clear_faults()
    done = ingress.ctl("renew", BAD)
    assert done.returncode == 0, done.stderr
    assert ingress.fetch(BAD).json()["name"] == "app"


def test_a_zone_that_lags_is_told_as_what_it_is(world: World) -> None:
    stack = world.make_stack(second_server=True)
    stack.bind.second.hold()
    ingress = world.ingress(**_only(stack), PROPAGATION_TIMEOUT="2")
    told = ingress.wait_domain(BAD, lambda d: d["error"], "the end of the wait")
    assert told["state"] == "waiting: issue"
    assert "the challenge could not be set: " in told["error"], told["error"]
    assert f"_acme-challenge.{BAD}" in told["error"]
    assert "KeyError" not in told["error"] and "Saving debug log" not in told["error"]
    stack.bind.second.release()
    assert ingress.ctl("renew", BAD).returncode == 0
    assert stack.pebble.failed_validations() == 0


def test_a_certbot_that_is_killed_is_told_as_that(world: World) -> None:
    stack = world.make_stack()
    killed = stack.script(
        "certbot",
        'case "$1" in register) exec certbot "$@";; esac\n'
        "echo 'Saving debug log to /x/letsencrypt.log' >&2\nkill -KILL $$\n",
    )
    ingress = world.ingress(**_only(stack), CERTBOT=killed)
    told = ingress.wait_domain(BAD, lambda d: d["error"], "the kill")
    assert told["error"].startswith("certbot: it was killed by signal 9 (Killed); ")
    assert told["orders_in_last_hour"] == 0  # nothing was asked of the CA


def test_a_certbot_that_hangs_is_ended_with_its_group_and_its_challenge_removed(
    world: World,
) -> None:
    stack = world.make_stack()
    challenge = f"_acme-challenge.{BAD}"
    # Makes its challenge record as the real one would, and then neither ends nor minds TERM.
    stale = "stale" + "-" * 38
    hanging = stack.script(
        "certbot",
        f"""{ASKING}
case "$1" in register) exec certbot "$@";; esac
trap '' TERM
ask auth {BAD} {stale}
echo $$ > {stack.notes}/pid
while :; do sleep 600; done
""",
    )
    ingress = world.ingress(**_only(stack), CERTBOT=hanging, CERTBOT_TIMEOUT="6")
    ingress.wait_for((stack.notes / "pid").exists, "certbot to hang")
    assert stack.bind.query(challenge, "TXT") == [stale]
    told = ingress.wait_domain(BAD, lambda d: d["error"], "the deadline")
    assert "took too long" in told["error"]
    ingress.wait_for(lambda: not stack.bind.query(challenge, "TXT"), "the challenge to go")
    assert not ingress.processes("sleep 600") and not ingress.processes(hanging)


def _seconds_until(text: str) -> float:
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    return (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
