"""The DNS check: one query, judged by the code of its answer; over UDP and TCP."""

import random
import socket
import sys
from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from dns import flags
from dns.message import Message, from_wire, make_query, make_response
from dns.rcode import Rcode

from kglb.checks.dns import Question
from kglb.checks.outcome import OK
from kglb.model import DnsCheck, DnsRecord, Endpoint, Transport
from tests.checks.asking import Run, ask, lasted
from tests.checks.daemons import dnsmasq
from tests.checks.servers import Handler, refusing, serving, silent, udp_closed, udp_serving
from tests.patience import PATIENCE

PROTOCOLS = pytest.mark.parametrize("protocol", get_args(Transport))
CHECK = DnsCheck(query="www.lb.test", timeout=PATIENCE)


def answered(query: bytes, change: Callable[[Message], object] = lambda _: None) -> bytes:
    """The bytes of an answer without records, changed somehow."""
    response = make_response(from_wire(query))
    change(response)
    return response.to_wire()


def rcode(code: Rcode) -> Callable[[Message], object]:
    return lambda response: response.set_rcode(code)


def over_tcp(reply: Callable[[bytes], bytes]) -> Handler:
    """Answer one query, its length in front."""

    def handle(connection: socket.socket) -> None:
        query = connection.recv(65536)
        answer = reply(query[2:])
        connection.sendall(len(answer).to_bytes(2, "big") + answer)
        connection.recv(1)

    return handle


def serve(protocol: str, reply: Callable[[bytes], bytes], address: str = "127.0.0.1"):  # type: ignore[no-untyped-def]
    if protocol == "tcp":
        return serving(over_tcp(reply), address)
    return udp_serving(lambda query: [reply(query)], address)


def of(protocol: str, **keys: object) -> DnsCheck:
    return DnsCheck(**{"query": "www.lb.test", "timeout": PATIENCE, "protocol": protocol} | keys)  # type: ignore[arg-type]


@PROTOCOLS
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_answer_with_the_expected_code_passes(run: Run, protocol: str, address: str) -> None:
    with serve(protocol, answered, address) as real:
        outcomes = run(ask(of(protocol), real, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


@PROTOCOLS
def test_a_failure_may_be_what_is_expected(run: Run, protocol: str) -> None:
    with serve(protocol, lambda query: answered(query, rcode(Rcode.REFUSED))) as real:
        [outcome] = run(ask(of(protocol, rcode=5), real))
    assert outcome.status == "success"


@PROTOCOLS
@pytest.mark.parametrize("code", [Rcode.SERVFAIL, Rcode.NXDOMAIN, Rcode.REFUSED, Rcode.NOTAUTH])
def test_another_code_fails_by_its_name(run: Run, protocol: str, code: Rcode) -> None:
    with serve(protocol, lambda query: answered(query, rcode(code))) as real:
        [outcome] = run(ask(of(protocol), real))
    assert (outcome.status, outcome.reason) == ("failure", f"rcode {code.name}")


@PROTOCOLS
@pytest.mark.parametrize("record", get_args(DnsRecord))
def test_the_query_asks_for_what_is_configured(run: Run, protocol: str, record: str) -> None:
    queries: list[Message] = []

    def note(query: bytes) -> bytes:
        queries.append(from_wire(query))
        return answered(query)

    with serve(protocol, note) as real:
        run(ask(of(protocol, record=record), real, times=2))
    assert [question.to_text() for query in queries for question in query.question] == [f"www.lb.test. IN {record}"] * 2
    assert queries[0].id != queries[1].id


def wrong_id(query: bytes) -> bytes:
    return bytes([query[0] ^ 1]) + answered(query)[1:]


def other_question(query: bytes) -> bytes:
    other = make_query("else.test", "A")
    other.id = from_wire(query).id
    return make_response(other).to_wire()


WRONG = {
    "id": wrong_id,
    "question": other_question,
    "a query": lambda query: query,
    "garbage": lambda _: b"\xff" * 40,
    "cut": lambda query: answered(query)[:-3],
    "empty": lambda _: b"",
}


@PROTOCOLS
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_answer_to_the_query_fails(run: Run, protocol: str, wrong: Callable[[bytes], bytes]) -> None:
    with serve(protocol, wrong) as real:
        [outcome] = run(ask(of(protocol, timeout=0.5), real))
    assert (outcome.status, outcome.reason) == ("failure", "no valid answer")


def test_a_forged_datagram_does_not_keep_the_true_answer_from_passing(run: Run) -> None:
    with udp_serving(lambda query: [wrong_id(query), b"\x00", answered(query)]) as real:
        [outcome] = run(ask(CHECK, real))
    assert outcome.status == "success"


def test_a_truncated_answer_tells_its_code(run: Run) -> None:
    def truncate(response: Message) -> None:
        response.flags |= flags.TC

    with udp_serving(lambda query: [answered(query, truncate)]) as real:
        [outcome] = run(ask(CHECK, real))
    assert outcome.status == "success"


def test_an_answer_may_come_byte_by_byte(run: Run) -> None:
    def dribble(connection: socket.socket) -> None:
        answer = answered(connection.recv(65536)[2:])
        for byte in len(answer).to_bytes(2, "big") + answer:
            connection.sendall(bytes([byte]))
        connection.recv(1)

    with serving(dribble) as real:
        [outcome] = run(ask(of("tcp"), real))
    assert outcome.reason == "ok"


def calls(work: Callable[[], object]) -> int:
    """How many functions are called: what work costs, whatever else the machine does."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def with_records(query: bytes) -> bytes:
    """An answer of 64 KiB."""
    records = [bytes.fromhex("c00c 0001 0001 00000000 0004") + number.to_bytes(4, "big") for number in range(4000)]
    return query[:2] + bytes.fromhex("8180 0001 0fa0 0000 0000") + query[12:] + b"".join(records)


def with_questions(query: bytes) -> bytes:
    """The question, and others behind it, of 64 KiB."""
    others = [bytes.fromhex("c00c") + kind.to_bytes(2, "big") + b"\x00\x01" for kind in range(2, 10000)]
    return query[:2] + bytes.fromhex("8180 270f 0000 0000 0000") + query[12:] + b"".join(others)


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        (with_records, True),
        (with_questions, False),
        (lambda query: bytes([query[0] ^ 1]) + with_records(query)[1:], False),
    ],
    ids=["records", "questions", "another id"],
)
def test_a_huge_answer_costs_no_more_than_a_small_one(answer: Callable[[bytes], bytes], passes: bool) -> None:
    question = Question(CHECK)
    query = question.asked()
    small, huge = answered(query), answer(query)
    assert (question.judge(huge) is OK) is passes
    assert calls(lambda: question.judge(huge)) <= calls(lambda: question.judge(small))


def test_a_silent_server_fails_after_the_timeout(run: Run) -> None:
    with udp_serving(lambda _: []) as by_udp, serving(silent) as by_tcp:
        outcomes = run(ask(of("udp", timeout=0.3), by_udp)) + run(ask(of("tcp", timeout=0.3), by_tcp))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", "timeout during answer")}
    assert all(lasted(outcome.latency, 0.3) for outcome in outcomes)


def test_a_closed_port_is_refused(run: Run) -> None:
    with udp_closed() as by_udp, refusing() as by_tcp:
        outcomes = run(ask(CHECK, by_udp)) + run(ask(of("tcp"), by_tcp))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", "refused")}


def test_a_server_that_closes_fails(run: Run) -> None:
    with serving(lambda connection: connection.recv(65536)) as real:
        [outcome] = run(ask(of("tcp"), real))
    assert (outcome.status, outcome.reason) == ("failure", "closed during answer")


def test_no_bytes_make_the_check_crash(run: Run) -> None:
    chance = random.Random(53)

    def mangled(query: bytes) -> bytes:
        wire = bytearray(answered(query))
        for _ in range(chance.randrange(1, 4)):
            wire[chance.randrange(2, len(wire))] = chance.randrange(256)
        return bytes(wire) + chance.randbytes(chance.randrange(30))

    with serving(over_tcp(mangled)) as real:
        outcomes = run(ask(of("tcp"), real, times=100))
    assert all(outcome.status != "unknown" for outcome in outcomes)


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    with dnsmasq() as port:
        yield Endpoint("127.0.0.1", port)


@PROTOCOLS
class TestOfDnsmasq:
    @pytest.mark.parametrize("record", get_args(DnsRecord))
    def test_a_name_it_serves_passes(self, run: Run, server: Endpoint, protocol: str, record: str) -> None:
        query = "lb.test" if record in ("NS", "SOA") else "www.lb.test"
        [outcome] = run(ask(of(protocol, query=query, record=record), server))
        assert (outcome.status, outcome.reason) == ("success", "ok")

    def test_a_name_that_does_not_exist_fails(self, run: Run, server: Endpoint, protocol: str) -> None:
        [outcome] = run(ask(of(protocol, query="missing.lb.test"), server))
        assert (outcome.status, outcome.reason) == ("failure", "rcode NXDOMAIN")

    def test_a_zone_it_does_not_serve_is_refused(self, run: Run, server: Endpoint, protocol: str) -> None:
        [outcome] = run(ask(of(protocol, query="other.test"), server))
        assert (outcome.status, outcome.reason) == ("failure", "rcode REFUSED")
