"""A configuration that HAProxy rejects leaves the old one serving, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.volume import Volume

from .conftest import World

NAME = "app.demo.test"
# By its path: HAProxy executes itself again by the name it was started with.
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def test_a_refused_configuration_leaves_the_old_one_serving(world: World, tmp_path: Path) -> None:
    volume = Volume(world.make_stack())
    old = volume.put(NAME)
    volume.put("api.demo.test")
    refuse = tmp_path / "refuse"
    wrapper = tmp_path / "haproxy"
    wrapper.write_text(
        f'#!/bin/sh\nif [ "$1" = -c ] && [ -e {refuse} ]; then\n'
        'echo "[ALERT] (1) : config : no thanks" >&2; exit 1\nfi\nexec ' + str(HAPROXY) + ' "$@"\n'
    )
    wrapper.chmod(0o755)
    ingress = world.ingress(HAPROXY=str(wrapper))
    ingress.wait_settled()
    before = ingress.status()["haproxy"]
    refuse.touch()
    done = ingress.ctl("reload")
    assert done.returncode == 1
    assert "HAProxy refuses the new configuration" in done.stderr and "no thanks" in done.stderr
    fresh = volume.put(NAME)
    ingress.control("POST", f"/v1/renew?domain={NAME}")
    told = ingress.wait_domain(NAME, lambda d: d["error"], "the failed apply")
    assert (told["state"], "no thanks" in told["error"]) == ("waiting: apply", True)
    assert ingress.serial(NAME) == old
    status = ingress.status()["haproxy"]
    assert "no thanks" in status["error"]
    assert (status["worker"], status["generation"]) == (before["worker"], before["generation"])
    refuse.unlink()
    ingress.wait_settled()
    assert ingress.serial(NAME) == fresh
    assert ingress.status()["haproxy"]["error"] is None


# A master that reloads executes itself again, and may find more than was checked.
SPOILED_HAPROXY = """\
#!/bin/bash
if [ "$1" != -c ] && [ "$1" != -vv ] && [ -e {spoiled} ]; then
    set -- "$@" -f {spoiled}
fi
exec -a "$0" {program} "$@"
"""


def test_a_reload_that_fails_after_the_check_is_told_and_the_next_one_works(
    world: World, tmp_path: Path
) -> None:
    volume = Volume(world.make_stack())
    old = volume.put(NAME)
    volume.put("api.demo.test")
    wrapper, spoiled = tmp_path / "haproxy", tmp_path / "spoiled.cfg"
    wrapper.write_text(SPOILED_HAPROXY.format(program=HAPROXY, spoiled=spoiled))
    wrapper.chmod(0o755)
    ingress = world.ingress(HAPROXY=str(wrapper))
    ingress.wait_settled()
    before = ingress.wait_status(lambda s: s["haproxy"]["worker"], "the worker")["haproxy"]
    spoiled.write_text("no such section\n")
    for _ in range(2):
        done = ingress.ctl("reload")
        assert (done.returncode, "the reload failed" in done.stderr) == (1, True)
    assert ingress.serial(NAME) == old
    after = ingress.status()["haproxy"]
    assert (after["worker"], after["generation"]) == (before["worker"], before["generation"])
    spoiled.write_text("# The master keeps its arguments.\n")
    fresh = volume.put(NAME)
    assert ingress.control("POST", f"/v1/renew?domain={NAME}")[0] == 202
    ingress.wait_domain(NAME, lambda d: d["certificate"]["serial"] == fresh, "the new one")
    ingress.wait_settled()
    assert ingress.serial(NAME) == fresh
    assert ingress.status()["haproxy"]["restarts"] == 0


def test_an_absent_or_strange_haproxy_is_told_at_start(world: World) -> None:
    world.make_stack()
    for program in ("/nonexistent/haproxy", "/bin/true"):
        ingress = world.ingress(HAPROXY=program)
        assert ingress.child.wait(20) == 78
        assert f"HAPROXY={program}" in ingress.log or program in ingress.log
