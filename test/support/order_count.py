"""How busy the CA was, for scripts."""

from __future__ import annotations

from .http_service import HttpService, Request, Response
from .pebble import Pebble


class OrderCount(HttpService):
    """GET /orders: how many orders the CA was asked for so far."""

    def __init__(self, pebble: Pebble) -> None:
        super().__init__()
        self.url = f"{self.origin}/orders"
        self._pebble = pebble

    def respond(self, request: Request) -> Response:
        if request.path != "/orders":
            return Response(404)
        return Response(200, f"{self._pebble.orders()}\n".encode())
