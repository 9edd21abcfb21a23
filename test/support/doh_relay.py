"""DNS over HTTPS (RFC 8484) in front of a name server, over HTTP/1.1; it can lag behind, and lie."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.query
import dns.rcode

from .http_service import HttpService, Request, Response
from .named import NameServer

MEDIA_TYPE = "application/dns-message"
TIMEOUT = 5.0


class DohRelay(HttpService):
    """Asks `server` with recursion. `lags`: it knows of no name.

    `spoil` turns its answer into what is sent.
    """

    def __init__(self, server: NameServer) -> None:
        super().__init__()
        self._server = server
        self.lags = False
        self.spoil: Callable[[dns.message.Message], Response] | None = None

    @property
    def url(self) -> str:
        return f"{self.origin}/dns-query"

    def respond(self, request: Request) -> Response:
        kinds = (request.headers.get("Content-Type"), request.headers.get("Accept"))
        if request.line != "POST /dns-query" or kinds != (MEDIA_TYPE, MEDIA_TYPE):
            return Response(400, b"not a question")
        question = dns.message.from_wire(request.body)
        if question.id != 0:
            return Response(400, b"a question that no cache knows again")
        if self.lags:
            answer = dns.message.make_response(question, recursion_available=True)
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer, _ = dns.query.udp_with_fallback(
                question, self._server.address, timeout=TIMEOUT, port=self._server.port
            )
        if self.spoil is not None:
            return self.spoil(answer)
        return doh_response(answer)

    def body_of(self, request: Request) -> str:
        return request.body.hex()


def doh_response(answer: dns.message.Message) -> Response:
    return Response(200, answer.to_wire(), MEDIA_TYPE)
