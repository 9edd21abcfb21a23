"""A DNS provider that lies: an emulator whose answers are true, or a lie, by a seed.

It also watches what it is asked for: whether a client heeds a lie in a way that hurts somebody.
"""

from __future__ import annotations

import json
import pickle
import re
import secrets
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Iterator
from typing import Any

from . import namecheap_form
from .http_lies import IDS, HttpLies, Truth
from .http_service import HttpService, Request, Response

TARGET = re.compile(r"/[\w.~:/?&=%+,*@!-]*", re.ASCII)
NOT_IN_A_TARGET = re.compile(r"\.\.|//|%2[ef]|%[01][0-9a-f]|%7f|%3[f]|%23", re.IGNORECASE)
WRITES = frozenset({"PUT", "PATCH", "DELETE"})


class LyingProvider(HttpLies):
    """Of the emulator `api`, whose `liar` it becomes.

    `own` tells by its text whether a record, as it was shown, is the client's: what it may replace
    and delete. `breaches` are the requests that nothing which was answered justifies; what the
    provider says of records is believed, since nobody else knows them.
    """

    def __init__(self, api: Any, own: re.Pattern[str], seed: str, elsewhere: str) -> None:
        super().__init__(seed, elsewhere, api.credentials)
        self.breaches: list[str] = []
        self.requests = 0
        self.talk: list[str] = []
        """The requests of a run with their answers, for those who look for a cause."""
        self._api: HttpService = api
        self._own = own
        self._shown: set[str] = set()
        self._hosts: list[set[tuple[str, ...]]] = []
        self.kinds += [self._success_without_effect, self._endless, self._odd_id] * 2
        api.liar = self

    def begin(self) -> None:
        """Another run of the client, which knows nothing of what was answered before."""
        self.requests = 0
        self.breaches.clear()
        self.talk.clear()
        self._shown.clear()
        self._hosts.clear()

    def __call__(self, request: Request, truth: Truth) -> Response:
        self.requests += 1
        self._watch(request)
        response = super().__call__(request, truth)
        self._learn(response)
        self.talk.append(
            f"{request.line[:300]} {request.body[:300]!r} -> {response.status} "
            f"{response.delivery} {response.body[:1500]!r}"
        )
        return response

    # Lies that only a provider tells

    def _success_without_effect(self, request: Request, truth: Truth) -> Response:
        kept = pickle.dumps([getattr(self._api, name) for name in self._api.held])
        response = truth(request)
        for name, value in zip(self._api.held, pickle.loads(kept), strict=True):
            setattr(self._api, name, value)
        return response

    def _endless(self, request: Request, truth: Truth) -> Response:
        """Whatever page this is, there is another one; the same page again at that."""
        response = truth(request)
        text = response.body.decode(errors="replace")
        many = str(self.rng.choice((10**9, 10**30, 400)))
        for name in ("total_pages", "total_count", "pages", "results", "TotalItems"):
            text = re.sub(rf'("{name}": ?|<{name}>)\d+', rf"\g<1>{many}", text)
        text = text.replace("<IsTruncated>false<", "<IsTruncated>true<")
        response.body = text.encode()
        return response

    def _odd_id(self, request: Request, truth: Truth) -> Response:
        response = truth(request)
        text = response.body.decode(errors="replace")
        odd = self.rng.choice(IDS)
        found = list(re.finditer(r'(?<="id": )"[^"]*"|(?<="id": )\d+|(?<=<Id>)[^<]*', text))
        if found:
            place = self.rng.choice(found)
            written = odd if place[0].startswith("/") or "<Id>" in text else json.dumps(odd)
            text = text[: place.start()] + written + text[place.end() :]
        response.body = text.encode()
        return response

    # What is asked for

    def _watch(self, request: Request) -> None:
        target = request.target
        if TARGET.fullmatch(target) is None or NOT_IN_A_TARGET.search(target.partition("?")[0]):
            self._tell(request, "no target that a client of this API has")
        for secret in self._secrets:
            if secret in urllib.parse.unquote(target):
                self._tell(request, "a secret in the target")
        if request.method in WRITES and self._api_has_ids:
            record = request.path.rpartition("/")[2]
            if record not in self._shown:
                self._tell(request, "a write to a record that was not shown as the client's")
        if b"<Action>DELETE" in request.body:
            self._watch_batch(request)
        form = namecheap_form.read(request) if b"Command=" in request.body else {}
        if form.get("command", "").lower().endswith("sethosts"):
            self._watch_hosts(request, form)

    @property
    def _api_has_ids(self) -> bool:
        return getattr(self._api, "provider", "") in ("cloudflare", "linode")

    def _watch_batch(self, request: Request) -> None:
        """What a batch of Route 53 takes out comes in again, but for the client's own values."""
        tree = xml.etree.ElementTree.fromstring(request.body)
        values: dict[str, set[tuple[str, ...]]] = {"DELETE": set(), "CREATE": set()}
        for change in tree.iter():
            if not change.tag.endswith("}Change"):
                continue
            texts = {each.tag.rpartition("}")[2]: each.text or "" for each in change.iter()}
            inner = [e.text or "" for e in change.iter() if e.tag.endswith("}Value")]
            values.setdefault(texts["Action"], set()).update(
                (texts["Name"], texts["Type"], value) for value in inner
            )
        for lost in values["DELETE"] - values["CREATE"]:
            if self._own.search(" ".join(lost)) is None:
                self._tell(request, f"takes {lost} out")

    def _watch_hosts(self, request: Request, form: dict[str, str]) -> None:
        """A list that replaces all hosts has all that some list showed, but for the client's."""
        count = len([name for name in form if name.startswith("hostname")])
        sent = {
            (form[f"hostname{n}"], form.get(f"recordtype{n}", ""), form.get(f"address{n}", ""))
            for n in range(1, count + 1)
        }
        lost = [
            [host for host in hosts - sent if self._own.search(" ".join(host)) is None]
            for hosts in self._hosts
        ]
        if not any(not each for each in lost):
            self._tell(request, f"leaves out {lost}")

    def _tell(self, request: Request, what: str) -> None:
        self.breaches.append(f"{request.line[:500]} {request.body[:500]!r}: {what}")

    # What was answered

    def _learn(self, response: Response) -> None:
        if response.body.lstrip()[:1] == b"<":
            self._learn_hosts(response.body)
            return
        # As any client may read it that is less strict than this one.
        decoder = json.JSONDecoder(object_pairs_hook=_Pairs, strict=False)
        try:
            pairs, _ = decoder.raw_decode(response.body.decode(errors="replace").lstrip())
        except (ValueError, RecursionError):
            return
        for entry in _entries(pairs):
            if self._own.search(json.dumps(entry, default=str)):
                self._shown.update(_written(value) for key, value in entry if key == "id")

    def _learn_hosts(self, body: bytes) -> None:
        try:
            tree = xml.etree.ElementTree.fromstring(body)
        except (xml.etree.ElementTree.ParseError, ValueError, LookupError):
            return
        hosts = [e.attrib for e in tree.iter() if e.tag.rpartition("}")[2] == "host"]
        self._hosts.append(
            {(h.get("Name", ""), h.get("Type", ""), h.get("Address", "")) for h in hosts}
        )


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with the keys that it has twice."""


def _entries(value: Any) -> Iterator[_Pairs]:
    """The innermost objects that have an id."""
    if isinstance(value, _Pairs):
        if any(key == "id" for key, _ in value):
            yield value
        for _, each in value:
            yield from _entries(each)
    elif isinstance(value, list):
        for each in value:
            yield from _entries(each)


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


class Elsewhere(HttpService):
    """A host that nobody has a reason to talk to; `requests()` are those who were led there."""

    def respond(self, request: Request) -> Response:
        return Response(200, secrets.token_hex(8).encode())
