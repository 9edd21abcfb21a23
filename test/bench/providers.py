"""First certificates, with every provider: what the product adds to certbot's own time.

certbot with hooks made of nsupdate is the measure: it neither waits nor looks. Every name has a
challenge name of its own, so no cache has to forget anything, and what is written is visible at
once; what is left is the product's work and the provider's calls.
"""

from __future__ import annotations

import functools
import http.client
import time
from pathlib import Path

from support.dns_api import EMULATORS
from support.ingress import Ingress
from support.route53_api import Route53Api
from support.stack import Stack

from .lifecycle import certbot_alone, seconds_until
from .report import Report, Row, spread

PROVIDERS = ("rfc2136", *EMULATORS)
PAIRS = {1: 3, 20: 1}
"""How often, by the number of domains."""
SECONDS_MORE = 1.0  # for each domain
DEADLINE = 300.0
POLL = 0.05
"""Seldom, since looking takes a core that certbot and the CA need."""


def bench_providers(report: Report, folder: Path) -> None:
    for provider in PROVIDERS:
        for count, pairs in PAIRS.items():
            ours, alone = [], []
            for pair in range(pairs):
                place = folder / f"{provider}-{count}-{pair}"
                with Stack(place, guest_agent="dstack", provider=provider) as stack:
                    if isinstance(stack.dns_api, Route53Api):
                        stack.dns_api.polls = 0  # in sync when first asked for
                    names = [f"n{i}.demo.test" for i in range(count)]
                    others = [f"alone-{name}" for name in names]
                    alone.append(certbot_alone(stack, place / "alone", *others))
                    ours.append(product(stack, names))
            more = (sum(ours) - sum(alone)) / pairs / count
            report.add(
                Row(
                    f"{provider}: empty volume to good answers, {domains(count)}, {pairs} times",
                    spread(ours, "s", digits=1),
                    f"certbot with shell hooks {spread(alone, 's', digits=1)}",
                    f"at most {SECONDS_MORE:g} s more per domain: {more:.2f}",
                    more <= SECONDS_MORE,
                )
            )


def domains(count: int) -> str:
    return "one domain" if count == 1 else f"{count} domains"


def product(stack: Stack, names: list[str]) -> float:
    """From nothing to an answer with a certificate at each of the names."""
    ingress = Ingress(
        stack, DOMAINS=",".join(names), ROUTING_MAP=None, TARGET_ENDPOINT=stack.app.address
    )
    begun = time.monotonic()
    with ingress:
        return max(
            seconds_until(functools.partial(is_served, ingress, name), begun, DEADLINE, POLL)
            for name in names
        )


def is_served(ingress: Ingress, name: str) -> bool:
    try:
        return ingress.fetch(name).status == 200
    except (OSError, http.client.HTTPException):
        return False
