"""README's tables of settings against what `ingressd --check` says of itself."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ingress import BIN

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()

ENOUGH = {
    "DOMAIN": "app.example.com",
    "TARGET_ENDPOINT": "app:80",
    "GATEWAY_DOMAIN": "gateway.example.com",
    "DNS_PROVIDER": "exec",
    "DNS_EXEC": "/bin/true",
}
# No value is good for what is judged by a rule that README can have in a word or two.
WRONG = "?"
# What a message calls a rule, and what README calls it.
RULES = (
    (r"must be a whole number from (\d+) to (\d+)", r"\1 to \2"),
    (r"must be a port from .*", "a port"),
    (r"must be a time .*", "a time"),
    (r"must be true or false .*", "true, false"),
    (r"must be true, false, or domain names; .*", "true, false, domains"),
    (r"must be one of: (.*)", r"\1"),
)
# Not to be set at all yet.
RESERVED = {"METRICS_PORT"}


def _check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "ingressd", "--check"], env=environment, capture_output=True, text=True, check=False,
        timeout=30,
    )  # fmt: skip


@functools.cache
def _defaults() -> dict[str, str]:
    """Each setting with the value that it has when nobody sets it ("" for none)."""
    done = _check(**ENOUGH)
    assert done.returncode == 0, done.stderr
    rows = [re.split(r" {2,}", line) for line in done.stdout.splitlines()[1:]]
    return {name: "" if value == "-" else value for name, value, _ in rows if name}


@functools.cache
def _rules() -> dict[str, str]:
    """What is allowed for each setting whose rule is a short one."""
    said = _check(**dict.fromkeys(_documented(), WRONG)).stderr
    found: dict[str, str] = {}
    for name, rule in re.findall(r'^(\w+) (?:is|has) "\?"(?: \(entry 1\))?: (.*)$', said, re.MULTILINE):
        for pattern, short in RULES:
            if re.fullmatch(pattern, rule):
                found[name] = re.sub(pattern, short, rule)
    return found


# ---- README

SETTINGS = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
GENERAL, PROVIDERS = SETTINGS.split("\nDNS providers (")


def _rows(text: str) -> Iterator[list[str]]:
    for line in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        yield [cell.strip() for cell in line.split("|")]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)


def _plain(cell: str) -> str:
    return cell.replace("`", "")


def _documented() -> dict[str, tuple[str, str]]:
    """Each setting of the first table: its default and what is allowed."""
    found: dict[str, tuple[str, str]] = {}
    for first, default, allowed, _ in list(_rows(GENERAL))[2:]:
        names = _names(first)
        # Several settings of one row have a default each, or one for all.
        defaults = _plain(default).split(", ")
        if len(defaults) != len(names):
            defaults = [_plain(default)] * len(names)
        for name, its in zip(names, defaults, strict=True):
            assert name not in found, f"{name} has two rows"
            found[name] = (its, _plain(allowed))
    return found


def _of_providers() -> dict[str, str]:
    """Each variable of the second table with its default: `NAME` (`default`)."""
    return {
        name: default
        for _, cell in list(_rows(PROVIDERS))[2:]
        for name, default in re.findall(r"`([A-Z][A-Z0-9_]+)`(?: \(`([a-z][\w-]*)`\))?", cell)
    }


# ---- one is the other

# Older names, which take the place of another setting.
OLDER = {"ACME_CHALLENGE_ALIAS", "ACME_DIRECTORY_URL", "CERTBOT_EMAIL", "CERTBOT_STAGING"}


def test_readme_has_every_setting_and_no_other() -> None:
    told = [*_documented(), *_of_providers()]
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(_defaults())
    assert len(told) > 70


@pytest.mark.parametrize("name", sorted(set(_documented()) - OLDER - set(ENOUGH)))
def test_its_default_is_the_code_s(name: str) -> None:
    assert _documented()[name][0] == _defaults()[name]


@pytest.mark.parametrize("name", sorted(_documented()))
def test_its_range_is_the_code_s(name: str) -> None:
    rules = _rules()
    assert len(rules) > 25
    allowed = _documented()[name][1]
    assert allowed == ("" if name in RESERVED else rules.get(name, "")), name


def test_the_defaults_of_providers_are_the_code_s() -> None:
    code = {name: value for name, value in _defaults().items() if name in _of_providers()}
    # "the provider's" and the like are no values.
    values = {name: value for name, value in code.items() if " " not in value}
    told = _of_providers()
    assert len([value for value in values.values() if value]) >= 3
    assert {n: v for n, v in told.items() if n in values and n not in ENOUGH} == {
        n: v for n, v in values.items() if n not in ENOUGH
    }


def test_names_that_may_be_files_are_told() -> None:
    """Those that are no secrets; `X_FILE` of secrets is told for all."""
    plain = [name for name in _documented() if f"`{name}_FILE`" in GENERAL]
    for name in plain:
        said = _check(**{**ENOUGH, f"{name}_FILE": "relative"}).stderr
        assert f'{name}_FILE is "relative": must be an absolute path' in said
    assert sorted(plain) == ["DOMAINS", "ROUTING_MAP"]
