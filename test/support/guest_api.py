"""The calls of dstack's guest agent, without the HTTP around them, and the faults they can get.

Rules and messages are those of dstack's guest-agent (rpc_service.rs) and of its RPC layer (ra-rpc):
every refusal is a 400 with `{"error": ...}`, a path outside of the API a 404 in HTML.

Agents from 0.6 on have version 1 of the API below /v1/, and what was there before also below /v0/.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .simulated_guest import SimulatedGuest

APIS = ("dstack", "tappd")
FAULT_MODES = (
    "none",
    "status-500",
    "html",
    "truncated",  # the connection ends in the middle of the body
    "half-json",  # a complete HTTP answer with half a document in it
    "empty",
    "hang",
    "slow",
    "not-a-quote",
    "no-quote",  # GetQuote is refused, as on a machine that makes none
    "wrong-report-data",
    "huge",
    "close",
)


REPORT_DATA_SIZE = 64
NEW_VERSION, NEW_REVISION = "0.6.0", "0123456789ab"
SLOW_SECONDS = 20.0
MAX_SLOW_SECONDS = 3600.0

NOT_FOUND_BODY = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"


@dataclass(frozen=True)
class Fault:
    """What happens to every call until the next order; `seconds` is how long "slow" takes."""

    mode: str = "none"
    seconds: float = SLOW_SECONDS

    def __post_init__(self) -> None:
        if self.mode not in FAULT_MODES:
            raise ValueError(f"mode is {self.mode!r}, must be one of {', '.join(FAULT_MODES)}")
        if not 0 <= self.seconds <= MAX_SLOW_SECONDS:
            raise ValueError(f"seconds is {self.seconds!r}, must be 0 to {MAX_SLOW_SECONDS:g}")

    @classmethod
    def from_json(cls, text: bytes) -> Fault:
        """Raises ValueError or TypeError if it is not an order."""
        order = json.loads(text)
        if not isinstance(order, dict) or not set(order) <= {"mode", "seconds"}:
            raise ValueError('must be an object with "mode" and, for "slow", "seconds"')
        return cls(str(order.get("mode")), float(order.get("seconds", SLOW_SECONDS)))


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Refusal(Exception):
    """The agent's answer to a call it does not like."""


_Call = Callable[[Mapping[str, object], Fault], Mapping[str, object]]


class GuestApi:
    """The calls of one API, by path; arguments are the strings of a query or of a JSON object.

    `is_new`: as agents from 0.6 on; only "dstack".
    """

    def __init__(self, guest: SimulatedGuest, api: str, *, is_new: bool = False) -> None:
        if api not in APIS:
            raise ValueError(f"api is {api!r}, must be one of {', '.join(APIS)}")
        self.guest = guest
        self._surfaces: dict[str, dict[str, _Call]] = {}
        if api == "dstack":
            calls = {"Info": self._info, "GetQuote": self._get_quote, "GetKey": self._get_key}
            self._surfaces["/"] = calls
            if is_new:
                self._surfaces["/v0/"] = calls
                self._surfaces["/v1/"] = {
                    "Info": self._info,
                    "GetKey": self._get_domain_key,
                    "Attest": self._attest,
                    "Version": self._version,
                }
        else:
            self._surfaces["/prpc/"] = {
                "Info": self._info,
                "RawQuote": self._raw_quote,
                "DeriveKey": self._derive_key,
            }

    def call(self, path: str, arguments: Mapping[str, object], fault: Fault) -> Answer:
        """Both faults that are about the content of a quote are made here."""
        folder, _, method = path.rpartition("/")
        calls = self._surfaces.get(f"{folder}/")
        if calls is None or not method:
            return Answer(404, NOT_FOUND_BODY, "text/html; charset=utf-8")
        try:
            call = calls.get(method.removeprefix("Tappd."))
            if call is None:
                raise Refusal(f"Service not found: {method}")
            return json_answer(200, call(arguments, fault))
        except Refusal as refusal:
            return json_answer(400, {"error": str(refusal)})

    def _info(self, _: Mapping[str, object], __: Fault) -> Mapping[str, object]:
        return self.guest.info()

    def _get_quote(self, arguments: Mapping[str, object], fault: Fault) -> Mapping[str, object]:
        report_data = _bytes_argument(arguments, "report_data")
        if len(report_data) > REPORT_DATA_SIZE:
            raise Refusal("Report data is too long")
        report_data = report_data.ljust(REPORT_DATA_SIZE, b"\0")
        if fault.mode == "no-quote":
            raise Refusal("Quotes are not supported on this platform")
        if not self.guest.has_quotes:
            # The agent answers with what it has, which is nothing.
            return {
                "quote": "",
                "event_log": "",
                "report_data": report_data.hex(),
                "vm_config": self.guest.vm_config(),
            }
        return {
            "quote": self._quote(report_data, fault).hex(),
            "event_log": self.guest.event_log_json(),
            "report_data": report_data.hex(),  # what was asked for, whatever the quote says
            "vm_config": self.guest.vm_config(),
        }

    def _raw_quote(self, arguments: Mapping[str, object], fault: Fault) -> Mapping[str, object]:
        report_data = _bytes_argument(arguments, "report_data")
        if len(report_data) != REPORT_DATA_SIZE:
            raise Refusal(f"invalid content length: {len(report_data)}, must be {REPORT_DATA_SIZE}")
        if not self.guest.has_quotes:
            raise Refusal("Failed to get quote")
        return {
            "quote": self._quote(report_data, fault).hex(),
            "event_log": self.guest.event_log_json(),
            "hash_algorithm": "raw",
            "prefix": "",
        }

    def _quote(self, report_data: bytes, fault: Fault) -> bytes:
        if fault.mode == "wrong-report-data":
            report_data = hashlib.sha512(report_data).digest()
        quote = self.guest.quote(report_data)
        return b"not a quote".ljust(len(quote)) if fault.mode == "not-a-quote" else quote

    def _get_key(self, arguments: Mapping[str, object], _: Fault) -> Mapping[str, object]:
        path, purpose, algorithm = (
            _text_argument(arguments, name) for name in ("path", "purpose", "algorithm")
        )
        try:
            key, chain = self.guest.app_key(path, purpose, algorithm)
        except ValueError as error:
            raise Refusal(str(error)) from error
        return {"key": key.hex(), "signature_chain": [signature.hex() for signature in chain]}

    def _get_domain_key(self, arguments: Mapping[str, object], _: Fault) -> Mapping[str, object]:
        domain, algorithm = (_text_argument(arguments, name) for name in ("domain", "algorithm"))
        try:
            key, chain = self.guest.domain_key(domain, algorithm)
        except ValueError as error:
            raise Refusal(str(error)) from error
        return {"key": key.hex(), "signature_chain": [signature.hex() for signature in chain]}

    def _attest(self, arguments: Mapping[str, object], _: Fault) -> Mapping[str, object]:
        report_data = _bytes_argument(arguments, "report_data")
        if len(report_data) > REPORT_DATA_SIZE:
            raise Refusal("Report data is too long")
        report_data = report_data.ljust(REPORT_DATA_SIZE, b"\0")
        return {"attestation": self.guest.attestation(report_data).hex()}

    def _version(self, _: Mapping[str, object], __: Fault) -> Mapping[str, object]:
        return {"version": NEW_VERSION, "rev": NEW_REVISION}

    def _derive_key(self, arguments: Mapping[str, object], _: Fault) -> Mapping[str, object]:
        key, chain = self.guest.tls_key(
            _text_argument(arguments, "path"), _text_argument(arguments, "subject")
        )
        return {"key": key, "certificate_chain": chain}


def _text_argument(arguments: Mapping[str, object], name: str) -> str:
    value = arguments.get(name, "")
    if not isinstance(value, str):
        raise Refusal(f"Failed to decode the request: {name}: expected a string")
    return value


def _bytes_argument(arguments: Mapping[str, object], name: str) -> bytes:
    text = _text_argument(arguments, name)
    try:
        return binascii.unhexlify(text)  # bytes.fromhex would let spaces pass
    except ValueError as error:
        raise Refusal(f"Failed to decode the request: {name}: {error}") from error


def json_answer(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content).encode())
