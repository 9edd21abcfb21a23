"""An ACME account that cannot be used keeps nothing from being renewed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.ingress import Ingress
from support.stack import Stack
from support.volume import Volume, account_key

from .conftest import World

NAME = "app.demo.test"


def _settled(world: World) -> tuple[Ingress, Path]:
    """Served, and stopped again; and the folder of its account."""
    stack = world.make_stack(guest_agent="dstack")
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    assert ingress.stop() == 0
    return ingress, _accounts(ingress)[0]


def _only(stack: Stack) -> dict[str, str | None]:
    return {
        "DOMAINS": NAME,
        "ROUTING_MAP": f"{NAME}={stack.app.address}",
        "SET_CAA": "true",
    }


def _accounts(ingress: Ingress) -> list[Path]:
    return sorted(path.parent for path in (ingress.volume / "accounts").rglob("private_key.json"))


def _uri(account: Path) -> str:
    return str(json.loads((account / "regr.json").read_text())["uri"])


def _pin(stack: Stack) -> str:
    return " ".join(stack.bind.query(NAME, "CAA"))


def _spoil_key(account: Path) -> None:
    key = json.loads((account / "private_key.json").read_text())
    key["n"] = account_key()["n"]
    (account / "private_key.json").chmod(0o600)
    (account / "private_key.json").write_text(json.dumps(key))


def _empty(name: str) -> Callable[[Path], None]:
    return lambda account: os.truncate(account / name, 0)


def _put_file_for_folder(account: Path) -> None:
    shutil.rmtree(account)
    account.write_text("")


SPOILED: dict[str, Callable[[Path], None]] = {
    "an empty key": _empty("private_key.json"),
    "a key whose numbers do not fit": _spoil_key,
    "no key": lambda account: (account / "private_key.json").unlink(),
    "an empty registration": _empty("regr.json"),
    "a registration without a uri": lambda a: (a / "regr.json").write_text('{"body": {}}'),
    "a file for its folder": _put_file_for_folder,
}


@pytest.mark.parametrize("kind", SPOILED)
def test_an_account_that_cannot_be_used_is_told_and_one_is_registered(
    world: World, kind: str
) -> None:
    ingress, account = _settled(world)
    before = _uri(account)
    SPOILED[kind](account)
    ingress.start()
    ingress.wait_settled()
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr + ingress.log
    assert world.stack.pebble.orders() == 2
    assert f"ACME account {account.name} is passed over" in ingress.log
    (made,) = (a for a in _accounts(ingress) if a != account)
    assert _uri(made) != before
    assert _uri(made) in _pin(world.stack) and before not in _pin(world.stack)
    assert ingress.fetch_evidence("/evidences/acme-account.json").json()["uri"] == _uri(made)


@pytest.mark.parametrize("kind", SPOILED)
def test_of_two_accounts_the_one_that_can_be_used_is(world: World, kind: str) -> None:
    ingress, account = _settled(world)
    newer = account.with_name("f" * 32)
    shutil.copytree(account, newer)
    SPOILED[kind](newer)
    later = time.time() + 60
    for path in newer.iterdir() if newer.is_dir() else (newer,):
        os.utime(path, (later, later))
    ingress.start()
    ingress.wait_settled()
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr + ingress.log
    assert world.stack.pebble.orders() == 2
    assert f"ACME account {newer.name} is passed over" in ingress.log
    assert _uri(account) in _pin(world.stack)
    assert {a for a in _accounts(ingress)} <= {account, newer}


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_meta_json_is_not_needed(world: World, content: str) -> None:
    ingress, account = _settled(world)
    (account / "meta.json").write_text(content)
    ingress.start()
    ingress.wait_settled()
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr + ingress.log
    assert _accounts(ingress) == [account]
    assert ingress.log.count("its meta.json is broken") == 1


@pytest.mark.parametrize("place", ["", "https://another.ca.test"])
def test_an_account_that_the_ca_has_lost_is_replaced_once(world: World, place: str) -> None:
    """Or that is of another one: of its staging environment, say, or from before it has moved."""
    stack = world.make_stack()
    volume = Volume(stack)  # with an account that Pebble has never seen
    first = volume.put(NAME)
    for regr in (volume.path / "accounts").rglob("regr.json"):
        uri = f"{place or stack.pebble.origin}/my-account/1"
        regr.write_text(json.dumps({"body": {}, "uri": uri}))
    ingress = world.ingress(**_only(stack))
    ingress.wait_settled()
    (lost,) = _accounts(ingress)
    assert _uri(lost) in _pin(stack)
    assert ingress.control("POST", f"/v1/renew?domain={NAME}&force=1")[0] == 202
    ingress.wait_log("the CA does not know the ACME account")
    assert ingress.serial(NAME) == first
    assert ingress.control("POST", f"/v1/renew?domain={NAME}")[0] == 202
    ingress.wait_domain(NAME, lambda d: d["certificate"]["serial"] != first, "the new certificate")
    (made,) = (account for account in _accounts(ingress) if account != lost)
    assert _uri(made) in _pin(stack) and f'{_uri(lost)}"' not in _pin(stack)
    assert stack.pebble.orders() == 2  # the one that the CA refused, and this one
    assert (lost / "lost-at-the-ca").exists()
    ingress.restart()
    ingress.wait_settled()
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr
    assert stack.pebble.orders() == 3
    assert len(_accounts(ingress)) == 2


def test_many_first_certificates_are_ordered_with_one_account(world: World) -> None:
    stack = world.make_stack()
    names = [f"n{number}.demo.test" for number in range(4)]
    ingress = world.ingress(
        DOMAINS=",".join(names), ROUTING_MAP=",".join(f"{n}={stack.app.address}" for n in names)
    )
    ingress.wait_settled()
    assert len(_accounts(ingress)) == 1
    assert stack.pebble.orders() == len(names)


def test_a_volume_without_an_account_is_told_loudly_and_once(world: World) -> None:
    ingress, account = _settled(world)
    words = f"warn ingressd: no ACME account on {ingress.volume}: one is registered."
    assert ingress.log.count(words) == 1
    since = len(ingress.log)
    ingress.start()
    ingress.wait_settled()
    assert words not in ingress.log[since:]
    assert ingress.stop() == 0
    shutil.rmtree(ingress.volume)  # as when nobody mounts it
    ingress.volume.mkdir()
    ingress.start()
    told = ingress.wait_domain(NAME, lambda d: d["error"], "a reason to wait")
    assert "DNS has this app's records already: its volume was lost" in told["error"]
    assert world.stack.pebble.orders() == 1 and not list(ingress.volume.glob("accounts/**/regr.json"))
    done = ingress.ctl("renew", "--force", NAME)
    assert done.returncode == 0, done.stderr
    assert ingress.log.count(words) == 2
    assert _accounts(ingress)[0] != account
