"""The TCP check: passes when the connection is accepted."""

import os
import socket
import time
from queue import SimpleQueue
from unittest.mock import Mock

import pytest

from kglb.checks.make import make_probe
from kglb.checks.match import Expectation
from kglb.checks.outcome import OK
from kglb.checks.tcp import TcpExchangeProbe
from kglb.model import Endpoint, HttpCheck, TcpCheck
from tests.checks.asking import Run, ask, lasted
from tests.checks.servers import Handler, answering, black_hole, refusing, resetting, serving, silent
from tests.patience import PATIENCE

LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


@LOOPBACKS
def test_an_accepted_connection_passes(run: Run, address: str) -> None:
    with serving(silent, address) as real:
        [outcome] = run(ask(TcpCheck(), real))
    assert (outcome.status, outcome.reason) == ("success", "ok")
    assert outcome.latency > 0


@LOOPBACKS
def test_a_refused_connection_fails(run: Run, address: str) -> None:
    with refusing(address) as real:
        [outcome] = run(ask(TcpCheck(), real))
    assert (outcome.status, outcome.reason, outcome.detail) == ("failure", "refused", "Connection refused")


@LOOPBACKS
def test_a_real_that_drops_packets_fails_after_the_timeout(run: Run, address: str) -> None:
    with black_hole(address) as real:
        [outcome] = run(ask(TcpCheck(timeout=0.3), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during connect")
    assert lasted(outcome.latency, 0.3)


def test_a_timeout_shorter_than_a_connection_is_young_holds_too(run: Run) -> None:
    with black_hole() as real:
        [outcome] = run(ask(TcpCheck(timeout=0.02), real))
    assert outcome.reason == "timeout during connect"
    assert lasted(outcome.latency, 0.02)


def test_a_server_that_accepts_and_resets_passes_whenever_we_look(run: Run) -> None:
    with serving(resetting) as real:
        outcomes = run(ask(TcpCheck(), real, times=20))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


def test_the_connection_ends_with_a_reset(run: Run) -> None:
    endings: SimpleQueue[object] = SimpleQueue()

    def read(connection: socket.socket) -> None:
        try:
            endings.put(connection.recv(1))
        except OSError as error:
            endings.put(type(error))

    with serving(read) as real:
        run(ask(TcpCheck(), real))
        assert endings.get(timeout=PATIENCE) is ConnectionResetError


def test_the_source_address_is_the_one_configured(run: Run) -> None:
    peers: SimpleQueue[str] = SimpleQueue()
    with serving(answering(b"HTTP/1.1 200 OK\r\n\r\n", peers)) as real:
        [outcome] = run(ask(HttpCheck(source="127.0.0.9"), real))
        assert outcome.status == "success"
        assert peers.get(timeout=PATIENCE) == "127.0.0.9"


def test_a_source_address_that_is_not_here_says_nothing_about_the_real(run: Run) -> None:
    with serving(silent) as real:
        [outcome] = run(ask(TcpCheck(source="192.0.2.1"), real))
    assert (outcome.status, outcome.reason) == ("unknown", "local error EADDRNOTAVAIL")


def test_the_checks_own_port_is_the_one_asked(run: Run) -> None:
    with serving(silent) as real, refusing() as other:
        [outcome] = run(ask(TcpCheck(port=other.port), real))
    assert outcome.reason == "refused"


def test_two_hundred_checks_leave_no_descriptor_open(run: Run) -> None:
    with serving(silent) as real, refusing() as dead:
        run(ask(TcpCheck(), real))
        before = len(os.listdir("/proc/self/fd"))
        run(ask(TcpCheck(), dead, times=200))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_connection_that_closes_with_fin_ends_in_order(run: Run) -> None:
    endings: SimpleQueue[bytes] = SimpleQueue()
    with serving(lambda connection: endings.put(connection.recv(1))) as real:
        run(ask(TcpCheck(close="fin"), real))
        assert endings.get(timeout=PATIENCE) == b""


def saying(*parts: bytes, then: Handler = silent) -> Handler:
    """Read a line, say these parts one by one, and go on as ``then``."""

    def handle(connection: socket.socket) -> None:
        connection.recv(100)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)
        then(connection)

    return handle


PING = TcpCheck(send=b"PING\r\n", expect=b"+PONG", timeout=1.0)


class TestAnExchange:
    def test_sends_what_is_configured(self, run: Run) -> None:
        heard: SimpleQueue[bytes] = SimpleQueue()
        with serving(lambda connection: heard.put(connection.recv(100))) as real:
            [outcome] = run(ask(TcpCheck(send=b"\x00HELO\r\n", close="fin"), real))
            assert heard.get(timeout=PATIENCE) == b"\x00HELO\r\n"
        assert outcome.reason == "ok"

    @pytest.mark.parametrize(
        ("check", "parts"),
        [
            (PING, [b"+PONG\r\n"]),
            (PING, [b"noise +PO", b"NG"]),
            (TcpCheck(send=b"x", expect_regex=r"(?i)^ready \d+$"), [b"Ready 7"]),
            (TcpCheck(send=b"x", expect_regex="\u00e9t\u00e9"), ["\u00e9t\u00e9".encode()]),
            (TcpCheck(send=b"x", expect=b"\xff\x00"), [b"\xfe\xff\x00"]),
        ],
    )
    def test_passes_when_the_expected_comes_back(self, run: Run, check: TcpCheck, parts: list[bytes]) -> None:
        with serving(saying(*parts)) as real:
            [outcome] = run(ask(check, real))
        assert (outcome.status, outcome.reason) == ("success", "ok")

    def test_may_expect_a_greeting_without_sending(self, run: Run) -> None:
        def greet(connection: socket.socket) -> None:
            time.sleep(0.05)
            connection.sendall(b"220 mail.test ESMTP\r\n")
            connection.recv(1)

        with serving(greet) as real:
            outcomes = run(ask(TcpCheck(expect=b"220 "), real, times=2))
        assert {outcome.reason for outcome in outcomes} == {"ok"}

    @pytest.mark.parametrize("then", [silent, socket.socket.close, resetting])
    def test_fails_for_one_reason_with_a_wrong_answer_whatever_follows(self, run: Run, then: Handler) -> None:
        with serving(saying(b"-ERR no\r\n", then=then)) as real:
            [outcome] = run(ask(PING, real))
        assert (outcome.status, outcome.reason, outcome.detail) == ("failure", "unexpected answer", "'-ERR no\\r\\n'")

    def test_fails_when_nothing_comes_back(self, run: Run) -> None:
        with serving(silent) as real:
            [outcome] = run(ask(PING, real))
        assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")

    def test_fails_when_the_server_closes_without_a_word(self, run: Run) -> None:
        with serving(saying(then=socket.socket.close)) as real:
            [outcome] = run(ask(PING, real))
        assert (outcome.status, outcome.reason) == ("failure", "closed during answer")

    def test_reads_no_more_than_64_kib(self, run: Run) -> None:
        def pour(connection: socket.socket) -> None:
            while True:
                connection.sendall(b"x" * 65536)

        with serving(pour) as real:
            [outcome] = run(ask(TcpCheck(expect=b"y", timeout=PATIENCE), real))
        assert outcome.reason == "unexpected answer"
        assert outcome.latency < PATIENCE / 2

    def test_is_searched_at_its_end_where_it_comes_in_crumbs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        searched: list[int] = []
        met_by = Expectation.met_by

        def counting(expectation: Expectation, heard: bytes) -> bool:
            searched.append(len(heard))
            return met_by(expectation, heard)

        monkeypatch.setattr(Expectation, "met_by", counting)
        probe = make_probe(TcpCheck(expect_regex="x.*OK$"), Endpoint("127.0.0.1", 9), answered=lambda _: None)
        assert isinstance(probe, TcpExchangeProbe)
        probe.stream = Mock(recv=Mock(return_value=b"x"))
        assert not any(probe.converse() for _ in range(20_000))
        assert sum(searched) <= 64 * 65536
        probe.stream = Mock(recv=Mock(return_value=b"OK"))
        assert probe.converse() is None
        assert (probe.overdue(), probe.cut_off("")) == (OK, OK)

    def test_of_a_closed_port_fails_as_every_other(self, run: Run) -> None:
        with refusing() as real:
            [outcome] = run(ask(PING, real))
        assert (outcome.status, outcome.reason) == ("failure", "refused")
