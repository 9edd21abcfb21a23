"""Lies that any HTTP API can tell, of the truth that it would have told."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from .http_service import Request, Response

Truth = Callable[[Request], Response]

ORDERS = (
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "a\nb",
    "\r\nX-Injected: yes",
    "\x9b31m",
    "\u202e",
    "\u2066x",
    "\u200b",
    "\ufeff",
    "\x7f",
    "\x00",
    "\ud800",
    "%s%n",
    "'\"`$(id)",
)
"""What a terminal, a log or another protocol may obey."""

IDS = (
    "../../zones",
    "..%2f..%2fzones",
    "a/b",
    "a?b=c&d",
    "a#b",
    "a b",
    "a\r\nHost: elsewhere.example",
    "",
    ".",
    "..",
    "%00",
    "i" * 5000,
    "-1",
)
NAMES = (
    "elsewhere.example",
    "demo.test.elsewhere.example",
    "evildemo.test",
    "..",
    ".",
    "*",
    "a..b.demo.test",
    "n" * 300,
    "\\052.demo.test",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    10**40,
    1.5,
    1e308,
    "",
    "0",
    [],
    {},
    [[]],
    {"": {}},
    "1" * 40,
    "l" * 70_000,
)
RETRY_AFTER = (
    "0",
    "1",
    "-5",
    "3600",
    "86401",
    "9" * 40,
    "1e9",
    "0x10",
    "soon",
    "",
    "\x1b[2J",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 99 Foo 2026 99:99:99 GMT",
)
STATUSES = (
    *(200, 200, 201, 202, 204, 206, 300, 304, 400, 401, 403, 404, 405, 408, 409, 410, 418, 422),
    *(429, 429, 451, 500, 502, 503, 503, 504, 599),
)
REDIRECTS = (301, 302, 303, 307, 308)
CONTENT_TYPES = (
    "text/html",
    "application/json; charset=utf-16",
    "application/xml",
    "application/octet-stream",
    "\x1b[2J",
    "t" * 3000,
)
HTML = "<!doctype html><html><body><h1>{}</h1></body></html>"
DEPTH = 20_000
OVERSIZED = 5 * 1024 * 1024
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + "]><b>&a9;</b>"
)
OUTSIDE_ENTITY = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "{}">]><b>&a;</b>'

TEXT_OF_XML = re.compile(r'(?<=")[^"<>]*(?=")|(?<=>)[^<>]+(?=<)')
ELEMENT_OF_XML = re.compile(r"<(\w+)[^<>]*/>|<(\w+)(?: [^<>]*)?>[^<>]*</\2>")


class HttpLies:
    """Answers in place of an HttpService (`liar`): the truth, or with `eagerness` a lie.

    - `elsewhere`: an origin that answers should lead clients to, and that nobody should go to
    - `secrets`: what the client sends and does not want to see printed; lies repeat it
    - `lies` counts those told, by kind
    """

    def __init__(self, seed: str, elsewhere: str, secrets: list[str]) -> None:
        self.rng = random.Random(f"{seed} lies")
        self.lies: Counter[str] = Counter()
        self.eagerness = 0.5
        self._elsewhere = elsewhere
        self._secrets = secrets
        self._before: list[Response] = []
        self.kinds: list[Callable[[Request, Truth], Response]] = [
            self._status,
            self._words,
            self._redirect,
            self._undelivered,
            self._delivered_too_late,
            self._cut,
            self._flipped,
            self._oversized,
            self._deep,
            self._wrong_encoding,
            self._wrong_type,
            self._headers,
            self._bomb,
            self._earlier,
            self._failure_with_effect,
            *[self._altered] * 8,
        ]
        """More than once: what is told more often."""

    def __call__(self, request: Request, truth: Truth) -> Response:
        if self.rng.random() >= self.eagerness:
            response = truth(request)
            self._before = [*self._before[-20:], response]
            return response
        lie = self.rng.choice(self.kinds)
        self.lies[lie.__name__.strip("_")] += 1
        return lie(request, truth)

    def words(self) -> str:
        """What an error may say."""
        return "".join(
            self.rng.choice(
                (*ORDERS, *self._secrets, *NAMES, self._elsewhere, "no such zone", "w" * 3000)
            )
            for _ in range(self.rng.choice((1, 2, 5)))
        )

    # Of the whole answer

    def _status(self, request: Request, truth: Truth) -> Response:
        response = self._any_body(truth(request) if request.method == "GET" else Response())
        response.status = self.rng.choice((*STATUSES, self.rng.randrange(200, 600)))
        response.headers["Retry-After"] = self.rng.choice(RETRY_AFTER)
        return response

    def _any_body(self, response: Response) -> Response:
        body = self.rng.choice(
            (
                response.body,
                b"",
                b"{}",
                b"[]",
                b"null",
                b'"',
                HTML.format(self.words()).encode(errors="surrogatepass"),
                self.rng.randbytes(300),
                self.error().encode(errors="surrogatepass"),
            )
        )
        return Response(response.status, body, response.content_type)

    def error(self) -> str:
        """A message in the form of some API, with anything in it."""
        words = self.words()
        return self.rng.choice(
            (
                json.dumps({"success": False, "errors": [{"code": 1, "message": words}]}),
                json.dumps({"errors": [{"reason": words, "field": words}]}, ensure_ascii=False),
                json.dumps({"type": f"urn:ietf:params:acme:error:{words}", "detail": words}),
                f'<ApiResponse Status="ERROR"><Errors><Error Number="{_escaped(words)}">'
                f"{_escaped(words)}</Error></Errors></ApiResponse>",
                f"<ErrorResponse><Error><Code>{_escaped(words)}</Code><Message>"
                f"{_escaped(words)}</Message></Error></ErrorResponse>",
            )
        )

    def _words(self, request: Request, truth: Truth) -> Response:
        body = self.error().encode(errors="surrogatepass")
        kind = "text/xml" if body.startswith(b"<") else "application/json"
        return Response(self.rng.choice((200, 400, 403, 404, 422, 500)), body, kind)

    def _redirect(self, request: Request, truth: Truth) -> Response:
        target = self.rng.choice(
            (
                self._elsewhere + request.target,
                "//" + self._elsewhere.partition("//")[2],
                request.target,
                "file:///etc/passwd",
                "\x1b[2J",
                "",
            )
        )
        return Response(self.rng.choice(REDIRECTS), headers={"Location": target})

    def _undelivered(self, request: Request, truth: Truth) -> Response:
        if self.rng.random() < 0.5:
            truth(request)
        return Response(delivery=self.rng.choice(("closed", "reset", "reset", "closed", "hang")))

    def _delivered_too_late(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        response.delivery = "slow"
        return response

    def _cut(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        if self.rng.random() < 0.3:
            response.delivery = "truncated"
        else:
            response.body = response.body[: self.rng.randrange(len(response.body) + 1)]
        return response

    def _flipped(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        body = bytearray(response.body or b"\0")
        for _ in range(self.rng.randrange(1, 9)):
            body[self.rng.randrange(len(body))] ^= 1 << self.rng.randrange(8)
        response.body = bytes(body)
        return response

    def _oversized(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        filling = self.rng.choice((b" ", b"\0", b"[", b"<a>"))
        response.body += filling * (self.rng.choice((1000, 100_000, OVERSIZED)) // len(filling))
        return response

    def _deep(self, request: Request, truth: Truth) -> Response:
        opened, closed = self.rng.choice((("[", "]"), ('{"a":', "}"), ("<a>", "</a>")))
        depth = self.rng.choice((100, 1001, DEPTH))
        middle = "1" if opened != "<a>" else ""
        return Response(200, (opened * depth + middle + closed * depth).encode())

    def _wrong_encoding(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        name, value = self.rng.choice(
            (
                ("Content-Encoding", "gzip"),
                ("Content-Encoding", "br, gzip, x-nothing"),
                ("Transfer-Encoding", "chunked"),
                ("Content-Length", "3"),
                ("Content-Length", "99999999999999999999999"),
                ("Content-Length", "-1"),
            )
        )
        response.headers[name] = value
        return response

    def _wrong_type(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        response.content_type = self.rng.choice(CONTENT_TYPES)
        return response

    def _headers(self, request: Request, truth: Truth) -> Response:
        """Not to be heeded, at whatever status."""
        response = truth(request)
        response.headers["Retry-After"] = self.rng.choice(RETRY_AFTER)
        response.headers["Location"] = self._elsewhere
        response.headers["Set-Cookie"] = "c=\x1b[2J"
        response.headers["Link"] = f'<{self._elsewhere}>; rel="next"'
        response.headers["X-" + "h" * self.rng.choice((1, 100_000))] = "1"
        return response

    def _bomb(self, request: Request, truth: Truth) -> Response:
        outside = OUTSIDE_ENTITY.format(self.rng.choice(("file:///etc/passwd", self._elsewhere)))
        return Response(200, self.rng.choice((BOMB, outside)).encode(), "text/xml")

    def _earlier(self, request: Request, truth: Truth) -> Response:
        """What was true, of something else or some time ago."""
        return self.rng.choice(self._before) if self._before else truth(request)

    def _failure_with_effect(self, request: Request, truth: Truth) -> Response:
        truth(request)
        return self._status(request, lambda _: Response())

    # Of something in it

    def _altered(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        try:
            value = json.loads(response.body)
        except ValueError:
            text = self._altered_xml(response.body.decode(errors="replace"))
        else:
            text = self._altered_json(value)
        response.body = text.encode(errors="surrogatepass")
        return response

    def _odd(self) -> Any:
        return self.rng.choice(
            (self.rng.choice(ODD_VALUES), self.rng.choice(IDS), self.rng.choice(NAMES), self.words())
        )

    def _altered_json(self, value: Any) -> str:
        for _ in range(self.rng.choice((1, 1, 1, 3))):
            places = list(_places(value))
            if not places:
                return json.dumps(self._odd())
            parent, key = self.rng.choice(places)
            way = self.rng.randrange(6)
            if way == 0:
                del parent[key]
            elif way == 1 and isinstance(parent, list):
                parent.extend([parent[key]] * self.rng.choice((1, 2, 300)))
            elif way == 2 and isinstance(parent, dict) and isinstance(key, str):
                # Written twice below: which of them counts is for each parser to say.
                parent[_Twice(key)] = self._odd()
            elif way == 3:
                kind = type(parent[key])
                others = [other[at] for other, at in places if type(other[at]) is kind]
                parent[key] = json.loads(json.dumps(self.rng.choice(others)))
            else:
                parent[key] = self._odd()
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.5)

    def _altered_xml(self, text: str) -> str:
        found = list(ELEMENT_OF_XML.finditer(text))
        if found and self.rng.random() < 0.4:
            element = self.rng.choice(found)
            again = element[0] * self.rng.choice((0, 2, 300))
            return text[: element.start()] + again + text[element.end() :]
        found = list(TEXT_OF_XML.finditer(text))
        if not found:
            return text
        place = self.rng.choice(found)
        odd = self.rng.choice((str(self._odd()), self.rng.choice(found)[0]))
        written = self.rng.choice((_escaped(odd), "".join(f"&#{ord(c)};" for c in odd[:500])))
        return text[: place.start()] + written + text[place.end() :]


class _Twice(str):
    """A key that equals no other, though it is written like one."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container within `value` with each of its keys or indexes."""
    if not isinstance(value, (dict, list)):
        return
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(each, (dict, list)):
            yield from _places(each)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
