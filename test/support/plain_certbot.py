"""certbot as somebody would run it by hand on the product's certificate volume."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .ingress import BIN, Ingress
from .process import clean_environment


def run(ingress: Ingress, directory: Path, *words: str) -> str:
    """What it prints; it has to end well."""
    done = subprocess.run(
        ["certbot", *words, "--config-dir", ingress.volume,
         "--work-dir", directory / "plain-work", "--logs-dir", directory / "plain-logs"],
        env={
            **clean_environment(HOME=str(directory)),
            **ingress.environment,
            "REQUESTS_CA_BUNDLE": ingress.environment["ACME_CA_BUNDLE"],
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def certificates(ingress: Ingress, directory: Path) -> dict[str, list[str]]:
    """The lineages that `certbot certificates` lists, each with its names; it has no complaint."""
    text = run(ingress, directory, "certificates")
    for complaint in ("invalid", "error", "parsefail", "could not", "INVALID"):
        assert complaint not in text.replace("INVALID: TEST_CERT", ""), text
    found = re.findall(r"Certificate Name: (\S+)\n(?:.*\n)*?\s+(?:Domains|Identifiers): (.*)\n", text)
    return {name: domains.split() for name, domains in found}


def renew(ingress: Ingress, directory: Path, lineage: str) -> None:
    """As an older product does: `certbot renew`, now."""
    run(
        ingress, directory, "renew", "--force-renewal", "--no-random-sleep-on-renew",
        "--cert-name", lineage, "--manual",
        "--manual-auth-hook", f"{BIN}/ingress-dns auth",
        "--manual-cleanup-hook", f"{BIN}/ingress-dns cleanup",
    )  # fmt: skip
