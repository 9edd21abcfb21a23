"""A credentials file that goes bad while the product runs is told as what it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import World

NAME = "app.demo.test"
VARIABLE = "RFC2136_KEY_SECRET_FILE"


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "No such file or directory"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_bytes(b"a\0b"), "a control character"),
        (_make_folder, "it is a folder, as Docker makes one"),
        (lambda path: path.write_text("not!base64\n"), "base64"),
    ],
    ids=["gone", "empty", "nul", "folder", "garbage"],
)
def test_the_variable_the_file_and_the_fault_are_told(
    world: World, spoil: Callable[[Path], object], words: str
) -> None:
    stack = world.make_stack()
    file = world.directory / "key"
    file.write_text(stack.bind.key_secret + "\n")
    os.chmod(file, 0o600)
    ingress = world.ingress(
        DOMAINS=NAME,
        ROUTING_MAP=f"{NAME}={stack.app.address}",
        RFC2136_KEY_SECRET=None,
        **{VARIABLE: str(file)},
    )
    ingress.wait_settled()
    spoil(file)
    plan = ingress.ctl("dns", "plan")
    assert plan.returncode == 78, plan.stderr
    ingress.ctl("renew", "--force", NAME)
    told = ingress.wait_domain(NAME, lambda d: d["error"] or d["note"], "to tell")
    for said in (plan.stderr, told["error"] or told["note"], ingress.log):
        assert "RFC2136_KEY_SECRET" in said and words in said, said
        assert "is wrong" not in said
    assert stack.bind.key_secret not in ingress.log
    assert ingress.fetch(NAME).status == 200
