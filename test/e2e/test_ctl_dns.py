"""ingressctl dns plan and apply: what would change, and changing it, through ingressd."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.ingress import BIN, Ingress
from support.process import Child
from support.stack import STANDIN_APP_ID
from support.volume import Volume

from .conftest import World

OK, FAILED, USAGE, UNREACHABLE, TRY_LATER, BAD_CONFIG = 0, 1, 64, 69, 75, 78
APP, API = "app.demo.test", "api.demo.test"
TXT, OTHER_TXT = f"_dstack-app-address.{APP}", f"_dstack-app-address.{API}"


@pytest.fixture
def ingress(serving: tuple[Ingress, Volume]) -> Ingress:
    return serving[0]


def _with_api(world: World) -> Ingress:
    """Both domains served from the volume, with Cloudflare's API between us and DNS."""
    volume = Volume(world.make_stack(provider="cloudflare"))
    volume.put(APP)
    volume.put(API)
    ingress = world.ingress()
    ingress.wait_settled()
    return ingress


def _child(ingress: Ingress, *arguments: str) -> Child:
    log = ingress.stack.directory / "ingressctl.log"
    return Child([BIN / "ingressctl", *arguments], log, env=ingress.environment)


# ---- plan and apply


def test_a_plan_is_told_and_applying_makes_it_true(ingress: Ingress) -> None:
    bind = ingress.stack.bind
    settled = bind.snapshot("demo.test")
    assert ingress.ctl("dns", "plan").stdout == "No changes.\n"
    bind.delete(APP + ".")
    bind.add(APP + ".", 60, "A", "192.0.2.7")
    bind.delete(f"_dstack-app-address.{API}.")
    before = bind.snapshot("demo.test")
    plan = ingress.ctl("dns", "plan")
    assert (plan.returncode, plan.stderr) == (OK, "")
    assert "~ A 192.0.2.7 -> CNAME gateway.demo.test  (points to the gateway)" in plan.stdout
    assert "(tells the gateway which app and port)" in plan.stdout
    assert "Plan: 1 to add, 1 to change, 0 to remove." in plan.stdout
    assert bind.snapshot("demo.test") == before
    since = len(ingress.log)
    applied = ingress.ctl("dns", "apply")
    assert (applied.returncode, applied.stderr) == (OK, "")
    assert applied.stdout == plan.stdout.replace(
        "Plan: 1 to add, 1 to change, 0 to remove.", "Applied: 1 added, 1 changed, 0 removed."
    )
    assert bind.snapshot("demo.test") == settled
    assert "~ A 192.0.2.7 -> CNAME gateway.demo.test" in ingress.log[since:]
    assert ingress.ctl("dns", "plan").stdout == "No changes.\n"


def test_only_the_domains_named(ingress: Ingress) -> None:
    bind = ingress.stack.bind
    bind.delete(APP + ".")
    bind.delete(API + ".")
    assert API not in ingress.ctl("dns", "plan", APP).stdout
    assert ingress.ctl("dns", "apply", API.upper() + ".").returncode == OK
    assert bind.query(APP, "CNAME") == []
    assert bind.query(API, "CNAME") == ["gateway.demo.test."]
    both = ingress.ctl("dns", "plan", APP, API)
    assert APP in both.stdout and API not in both.stdout


def test_caa_names_the_account(world: World) -> None:
    stack = world.make_stack()
    ingress = world.ingress(
        DOMAINS=APP, ROUTING_MAP=f"{APP}={stack.app.address}", SET_CAA="true"
    )
    ingress.wait_settled()
    account = ingress.status()["acme"]["account"]
    stack.bind.delete(APP + ".", "CAA")
    plan = ingress.ctl("dns", "plan")
    assert f"+ CAA 0 issue \"ca.demo.test; validationmethods=dns-01; accounturi={account}\"" in (
        plan.stdout
    )


def test_what_is_not_known_yet_is_left_out(world: World) -> None:
    stack = world.make_stack()
    stack.acme.refuse(503, times=None)
    ingress = world.ingress(
        DOMAINS=APP, ROUTING_MAP=f"{APP}={stack.app.address}", SET_CAA="true", APP_ID=None
    )
    ingress.wait_status(lambda s: s["domains"][0]["error"], "the domain to wait")
    plan = ingress.ctl("dns", "plan")
    assert plan.returncode == OK, plan.stderr
    assert "CAA records are left out: there is no ACME account yet" in plan.stdout
    assert "TXT records are left out: the app's id is not known yet" in plan.stdout
    assert "+ A 127.0.0.1  (points to the gateway)" in plan.stdout
    assert "+ TXT" not in plan.stdout and "+ CAA" not in plan.stdout


# ---- failures


def test_one_name_in_the_way_is_told_and_the_others_are_made(ingress: Ingress) -> None:
    bind = ingress.stack.bind
    bind.delete(TXT + ".")
    bind.add(TXT + ".", 60, "CNAME", "elsewhere.test.")
    bind.delete(API + ".")
    done = ingress.ctl("dns", "apply")
    assert done.returncode == FAILED
    assert f"{TXT}\n  x " in done.stdout
    assert "is a CNAME (to elsewhere.test)" in done.stderr
    assert bind.query(API, "CNAME") == ["gateway.demo.test."]
    assert bind.query(TXT, "CNAME") == ["elsewhere.test."]


@pytest.mark.parametrize(
    ("fault", "status", "part"),
    [
        ({"kind": "rate_limited", "headers": {"retry-after": "3600"}}, TRY_LATER, "3600"),
        ({"kind": "status", "status": 403}, BAD_CONFIG, "HTTP status 403"),
        ({"kind": "status", "status": 200, "body": "<html>"}, UNREACHABLE, "is not JSON"),
    ],
)
def test_exit_codes_are_those_of_the_run(
    world: World, fault: dict[str, object], status: int, part: str
) -> None:
    ingress = _with_api(world)
    assert ingress.stack.dns_api is not None
    ingress.stack.dns_api.fault(times=None, **fault)  # type: ignore[arg-type]
    done = ingress.ctl("dns", "plan")
    assert done.returncode == status, done.stdout + done.stderr
    assert part in done.stderr and "Cloudflare" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("dns",), ("dns", "show"), ("dns", "plan", "nobody.demo.test"), ("dns", "plan", "")],
)
def test_wrong_usage_is_64(ingress: Ingress, arguments: tuple[str, ...]) -> None:
    done = ingress.ctl(*arguments)
    assert done.returncode == USAGE
    assert done.stderr != "" and done.stdout == ""


def test_more_names_than_a_request_may_hold(ingress: Ingress) -> None:
    done = ingress.ctl("dns", "plan", *[APP] * 600)
    assert done.returncode == USAGE
    assert "too many domains" in done.stderr


def test_without_a_daemon_it_is_69(world: World) -> None:
    world.make_stack()
    done = Ingress(world.stack).ctl("dns", "plan")
    assert done.returncode == UNREACHABLE
    assert "ingressd does not answer at" in done.stderr


def test_the_control_socket_wants_the_right_method_and_run(ingress: Ingress) -> None:
    assert ingress.control("GET", "/v1/dns/plan")[0] == 405
    assert ingress.control("GET", "/v1/dns/apply")[0] == 405
    assert ingress.control("POST", "/v1/dns?job=1")[0] == 405
    assert ingress.control("GET", "/v1/dns?job=1")[0] == 404
    status, answer = ingress.control("POST", "/v1/dns/plan")
    assert (status, answer) == (202, {"job": 1})
    ingress.wait_for(
        lambda: not ingress.control("GET", "/v1/dns?job=1&from=0")[1]["running"], "the end"
    )
    told = ingress.control("GET", "/v1/dns?job=1&from=3")[1]
    assert told == {
        "running": False, "output": "changes.\n", "next": 12, "more": False, "exit_code": 0,
        "error": None,
    }  # fmt: skip
    assert ingress.control("GET", "/v1/dns?job=1&from=999")[1]["output"] == ""
    assert ingress.control("GET", "/v1/dns?job=0")[0] == 404
    assert ingress.control("GET", "/v1/dns?job=2")[0] == 404


# ---- output


@pytest.fixture
def shouting(world: World, tmp_path: Path) -> Iterator[Ingress]:
    """`ingress-dns plan` tells as many bytes as the file `length` says, in lines of 32."""
    programs = Path(shutil.copytree(BIN, tmp_path / "programs"))
    (programs / "ingress-dns").write_text(
        f'#!/bin/sh\n[ "$1" = plan ] || exec {BIN}/ingress-dns "$@"\n'
        f'yes "  + TXT \'{"x" * 21}\'" | head -c "$(cat {programs}/length)"\n'
    )
    stack = world.make_stack()
    ingress = Ingress(stack, DOMAINS=APP, ROUTING_MAP=f"{APP}={stack.app.address}")
    ingress.programs = programs
    with ingress:
        ingress.wait_for(ingress.control_socket.exists, "the control socket")
        yield ingress


def test_a_long_plan_is_told_whole(shouting: Ingress) -> None:
    (shouting.programs / "length").write_text(str(3_000_000))
    plan = shouting.ctl("dns", "plan")
    assert (plan.returncode, plan.stderr) == (OK, "")
    assert len(plan.stdout) == 3_000_000
    assert set(plan.stdout.splitlines()[:-1]) == {"  + TXT '" + "x" * 21 + "'"}


def test_more_than_can_be_told_is_a_failure(shouting: Ingress) -> None:
    (shouting.programs / "length").write_text(str(9_000_000))
    plan = shouting.ctl("dns", "plan")
    assert plan.returncode == FAILED
    assert "its output is not whole; name some of the domains" in plan.stderr


def test_long_outputs_of_older_runs_are_not_kept(shouting: Ingress) -> None:
    """Or eight of them would be more than all else that ingressd holds."""
    (shouting.programs / "length").write_text(str(5_000_000))
    for _ in range(2):
        assert shouting.ctl("dns", "plan").returncode == OK
    assert shouting.control("GET", "/v1/dns?job=1")[0] == 200
    (shouting.programs / "length").write_text("32")
    assert shouting.ctl("dns", "plan").returncode == OK
    known = [shouting.control("GET", f"/v1/dns?job={job}")[0] for job in (1, 2, 3)]
    assert known == [404, 200, 200]


# ---- beside other things


def test_a_run_is_told_to_its_end_though_others_came_after_it(ingress: Ingress) -> None:
    bind = ingress.stack.bind
    bind.delete(TXT + ".")
    (status, answer), first = ingress.control("POST", "/v1/dns/apply"), "/v1/dns?job=1"
    assert (status, answer) == (202, {"job": 1})
    ingress.wait_for(lambda: not ingress.control("GET", first)[1]["running"], "its end")
    for _ in range(7):
        assert ingress.ctl("dns", "plan").stdout == "No changes.\n"
    told = ingress.control("GET", first)[1]
    assert "Applied: 1 added, 0 changed, 0 removed.\n" in told["output"]
    assert (told["running"], told["exit_code"]) == (False, 0)
    assert ingress.ctl("dns", "plan").returncode == OK
    assert ingress.control("GET", first)[0] == 404


def test_two_users_at_once(ingress: Ingress) -> None:
    """Each is told of a run of its own, or that another one is under way."""
    with ThreadPoolExecutor() as pool:
        users = [pool.submit(lambda: [ingress.ctl("dns", "plan") for _ in range(8)]) for _ in "ab"]
        runs = [run for user in users for run in user.result()]
    assert {run.returncode for run in runs} <= {OK, TRY_LATER}, [run.stderr for run in runs]
    assert all(run.stdout == "No changes.\n" for run in runs if run.returncode == OK)
    assert any(run.returncode == OK for run in runs)


def test_one_at_a_time(ingress: Ingress) -> None:
    ingress.stack.bind.first.child.pause()
    try:
        first = _child(ingress, "dns", "plan")
        ingress.wait_for(lambda: ingress.processes("ingress-dns plan"), "the first to run")
        second = ingress.ctl("dns", "apply")
    finally:
        ingress.stack.bind.first.child.resume()
    assert second.returncode == TRY_LATER
    assert "a `dns plan` of ingressctl is under way" in second.stderr
    assert first.wait(60) == OK, first.log_text()
    assert first.log_text() == "No changes.\n"


def test_it_takes_turns_with_the_supervisor(world: World) -> None:
    """Orders and records of the supervisor, and the user's hand, on the same names at once."""
    stack = world.make_stack()
    ingress = world.ingress(SET_CAA="true")
    ingress.wait_settled()
    settled = stack.bind.snapshot("demo.test")
    for name in (APP, API):
        stack.bind.delete(name + ".")
        stack.bind.add(name + ".", 60, "CNAME", "old.elsewhere.test.")
        stack.bind.delete(f"_dstack-app-address.{name}.")
    with ThreadPoolExecutor() as pool:
        renewals = pool.submit(ingress.ctl, "renew", "--force")
        runs = [ingress.ctl("dns", "apply") for _ in range(5)]
        assert renewals.result().returncode == OK, renewals.result().stdout
    assert [run.returncode for run in runs] == [OK] * 5, [run.stdout for run in runs]
    assert stack.bind.snapshot("demo.test") == settled
    assert (stack.pebble.orders(), stack.pebble.failed_validations()) == (4, 0)


def test_output_comes_while_it_runs_and_an_interrupt_ends_only_the_looking(world: World) -> None:
    ingress = _with_api(world)
    api, bind = ingress.stack.dns_api, ingress.stack.bind
    assert api is not None
    settled = api.dump("demo.test")
    value = f"{STANDIN_APP_ID}:{ingress.port}"
    for name in (TXT, OTHER_TXT):
        assert ingress.run("ingress-dns", "del-txt", name, value).returncode == OK
    held = api.fault("hang", match=rf"GET .*name.exact={OTHER_TXT}")
    child = _child(ingress, "dns", "apply", APP, API)
    child.wait_for(lambda: held.hits and TXT in child.log_text(), what="the first half")
    assert child.running and "Applied" not in child.log_text()
    child.signal(signal.SIGINT)
    assert child.wait(10) != OK
    ingress.wait_for(lambda: bind.query(OTHER_TXT, "TXT"), "the second half")
    assert api.dump("demo.test") == settled


def test_a_run_is_ended_with_the_product(ingress: Ingress) -> None:
    ingress.stack.bind.first.child.pause()
    try:
        child = _child(ingress, "dns", "plan")
        ingress.wait_for(lambda: ingress.processes("ingress-dns plan"), "it to run")
        (pid,) = ingress.processes("ingress-dns plan")
        assert ingress.stop() == 0
    finally:
        ingress.stack.bind.first.child.resume()
    # Whether its end is still told depends on who is faster.
    assert child.wait(30) in (FAILED, UNREACHABLE)
    assert not os.path.exists(f"/proc/{pid}")
