"""Decides when a secondary name server learns of an update."""

from __future__ import annotations

import select
import socket
import threading

DNS_HEADER_SIZE = 12
MAX_MESSAGE = 65535
RESPONSE_BIT = 0x80


class NotifyGate:
    """Stands where the primary believes its secondary to be, and takes the NOTIFY messages.

    Open, it passes each on at once; closed, it keeps them until it is opened. A secondary whose
    refresh timer is long lags behind for exactly as long as the gate is closed, which is what a
    test of propagation needs.
    """

    def __init__(self, secondary: tuple[str, int]) -> None:
        self._secondary = secondary
        self._lock = threading.Lock()
        self._open = True
        self._waiting: list[bytes] = []
        self._inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inbox.bind(("127.0.0.1", 0))
        self.port: int = self._inbox.getsockname()[1]
        # Replies of the secondary to the passed messages end here, unread.
        self._outbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outbox.bind(("127.0.0.1", 0))
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="notify-gate", daemon=True)
        self._thread.start()

    def close_gate(self) -> None:
        with self._lock:
            self._open = False

    @property
    def waiting(self) -> int:
        """How many messages are kept."""
        with self._lock:
            return len(self._waiting)

    def open_gate(self) -> None:
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
            for message in waiting:
                self._outbox.sendto(message, self._secondary)

    def stop(self) -> None:
        self._wake.close()
        self._thread.join()
        for end in (self._inbox, self._outbox, self._woken):
            end.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._inbox, self._woken], [], [])
            if self._woken in ready:
                return
            message, sender = self._inbox.recvfrom(MAX_MESSAGE)
            if len(message) < DNS_HEADER_SIZE or message[2] & RESPONSE_BIT:
                continue
            self._acknowledge(message, sender)
            with self._lock:
                if self._open:
                    self._outbox.sendto(message, self._secondary)
                else:
                    self._waiting.append(message)

    def _acknowledge(self, message: bytes, sender: tuple[str, int]) -> None:
        """Answers with the message itself as a response, so that the primary does not resend."""
        self._inbox.sendto(message[:2] + bytes([message[2] | RESPONSE_BIT]) + message[3:], sender)
