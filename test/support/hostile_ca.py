"""A CA that answers with more than its clients bargain for."""

from __future__ import annotations

import functools
import ssl
import zlib

from .http_service import HttpService, Request, Response

MEBIBYTE = 1 << 20


class HostileCa(HttpService):
    """An ACME server whose answers are small on the wire and large when they are unpacked.

    - "directory": the directory itself is `size` bytes long
    - "account": the directory is a good one; every new account is refused with `size` bytes, in a
      way that makes clients try again
    """

    def __init__(self, mode: str, size: int, *, tls: ssl.SSLContext) -> None:
        super().__init__(tls=tls)
        self.url = f"{self.origin}/dir"
        self._mode = mode
        self._size = size

    def respond(self, request: Request) -> Response:
        response = self._answer(request)
        response.headers["Replay-Nonce"] = "bm9uY2U"
        return response

    def _answer(self, request: Request) -> Response:
        if request.path == "/account":
            text = b'{"type": "urn:ietf:params:acme:error:badNonce", "detail": "again"}'
            return _packed(text, self._size, 400)
        if request.path != "/dir":
            return Response()
        if self._mode == "directory":
            return _packed(b"{}", self._size)
        names = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
        urls = {name: f"{self.origin}/nonce" for name in names}
        return Response.of_json({**urls, "newAccount": f"{self.origin}/account"})


@functools.lru_cache
def _packed(text: bytes, size: int, status: int = 200) -> Response:
    """`text` with white space behind it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = [packer.compress(text)]
    packed += [packer.compress(b" " * MEBIBYTE) for _ in range(size // MEBIBYTE)]
    packed.append(packer.flush())
    headers = {"Content-Encoding": "gzip"}
    return Response(status, b"".join(packed), "application/json", headers)
