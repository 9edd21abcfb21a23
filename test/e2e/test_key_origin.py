"""Which private keys were made here: recorded under a MAC that only this app can compute."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from support.guest_agent import GuestAgent
from support.ingress import Ingress
from support.simulated_guest import SimulatedGuest
from support.stack import Stack
from support.volume import Volume

from .conftest import World

NAME, OTHER = "app.demo.test", "api.demo.test"
MADE, ADOPTED = "made here", "adopted"
KEY_PATH, KEY_PURPOSE, KEY_ALGORITHM = "ingress/key-origin/v1", "mac", "secp256k1"


def origins(status: dict[str, Any]) -> dict[str, str | None]:
    return {d["name"]: (d["certificate"] or {}).get("key") for d in status["domains"]}


def wait_origins(ingress: Ingress, app: str | None, api: str | None) -> dict[str, Any]:
    wanted = {NAME: app, OTHER: api}
    return ingress.wait_status(lambda status: origins(status) == wanted, f"origins {wanted}")


def record_of(ingress: Ingress) -> Path:
    return ingress.volume / "dstack-ingress" / "key-origin"


def served_spki(ingress: Ingress, name: str) -> str:
    with ingress.connect(name) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der is not None
    key = x509.load_der_x509_certificate(der).public_key()
    return hashlib.sha256(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).hexdigest()


def plant(stack: Stack, name: str) -> str:
    """A certificate from outside, in the lineage that is there; its serial."""
    volume = Volume(stack)
    accounts = volume.path / "accounts"
    shutil.rmtree(next(accounts.rglob("0123456789abcdef")))  # ours stays the only one
    return volume.put(name)


def ordered(world: World, **options: Any) -> Ingress:
    """Both names served with certificates that were ordered here."""
    stack = world.make_stack(guest_agent=options.pop("agent", "dstack"))
    if "certbot" in options:
        options["CERTBOT"] = stack.script("certbot", options.pop("certbot"))
    ingress = world.ingress(LOG_LEVEL="debug", **options)
    ingress.wait_settled()
    return ingress


def test_what_was_ordered_here_is_made_here_and_stays_so(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    text = ingress.ctl("status").stdout
    assert re.search(rf"^{re.escape(NAME)} .*  made here$", text, re.M), text
    assert f"[{NAME}] the private key is made here" in ingress.log
    record = record_of(ingress)
    assert record.stat().st_mode & 0o777 == 0o600
    lines = record.read_text().splitlines()
    assert lines[0] == "dstack-ingress key-origin 1"
    assert re.fullmatch("mac [0-9a-f]{64}", lines[-1])
    entries = {line.split(" ")[3]: line.split(" ") for line in lines[1:-1]}
    for name in (NAME, OTHER):
        assert entries[name][:2] == [served_spki(ingress, name), ingress.serial(name)]
    orders = world.stack.pebble.orders()
    ingress.restart()
    wait_origins(ingress, MADE, MADE)
    ingress.wait_settled()
    assert world.stack.pebble.orders() == orders


def test_the_key_of_the_record_is_asked_as_agreed_and_shown_nowhere(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    agent = world.stack.agent
    assert agent is not None
    asked = {r["query"] for r in agent.requests() if r["path"] == "/GetKey"}
    assert asked == {f"path={KEY_PATH}&purpose={KEY_PURPOSE}&algorithm={KEY_ALGORITHM}"}
    secret = agent.guest.app_key(KEY_PATH, KEY_PURPOSE, KEY_ALGORITHM)[0].hex()
    assert secret not in ingress.log
    for folder in (ingress.volume, ingress.run_dir, ingress.evidence):
        for path in folder.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


def test_a_key_from_outside_is_adopted_until_an_order_makes_another(world: World) -> None:
    volume = Volume(world.make_stack(guest_agent="dstack"))
    serial = volume.put(NAME)
    volume.put(OTHER)
    ingress = world.ingress()
    ingress.wait_settled()
    wait_origins(ingress, ADOPTED, ADOPTED)
    assert ingress.serial(NAME) == serial
    assert f"[{NAME}] the private key is adopted" in ingress.log
    assert re.search(rf"^{re.escape(NAME)} .*  adopted$", ingress.ctl("status").stdout, re.M)
    assert world.stack.pebble.orders() == 0


def test_a_key_put_over_ours_is_adopted(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    serial = plant(world.stack, NAME)
    ingress.ctl("renew")  # looks at the volume
    ingress.wait_for(lambda: ingress.try_serial(NAME) == serial, "the planted certificate")
    wait_origins(ingress, ADOPTED, MADE)
    done = ingress.ctl("renew", NAME, "--force")
    assert done.returncode == 0, done.stderr
    wait_origins(ingress, MADE, MADE)
    assert served_spki(ingress, NAME) in record_of(ingress).read_text()


def test_an_order_makes_a_new_key_whatever_is_said_of_reusing_it(world: World) -> None:
    """By the lineage's own configuration, and by a cli.ini of the machine's."""
    ingress = ordered(world, certbot='XDG_CONFIG_HOME=${0%/*} exec certbot "$@"\n')
    wait_origins(ingress, MADE, MADE)
    assert ingress.stop() == 0
    plant(world.stack, NAME)
    conf = ingress.volume / "renewal" / f"{NAME}.conf"
    conf.write_text(
        conf.read_text().replace("[renewalparams]", "[renewalparams]\nreuse_key = True")
    )
    (world.stack.public / "letsencrypt").mkdir()
    (world.stack.public / "letsencrypt" / "cli.ini").write_text("reuse-key = true\n")
    ingress.start()
    ingress.wait_settled()
    wait_origins(ingress, ADOPTED, MADE)
    planted = served_spki(ingress, NAME)
    done = ingress.ctl("renew", NAME, "--force")
    assert done.returncode == 0, done.stderr
    assert served_spki(ingress, NAME) != planted
    wait_origins(ingress, MADE, MADE)


def test_a_record_of_another_app_is_not_believed(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    record = record_of(ingress)
    theirs = record.read_bytes()
    assert ingress.stop() == 0
    agent = world.stack.agent
    assert agent is not None
    agent.stop()
    another = SimulatedGuest(agent.guest.pki, app_id=bytes(range(20)))
    orders = world.stack.pebble.orders()
    with GuestAgent(agent.socket, another):
        ingress.start()
        status = wait_origins(ingress, ADOPTED, ADOPTED)
        assert "not made by this app" in status["key_origin"]["rejected"]
        assert "not made by this app" in ingress.ctl("status").stdout
        ingress.wait_settled()
        assert record.with_name("key-origin.rejected").read_bytes() == theirs
        assert world.stack.pebble.orders() == orders


def truncated(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:-40])


def emptied(record: Path) -> None:
    record.write_bytes(b"")


def one_more_key(record: Path) -> None:
    lines = record.read_text().splitlines(keepends=True)
    lines.insert(1, f"{'0' * 64} 01 0 {NAME}\n")
    record.write_text("".join(lines))


def without_mac(record: Path) -> None:
    record.write_text("".join(record.read_text().splitlines(keepends=True)[:-1]))


def a_folder(record: Path) -> None:
    record.unlink()
    record.mkdir()


def a_link(record: Path) -> None:
    moved = record.with_name("moved")
    record.rename(moved)
    record.symlink_to(moved)


def a_fifo(record: Path) -> None:
    record.unlink()
    os.mkfifo(record)


def huge(record: Path) -> None:
    with open(record, "ab") as file:
        file.truncate(5 << 30)


def forged(record: Path) -> None:
    """By somebody who knows the format, but has no key."""
    lines = record.read_text().splitlines(keepends=True)
    covered = "".join(lines[:-1])
    mac = hmac.digest(bytes(32), covered.encode(), "sha256").hex()
    record.write_text(f"{covered}mac {mac}\n")


SPOILS = (
    truncated, emptied, one_more_key, without_mac, forged, a_folder, a_link, a_fifo, huge
)  # fmt: skip


def test_a_spoilt_record_makes_keys_adopted_and_stops_nothing(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    record = record_of(ingress)
    good = record.read_bytes()
    for spoil in SPOILS:
        assert ingress.stop() == 0
        record.write_bytes(good)
        spoil(record)
        ingress.start()
        status = wait_origins(ingress, ADOPTED, ADOPTED)
        assert "is not believed" in status["key_origin"]["rejected"], spoil
        assert status["key_origin"]["error"] is None
        ingress.wait_for(lambda: record.is_file() and not record.is_symlink(), "a new record")
        ingress.wait_settled()
        _remove(record.with_name("key-origin.rejected"))
    ingress.restart()
    status = wait_origins(ingress, ADOPTED, ADOPTED)
    assert status["key_origin"]["rejected"] is None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()


def test_an_older_record_names_fewer_keys(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    older = record_of(ingress).read_bytes()
    assert ingress.ctl("renew", NAME, "--force").returncode == 0
    ingress.wait_for(lambda: record_of(ingress).read_bytes() != older, "the record to grow")
    wait_origins(ingress, MADE, MADE)
    assert ingress.stop() == 0
    record_of(ingress).write_bytes(older)
    ingress.start()
    status = wait_origins(ingress, ADOPTED, MADE)
    assert status["key_origin"]["rejected"] is None


def test_tappd_has_no_key_for_a_record(world: World) -> None:
    ingress = ordered(world, agent="tappd")
    status = wait_origins(ingress, ADOPTED, ADOPTED)
    assert "the origin of keys cannot be recorded" in status["key_origin"]["error"]
    assert "no guest agent with GetKey" in status["key_origin"]["error"]
    assert "no guest agent with GetKey" in ingress.ctl("status").stdout
    assert not record_of(ingress).exists()


def test_without_getkey_nothing_is_renewed(world: World) -> None:
    """It could not be told afterwards that it was done, and would be done again and again."""
    volume = Volume(world.make_stack(guest_agent="tappd"))
    volume.put(NAME)
    volume.put(OTHER)
    ingress = world.ingress(ADOPTED_KEYS="renew")
    wait_origins(ingress, ADOPTED, ADOPTED)
    ingress.wait_settled()
    assert world.stack.pebble.orders() == 0


def test_an_agent_that_comes_back_is_asked_then(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    agent = world.stack.agent
    assert agent is not None
    assert ingress.stop() == 0
    agent.stop()
    ingress.start()
    ingress.wait_settled()
    status = ingress.wait_status(lambda s: s["key_origin"]["error"], "the error to be told")
    assert origins(status) == {NAME: None, OTHER: None}
    assert ingress.ctl("renew", NAME, "--force").returncode == 0
    assert origins(ingress.status()) == {NAME: MADE, OTHER: None}
    agent.start()
    wait_origins(ingress, MADE, MADE)
    assert ingress.status()["key_origin"]["error"] is None
    spki = served_spki(ingress, NAME)
    ingress.wait_for(lambda: spki in record_of(ingress).read_text(), "the late record")
    ingress.restart()
    wait_origins(ingress, MADE, MADE)


def test_renew_orders_once_for_each_adopted_key(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    assert ingress.stop() == 0
    planted = plant(world.stack, NAME)
    orders = world.stack.pebble.orders()
    ingress.environment["ADOPTED_KEYS"] = "renew"
    ingress.start()
    wait_origins(ingress, MADE, MADE)
    ingress.wait_settled()
    assert ingress.serial(NAME) != planted
    assert world.stack.pebble.orders() == orders + 1
    for _ in range(2):
        ingress.restart()
        wait_origins(ingress, MADE, MADE)
        ingress.wait_settled()
    assert world.stack.pebble.orders() == orders + 1
    # One that comes while it runs.
    plant(world.stack, OTHER)
    ingress.ctl("renew")
    ingress.wait_log(f"[{OTHER}] the private key is adopted")
    wait_origins(ingress, MADE, MADE)
    ingress.wait_settled()
    assert world.stack.pebble.orders() == orders + 2


def test_serve_orders_nothing(world: World) -> None:
    ingress = ordered(world, ADOPTED_KEYS="serve")
    wait_origins(ingress, MADE, MADE)
    assert ingress.stop() == 0
    serial = plant(world.stack, NAME)
    orders = world.stack.pebble.orders()
    ingress.start()
    wait_origins(ingress, ADOPTED, MADE)
    ingress.wait_settled()
    assert (ingress.serial(NAME), world.stack.pebble.orders()) == (serial, orders)


def test_renew_keeps_to_the_budget(world: World) -> None:
    ingress = ordered(world)
    wait_origins(ingress, MADE, MADE)
    assert ingress.stop() == 0
    plant(world.stack, NAME)
    state = ingress.volume / "dstack-ingress" / "state.json"
    content = json.loads(state.read_text())
    spent = content["domains"][OTHER]
    time = max(spent["orders"])
    _spend(content["domains"][NAME], time)
    state.write_text(json.dumps(content))
    orders = world.stack.pebble.orders()
    ingress.environment["ADOPTED_KEYS"] = "renew"
    ingress.start()
    ingress.wait_log(f"[{NAME}] the adopted key is not renewed yet")
    wait_origins(ingress, ADOPTED, MADE)
    assert world.stack.pebble.orders() == orders


def _spend(record: dict[str, Any], time: float) -> None:
    """The latest attempts are a list of times: four of them, all just now."""
    for name, value in record.items():
        if isinstance(value, list):
            record[name] = [time] * 4
