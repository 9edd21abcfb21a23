"""Emulator of the part of Cloudflare's v4 API that has to do with DNS."""

from __future__ import annotations

import hmac
import json
import math
import random
import re
import secrets
import string
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .bind import Bind
from .bind_mirror import BindMirror
from .cloudflare_records import ApiError, Record, RecordStore
from .faults import Fault
from .foreign import foreign_records, opaque_places, opaque_text
from .http_service import HttpService, Request, Response
from .txt import txt_quoted

BASE_PATH = "/client/v4"
TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{40,}")
ID_FORM = r"[0-9a-f]{32}"
ROUTE = re.compile(
    rf"{BASE_PATH}/zones(?:/(?P<zone>[^/]+)(?P<records>/dns_records(?:/(?P<record>[^/]+))?)?)?"
)
ZONES_PER_PAGE = 20
RECORDS_PER_PAGE = 100
ALL_PERMISSIONS = frozenset({"zone:read", "dns:read", "dns:edit"})
RATE_LIMITED = (
    "More than 1200 requests per 300 seconds reached. "
    "Please wait and consider throttling your request speed"
)


@dataclass
class CloudflareZone:
    """A zone; the same name may exist in more than one account."""

    name: str
    account: str = "Test account"
    status: str = "active"
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        self.store = RecordStore(self.name)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "paused": False,
            "type": "full",
            "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
            "account": {"id": _account_id(self.account), "name": self.account},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "plan": {"name": "Free Website", "legacy_id": "free"},
        }


class CloudflareApi(HttpService):
    """Serves `url` to who has `token`.

    With `bind`, its zones are the zones, with what is in them, and every change is written through
    to it (see BindMirror), but for proxied records; from then on BIND is not to be changed
    directly. Without it, the zones are `zones`, empty.

    - `permissions`: what the token may do
    - `page_limit`: no listing has more entries on a page, whatever the client asks for
    - `txt_form`: how TXT contents read back: "as sent", "quoted", "unquoted", or "split"

    A DnsApi. More kinds of fault: "rate_limited"; "repeat_page", a listing that never ends because every
    page is the first; "unknown_types", a listing with records of types and shapes nobody knows.
    """

    provider = "cloudflare"
    held = ("_zones",)
    fault_kinds: dict[str, dict[str, Any]] = {
        "429": {"kind": "rate_limited"},
        "429 for long": {"kind": "rate_limited", "headers": {"retry-after": "3600"}},
        "a page that repeats": {"kind": "repeat_page"},
        "unknown types": {"kind": "unknown_types"},
    }

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        zones: Sequence[CloudflareZone | str] = (),
        token: str | None = None,
        permissions: Iterable[str] = ALL_PERMISSIONS,
        page_limit: int = 5,
        txt_form: str = "as sent",
        unicode_names: bool = False,
    ) -> None:
        super().__init__()
        self.url = self.origin + BASE_PATH
        self.token = token or "".join(secrets.choice(string.ascii_letters) for _ in range(40))
        self.permissions = set(permissions)
        self.page_limit = page_limit
        self.txt_form = txt_form
        self.unicode_names = unicode_names
        self._state = threading.RLock()
        self._mirror = BindMirror(bind) if bind else None
        self._zones = [
            zone if isinstance(zone, CloudflareZone) else CloudflareZone(zone)
            for zone in (*(bind.zones if bind else ()), *zones)
        ]

    def start(self) -> CloudflareApi:
        if self._mirror:
            for zone in self._zones:
                for name, rdata in self._mirror.read(zone.name):
                    zone.store.put(Record.from_dns(name, *rdata))
        return super().start()

    # For tests

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DNS_PROVIDER": self.provider,
            "CLOUDFLARE_API_URL": self.url,
            "CLOUDFLARE_API_TOKEN": self.token,
        }

    @property
    def credentials(self) -> list[str]:
        return [self.token]

    def dump(self, zone: str) -> list[str]:
        hidden = {"id", "created_on", "modified_on"}
        encode = json.JSONEncoder(sort_keys=True).encode
        with self._state:
            return sorted(
                encode({k: v for k, v in r.items() if k not in hidden})
                for r in self.records(zone)
            )

    def seed_foreign(self, zone: str, count: int) -> None:
        for record_type, name, value in foreign_records(zone, count):
            self.seed_value(zone, record_type, name, value)

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        record = Record.from_dns(name, 300, record_type, value)
        with self._state:
            store = self._zone_named(zone).store
            store.put(record)
            self._write_through(store, record)

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        for record_type, name in opaque_places(zone, with_sets=False):
            self.seed(zone, record_type, name, opaque_text(rng, with_controls=True))

    def records(self, zone: str) -> list[dict[str, Any]]:
        """All records of the zone, as a listing would show them."""
        with self._state:
            return [record.as_json() for record in self._zone_named(zone).store.all()]

    def seed(
        self, zone: str, record_type: str, name: str, content: str, ttl: int = 1, **more: Any
    ) -> str:
        """Puts a record there that nobody sent, past all rules. Returns its id."""
        with self._state:
            record = Record(record_type, name, content, ttl, **more)
            store = self._zone_named(zone).store
            store.put(record)
            self._write_through(store, record)
            return record.id

    # HTTP

    def respond(self, request: Request) -> Response:
        with self._state:
            try:
                return self._answer(request)
            except ApiError as error:
                return _failure(error.status, error.error)

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        if fault.kind == "rate_limited":
            answer = _failure(429, {"code": 10100, "message": RATE_LIMITED})
            answer.headers = {"retry-after": "1", **fault.headers}
            return answer
        if fault.kind == "repeat_page":
            return self._repeat_page(request)
        if fault.kind == "unknown_types":
            return self._with_unknown_types(request)
        return super().respond_with_fault(request, fault)

    def _answer(self, request: Request) -> Response:
        self._authenticate(request.headers.get("Authorization"))
        if "Content-Type" in request.headers and not request.body:
            raise ApiError(400, 6003, "Invalid request headers")
        route = ROUTE.fullmatch(request.path)
        identifiers = [route["zone"], route["record"]] if route else [""]
        if not all(i is None or re.fullmatch(ID_FORM, i) for i in identifiers):
            return _failure(
                400,
                {
                    "code": 7003,
                    "message": f"Could not route to {request.path}, "
                    "perhaps your object identifier is invalid?",
                },
                {"code": 7000, "message": "No route for that URI"},
            )
        assert route is not None
        if route["records"] is None:
            return self._answer_zones(request, route["zone"])
        zone = self._zone(route["zone"])
        if route["record"] is None:
            return self._answer_records(request, zone.store)
        return self._answer_record(request, zone.store, route["record"])

    def _authenticate(self, authorization: str | None) -> None:
        if authorization is None:
            raise ApiError(
                400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not TOKEN_FORM.fullmatch(token):
            raise ApiError(
                400, 6003, "Invalid request headers",
                (6111, "Invalid format for Authorization header"),
            )
        if not hmac.compare_digest(token, self.token):
            raise ApiError(403, 9109, "Invalid access token")

    def _require(self, permission: str) -> None:
        if permission not in self.permissions:
            raise ApiError(403, 10000, "Authentication error")

    # Zones

    def _answer_zones(self, request: Request, zone_id: str | None) -> Response:
        if request.method != "GET":
            raise _no_such_method(request)
        if "zone:read" not in self.permissions:
            raise ApiError(403, 9109, "Unauthorized to access requested resource")
        if zone_id is not None:
            return _success(self._zone(zone_id).as_json())
        query = request.query
        found = [
            {**zone.as_json(), "name": _in_unicode(zone.name)}
            if self.unicode_names
            else zone.as_json()
            for zone in self._zones
            if query.get("name", zone.name).lower() == zone.name
            and query.get("status", zone.status) == zone.status
            and query.get("account.id", _account_id(zone.account)) == _account_id(zone.account)
        ]
        return self._page(found, query, ZONES_PER_PAGE)

    def _zone(self, zone_id: str) -> CloudflareZone:
        for zone in self._zones:
            if zone.id == zone_id:
                return zone
        # The API does not tell a token that a zone exists which it may not see.
        raise ApiError(403, 10000, "Authentication error")

    def _zone_named(self, name: str) -> CloudflareZone:
        return next(zone for zone in self._zones if zone.name == name)

    # Records

    def _answer_records(self, request: Request, store: RecordStore) -> Response:
        if request.method == "GET":
            self._require("dns:read")
            return self._list(request.query, store)
        if request.method == "POST":
            self._require("dns:edit")
            record = store.create(_json_object(request.body))
            self._write_through(store, record)
            return _success(self._shown(record))
        raise _no_such_method(request)

    def _answer_record(self, request: Request, store: RecordStore, record_id: str) -> Response:
        if request.method == "GET":
            self._require("dns:read")
            return _success(self._shown(store.get(record_id)))
        self._require("dns:edit")
        old = store.get(record_id)
        if request.method == "DELETE":
            store.delete(record_id)
            self._write_through(store, old)
            return _success({"id": record_id})
        if request.method not in ("PUT", "PATCH"):
            raise _no_such_method(request)
        change = store.replace if request.method == "PUT" else store.edit
        new = change(record_id, _json_object(request.body))
        self._write_through(store, old, new)
        return _success(self._shown(new))

    def _list(self, query: dict[str, str], store: RecordStore) -> Response:
        def asked_for(record: Record) -> bool:
            content = query.get("content.exact", query.get("content", record.content))
            return (
                record.type == query.get("type", record.type).upper()
                and record.content == content
            )

        name = query.get("name.exact", query.get("name"))
        named = store.all() if name is None else store.at(name.lower())
        found = [self._shown(record) for record in named if asked_for(record)]
        return self._page(found, query, RECORDS_PER_PAGE)

    def _write_through(self, store: RecordStore, *changed: Record) -> None:
        if self._mirror:
            for name in {record.name for record in changed}:
                visible = [r.as_dns() for r in store.at(name) if not r.proxied]
                self._mirror.sync(store.zone, name, visible)

    def _shown(self, record: Record) -> dict[str, Any]:
        shown = record.as_json()
        if record.type == "TXT" and self.txt_form != "as sent":
            half = max(1, len(record.value) // 2)
            shown["content"] = {
                "quoted": txt_quoted(record.value),
                "unquoted": record.value,
                "split": txt_quoted(record.value, half),
            }[self.txt_form]
        if self.unicode_names:
            shown["name"] = _in_unicode(shown["name"])
            if record.type == "CNAME":
                shown["content"] = _in_unicode(shown["content"])
        return shown

    # Listings

    def _page(self, found: list[Any], query: dict[str, str], default_size: int) -> Response:
        page = _positive(query.get("page", "1"))
        size = min(_positive(query.get("per_page", str(default_size))), self.page_limit)
        shown = found[(page - 1) * size : page * size]
        return _success(
            shown,
            result_info={
                "page": page,
                "per_page": size,
                "count": len(shown),
                "total_count": len(found),
                "total_pages": math.ceil(len(found) / size),
            },
        )

    def _repeat_page(self, request: Request) -> Response:
        page = int(request.query.get("page", "1"))
        first = re.sub(r"([?&])page=\d+", r"\1page=1", request.target)
        answer = self.respond(Request(request.method, first, request.headers, request.body))
        body = json.loads(answer.body)
        if "result_info" in body:
            body["result_info"].update(page=page, total_pages=page + 1, total_count=10**9)
        return Response.of_json(body, answer.status)

    def _with_unknown_types(self, request: Request) -> Response:
        answer = self.respond(request)
        body = json.loads(answer.body)
        if isinstance(body["result"], list):
            body["result"][:0] = [
                {"id": secrets.token_hex(16), "type": "FUTURE", "name": None, "data": [1, {}]},
                {"id": secrets.token_hex(16), "type": 65280, "name": "x", "content": {"a": "b"}},
            ]
        return Response.of_json(body, answer.status)


def _in_unicode(name: str) -> str:
    """As the API shows names of international domains, whichever way they were asked for."""
    return ".".join(
        label[4:].encode().decode("punycode") if label.startswith("xn--") else label
        for label in name.split(".")
    )


def _success(result: Any, **more: Any) -> Response:
    return Response.of_json(
        {"result": result, "success": True, "errors": [], "messages": [], **more}
    )


def _failure(status: int, *errors: dict[str, Any]) -> Response:
    return Response.of_json(
        {"success": False, "errors": list(errors), "messages": [], "result": None}, status
    )


def _no_such_method(request: Request) -> ApiError:
    return ApiError(405, 7001, f"Method {request.method} not available for that URI.")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(400, 1000, f"{text!r} is not a page or a page size.")
    return int(text)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ApiError(400, 9207, "Request body is invalid.")
    return value


def _account_id(name: str) -> str:
    return name.encode().hex().ljust(32, "0")[:32]
