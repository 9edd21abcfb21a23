"""OpenSSH inside TLS, as `ProxyCommand openssl s_client` brings it through restrictive networks."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import AT_ONCE, Site, full_name
from .peers import Stopwatch, program, run, server
from .product import HOST, Product

SSH = full_name("ssh")
# sshd gives up its privileges into it; Debian makes it when the service starts.
PRIVILEGE_SEPARATION = Path("/run/sshd")

CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


@pytest.fixture(scope="module")
def ssh_folder(site: Site) -> Iterator[Path]:
    """With the key of a user who may log in while the server runs."""
    folder = site.folder("ssh")
    port = site.ports["ssh"]
    for key in ("host_key", "user_key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key])
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(CONFIG.format(port=port, host=HOST, folder=folder))
    with server([program("sshd"), "-D", "-e", "-f", folder / "sshd_config"], port, folder):
        yield folder


def ssh(product: Product, folder: Path, command: str, stdin: bytes = b"") -> bytes:
    proxy = (
        f"openssl s_client -quiet -verify_quiet -verify_return_error -CAfile {product.ca.bundle} "
        f"-verify_hostname %h -servername %h -connect {HOST}:{product.port}"
    )
    return run(
        ["ssh", "-F", "none", "-i", folder / "user_key", "-o", f"ProxyCommand={proxy}",
         "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known_hosts",
         "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", f"{getpass.getuser()}@{SSH}", command],
        stdin=stdin,
    )  # fmt: skip


def test_a_command(patient: Product, ssh_folder: Path) -> None:
    clock = Stopwatch()
    assert ssh(patient, ssh_folder, "echo $SSH_CONNECTION").startswith(HOST.encode())
    assert clock() < AT_ONCE


def test_a_large_upload(patient: Product, ssh_folder: Path) -> None:
    data = bytes(range(256)) * 32768
    digest = hashlib.sha256(data).hexdigest().encode()
    assert ssh(patient, ssh_folder, "sha256sum", data).split()[0] == digest
