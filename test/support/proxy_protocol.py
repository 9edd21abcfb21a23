"""The header of HAProxy's PROXY protocol, versions 1 and 2 (proxy-protocol.txt)."""

from __future__ import annotations

import ipaddress
import struct
from typing import BinaryIO

SIGNATURE_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_LINE_V1 = 107
COMMAND_LOCAL = 0x20
TYPE_AUTHORITY = 0x02
FAMILIES = {0x11: 4, 0x21: 16}
"""TCP over IPv4 and IPv6, with the length of an address."""


def read_proxy_header(stream: BinaryIO) -> str | None:
    """Takes the header off `stream` and returns the client's address, None if it names none.

    Raises ConnectionError if there is no such header: the peer is not to be talked to.
    """
    start = stream.read(len(SIGNATURE_V2))
    if start == SIGNATURE_V2:
        return _read_v2(stream)
    if start.startswith(b"PROXY "):
        line = start + stream.readline(MAX_LINE_V1)
        words = line.decode("ascii").split()
        return None if words[1] == "UNKNOWN" else words[2]
    raise ConnectionError(f"no PROXY header, but {start!r}")


def _read_v2(stream: BinaryIO) -> str | None:
    command, family, length = struct.unpack("!BBH", stream.read(4))
    content = stream.read(length)
    if command == COMMAND_LOCAL or family not in FAMILIES:
        return None
    return str(ipaddress.ip_address(content[: FAMILIES[family]]))


def proxy_header_v1(client: str) -> bytes:
    """Of a TCP connection from `client`, port 1024, to port 443."""
    version = ipaddress.ip_address(client).version
    server = "192.0.2.1" if version == 4 else "2001:db8::1"
    return f"PROXY TCP{version} {client} {server} 1024 443\r\n".encode()


def proxy_header_v2(client: str | None, *authorities: str) -> bytes:
    """The same; without a client LOCAL, as the health checks of balancers have it. The authorities
    are host names that the client is said to have asked for: one at most makes sense."""
    if client is None:
        return SIGNATURE_V2 + struct.pack("!BBH", COMMAND_LOCAL, 0, 0)
    address = ipaddress.ip_address(client)
    server = ipaddress.ip_address("192.0.2.1" if address.version == 4 else "2001:db8::1")
    content = address.packed + server.packed + struct.pack("!HH", 1024, 443)
    for authority in authorities:
        content += struct.pack("!BH", TYPE_AUTHORITY, len(authority)) + authority.encode()
    family = 0x11 if address.version == 4 else 0x21
    return SIGNATURE_V2 + struct.pack("!BBH", COMMAND_LOCAL | 1, family, len(content)) + content
