"""LOG_FORMAT=json: one object a line, whoever says it."""

from __future__ import annotations

import json

from .conftest import World


def test_every_line_is_one_json_object(world: World) -> None:
    stack = world.make_stack(guest_agent="dstack")
    ingress = world.ingress(
        DOMAINS="app.demo.test",
        ROUTING_MAP=f"app.demo.test={stack.app.address}",
        LOG_FORMAT="json",
        LOG_LEVEL="debug",
    )
    ingress.wait_settled()
    assert ingress.ctl("reload").returncode == 0
    assert ingress.stop() == 0
    lines = ingress.log.splitlines()
    objects = [json.loads(line) for line in lines]
    assert all(isinstance(entry, dict) and entry for entry in objects)
    said = json.dumps(objects)
    for program in ("ingressd", "haproxy", "certbot", "ingress-dns", "ingress-evidence"):
        assert program in said
