"""How many clients there may be, and what happens under a low limit of open files."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from .conftest import SHORT_WAIT, Site, full_name
from .peers import program, receive
from .product import BIN, PATIENCE, Product

ECHO = full_name("echo")
BAD_CONFIG = 78
LOW, TOO_LOW = 1300, 700
CLIENTS = 400
LINE = b"GET /x HTTP/1.1\r\nHost: app\r\n\r\n"


def limited(files: int) -> list[str]:
    """A prefix: the program may have so many files open, and may not raise that limit."""
    prefix = [program("prlimit"), f"--nofile={files}:{files}"]
    if os.geteuid() == 0:
        prefix += [program("setpriv"), "--bounding-set=-sys_resource"]
    return [*prefix, "--"]


@pytest.fixture(scope="module")
def limited_product(site: Site) -> Iterator[Product]:
    with site.product("limited", prefix=limited(LOW)) as made:
        yield made


def test_a_low_limit_of_open_files_lowers_maxconn(limited_product: Product) -> None:
    told = re.search(
        r"warn ingressd: MAXCONN=4096 needs (\d+) open files and the limit is (\d+) .*"
        r"at most (\d+) clients",
        limited_product.child.log_text(),
    )
    assert told is not None, limited_product.log_tail()
    needed, limit, most = map(int, told.groups())
    assert needed > limit == LOW
    with contextlib.ExitStack() as held:
        # So many indeed; the next one's handshake waits until one of them has gone.
        clients = [held.enter_context(limited_product.connect(ECHO)) for _ in range(most)]
        for client in clients:
            client.sendall(b"here")
        for client in clients:
            assert receive(client, 4) == b"here"
        address = ("127.0.0.1", limited_product.port)
        one_more = held.enter_context(socket.create_connection(address, timeout=PATIENCE))
        context = limited_product.context()
        with pytest.raises(TimeoutError):
            one_more.settimeout(1.0)
            context.wrap_socket(one_more, server_hostname=ECHO)


def test_far_too_low_a_limit_is_refused(site: Site) -> None:
    made = site.product("too-low", prefix=limited(TOO_LOW))
    done = subprocess.run(
        [*limited(TOO_LOW), BIN / "ingressd"],
        env=made.environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == BAD_CONFIG, done.stderr
    assert f"limit of open files is {TOO_LOW} " in done.stderr
    assert "MAXCONN=4096" in done.stderr


def test_the_needed_limit_is_enough(site: Site) -> None:
    """What the warning asks for makes it go away."""
    made = site.product("told", MAXCONN="500")
    folder = made.directory / "rendered"

    def render(files: int) -> str:
        return subprocess.run(
            [*limited(files), BIN / "ingressd", "--render", folder],
            env=made.environment, capture_output=True, text=True, timeout=PATIENCE, check=True,
        ).stderr  # fmt: skip

    needed = re.search(r"MAXCONN=500 needs (\d+) open files", render(LOW))
    assert needed is not None
    assert "MAXCONN" in render(int(needed.group(1)) - 1)
    assert "MAXCONN" not in render(int(needed.group(1)))


@pytest.mark.parametrize("routing", ["connection", "request"])
def test_as_many_clients_as_maxconn_may_be_silent_first(site: Site, routing: str) -> None:
    """They are handed on inside, which must not use up what there is for others."""
    with site.product(
        f"crowd-{routing}", EVIDENCE_ROUTING=routing, ALPN="http/1.1", MAXCONN=str(CLIENTS),
        EVIDENCE_WAIT=f"{SHORT_WAIT * 1000:.0f}ms",
    ) as product, contextlib.ExitStack() as held:  # fmt: skip
        app = full_name("app")
        clients = [
            held.enter_context(product.connect(app, alpn=("http/1.1",))) for _ in range(CLIENTS)
        ]
        time.sleep(2 * SHORT_WAIT)  # it is the silence itself that is tested
        for client in clients:
            client.sendall(LINE)
        for client in clients:
            assert receive(client, 12) == b"HTTP/1.1 200"
