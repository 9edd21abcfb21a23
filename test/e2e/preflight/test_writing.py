"""ingress-dns preflight: whether values can be written."""

from __future__ import annotations

import random
import time
from pathlib import Path

from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.process import wait_until

from ..dns_bench import ACCOUNT, BAD_CONFIG, FOREIGN, Bench, api_bench
from .asking import CHALLENGE, DOMAIN, preflight, refusal

TRIAL = "dstack-ingress-can-write-here"
KILLS = 10
KILL_WINDOW = 0.1


def test_a_value_is_written_and_removed_once_an_hour(bench: Bench, bind: Bind) -> None:
    before, serial = bind.snapshot("demo.test"), bind.query("demo.test", "SOA")
    assert "nothing stands in the way" in preflight(bench)
    written = bind.query("demo.test", "SOA")
    assert written != serial
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []
    preflight(bench)
    preflight(bench, "*.demo.test")
    assert bind.query("demo.test", "SOA") == written
    bench.ok("cleanup", "--all")  # what the supervisor does when it starts
    preflight(bench)
    assert bind.query("demo.test", "SOA") != written


def test_records_that_were_just_made_prove_it_too(bench: Bench, bind: Bind) -> None:
    bench.ok("apply", "--only", "alias,txt")
    serial = bind.query("demo.test", "SOA")
    preflight(bench)
    assert bind.query("demo.test", "SOA") == serial


def test_the_trial_makes_no_challenge_wait(bench: Bench) -> None:
    """Nobody was told of it, so no cache can hold it."""
    preflight(bench)
    result = bench.run("auth", CERTBOT_DOMAIN=DOMAIN, CERTBOT_VALIDATION="v")
    assert result.returncode == 0
    assert "caches" not in result.stderr


def test_credentials_that_may_only_read(tmp_path: Path) -> None:
    with (
        Bind(tmp_path / "bind", records={"demo.test": FOREIGN}) as bind,
        CloudflareApi(bind) as api,
    ):
        bench = api_bench(tmp_path, bind, api)
        api.permissions.discard("dns:edit")
        before = api.dump("demo.test")
        told = refusal(bench, status=BAD_CONFIG)
        assert "an order for app.demo.test cannot succeed" in told
        assert "Cloudflare: POST" in told and "Authentication error" in told
        assert api.dump("demo.test") == before
        api.permissions.add("dns:edit")
        preflight(bench)
        assert api.dump("demo.test") == before


def test_a_trial_value_that_was_left_proves_nothing(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind, CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        api.seed_value("demo.test", "TXT", CHALLENGE, f'"{TRIAL}"')
        api.permissions.discard("dns:edit")
        told = bench.run("preflight", "--account-uri", ACCOUNT)
        assert told.returncode == BAD_CONFIG, told.stdout + told.stderr
        assert "a trial value that is there cannot be removed" in told.stderr
        api.permissions.add("dns:edit")
        preflight(bench)
        assert bind.query(CHALLENGE, "TXT") == []


def test_a_failed_write_ends_what_an_earlier_one_has_proved(tmp_path: Path) -> None:
    with Bind(tmp_path / "bind") as bind, CloudflareApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        preflight(bench)
        api.permissions.discard("dns:edit")
        preflight(bench)
        result = bench.run("auth", CERTBOT_DOMAIN=DOMAIN, CERTBOT_VALIDATION="v")
        assert result.returncode == BAD_CONFIG
        refusal(bench, status=BAD_CONFIG)


def test_killed_at_any_moment_the_next_one_tidies_up(bench: Bench, bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    chance = random.Random(11)
    for _ in range(KILLS):
        child = bench.start("preflight", DOMAIN)
        moment = time.monotonic() + chance.random() * KILL_WINDOW
        wait_until(lambda m=moment: time.monotonic() > m, what="the moment")
        child.kill()
        left = {text for _, _, kind, text in bind.snapshot("demo.test") - before if kind == "TXT"}
        assert left <= {f'"{value}"' for value in bench.noted()}
    bench.ok("cleanup", "--all")
    assert bind.snapshot("demo.test") == before
    bind.add(CHALLENGE + ".", 60, "TXT", TRIAL)  # as a kill leaves it, had we not looked
    preflight(bench)
    assert bind.snapshot("demo.test") == before
    assert bench.noted() == []
