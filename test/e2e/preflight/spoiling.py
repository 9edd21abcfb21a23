"""Name servers that answer some questions wrongly."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from support.bind import Bind
from support.dns_proxy import DnsProxy
from support.ports import ReservedPort

THIRD_ADDRESS = "127.0.0.3"


def spoil(proxy: DnsProxy, *, rcode: dns.rcode.Rcode | None, only: str = "") -> None:
    """Has it answer questions of the type `only` (all by default) with `rcode`, or not at all."""

    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        if only and dns.rdatatype.to_text(question.question[0].rdtype) != only:
            return answer
        if rcode is None:
            return None
        refused = dns.message.make_response(question)
        refused.set_rcode(rcode)
        return refused

    proxy.react = react


def resolver_of_yesterday(bind: Bind, name: str, record_type: str) -> DnsProxy:
    """A resolver that goes on giving the answer to this question that holds now."""
    kept: list[dns.message.Message] = []

    def react(question: dns.message.Message, answer: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        if asked.name != dns.name.from_text(name) or asked.rdtype != dns.rdatatype.from_text(
            record_type
        ):
            return answer
        kept.append(answer)
        kept[0].id = question.id
        return kept[0]

    with ReservedPort(THIRD_ADDRESS) as port:
        proxy = DnsProxy(bind.first, THIRD_ADDRESS, port.number, react)
    return proxy


def spoil_name(proxy: DnsProxy, name: str, record_type: str) -> None:
    def react(
        question: dns.message.Message, answer: dns.message.Message
    ) -> dns.message.Message | None:
        asked = question.question[0]
        if asked.name != dns.name.from_text(name):
            return answer
        if dns.rdatatype.to_text(asked.rdtype) != record_type:
            return answer
        failed = dns.message.make_response(question)
        failed.set_rcode(dns.rcode.SERVFAIL)
        return failed

    proxy.react = react
