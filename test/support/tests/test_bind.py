"""The DNS servers of the harness: what is in them, who may change it, and how the second lags."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from support import bind as bind_module
from support.bind import Bind
from support.ports import ReservedPort
from support.process import wait_until

CHALLENGE = "_acme-challenge.app.demo.test"


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    zones = ("demo.test", "sub.demo.test", "other.test")
    with Bind(tmp_path_factory.mktemp("bind"), zones, second=True) as running:
        yield running


def rcode_of(bind: Bind, name: str) -> str:
    answer = dns.query.udp(
        dns.message.make_query(name, "SOA", flags=0), "127.0.0.1", timeout=5, port=bind.port
    )
    return dns.rcode.to_text(answer.rcode())


def test_the_zones_have_their_servers_and_the_gateway(bind: Bind) -> None:
    assert bind.query("demo.test", "NS") == ["ns1.demo.test.", "ns2.demo.test."]
    assert bind.query("ns1.demo.test", "A") == ["127.0.0.1"]
    assert bind.query("ns2.demo.test", "A") == ["127.0.0.2"]
    assert bind.query("gateway.demo.test", "A") == ["127.0.0.1"]
    assert bind.query("gateway.demo.test", "AAAA") == ["::1"]
    assert bind.query("gateway.other.test", "A") == ["127.0.0.1"]


def test_names_outside_are_refused_and_names_inside_that_are_not_there_do_not_exist(
    bind: Bind,
) -> None:
    assert rcode_of(bind, "example.com") == "REFUSED"
    assert rcode_of(bind, "nothing.demo.test") == "NXDOMAIN"
    with pytest.raises(RuntimeError, match="REFUSED"):
        bind.query("example.com", "A")


def test_a_zone_below_another_is_delegated(bind: Bind) -> None:
    parent = {(owner, kind, text) for owner, _, kind, text in bind.snapshot("demo.test")}
    assert ("sub.demo.test.", "NS", "ns1.sub.demo.test.") in parent
    assert ("ns1.sub.demo.test.", "A", "127.0.0.1") in parent
    assert bind.zone_of("a.sub.demo.test") == "sub.demo.test"
    assert bind.zone_of("asub.demo.test") == "demo.test"


def test_adding_and_deleting_touch_exactly_one_record(bind: Bind) -> None:
    before = bind.snapshot("demo.test")
    bind.add(CHALLENGE, 60, "TXT", "one; two")
    bind.add(CHALLENGE, 60, "TXT", 'quote " and \\ backslash')
    assert bind.query(CHALLENGE, "TXT") == ["one; two", 'quote " and \\ backslash']
    bind.delete(CHALLENGE, "TXT", "one; two")
    assert bind.query(CHALLENGE, "TXT") == ['quote " and \\ backslash']
    bind.delete(CHALLENGE)
    assert bind.snapshot("demo.test") == before


def test_a_long_txt_value_comes_back_whole(bind: Bind) -> None:
    value = "".join(chr(33 + at % 90) for at in range(700))
    bind.add("long.demo.test", 60, "TXT", value)
    assert bind.query("long.demo.test", "TXT") == [value]
    bind.delete("long.demo.test")


def test_a_snapshot_notices_any_change_of_a_record(bind: Bind) -> None:
    bind.add("foreign.demo.test", 60, "TXT", "x")
    before = bind.snapshot("demo.test")
    bind.delete("foreign.demo.test")
    bind.add("foreign.demo.test", 61, "TXT", "x")
    assert {record[1] for record in bind.snapshot("demo.test") ^ before} == {60, 61}
    bind.delete("foreign.demo.test")


def test_only_a_resolver_follows_an_alias_into_another_zone(bind: Bind) -> None:
    bind.add(CHALLENGE, 60, "CNAME", "delegated.other.test.")
    bind.add("delegated.other.test", 60, "TXT", "value")
    assert bind.query(CHALLENGE, "TXT") == []
    assert bind.first.query(CHALLENGE, "TXT", recursive=True) == ["value"]
    bind.delete(CHALLENGE)
    bind.delete("delegated.other.test")


def test_the_resolver_asks_nobody_on_the_network(bind: Bind) -> None:
    assert bind.first.query("example.com", "A", recursive=True) == []


def test_the_second_server_follows_unless_it_is_held(bind: Bind) -> None:
    bind.add(CHALLENGE, 60, "TXT", "first")
    wait_until(lambda: bind.second.query(CHALLENGE, "TXT") == ["first"], what="the transfer")
    with bind.second.held():
        bind.add(CHALLENGE, 60, "TXT", "second")
        assert bind.query(CHALLENGE, "TXT") == ["first", "second"]
        wait_until(lambda: bind.second.held_back, what="the primary's notification")
        assert bind.second.query(CHALLENGE, "TXT") == ["first"]
    wait_until(
        lambda: bind.second.query(CHALLENGE, "TXT") == ["first", "second"],
        what="the second server to catch up",
    )
    bind.delete(CHALLENGE)


def test_an_update_needs_the_right_key(bind: Bind) -> None:
    wrong = dns.tsigkeyring.from_text({bind.key_name: "A" * 43 + "="})
    update = dns.update.UpdateMessage("demo.test", keyring=wrong, keyalgorithm="hmac-sha256")
    update.add("intruder", 60, "A", "192.0.2.1")
    with pytest.raises(dns.tsig.PeerBadSignature):
        bind.send(update)
    unsigned = dns.update.UpdateMessage("demo.test")
    unsigned.add("intruder", 60, "A", "192.0.2.1")
    with pytest.raises(RuntimeError, match="REFUSED"):
        bind.send(unsigned)
    assert bind.query("intruder.demo.test", "A") == []


@pytest.mark.parametrize("algorithm", ["hmac-sha1", "hmac-sha384", "hmac-sha512"])
def test_other_tsig_algorithms(tmp_path: Path, algorithm: str) -> None:
    with Bind(tmp_path, key_algorithm=algorithm) as bind:
        bind.add("a.demo.test", 60, "A", "192.0.2.1")
        assert bind.query("a.demo.test", "A") == ["192.0.2.1"]


def test_records_of_the_caller_and_a_zone_that_does_not_load(tmp_path: Path) -> None:
    with Bind(tmp_path / "good", records={"demo.test": '@ CAA 0 issue "x.test"'}) as bind:
        assert bind.query("demo.test", "CAA") == ['0 issue "x.test"']
    with pytest.raises(ValueError, match="demo.test"):
        Bind(tmp_path / "bad", records={"demo.test": "a A not-an-address"}).start()


def test_a_taken_port_is_left_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    numbers: list[int] = []

    class Unlucky(ReservedPort):
        """Somebody takes the UDP port of the first reservation before named does."""

        def __init__(self, *addresses: str) -> None:
            super().__init__(*addresses)
            if not numbers:
                stranger.bind((addresses[0], self.number))
            numbers.append(self.number)

    monkeypatch.setattr(bind_module, "ReservedPort", Unlucky)
    with stranger, Bind(tmp_path) as bind:
        assert bind.port == numbers[-1] != numbers[0]
        assert bind.query("demo.test", "SOA") != []


def test_many_start_at_once(tmp_path: Path) -> None:
    def start(number: int) -> int:
        with Bind(tmp_path / str(number), second=True) as bind:
            name = f"host-{number}.demo.test"
            bind.add(name, 60, "A", f"192.0.2.{number}")
            wait_until(lambda: bind.second.query(name, "A") != [], what="the transfer")
            assert bind.query(name, "A") == [f"192.0.2.{number}"]
            return bind.port

    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(start, range(8)))
    assert len(ports) == 8
