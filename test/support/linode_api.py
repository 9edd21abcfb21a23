"""Emulator of the part of Linode's API v4 that has to do with DNS."""

from __future__ import annotations

import functools
import hmac
import json
import math
import random
import re
import secrets
import string
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .bind import Bind
from .bind_mirror import BindMirror
from .faults import Fault
from .foreign import foreign_records, opaque_places, opaque_text
from .http_service import HttpService, Request, Response
from .linode_records import TTL_STEPS, ApiError, Record, RecordStore, invalid, new_id

BASE_PATH = "/v4"
ROUTE = re.compile(
    rf"{BASE_PATH}/domains(?:/(?P<domain>\d+)(?P<records>/records(?:/(?P<record>\d+))?)?)?"
)
PAGE_SIZES = range(25, 500 + 1)
PAGE_SIZE = 100
FILTERABLE_DOMAINS = frozenset({"domain", "group", "tags", "type", "status"})
FILTERABLE_RECORDS = frozenset({"name", "type", "target", "tag"})
RATE_LIMIT = 1840


@dataclass
class LinodeDomain:
    """`type` is "master", or "slave" for a copy of somebody else's."""

    name: str
    type: str = "master"
    status: str = "active"
    id: int = field(default_factory=new_id)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "domain": self.name,
            "tags": [],
            "group": "",
            "status": self.status,
            "description": "",
            "soa_email": f"hostmaster@{self.name}",
            "retry_sec": 0,
            "master_ips": [],
            "axfr_ips": [],
            "expire_sec": 0,
            "refresh_sec": 0,
            "ttl_sec": 0,
        }


class LinodeApi(HttpService):
    """Serves `url` to who has `token`.

    With `bind`, its zones are the domains, with what is in them, and every change is written
    through to it (see BindMirror); from then on BIND is not to be changed directly. Without it,
    the domains are `zones`, empty.

    - `scopes`: what the token may do: "domains:read_only", "domains:read_write"
    - `restricted`: its user may see the domains but change none
    - `page_limit`: no listing has more entries on a page, whatever the client asks for
    - `name_form`: how names read back: "relative" or "absolute"
    - `ttl_steps`: what TTLs are rounded up to. The real ones begin at 30 s, which is what a client
      has to wait for between two values at one name: a test need not
    - `issuewild_parameters`: whether issuewild takes parameters; by the reference only issue does

    A DnsApi. More kinds of fault: "rate_limited"; "busy"; "repeat_page", a listing of which every
    page has the entries of the first; "unknown_types", a listing with records of types and shapes
    nobody knows.
    """

    provider = "linode"
    held = ("_domains", "_stores")
    fault_kinds: dict[str, dict[str, Any]] = {
        "429": {"kind": "rate_limited"},
        "429 for long": {"kind": "rate_limited", "headers": {"Retry-After": "3600"}},
        "busy": {"kind": "busy"},
        "a page that repeats": {"kind": "repeat_page"},
        "unknown types": {"kind": "unknown_types"},
    }

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        zones: Sequence[LinodeDomain | str] = (),
        token: str | None = None,
        scopes: Iterable[str] = ("domains:read_write",),
        restricted: bool = False,
        page_limit: int = 5,
        name_form: str = "relative",
        ttl_steps: Sequence[int] = TTL_STEPS,
        issuewild_parameters: bool = True,
    ) -> None:
        super().__init__()
        self.url = self.origin + BASE_PATH
        self.token = token or "".join(secrets.choice(string.hexdigits.lower()) for _ in range(64))
        self.scopes = set(scopes)
        self.restricted = restricted
        self.page_limit = page_limit
        self.name_form = name_form
        self._hurried = ttl_steps[0] < TTL_STEPS[0]
        self._state = threading.RLock()
        self._mirror = BindMirror(bind) if bind else None
        self._domains = [
            zone if isinstance(zone, LinodeDomain) else LinodeDomain(zone)
            for zone in (*(bind.zones if bind else ()), *zones)
        ]
        self._stores = {
            domain.id: RecordStore(
                domain.name, ttl_steps, issuewild_parameters=issuewild_parameters
            )
            for domain in self._domains
        }

    def start(self) -> LinodeApi:
        if self._mirror:
            for store in self._stores.values():
                for name, rdata in self._mirror.read(store.domain):
                    store.put(Record.from_dns(store.relative(name), *rdata))
        return super().start()

    # For tests

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DNS_PROVIDER": self.provider,
            "LINODE_API_URL": self.url,
            "LINODE_API_TOKEN": self.token,
        }

    @property
    def credentials(self) -> list[str]:
        return [self.token]

    def dump(self, zone: str) -> list[str]:
        hidden = {"id", "created", "updated"}
        return sorted(
            json.dumps({k: v for k, v in r.items() if k not in hidden}, sort_keys=True)
            for r in self.records(zone)
        )

    def seed_foreign(self, zone: str, count: int) -> None:
        for record_type, name, value in foreign_records(zone, count):
            self.seed_value(zone, record_type, name, value)

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        self.seed(zone, Record.from_dns("", 300, record_type, value), name)

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        for record_type, name in opaque_places(zone, with_sets=False):
            text = opaque_text(rng, with_controls=True)
            self.seed(zone, Record(record_type, "", text, tag=rng.choice((None, text))), name)

    def seed(self, zone: str, record: Record, name: str) -> int:
        """Puts a record there that nobody sent, past all rules. Returns its id."""
        with self._state:
            store = self._store_of(zone)
            record.name = store.relative(name)
            store.put(record)
            self._write_through(store, record)
            return record.id

    def remove(self, zone: str, record_id: int) -> None:
        """Somebody else does it."""
        with self._state:
            store = self._store_of(zone)
            self._write_through(store, store.delete(record_id))

    def records(self, zone: str) -> list[dict[str, Any]]:
        """All records of the domain with whole names."""
        with self._state:
            return [record.as_json(zone) for record in self._store_of(zone).all()]

    def _store_of(self, zone: str) -> RecordStore:
        return next(store for store in self._stores.values() if store.domain == zone)

    # HTTP

    def respond(self, request: Request) -> Response:
        with self._state:
            try:
                answer = self._answer(request)
            except ApiError as error:
                answer = _failure(error)
        answer.headers.update(self._headers(request))
        return answer

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        faulty: dict[str, Callable[[Request], Response]] = {
            "rate_limited": lambda _: self._slow_down(fault),
            "busy": lambda _: _failure(ApiError(400, (None, "Linode busy."))),
            "repeat_page": self._repeat_page,
            "unknown_types": self._with_unknown_types,
        }
        if fault.kind in faulty:
            return faulty[fault.kind](request)
        return super().respond_with_fault(request, fault)

    def _headers(self, request: Request) -> dict[str, str]:
        access = "read_only" if request.method == "GET" else "read_write"
        known = self._is_known(request)
        return {
            "X-OAuth-Scopes": " ".join(sorted(self.scopes)) if known else "unknown",
            "X-Accepted-OAuth-Scopes": f"domains:{access}",
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(RATE_LIMIT - 1),
            "X-RateLimit-Reset": str(int(time.time()) + 60),
        }

    def _is_known(self, request: Request) -> bool:
        scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token, self.token)

    def _authorize(self, request: Request) -> None:
        # Both are 401: the headers tell which.
        if not self._is_known(request):
            raise ApiError(401, (None, "Invalid Token"))
        accepted = {"domains:read_write", "*"}
        if request.method == "GET":
            accepted.add("domains:read_only")
        if not accepted & self.scopes:
            raise ApiError(
                401, (None, "Your OAuth token is not authorized to use this endpoint.")
            )
        if self.restricted and request.method != "GET":
            raise ApiError(403, (None, "Unauthorized"))

    def _answer(self, request: Request) -> Response:
        self._authorize(request)
        route = ROUTE.fullmatch(request.path)
        if route is None:
            raise ApiError(404, (None, "Not found"))
        if route["domain"] is None:
            self._allow(request, "GET")
            found = [domain.as_json() for domain in self._domains]
            return self._page(request, found, FILTERABLE_DOMAINS)
        domain = next((d for d in self._domains if d.id == int(route["domain"])), None)
        if domain is None:
            raise ApiError(404, (None, "Not found"))
        if route["records"] is None:
            self._allow(request, "GET")
            return Response.of_json(domain.as_json())
        if domain.type == "slave":
            raise ApiError(400, (None, "Slave domains do not have records"))
        store = self._stores[domain.id]
        if route["record"] is None:
            return self._answer_records(request, store)
        return self._answer_record(request, store, int(route["record"]))

    @staticmethod
    def _allow(request: Request, *methods: str) -> None:
        if request.method not in methods:
            raise ApiError(405, (None, "Method Not Allowed"))

    def _answer_records(self, request: Request, store: RecordStore) -> Response:
        self._allow(request, "GET", "POST")
        if request.method == "GET":
            show = functools.partial(self._shown, store)
            return self._page(request, store.all(), FILTERABLE_RECORDS, show)
        record = store.create(_json_object(request.body))
        self._write_through(store, record)
        return Response.of_json(self._shown(store, record))

    def _answer_record(self, request: Request, store: RecordStore, record_id: int) -> Response:
        self._allow(request, "GET", "PUT", "DELETE")
        old = store.get(record_id)
        if request.method == "GET":
            return Response.of_json(self._shown(store, old))
        if request.method == "DELETE":
            store.delete(record_id)
            self._write_through(store, old)
            return Response.of_json({})
        new = store.edit(record_id, _json_object(request.body))
        self._write_through(store, old, new)
        return Response.of_json(self._shown(store, new))

    def _shown(self, store: RecordStore, record: Record) -> dict[str, Any]:
        return record.as_json(store.domain if self.name_form == "absolute" else "")

    def _write_through(self, store: RecordStore, *changed: Record) -> None:
        if self._mirror:
            for name in {record.name for record in changed}:
                whole = ".".join(part for part in (name, store.domain) if part)
                visible = [record.as_dns(self._hurried) for record in store.at(name)]
                self._mirror.sync(store.domain, whole, visible)

    # Listings

    def _page(
        self,
        request: Request,
        found: list[Any],
        filterable: frozenset[str],
        show: Callable[[Any], dict[str, Any]] = dict,
    ) -> Response:
        query = request.query
        page = _integer(query, "page", 1)
        asked = _integer(query, "page_size", PAGE_SIZE)
        if asked not in PAGE_SIZES:
            raise invalid("page_size", f"Must be {PAGE_SIZES[0]}-{PAGE_SIZES[-1]}")  # seen
        for name, wanted in _filter(request, filterable).items():
            found = [entry for entry in found if show(entry)[name] == wanted]
        size = min(asked, self.page_limit)
        pages = max(1, math.ceil(len(found) / size))
        if not 1 <= page <= pages:
            raise ApiError(404, (None, "Not found"))
        shown = [show(entry) for entry in found[(page - 1) * size : page * size]]
        return Response.of_json(
            {"data": shown, "page": page, "pages": pages, "results": len(found)}
        )

    # Faults

    @staticmethod
    def _slow_down(fault: Fault) -> Response:
        answer = _failure(ApiError(429, (None, "Too many requests")))
        answer.headers = {
            "Retry-After": "1",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + 1),
            **fault.headers,
        }
        return answer

    def _repeat_page(self, request: Request) -> Response:
        page = int(request.query.get("page", "1"))
        first = re.sub(r"([?&])page=\d+", r"\1page=1", request.target)
        answer = self.respond(Request(request.method, first, request.headers, request.body))
        body = json.loads(answer.body)
        if "data" in body:
            # What is announced fits what is sent, but for the entries being the same.
            pages = max(2, body["pages"])
            body.update(page=page, pages=pages, results=len(body["data"]) * pages)
        return Response.of_json(body, answer.status)

    def _with_unknown_types(self, request: Request) -> Response:
        answer = self.respond(request)
        body = json.loads(answer.body)
        if "data" in body:
            body["data"][:0] = [
                {"id": new_id(), "type": "FUTURE", "name": None, "target": [1, {}]},
                {"id": new_id(), "type": 65280, "name": "x", "target": {"a": "b"}},
            ]
            body["results"] += 2
        return Response.of_json(body, answer.status)


def _failure(error: ApiError) -> Response:
    return Response.of_json({"errors": error.errors}, error.status)


def _integer(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise invalid(name, "Must be an integer")
    return int(text)


def _filter(request: Request, filterable: frozenset[str]) -> dict[str, Any]:
    """Of the header X-Filter, exact values alone."""
    try:
        wanted = json.loads(request.headers.get("X-Filter") or "{}")
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise invalid("X-Filter", "Could not apply filter")  # seen
    for name in wanted:
        if name not in filterable:
            raise invalid("X-Filter", f"Cannot filter on {name}")  # seen
    return wanted


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ApiError(400, (None, "Invalid JSON"))
    return value
