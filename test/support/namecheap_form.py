"""The parameters of a request to Namecheap's API."""

from __future__ import annotations

import functools
from urllib.parse import parse_qsl, urlencode, urlsplit

from .http_service import Request
from .namecheap_hosts import ApiError


def read(request: Request) -> dict[str, str]:
    """The parameters, by lower-case name: the API does not mind the case."""
    return _parameters(urlsplit(request.target).query, request.body.decode(errors="replace"))


@functools.lru_cache(maxsize=8)  # several look at one request, and a zone is a long form
def _parameters(*texts: str) -> dict[str, str]:
    pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
    return {name.lower(): value for name, value in pairs}


def domain(form: dict[str, str]) -> str:
    return f"{form.get('sld', '')}.{form.get('tld', '')}".lower()


def positive(form: dict[str, str], name: str, default: int) -> int:
    text = form.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(2050900, f"{name} is invalid")
    return int(text)


def without_type(request: Request, record_type: str) -> Request:
    """The same setHosts without the hosts of a type, the rest numbered anew."""
    form = read(request)
    numbers = [n for n in range(1, len(form)) if f"hostname{n}" in form]
    kept = [n for n in numbers if form[f"recordtype{n}"] != record_type]
    parameters = ("hostname", "recordtype", "address", "mxpref", "ttl")
    changed = {k: v for k, v in form.items() if k.rstrip("0123456789") not in parameters}
    for new, old in enumerate(kept, 1):
        changed |= {f"{p}{new}": form[f"{p}{old}"] for p in parameters if f"{p}{old}" in form}
    return Request(request.method, request.path, request.headers, urlencode(changed).encode())
