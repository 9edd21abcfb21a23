"""What `ingressd --render` writes, for every combination of the settings that shape it."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import Site, full_name
from .peers import program
from .product import BIN, PATIENCE, Product

SOME = f"{full_name('smtp')}\n{full_name('*')}"

ALPN = {"no ALPN": "", "h1": "http/1.1", "h2": "h2,http/1.1"}
SHAPES = {
    "EVIDENCE_SERVER": ("true", "false"),
    "SERVER_FIRST": ("", SOME, "true"),
    "SEND_PROXY_PROTOCOL": ("false", SOME, "true"),
}
# These add a word or a line, wherever that is: their combinations take turns.
WORDS = {
    "STRICT_SNI": ("false", "true"),
    "ACCEPT_PROXY_PROTOCOL": ("false", "true"),
    "RELOAD_GRACE": ("", "1h"),
    "LOG_LEVEL": ("warn", "debug"),
}


def combinations(table: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    return [dict(zip(table, values)) for values in itertools.product(*table.values())]


def render(product: Product, folder: Path, settings: dict[str, str]) -> Path:
    """The configuration's file."""
    done = subprocess.run(
        [BIN / "ingressd", "--render", folder],
        env={**product.environment, **settings},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (settings, done.stderr)
    return folder / "haproxy.cfg"


def judge(config: Path) -> str:
    """All that HAProxy says about it, but for the notices of its version."""
    done = subprocess.run(
        [program("haproxy"), "-c", "-f", config],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    said = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in said if not line.startswith("[NOTICE]"))


def shared_names(config: str) -> set[str]:
    """Names that stand for two of its sections: HAProxy before 3.3 takes most of them, silently
    before 3.1."""
    sections = r"^(?:defaults|frontend|backend|listen|resolvers)[ \t]+(\S+)"
    names = re.findall(sections, config, re.MULTILINE)
    return {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize("routing", ["connection", "request"])
@pytest.mark.parametrize("alpn", ALPN)
def test_haproxy_has_nothing_to_say_against_it(site: Site, alpn: str, routing: str) -> None:
    which = list(ALPN).index(alpn)
    product = site.product(f"rendered-{routing}-{which}")
    fixed = {"ALPN": ALPN[alpn], "EVIDENCE_ROUTING": routing}
    words = combinations(WORDS)
    texts = set()
    for number, shape in enumerate(combinations(SHAPES)):
        settings = {**fixed, **shape, **words[(number + 5 * which) % len(words)]}
        config = render(product, product.directory / f"{number}", settings)
        assert judge(config) in ("", "Configuration file is valid"), settings
        texts.add(config.read_text())
        assert not shared_names(config.read_text()), settings
    # Without inspection two ways of saying so are one.
    assert len(texts) > len(combinations(SHAPES)) / 2
