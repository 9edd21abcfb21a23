"""Which of an account's domains a name belongs to, and domains that are no use."""

from __future__ import annotations

from pathlib import Path

from support.bind import Bind
from support.linode_api import LinodeApi, LinodeDomain

from ..dns_bench import FAILED, api_bench
from .zone import at


def test_the_longest_domain_is_taken(tmp_path: Path) -> None:
    zones = ("demo.test", "sub.demo.test", *(f"other-{n}.test" for n in range(12)))
    with Bind(tmp_path / "bind", zones) as bind, LinodeApi(bind) as api:
        bench = api_bench(tmp_path, bind, api)
        bench.ok("set-txt", "a.sub.demo.test", "v")
        assert bind.query("a.sub.demo.test", "TXT") == ["v"]
        bench.ok("set-txt", "a.demo.test", "v")
        assert at(api, "a.demo.test", "TXT") == ["v"]


def test_a_copy_of_a_domain_is_refused(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(zones=[LinodeDomain("copy.test", type="slave")]) as api:
        result = api_bench(tmp_path, bind, api, DOMAINS="app.copy.test").run("plan")
        assert result.returncode == FAILED
        assert "copy.test is only a copy there" in result.stdout


def test_a_domain_that_is_not_active_is_warned_about(tmp_path: Path, bind: Bind) -> None:
    with LinodeApi(zones=[LinodeDomain("off.test", status="disabled")]) as api:
        result = api_bench(tmp_path, bind, api, DOMAINS="app.off.test").run("plan")
        assert result.returncode == 0
        assert 'status "disabled"' in result.stderr
