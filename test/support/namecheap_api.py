"""Emulator of the part of Namecheap's API that has to do with DNS."""

from __future__ import annotations

import random
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from . import namecheap_form
from .bind import Bind
from .bind_mirror import BindMirror
from .faults import Fault
from .foreign import foreign_records, opaque_places, opaque_text
from .http_service import HttpService, Request, Response
from .namecheap_hosts import ApiError, Host, NamecheapZone

PATH = "/xml.response"
PREFIX = "namecheap."
RATE_LIMITED = "<html><head><title>405 Not Allowed</title></head><body></body></html>"
PAGE_SIZES = range(10, 100 + 1)
OWN_TYPES = (
    ("URL", "redirect", "http://elsewhere.test/a?b=c&d=e"),
    ("URL301", "moved", "https://elsewhere.test/"),
    ("FRAME", "framed", "http://elsewhere.test/"),
    ("ALIAS", "alias", "target.elsewhere.test."),
)
"""Records that only Namecheap has: type, relative name, value."""

GLOBAL_PARAMETERS = (
    ("apiuser", 1010101, "Parameter APIUser is missing"),
    ("apikey", 1010102, "Parameter APIKey is missing"),
    ("username", 1010103, "Parameter UserName is missing"),
    ("command", 1010104, "Parameter Command is missing"),
    ("clientip", 1010105, "Parameter ClientIP is missing"),
)


class NamecheapApi(HttpService):
    """Serves `url` to who has `user`, `key` and a whitelisted address.

    With `bind`, its zones are the zones, with what is in them, and every change is written through
    (see BindMirror); from then on BIND is not to be changed directly. `zones` are more of them.

    - `whitelist`: the addresses that ClientIp may be
    - `page_limit`: no listing has more entries on a page, whatever the client asks for
    - `scheme`: of the namespace of the answers; both have been seen
    - `parking`: a zone that becomes empty gets Namecheap's parking page
    - `calls_per_minute`: more of them are answered as the real rate limit does

    A DnsApi. What `match` of a fault sees is "POST /xml.response COMMAND". More kinds of fault:

    - "rate_limited"; "api_error" with `body` "NUMBER MESSAGE"
    - "repeat_page": a listing that never ends because every page is the first
    - "no_hosts", "half_zone", "unknown_types": a getHosts that shows nothing, half of the zone (not
      among `fault_kinds`: shown half by every read, it is just a smaller zone to any client), or
      hosts that are not there; "no_count": a getInfo without HostCount
    - "another_domain": an answer about another one
    - "no_success": setHosts without IsSuccess="true", not carried out (with `after`: all the same)
    - "swallow": setHosts says success and does nothing
    - "drop_type": setHosts leaves out the hosts of the type in `body`
    """

    provider = "namecheap"
    held = ("_zones", "_calls")
    fault_kinds: dict[str, dict[str, Any]] = {
        "405": {"kind": "rate_limited"},
        "405 for long": {"kind": "rate_limited", "headers": {"retry-after": "3600"}},
        "a page that repeats": {"kind": "repeat_page"},
        "unknown types": {"kind": "unknown_types"},
        "a zone that seems empty": {"kind": "no_hosts"},
        "trouble at Enom": {"kind": "api_error", "body": "3050900 Unknown error from Enom"},
        "unknown exception": {"kind": "api_error", "body": "5050900 Unknown exceptions"},
        **{
            words: {"kind": "api_error", "body": f"{number} {words}"}
            for number, words in (
                (1011102, "API Key is invalid"),
                (1011150, "Invalid request IP: 198.51.100.7"),
                (1017411, "Too many login attempts"),
                (2016166, "Domain is not associated with your account"),
                (2019166, "Domain not found"),
                (2030288, "This domain is not using proper DNS servers"),
            )
        },
        "429 for long": {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}},
        "a redirect": {
            "kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"},
        },
        "an answer about another domain": {"kind": "another_domain"},
        "no success": {"kind": "no_success"},
        "no success, carried out": {"kind": "no_success", "after": True},
        "a write that is swallowed": {"kind": "swallow"},
    }

    def __init__(
        self,
        bind: Bind | None = None,
        *,
        zones: Sequence[NamecheapZone | str] = (),
        user: str = "apiexample",
        whitelist: Collection[str] = ("192.0.2.9",),
        page_limit: int = 5,
        scheme: str = "http",
        parking: bool = False,
        calls_per_minute: int | None = None,
    ) -> None:
        super().__init__()
        self.url = self.origin + PATH
        self.user = user
        self.key = secrets.token_hex(16)
        self.whitelist = set(whitelist)
        self.page_limit = page_limit
        self.scheme = scheme
        self.parking = parking
        self.calls_per_minute = calls_per_minute
        self._calls: deque[float] = deque()
        self._state = threading.RLock()
        self._mirror = BindMirror(bind) if bind else None
        self._mirrored = bind.zones if bind else ()
        self._zones = [
            zone if isinstance(zone, NamecheapZone) else NamecheapZone(zone)
            for zone in (*(bind.zones if bind else ()), *zones)
        ]

    def start(self) -> NamecheapApi:
        if self._mirror:
            for zone in map(self.zone, self._mirrored):
                for name, (ttl, record_type, text) in self._mirror.read(zone.name):
                    zone.put(Host.from_dns(zone.relative(name), ttl, record_type, text))
        return super().start()

    # For tests

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DNS_PROVIDER": self.provider,
            "NAMECHEAP_API_URL": self.url,
            "NAMECHEAP_USERNAME": self.user,
            "NAMECHEAP_API_KEY": self.key,
            "NAMECHEAP_CLIENT_IP": min(self.whitelist),
        }

    @property
    def credentials(self) -> list[str]:
        return [self.key]

    def zone(self, name: str) -> NamecheapZone:
        """As it is; to be changed through the functions below."""
        return next(zone for zone in self._zones if zone.name == name)

    def dump(self, zone: str) -> list[str]:
        with self._state:
            found = self.zone(zone)
            return sorted([f"EmailType {found.email_type}", *(h.shown() for h in found.hosts)])

    def seed_foreign(self, zone: str, count: int) -> None:
        own = OWN_TYPES[: max(0, count - 20)]
        for record_type, name, value in foreign_records(zone, count - len(own)):
            self.seed_value(zone, record_type, name, value)
        for record_type, name, value in own:
            self.seed(zone, Host(name, record_type, value))

    def seed_value(self, zone: str, record_type: str, name: str, value: str) -> None:
        relative = self.zone(zone).relative(name)
        self.seed(zone, Host.from_dns(relative, 1799, record_type, value))

    def seed_opaque(self, zone: str, rng: random.Random) -> None:
        """Of types whose values setHosts, which takes a zone as a whole, does not look at."""
        for record_type, name in opaque_places(zone, with_sets=False):
            if record_type not in ("TXT", "SRV", "HTTPS"):
                continue
            host = Host(self.zone(zone).relative(name), record_type, opaque_text(rng))
            self.zone(zone).hosts.append(host)

    def seed(self, zone: str, host: Host) -> Host:
        """Puts a host there, past all rules."""
        with self._state:
            self.zone(zone).put(host)
            self._write_through(self.zone(zone), {self.zone(zone).whole_name(host)})
            return host

    def unseed(self, zone: str, host: Host) -> None:
        with self._state:
            self.zone(zone).hosts.remove(host)
            self._write_through(self.zone(zone), {self.zone(zone).whole_name(host)})

    def commands(self) -> list[str]:
        """What was called, as "domains.dns.getHosts", in order."""
        forms = [dict(parse_qsl(r.body)) for r in self.requests()]
        return [form.get("Command", "").removeprefix(PREFIX) for form in forms]

    def writes(self) -> int:
        return self.commands().count("domains.dns.setHosts")

    # HTTP

    def line_of(self, request: Request) -> str:
        return f"{request.line} {namecheap_form.read(request).get('command', '')}"

    def body_of(self, request: Request) -> str:
        return re.sub(r"(?i)(apikey=)[^&]*", r"\1***", super().body_of(request))

    def respond(self, request: Request) -> Response:
        form = namecheap_form.read(request)
        with self._state:
            if self._is_over_the_limit():
                return Response(405, RATE_LIMITED.encode(), "text/html")
            try:
                return self._ok(form, self._answer(request, form))
            except ApiError as error:
                return self._error(form, error)

    def respond_with_fault(self, request: Request, fault: Fault) -> Response:
        form = namecheap_form.read(request)
        if fault.kind == "rate_limited":
            return Response(405, RATE_LIMITED.encode(), "text/html", dict(fault.headers))
        if fault.kind == "api_error":
            number, _, message = str(fault.body).partition(" ")
            if fault.after:
                self.respond(request)
            return self._error(form, ApiError(int(number), message))
        if fault.kind == "no_success":
            if fault.after:
                self.respond(request)
            return self._ok(form, _set_result(namecheap_form.domain(form), "false"))
        if fault.kind == "swallow":
            return self._ok(form, _set_result(namecheap_form.domain(form), "true"))
        if fault.kind == "drop_type":
            return self.respond(namecheap_form.without_type(request, str(fault.body)))
        return self._spoil(form, self.respond(request), fault)

    def _spoil(self, form: dict[str, str], answer: Response, fault: Fault) -> Response:
        """Makes something else of a right answer."""
        text = answer.body.decode()
        hosts = re.findall(r"<host [^>]*/>", text)
        if fault.kind == "no_hosts":
            text = re.sub(r"<host [^>]*/>", "", text)
        elif fault.kind == "half_zone":
            for host in hosts[len(hosts) // 2 :]:
                text = text.replace(host, "")
        elif fault.kind == "unknown_types":
            odd = [Host("odd", "FUTURE", "1 {}"), Host("odd", "TYPE65280", "\\# 0")]
            end = "</DomainDNSGetHostsResult>"
            text = text.replace(end, "".join(h.as_xml() for h in odd) + end)
        elif fault.kind == "no_count":
            text = re.sub(r'HostCount="\d+"', "", text)
        elif fault.kind == "another_domain":
            text = re.sub(r'(Domain|DomainName)="[^"]*"', r'\1="another.test"', text)
        elif fault.kind == "repeat_page":
            page = form.get("page", "1")
            text = re.sub(r"(<TotalItems>)\d+", r"\g<1>999999", text)
            text = re.sub(r"(<CurrentPage>)\d+", rf"\g<1>{page}", text)
        else:
            raise ValueError(f"no such kind of fault here: {fault.kind}")
        answer.body = text.encode()
        return answer

    def _is_over_the_limit(self) -> bool:
        now = time.monotonic()
        while self._calls and self._calls[0] < now - 60:
            self._calls.popleft()
        if self.calls_per_minute is not None and len(self._calls) >= self.calls_per_minute:
            return True
        self._calls.append(now)
        return False

    # Commands

    def _answer(self, request: Request, form: dict[str, str]) -> str:
        if request.path != PATH:
            raise ApiError(1010104, "Parameter Command is missing")
        for name, number, message in GLOBAL_PARAMETERS:
            if not form.get(name):
                raise ApiError(number, message)
        users = {form["apiuser"], form["username"]}
        if users != {self.user} or not secrets.compare_digest(form["apikey"], self.key):
            raise ApiError(1011102, "API Key is invalid or API access has not been enabled")
        if form["clientip"] not in self.whitelist:
            raise ApiError(1011150, f"Invalid request IP: {form['clientip']}")
        command = form["command"].lower().removeprefix(PREFIX)
        answers = {
            "domains.getlist": self._get_list,
            "domains.getinfo": self._get_info,
            "domains.dns.gethosts": self._get_hosts,
            "domains.dns.sethosts": self._set_hosts,
        }
        if command not in answers:
            raise ApiError(1010104, "Parameter Command is invalid")
        return answers[command](form)

    def _get_list(self, form: dict[str, str]) -> str:
        page = namecheap_form.positive(form, "page", 1)
        size = namecheap_form.positive(form, "pagesize", 20)
        if size not in PAGE_SIZES:
            raise ApiError(2050900, "PageSize must be from 10 to 100")
        size = min(size, self.page_limit)
        found = sorted((z for z in self._zones if z.listed), key=lambda zone: zone.name)
        shown = "".join(
            f'<Domain ID="{n}" Name={quoteattr(zone.name)} User="{self.user}" '
            f'Created="01/02/2020" Expires="01/02/2030" IsExpired="false" IsLocked="false" '
            f'AutoRenew="true" WhoisGuard="ENABLED" IsPremium="false" '
            f'IsOurDNS="{str(zone.our_dns).lower()}" />'
            for n, zone in enumerate(found[(page - 1) * size : page * size], 1)
        )
        return (
            f"<DomainGetListResult>{shown}</DomainGetListResult><Paging>"
            f"<TotalItems>{len(found)}</TotalItems><CurrentPage>{page}</CurrentPage>"
            f"<PageSize>{size}</PageSize></Paging>"
        )

    def _get_info(self, form: dict[str, str]) -> str:
        zone = self._owned(form.get("domainname", ""))
        return (
            f'<DomainGetInfoResult Status="Ok" ID="1" DomainName={quoteattr(zone.name)} '
            f'OwnerName="{self.user}" IsOwner="true" IsPremium="false">'
            f'<DnsDetails ProviderType="FREE" IsUsingOurDNS="{str(zone.our_dns).lower()}" '
            f'HostCount="{len(zone.hosts)}" EmailType="{zone.email_type}" '
            'DynamicDNSStatus="false" IsFailover="false" /></DomainGetInfoResult>'
        )

    def _get_hosts(self, form: dict[str, str]) -> str:
        zone = self._owned(namecheap_form.domain(form))
        hosts = "".join(host.as_xml() for host in zone.hosts)
        return (
            f"<DomainDNSGetHostsResult Domain={quoteattr(zone.name)} "
            f'EmailType="{zone.email_type}" IsUsingOurDNS="{str(zone.our_dns).lower()}">'
            f"{hosts}</DomainDNSGetHostsResult>"
        )

    def _set_hosts(self, form: dict[str, str]) -> str:
        zone = self._owned(namecheap_form.domain(form))
        if not zone.our_dns:
            raise ApiError(
                2030288,
                "Cannot complete this command as this domain is not using proper DNS servers",
            )
        old = zone.hosts
        zone.replace(form)
        if not zone.hosts and self.parking:
            zone.hosts = [
                Host("www", "CNAME", "parkingpage.namecheap.com.", friendly_name="CNAME Record"),
                Host("@", "URL", f"http://www.{zone.name}/", title="URL Forwarding"),
            ]
        before, after = ({h.shown() for h in hosts} for hosts in (old, zone.hosts))
        different = before ^ after
        changed = [h for h in (*old, *zone.hosts) if h.shown() in different]
        self._write_through(zone, {zone.whole_name(host) for host in changed})
        return _set_result(zone.name, "true")

    def _owned(self, name: str) -> NamecheapZone:
        for zone in self._zones:
            if zone.name == name.lower():
                return zone
        if name.count(".") > 1 and not any(name.endswith(f".{z.name}") for z in self._zones):
            raise ApiError(2030280, "TLD is not supported in API")
        raise ApiError(
            2019166, f"The domain ({name}) doesn't seem to be associated with your account."
        )

    def _write_through(self, zone: NamecheapZone, names: set[str]) -> None:
        if self._mirror is None or zone.name not in self._mirrored:
            return
        for name in names:
            at_name = [h for h in zone.hosts if zone.whole_name(h) == name and h.is_served]
            self._mirror.sync(zone.name, name, [host.as_dns() for host in at_name])

    # Answers

    def _ok(self, form: dict[str, str], result: str) -> Response:
        command = form.get("command", "")
        return self._xml(
            "OK",
            "<Errors />",
            command,
            f'<CommandResponse Type="{escape(command)}">{result}</CommandResponse>',
        )

    def _error(self, form: dict[str, str], error: ApiError) -> Response:
        command = form.get("command", "")
        result = ""
        if command.lower().endswith("sethosts") and error.number // 1000000 != 1:
            name = quoteattr(namecheap_form.domain(form))
            result = (
                f'<CommandResponse Type="{escape(command)}"><DomainDNSSetHostsResult '
                f'Domain={name} EmailType="" IsSuccess="false"><Warnings />'
                "</DomainDNSSetHostsResult></CommandResponse>"
            )
        return self._xml(
            "ERROR",
            f'<Errors><Error Number="{error.number}">{escape(error.message)}</Error></Errors>',
            command,
            result,
        )

    def _xml(self, status: str, errors: str, command: str, result: str) -> Response:
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\r\n'
            f'<ApiResponse Status="{status}" '
            f'xmlns="{self.scheme}://api.namecheap.com/xml.response">{errors}<Warnings />'
            f"<RequestedCommand>{escape(command.lower())}</RequestedCommand>{result}"
            "<Server>PHX01APIEXT02</Server><GMTTimeDifference>--4:00</GMTTimeDifference>"
            "<ExecutionTime>0.223</ExecutionTime></ApiResponse>"
        )
        return Response(200, text.encode(), "text/xml; charset=utf-8")


def _set_result(name: str, is_success: str) -> str:
    return (
        f'<DomainDNSSetHostsResult Domain={quoteattr(name)} EmailType="" '
        f'IsSuccess="{is_success}"><Warnings /></DomainDNSSetHostsResult>'
    )
