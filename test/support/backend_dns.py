"""A resolver as libc asks it, whose answers and moods a test chooses."""

from __future__ import annotations

import errno
import random
import socket
import socketserver
import threading
import time
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

DNS_PORT = 53
TTL = 1
ATTEMPTS = 100


class Server(socketserver.ThreadingUDPServer):
    daemon_threads = True



def _on_free_address(make: Callable[[str], Server]) -> Server:
    """Other tests have theirs in the same network, at the same time."""
    for _ in range(ATTEMPTS):
        host = ".".join(str(random.randint(1, 254)) for _ in range(2))
        try:
            return make(f"127.{random.randint(64, 127)}.{host}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no address of loopback is free at port 53")


class BackendDns:
    """Answers A and AAAA questions from `addresses` (name: addresses of either family), and that
    there is no such name to all others.

    On port 53, which resolv.conf cannot change, of a loopback address of this object's own.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        # Moods: for all names, or for those in the set alone.
        self.silent = False
        self.failing = False
        self.silent_names: set[str] = set()
        # Every answer is cut short, and who asks again by TCP is connected and hears nothing.
        self.cut_short = False
        self.delay = 0.0
        resolver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, reply_to = self.request
                reply = resolver._reply(data)
                if reply is not None:
                    reply_to.sendto(reply, self.client_address)

        self._server = _on_free_address(lambda address: Server((address, DNS_PORT), Handler))
        self.address: str = self._server.server_address[0]
        self._deaf = socket.create_server((self.address, DNS_PORT))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _reply(self, data: bytes) -> bytes | None:
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        if self.silent or name in self.silent_names:
            return None
        if self.delay:
            time.sleep(self.delay)
        answer = dns.message.make_response(question, recursion_available=True)
        if self.cut_short:
            answer.flags |= dns.flags.TC
            return answer.to_wire()
        known = self.addresses.get(name)
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif known is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            family = dns.rdatatype.to_text(asked.rdtype)
            fitting = [a for a in known if (":" in a) == (family == "AAAA")]
            if fitting and family in ("A", "AAAA"):
                rrset = dns.rrset.from_text(asked.name, TTL, "IN", family, *fitting)
                answer.answer.append(rrset)
        return answer.to_wire()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._deaf.close()
