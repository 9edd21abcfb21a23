"""Every emulator as a program of its own."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.dns_api import EMULATORS
from support.process import Child, clean_environment

TEST_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("provider", EMULATORS)
def test_alone_it_prints_its_settings_and_ends_when_told_to(tmp_path: Path, provider: str) -> None:
    with Child(
        ["/usr/bin/python3", "-m", "support.dns_api", provider, "--zone", "demo.test"],
        tmp_path / "log",
        env=clean_environment(PYTHONPATH=str(TEST_ROOT)),
    ) as child:
        child.wait_for(lambda: "DNS_PORT=" in child.log_text(), what="the settings")
        settings = dict(re.findall("(?m)^([A-Z0-9_]+)=(.*)$", child.log_text()))
        assert settings["DNS_PROVIDER"] == provider
        (url,) = [value for name, value in settings.items() if name.endswith("_API_URL")]
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        connection.request("GET", parts.path or "/")
        # Without a credential nothing is shown.
        assert "demo.test" not in connection.getresponse().read().decode()
        connection.close()
        assert child.terminate() == 0
        assert child.survivors() == []
