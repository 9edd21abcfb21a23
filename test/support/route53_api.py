"""Emulator of the part of Route 53's API (2013-04-01) that has to do with records."""

from __future__ import annotations

import json
import random
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from .aws_account import AwsAccount, AwsError
from .bind import Bind
from .bind_mirror import BindMirror, Rdata
from .faults import Fault
from .foreign import foreign_records, opaque_places, opaque_text
from .http_service import HttpService, Request, Response
from .route53_xml import NAMESPACE, answer, change_answer, read_batch, set_xml, zone_answer, zone_xml
from .route53_zone import (
    InvalidChangeBatch,
    RecordSet,
    Zone,
    as_dns,
    escape_name,
    from_dns,
    lines_of,
    read_name,
    routed_sets,
    sort_key,
)

ROUTE = re.compile(r"/2013-04-01/(hostedzonesbyname|hostedzone/([^/]+)(/rrset/?)?|change/([^/]+))")
ZONES_PER_PAGE, SETS_PER_PAGE = 100, 300
BUSY = "The request was rejected because Route 53 was still processing a prior request."


@dataclass
class Change:
    """`visible` is what its names hold from the moment on that all servers have it."""

    id: str
    zone: Zone
    visible: dict[str, list[Rdata]]
    polls: int = 0
    in_sync: bool = False


class Route53Api(HttpService):
    """Serves `url` to who has keys of `account`.

    With `bind`, its zones are the zones, with what is in them, and every change is written
    through to it (see BindMirror) once it is INSYNC; from then on BIND is not to be changed
    directly. Without it, the zones are `zones`, empty.

    - `page_limit`: no listing has more entries on a page, whatever the client asks for
    - `polls`, `seconds`: a change is INSYNC when it was asked for that often, or with BIND after
      that long (None: only by being asked for)
    - `denied`: actions ("ChangeResourceRecordSets") that the policy of the keys does not allow
    - `plain_refusals`: a refused batch is answered as InvalidChangeBatch, else as ErrorResponse

    A DnsApi. More kinds of fault: "aws", an error `code` of AWS in `body` with `status`;
    "repeat_page", a listing that never ends because every page is the first; "unknown_types", a
    listing with sets of types and shapes that nobody knows.
    """

    provider = "route53"
    held = ("_zones", "_changes")
    fault_kinds: dict[str, dict[str, Any]] = {
        "throttled": {"kind": "aws", "status": 400, "body": "Throttling"},
        "prior request": {"kind": "aws", "status": 400, "body": "PriorRequestNotComplete"},
        "expired token": {"kind": "aws", "status": 403, "body": "ExpiredToken"},
        "a page that repeats": {"kind": "repeat_page"},
        "unknown types": {"kind": "unknown_types"},
    }

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        zones: Sequence[Zone | str] = (),
        account: AwsAccount | None = None,
        page_limit: int = 3,
        polls: int = 2,
        seconds: float | None = 0.5,
    ) -> None:
        super().__init__()
        self.url = self.origin
        self.account = account or AwsAccount()
        self.page_limit = page_limit
        self.polls = polls
        self.seconds = seconds
        self.denied: set[str] = set()
        self.plain_refusals = False
        self._state = threading.RLock()
        self._mirror = BindMirror(bind) if bind else None
        self._zones = [
            zone if isinstance(zone, Zone) else Zone(zone)
            for zone in (*(bind.zones if bind else ()), *zones)
        ]
        self._changes: list[Change] = []
        self._timers: list[threading.Timer] = []

    def start(self) -> Route53Api:
        if self._mirror:
            for zone in self._zones:
                if zone.private:
                    continue
                for name, (ttl, record_type, text) in self._mirror.read(zone.name):
                    zone.add_value(name, record_type, ttl, from_dns(record_type, text))
        return super().start()

    def stop(self) -> None:
        with self._state:
            timers, self._timers = self._timers, []
            for timer in timers:
                timer.cancel()
        # One may be at work: BIND has to live as long.
        for timer in timers:
            if timer.is_alive():
                timer.join()
        super().stop()

    # For tests

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DNS_PROVIDER": self.provider,
            "ROUTE53_API_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.account.user.id,
            "AWS_SECRET_ACCESS_KEY": self.account.user.secret,
        }

    @property
    def credentials(self) -> list[str]:
        return self.account.user.hidden

    def dump(self, zone: str) -> list[str]:
        with self._state:
            return sorted(
                json.dumps(line, sort_keys=True)
                for s in self.zone(zone).all()
                for line in lines_of(s)
            )

    def seed_foreign(self, zone: str, count: int) -> None:
        routed = [s for s in routed_sets(zone) if count > 20]
        for record_type, name, value in foreign_records(zone, count - len(routed)):
            self.seed_value(zone, record_type, name, value)
        with self._state:
            for record_set in routed:
                self.zone(zone).put(record_set)

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        with self._state:
            self.zone(zone).add_value(name, record_type, 300, from_dns(record_type, value))
            self._sync(self.zone(zone), self._visible(self.zone(zone), [name]))

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        with self._state:
            for record_type, name in opaque_places(zone, with_sets=True):
                self.zone(zone).add_value(name, record_type, 300, opaque_text(rng))

    def zone(self, name: str) -> Zone:
        """The public one, the first if there are several."""
        return next(zone for zone in self._zones if zone.name == name and not zone.private)

    def values(self, zone: str, name: str, record_type: str) -> list[str]:
        """Of the plain set."""
        with self._state:
            sets = [s for s in self.zone(zone).at(name) if s.type == record_type]
            return sorted(value for s in sets if not s.routing for value in s.values)

    # HTTP

    def respond(self, request: Request) -> Response:
        with self._state:
            try:
                self.account.authenticate(request, "us-east-1", "route53", echo=True)
                return self._answer(request)
            except AwsError as error:
                return error.as_response(NAMESPACE)
            except InvalidChangeBatch as refusal:
                return self._refuse_batch(refusal)

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        if fault.kind == "aws":
            if fault.after:
                self.respond(request)
            code = str(fault.body)
            words = {"Throttling": "Rate exceeded", "PriorRequestNotComplete": BUSY}
            error = AwsError(fault.status, code, words.get(code, f"The emulator says {code}"))
            response = error.as_response(NAMESPACE)
            response.headers.update(fault.headers)
            return response
        if fault.kind == "repeat_page":
            return self._repeat_page(request)
        if fault.kind == "unknown_types":
            return self._with_unknown_types(request)
        return super().respond_with_fault(request, fault)

    def _answer(self, request: Request) -> Response:
        route = ROUTE.fullmatch(request.path)
        if route is None:
            raise AwsError(404, "UnknownOperationException", "unknown operation")
        kind = route[1].partition("/")[0]
        if kind == "hostedzonesbyname" and request.method == "GET":
            self._allow("ListHostedZonesByName")
            return self._list_zones(request.query)
        if kind == "hostedzone" and not route[3] and request.method == "GET":
            self._allow("GetHostedZone")
            return zone_answer(self._zone_with(route[2]))
        if kind == "hostedzone" and route[3] and request.method == "GET":
            self._allow("ListResourceRecordSets")
            return self._list_sets(request.query, self._zone_with(route[2]))
        if kind == "hostedzone" and route[3] and request.method == "POST":
            self._allow("ChangeResourceRecordSets")
            return self._change(request, self._zone_with(route[2]))
        if kind == "change" and request.method == "GET":
            self._allow("GetChange")
            return self._get_change(route[4])
        raise AwsError(405, "MethodNotAllowed", f"{request.method} is not allowed")

    def _allow(self, action: str) -> None:
        if action in self.denied:
            raise AwsError(
                403, "AccessDenied",
                f"User: arn:aws:iam::123456789012:user/dns is not authorized to perform: "
                f"route53:{action} because no identity-based policy allows the action",
            )

    def _zone_with(self, zone_id: str) -> Zone:
        for zone in self._zones:
            if zone.id == zone_id:
                return zone
        raise AwsError(404, "NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}")

    # Listings

    def _list_zones(self, query: dict[str, str]) -> Response:
        begin = (sort_key(read_name(query.get("dnsname", ""))), query.get("hostedzoneid", ""))
        zones = sorted(self._zones, key=lambda z: (sort_key(z.name), z.id))
        zones = [z for z in zones if (sort_key(z.name), z.id) >= begin]
        size = self._page_size(query, ZONES_PER_PAGE)
        page, rest = zones[:size], zones[size:]
        asked = f"<DNSName>{escape(query['dnsname'])}</DNSName>" if "dnsname" in query else ""
        more = (
            f"<NextDNSName>{escape_name(rest[0].name)}.</NextDNSName>"
            f"<NextHostedZoneId>{rest[0].id}</NextHostedZoneId>"
            if rest
            else ""
        )
        return answer(
            "ListHostedZonesByNameResponse",
            f"<HostedZones>{''.join(map(zone_xml, page))}</HostedZones>{asked}"
            f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{more}"
            f"<MaxItems>{size}</MaxItems>",
        )

    def _list_sets(self, query: dict[str, str], zone: Zone) -> Response:
        if "type" in query and "name" not in query:
            raise AwsError(400, "InvalidInput", "The input is not valid: type without name")
        if "identifier" in query and "type" not in query:
            raise AwsError(400, "InvalidInput", "The input is not valid: identifier without type")
        begin = (
            sort_key(read_name(query["name"])) if "name" in query else "",
            query.get("type", ""),
            query.get("identifier", ""),
        )
        sets = [s for s in zone.all() if s.order >= begin]
        size = self._page_size(query, SETS_PER_PAGE)
        return self._sets_page(sets[:size], sets[size] if sets[size:] else None, size)

    def _sets_page(self, sets: Sequence[RecordSet], follows: RecordSet | None, size: int) -> Response:
        more = ""
        if follows:
            more = (
                f"<NextRecordName>{escape_name(follows.name)}.</NextRecordName>"
                f"<NextRecordType>{follows.type}</NextRecordType>"
            )
            if follows.identifier:
                identifier = escape(follows.identifier)
                more += f"<NextRecordIdentifier>{identifier}</NextRecordIdentifier>"
        return answer(
            "ListResourceRecordSetsResponse",
            f"<ResourceRecordSets>{''.join(map(set_xml, sets))}</ResourceRecordSets>"
            f"<IsTruncated>{str(follows is not None).lower()}</IsTruncated>{more}"
            f"<MaxItems>{size}</MaxItems>",
        )

    def _page_size(self, query: dict[str, str], most: int) -> int:
        asked = query.get("maxitems", str(most))
        if not asked.isdigit() or int(asked) < 1:
            raise AwsError(400, "InvalidInput", f"Invalid value for maxitems: {asked}")
        return min(int(asked), most, self.page_limit)

    def _repeat_page(self, request: Request) -> Response:
        """The first page, which says that itself follows."""
        response = self.respond(request)
        query = request.query
        listing = "dnsname" if "dnsname" in query else "name"
        if response.status != 200 or listing not in query:
            return response
        with self._state:
            if listing == "dnsname":
                return response
            route = ROUTE.fullmatch(request.path)
            assert route is not None
            sets = self._zone_with(route[2]).at(read_name(query["name"]))
            if not sets:
                return response
            first = min(sets, key=lambda s: s.order)
            return self._sets_page([first], first, self.page_limit)

    def _with_unknown_types(self, request: Request) -> Response:
        """Sets in front that no documentation has: of another type, and with other elements."""
        response = self.respond(request)
        name = request.query.get("name", "")
        odd = (
            f"<ResourceRecordSet><Name>{escape(name)}</Name><Type>FUTURE</Type><TTL>1</TTL>"
            "<ResourceRecords><ResourceRecord><Value>x</Value></ResourceRecord></ResourceRecords>"
            f"</ResourceRecordSet><ResourceRecordSet><Name>{escape(name)}</Name><Type>A</Type>"
            "<Quantum><Spin>up</Spin></Quantum></ResourceRecordSet>"
        )
        marker = b"<ResourceRecordSets>"
        response.body = response.body.replace(marker, marker + odd.encode(), 1)
        return response

    # Changes

    def _change(self, request: Request, zone: Zone) -> Response:
        changes = read_batch(request.body)
        zone.change(changes)
        names = sorted({record_set.name for _, record_set in changes})
        change = Change("C" + secrets.token_hex(10).upper(), zone, self._visible(zone, names))
        self._changes.append(change)
        if self._mirror and self.seconds is not None:
            timer = threading.Timer(self.seconds, self._complete, [change])
            self._timers.append(timer)
            timer.start()
        return change_answer("ChangeResourceRecordSetsResponse", change.id, change.in_sync)

    def _get_change(self, change_id: str) -> Response:
        for change in self._changes:
            if change.id == change_id:
                if change.polls >= self.polls:
                    self._complete(change)
                change.polls += 1
                return change_answer("GetChangeResponse", change.id, change.in_sync)
        raise AwsError(
            404, "NoSuchChange", "A change with the specified change ID does not exist."
        )

    def _complete(self, change: Change) -> None:
        """All servers have it, and what was changed in that zone before."""
        with self._state:
            for earlier in self._changes[: self._changes.index(change) + 1]:
                if earlier.zone is change.zone and not earlier.in_sync:
                    self._sync(earlier.zone, earlier.visible)
                    earlier.in_sync = True

    def _visible(self, zone: Zone, names: Sequence[str]) -> dict[str, list[Rdata]]:
        return {
            name: [
                (s.ttl or 0, s.type, as_dns(s.type, value))
                for s in zone.at(name)
                if not s.routing and s.type != "SOA"
                for value in s.values
            ]
            for name in names
        }

    def _sync(self, zone: Zone, visible: dict[str, list[Rdata]]) -> None:
        if self._mirror and not zone.private:
            for name, records in visible.items():
                self._mirror.sync(zone.name, name, records)

    def _refuse_batch(self, refusal: InvalidChangeBatch) -> Response:
        if not self.plain_refusals:
            error = AwsError(400, "InvalidChangeBatch", f"[{', '.join(refusal.messages)}]")
            return error.as_response(NAMESPACE)
        messages = "".join(f"<Message>{escape(m)}</Message>" for m in refusal.messages)
        response = answer(
            "InvalidChangeBatch",
            f"<Messages>{messages}</Messages><RequestId>{secrets.token_hex(16)}</RequestId>",
        )
        response.status = 400
        return response
