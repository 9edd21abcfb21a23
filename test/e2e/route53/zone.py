"""The zone of the tests, and what was written to it."""

from __future__ import annotations

from support.route53_api import Route53Api

ZONE = "demo.test"
TXT_NAME = "_dstack-app-address.app.demo.test"
NAME = "_acme-challenge.new.demo.test"


def writes(api: Route53Api) -> list[str]:
    return [r.body for r in api.requests("POST")]
