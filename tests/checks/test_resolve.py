"""Names to addresses, by a name server of the test's own."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.asyncresolver
import dns.message
import pytest
from dns.flags import TC
from dns.rcode import Rcode
from dns.rrset import from_text_list

from kglb.checks import resolve as names
from kglb.checks.resolve import NoRecordError, ResolutionError, resolve
from kglb.checks.short_answers import LONGEST

Answer = Callable[[dns.message.Message, bool], bytes]
"""What is said to a query; the flag is whether it came by TCP."""


def addresses(query: dns.message.Message, count: int) -> dns.message.Message:
    answer = dns.message.make_response(query)
    texts = [f"10.0.{number // 256}.{number % 256}" for number in range(count)]
    answer.answer.append(from_text_list(query.question[0].name, 60, "IN", "A", texts))
    return answer


def truncated(query: dns.message.Message) -> bytes:
    answer = dns.message.make_response(query)
    answer.flags |= TC
    return answer.to_wire()


@contextmanager
def name_server(answer: Answer) -> Iterator[int]:
    """One that answers by UDP and TCP on one port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        port = listener.getsockname()[1]
        bound.bind(("127.0.0.1", port))

        def datagrams() -> None:
            while True:
                wire, source = bound.recvfrom(65536)
                if not wire:
                    return
                bound.sendto(answer(dns.message.from_wire(wire), False), source)

        def streams() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    heard = connection.recv(65536)
                    if not heard:
                        return
                    said = answer(dns.message.from_wire(heard[2:]), True)
                    connection.sendall(struct.pack(">H", len(said)) + said)
                    connection.recv(1)

        threads = [threading.Thread(target=serve, daemon=True) for serve in (datagrams, streams)]
        for thread in threads:
            thread.start()
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", port))
            socket.create_connection(("127.0.0.1", port)).close()
            for thread in threads:
                thread.join(5)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """How long the messages were that dnspython read, one after the other."""
    lengths: list[int] = []
    from_wire = dns.message.from_wire

    def reading(wire: bytes, *args: object, **options: object) -> dns.message.Message:
        lengths.append(len(wire))
        return from_wire(wire, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("dns.asyncquery.dns.message.from_wire", reading)
    monkeypatch.setattr(names, "HOSTS", tmp_path / "hosts")
    return lengths


def asking(port: int) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = port
    return resolver


def asked_of(port: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", asking(port))
    return asyncio.run(resolve("real.test.", False))


def test_all_addresses_of_a_name_are_found(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda query, _: addresses(query, 3).to_wire()) as port:
        assert asked_of(port, monkeypatch) == ("10.0.0.0", "10.0.0.1", "10.0.0.2")


def test_other_name_servers_are_asked_once_resolv_conf_is_another(
    read: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def answering(count: int) -> Answer:
        return lambda query, _: addresses(query, count).to_wire()

    def read_again() -> None:
        monkeypatch.setattr(dns.asyncresolver, "default_resolver", asking(after))

    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 192.0.2.53\n")
    monkeypatch.setattr(names, "RESOLV_CONF", configuration)
    monkeypatch.setattr(names, "_CONFIGURATION", names.Configuration())
    monkeypatch.setattr(dns.asyncresolver, "reset_default_resolver", read_again)
    with name_server(answering(1)) as before, name_server(answering(2)) as after:
        monkeypatch.setattr(dns.asyncresolver, "default_resolver", asking(before))
        found = [len(asyncio.run(resolve("real.test.", False))) for _ in range(2)]
        configuration.write_text("nameserver 192.0.2.53\nnameserver 192.0.2.54\n")
        found += [len(asyncio.run(resolve("real.test.", False))) for _ in range(2)]
    assert found == [1, 1, 2, 2]


def test_as_many_as_fit_into_4_kib_come_by_tcp(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(query: dns.message.Message, by_tcp: bool) -> bytes:
        return addresses(query, 250).to_wire() if by_tcp else truncated(query)

    with name_server(answer) as port:
        assert len(asked_of(port, monkeypatch)) == 250


def test_a_longer_answer_is_refused_unread(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(query: dns.message.Message, by_tcp: bool) -> bytes:
        return addresses(query, 4000).to_wire(max_size=65535) if by_tcp else truncated(query)

    with name_server(answer) as port, pytest.raises(ResolutionError, match=r"of 640\d\d bytes, and 4096 are read"):
        asked_of(port, monkeypatch)
    assert max(read) <= LONGEST


def test_a_longer_datagram_is_passed_over_unread(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LIFETIME", 0.3)
    with (
        name_server(lambda query, _: addresses(query, 4000).to_wire(max_size=65535)) as port,
        pytest.raises(ResolutionError, match="no A record for real"),
    ):
        asked_of(port, monkeypatch)
    assert max(read) <= LONGEST


def refusal(query: dns.message.Message, code: Rcode) -> bytes:
    answer = dns.message.make_response(query)
    answer.set_rcode(code)
    return answer.to_wire()


@pytest.mark.parametrize("code", [Rcode.NXDOMAIN, Rcode.NOERROR])
def test_that_a_name_has_no_address_is_told_by_who_knows_it(
    read: list[int], monkeypatch: pytest.MonkeyPatch, code: Rcode
) -> None:
    with (
        name_server(lambda query, _: refusal(query, code)) as port,
        pytest.raises(NoRecordError, match="no A record for real"),
    ):
        asked_of(port, monkeypatch)


def test_that_nobody_knows_is_something_else(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LIFETIME", 0.3)
    with (
        name_server(lambda query, _: refusal(query, Rcode.SERVFAIL)) as port,
        pytest.raises(ResolutionError) as told,
    ):
        asked_of(port, monkeypatch)
    assert not isinstance(told.value, NoRecordError)


def test_a_failure_that_goes_on_reads_the_same_again(read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LIFETIME", 0.3)
    said = []
    with name_server(lambda query, _: refusal(query, Rcode.SERVFAIL)) as port:
        for _ in range(2):
            with pytest.raises(ResolutionError) as told:
                asked_of(port, monkeypatch)
            said.append(str(told.value))
    assert said[0] == said[1]
    assert "seconds" not in said[0]
    assert "SERVFAIL" in said[0]
