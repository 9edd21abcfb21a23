"""The XML of Route 53's API: what it answers, and what it takes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from .aws_account import XML_TYPE, AwsError
from .http_service import Response
from .route53_zone import TTL_MAX, TYPES, RecordSet, Zone, escape_name, read_name

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
NS = {"r": NAMESPACE}


def answer(root: str, content: str) -> Response:
    text = f'<?xml version="1.0"?>\n<{root} xmlns="{NAMESPACE}">{content}</{root}>'
    return Response(200, text.encode(), XML_TYPE)


def zone_xml(zone: Zone) -> str:
    return (
        f"<HostedZone><Id>/hostedzone/{zone.id}</Id><Name>{escape_name(zone.name)}.</Name>"
        f"<CallerReference>{zone.id.lower()}</CallerReference><Config><Comment/>"
        f"<PrivateZone>{str(zone.private).lower()}</PrivateZone></Config>"
        f"<ResourceRecordSetCount>{len(zone.all())}</ResourceRecordSetCount></HostedZone>"
    )


def zone_answer(zone: Zone) -> Response:
    """Of GetHostedZone: names of servers have no dot at their end; a private zone has VPCs instead."""
    if zone.private:
        more = "<VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC></VPCs>"
    else:
        servers = "".join(f"<NameServer>{escape(s)}</NameServer>" for s in zone.delegation_set)
        more = f"<DelegationSet><NameServers>{servers}</NameServers></DelegationSet>"
    return answer("GetHostedZoneResponse", zone_xml(zone) + more)


def set_xml(record_set: RecordSet) -> str:
    parts = [f"<Name>{escape_name(record_set.name)}.</Name><Type>{record_set.type}</Type>"]
    if record_set.identifier is not None:
        parts.append(f"<SetIdentifier>{escape(record_set.identifier)}</SetIdentifier>")
    parts += [f"<{name}>{content}</{name}>" for name, content in record_set.routing.items()]
    if record_set.ttl is not None:
        parts.append(f"<TTL>{record_set.ttl}</TTL>")
    if record_set.values:
        values = "".join(
            f"<ResourceRecord><Value>{escape(v)}</Value></ResourceRecord>"
            for v in record_set.values
        )
        parts.append(f"<ResourceRecords>{values}</ResourceRecords>")
    return f"<ResourceRecordSet>{''.join(parts)}</ResourceRecordSet>"


def change_answer(root: str, change_id: str, in_sync: bool) -> Response:
    status = "INSYNC" if in_sync else "PENDING"
    return answer(
        root,
        f"<ChangeInfo><Id>/change/{change_id}</Id><Status>{status}</Status>"
        "<SubmittedAt>2026-08-30T12:36:00.000Z</SubmittedAt></ChangeInfo>",
    )


def read_batch(body: bytes) -> list[tuple[str, RecordSet]]:
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise AwsError(400, "MalformedInput", f"Unexpected list element: {error}") from error
    if root.tag != f"{{{NAMESPACE}}}ChangeResourceRecordSetsRequest":
        raise AwsError(400, "MalformedInput", f"Unexpected root element {root.tag}")
    changes = [_read_change(c) for c in root.findall("r:ChangeBatch/r:Changes/r:Change", NS)]
    if not changes:
        raise AwsError(400, "InvalidInput", "1 validation error detected: no changes")
    return changes


def _read_change(change: ET.Element) -> tuple[str, RecordSet]:
    action = change.findtext("r:Action", "", NS)
    element = change.find("r:ResourceRecordSet", NS)
    if action not in ("CREATE", "DELETE", "UPSERT") or element is None:
        raise AwsError(400, "InvalidInput", f"1 validation error detected: action '{action}'")
    name, record_type = element.findtext("r:Name", "", NS), element.findtext("r:Type", "", NS)
    if record_type not in TYPES:
        raise AwsError(
            400, "InvalidInput",
            f"1 validation error detected: Value '{record_type}' at 'type' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {sorted(TYPES)}",
        )
    ttl = element.findtext("r:TTL", None, NS)
    values = [
        r.findtext("r:Value", "", NS)
        for r in element.findall("r:ResourceRecords/r:ResourceRecord", NS)
    ]
    if ttl is None or not ttl.isdigit() or int(ttl) > TTL_MAX or not values:
        raise AwsError(
            400, "InvalidInput",
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
            "ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with "
            f"[Action={action}, Name={name}, Type={record_type}, SetIdentifier=null]",
        )
    return action, RecordSet(read_name(name), record_type, int(ttl), values)
