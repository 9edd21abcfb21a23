"""SMTPS and IMAPS: the server speaks first, and the client says nothing until it has."""

from __future__ import annotations

import imaplib
import os
import shutil
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import wait_until

from .conftest import Expected, Site, full_name
from .peers import UNPRIVILEGED, Stopwatch, curl, program, run, server
from .product import HOST, PATIENCE

SMTP = full_name("smtp")
IMAP = full_name("imap")
SENDER, RECIPIENT = "from@matrix.test", "to@matrix.test"
MESSAGE = b"Subject: through the ingress\r\n\r\n.leading dot\r\n" + b"line\r\n" * 20000
PASSWORD = "only-for-tests"

# It takes everything from everybody, into one maildir.
EXIM = """\
exim_user = {user}
exim_group = {group}
keep_environment =
primary_hostname = {name}
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%s.log
pid_file_path = {folder}/spool/exim.pid
local_interfaces = {host}
daemon_smtp_ports = {port}
tls_advertise_hosts =
host_lookup =
acl_smtp_rcpt = accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {folder}/spool/mail
  maildir_format
  user = {user}
  group = {group}
"""

DOVECOT_2_3 = """\
disable_plaintext_auth = no
mail_location = maildir:~/mail
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
"""
DOVECOT_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/mail
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {folder}/home/%{{user}}
  }}
}}
"""
DOVECOT = """\
protocols = imap
listen = {host}
ssl = no
base_dir = {folder}/base
state_dir = {folder}/state
log_path = /dev/stderr
first_valid_uid = 1
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@pytest.fixture(scope="module")
def smtp(site: Site) -> Iterator[Path]:
    """Exim's maildir."""
    folder = site.folder("smtp")
    port = site.ports["smtp"]
    assert os.geteuid() == 0, "Exim must be started by root"
    (folder / "spool").mkdir()
    shutil.chown(folder / "spool", UNPRIVILEGED, "nogroup")
    (folder / "exim.conf").write_text(
        EXIM.format(
            name=SMTP, host=HOST, port=port, folder=folder, user=UNPRIVILEGED, group="nogroup"
        )
    )
    with server([program("exim4"), "-C", folder / "exim.conf", "-bdf"], port, folder):
        yield folder / "spool" / "mail"


def _take_message(maildir: Path) -> bytes:
    """Exim delivers it after it has taken it."""
    arrived: list[Path] = []

    def look() -> bool:
        arrived[:] = maildir.glob("new/*")
        return bool(arrived)

    wait_until(look, what="the message to be delivered", deadline=PATIENCE)
    (file,) = arrived
    content = file.read_bytes()
    file.unlink()
    return content


class TestSmtp:
    @pytest.mark.usefixtures("resolving")
    def test_smtplib(self, server_first: Expected, smtp: Path) -> None:
        product = server_first.product
        clock = Stopwatch()
        with smtplib.SMTP_SSL(
            SMTP, product.port, context=product.context(), timeout=PATIENCE
        ) as client:
            server_first.check(clock())
            client.sendmail(SENDER, [RECIPIENT], MESSAGE)
        assert _take_message(smtp).endswith(b"\n\n.leading dot\n" + b"line\n" * 20000)

    def test_curl(self, server_first: Expected, smtp: Path, tmp_path: Path) -> None:
        (tmp_path / "message").write_bytes(MESSAGE)
        clock = Stopwatch()
        curl(
            server_first.product, "smtps", SMTP, "--mail-from", SENDER, "--mail-rcpt", RECIPIENT,
            "--upload-file", f"{tmp_path}/message", "{url}",
        )  # fmt: skip
        server_first.check(clock())
        assert b"Subject: through the ingress\n" in _take_message(smtp)


@pytest.fixture(scope="module")
def imap(site: Site) -> Iterator[None]:
    folder = site.folder("imap")
    (folder / "home").mkdir()
    (folder / "home").chmod(0o777)
    version = run(["dovecot", "--version"]).decode()
    text = (DOVECOT_2_3 if version.startswith("2.3.") else DOVECOT_2_4) + DOVECOT
    (folder / "dovecot.conf").write_text(
        text.format(
            host=HOST, port=site.ports["imap"], folder=folder, password=PASSWORD,
            user=UNPRIVILEGED, group="nogroup",
        )
    )  # fmt: skip
    assert os.geteuid() == 0, "Dovecot with users of its own must be started by root"
    with server(
        [program("dovecot"), "-F", "-c", folder / "dovecot.conf"], site.ports["imap"], folder
    ):
        yield


@pytest.mark.usefixtures("imap")
class TestImap:
    @pytest.mark.usefixtures("resolving")
    def test_imaplib(self, server_first: Expected) -> None:
        product = server_first.product
        clock = Stopwatch()
        with imaplib.IMAP4_SSL(
            IMAP, product.port, ssl_context=product.context(), timeout=PATIENCE
        ) as client:
            server_first.check(clock())
            assert client.login("someone", PASSWORD)[0] == "OK"
            assert client.append("INBOX", "", "", MESSAGE)[0] == "OK"
            _, (count,) = client.select("INBOX")
            _, parts = client.fetch(count.decode(), "(RFC822)")
            assert parts[0][1] == MESSAGE
            client.store(count.decode(), "+FLAGS", r"\Deleted")
            client.expunge()

    def test_curl(self, server_first: Expected) -> None:
        clock = Stopwatch()
        printed = curl(
            server_first.product, "imaps", IMAP, "--user", f"someone:{PASSWORD}", "{url}/"
        )
        server_first.check(clock())
        assert b"INBOX" in printed
