"""Every provider with an HTTP API, emulated: from an empty volume to certificates."""

from __future__ import annotations

import pytest

from support.dns_api import EMULATORS
from support.stack import STANDIN_APP_ID

from .conftest import World

APEX, WILDCARD, BELOW = "demo.test", "*.demo.test", "app.demo.test"
FOREIGN = 40


@pytest.mark.parametrize("provider", EMULATORS)
def test_apex_wildcard_and_a_name_below_get_records_and_certificates(
    world: World, provider: str
) -> None:
    stack = world.make_stack(provider=provider)
    assert stack.dns_api is not None
    stack.dns_api.seed_foreign("demo.test", FOREIGN)
    before = stack.dns_api.dump("demo.test")
    ingress = world.ingress(
        DOMAINS=f"{APEX},{WILDCARD},{BELOW}",
        TARGET_ENDPOINT=stack.app.address,
        ROUTING_MAP=None,
        SET_CAA="true",
    )
    # The apex and the wildcard share a challenge name: caches have to drop the first value.
    ingress.wait_settled(180)
    serials = {ingress.serial(name) for name in (APEX, "other.demo.test", BELOW)}
    assert len(serials) == 3
    after = stack.dns_api.dump("demo.test")
    assert [record for record in before if record not in after] == []
    ours = [record for record in after if record not in before]
    assert not [record for record in ours if "_acme-challenge" in record]
    app_address = f"{STANDIN_APP_ID}:{ingress.port}"
    for name in ("_dstack-app-address", "_dstack-app-address-wildcard", "_dstack-app-address.app"):
        assert stack.bind.query(f"{name}.demo.test", "TXT").count(app_address) == 1
    # What a CA sees of the pins; an iodef of somebody else's stays beside them.
    caa = stack.bind.query(APEX, "CAA")
    for tag in ("issue", "issuewild"):
        assert len([r for r in caa if f' {tag} "ca.demo.test' in r and "accounturi" in r]) == 1
    # All three lead to the gateway, by name or by address; BIND cannot show those that an API
    # lets stand beside other records.
    (gateway,) = stack.bind.query("gateway.demo.test", "A")
    assert len([r for r in ours if "gateway.demo.test" in r or gateway in r]) >= 3
    assert stack.bind.query("any.demo.test", "A") == [gateway]
