"""What a peer sends costs the child that reads it, up to a limit, and nobody else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support.hostile_ca import MEBIBYTE, HostileCa
from support.ingress import BIN, Ingress
from support.stack import Stack

from .conftest import World

NAME = "app.demo.test"
# certbot unpacks, decodes and logs it: each of them takes as much again.
LARGE = 300 * MEBIBYTE
# AddressSanitizer leaves no limit of memory, also to the hooks: then it is the log that is too large.
IS_SANITIZED = b"__asan_init" in (BIN / "ingressd").read_bytes()
SENTENCE = (
    "certbot was ended: it had to write a file of more than 4 MiB"
    if IS_SANITIZED
    else "certbot was ended: it needed more than 512 MiB of memory"
)
# One log of the size that a file may have, and what is there anyway.
RUN_DIR_MOST = 8 * MEBIBYTE


@contextlib.contextmanager
def _hostile(stack: Stack, mode: str, size: int) -> Iterator[HostileCa]:
    with HostileCa(mode, size, tls=stack.pebble.ca.server_context("hostile-ca")) as ca:
        yield ca


def _settings(stack: Stack, **others: str) -> dict[str, str | None]:
    return {"DOMAINS": NAME, "ROUTING_MAP": f"{NAME}={stack.app.address}", **others}


def _size(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _refused(ingress: Ingress) -> str:
    told = ingress.wait_domain(NAME, lambda d: d["error"], "certbot's failure")
    return str(told["error"])


def _succeeds_with_a_good_one(ingress: Ingress, stack: Stack) -> None:
    """The same volume and run folder; nothing that the other CA sent is in the way."""
    assert ingress.stop() == 0
    ingress.environment["ACME_SERVER"] = stack.acme.url
    ingress.start()
    ingress.wait_domain(NAME, lambda d: d["next_at"], "the pause to go on")
    done = ingress.ctl("renew", NAME)
    assert done.returncode == 0, done.stderr
    assert ingress.fetch(NAME).json()["name"] == "app"


def test_an_answer_that_unpacks_to_more_than_memory_allows_ends_certbot_with_a_sentence(
    world: World,
) -> None:
    stack = world.make_stack()
    with _hostile(stack, "directory", LARGE) as ca:
        ingress = world.ingress(**_settings(stack, ACME_SERVER=ca.url))
        error = _refused(ingress)
        assert error.startswith(SENTENCE), error
        assert _size(ingress.run_dir) < RUN_DIR_MOST
        _succeeds_with_a_good_one(ingress, stack)


def test_a_ca_that_has_certbot_log_without_end_does_not_fill_the_run_folder(world: World) -> None:
    stack = world.make_stack()
    with _hostile(stack, "account", 40 * MEBIBYTE) as ca:
        ingress = world.ingress(**_settings(stack, ACME_SERVER=ca.url))
        error = _refused(ingress)
        assert _size(ingress.run_dir) < RUN_DIR_MOST
        assert error.startswith("certbot: ") and "again" in error, error
        assert len(ca.requests("POST")) > 1
        _succeeds_with_a_good_one(ingress, stack)
