"""The check that is several: each is asked in its turn, all must pass, and what fails is named."""

import asyncio
import errno
import socket
import time
from queue import SimpleQueue
from select import POLLIN
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.checks.all_of import AllProbe
from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.make import make_idle, make_probe
from kglb.checks.outcome import OK, Verdict
from kglb.checks.probe import REDIAL, Probe
from kglb.checks.prober import Prober
from kglb.checks.program import ProgramProbe
from kglb.model import (
    AllCheck,
    DnsCheck,
    Endpoint,
    ExecCheck,
    HttpCheck,
    PingCheck,
    SecretRef,
    SyslogCheck,
    TcpCheck,
    UdpCheck,
    question_of,
)
from kglb.model.check import Question
from tests.checks.asking import Answers, Run, ask, lasted, many, probing
from tests.checks.servers import (
    Handler,
    answering,
    black_hole,
    over_tls,
    refusing,
    resetting,
    serving,
    silent,
    udp_closed,
    udp_serving,
)

OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


def all_of(*checks: Question, **common: Any) -> AllCheck:
    return AllCheck(checks=tuple(map(question_of, checks)), **{"timeout": 10.0} | common)


def noting(asked: SimpleQueue[str], name: str, handler: Handler) -> Handler:
    """Do as ``handler``, and tell that it was asked."""

    def handle(connection: socket.socket) -> None:
        asked.put(name)
        handler(connection)

    return handle


class TestAllMustPass:
    def test_each_is_asked_in_its_turn_at_its_own_port(self, run: Run) -> None:
        asked: SimpleQueue[str] = SimpleQueue()
        with (
            serving(noting(asked, "real", answering(OK_ANSWER))) as real,
            serving(noting(asked, "http", answering(OK_ANSWER))) as http,
            serving(noting(asked, "tls", over_tls(answering(OK_ANSWER)))) as tls,
        ):
            check = all_of(HttpCheck(), HttpCheck(port=http.port), HttpCheck(tls=True, port=tls.port))
            [outcome] = run(ask(check, real))
            assert [asked.get(timeout=5) for _ in range(3)] == ["real", "http", "tls"]
        assert (outcome.status, outcome.reason, outcome.detail) == ("success", "ok", "")

    def test_the_port_of_the_whole_is_that_of_those_that_have_none(self, run: Run) -> None:
        with serving(silent) as real, refusing() as dead, refusing() as other:
            outcomes = [
                run(ask(check, other))[0]
                for check in (
                    all_of(TcpCheck(), TcpCheck(), port=real.port),
                    all_of(TcpCheck(), TcpCheck(port=dead.port), port=real.port),
                )
            ]
        assert [outcome.reason for outcome in outcomes] == ["ok", "tcp (2 of 2): refused"]

    def test_all_come_from_the_source_of_the_whole(self, run: Run) -> None:
        peers: SimpleQueue[str] = SimpleQueue()
        with serving(answering(OK_ANSWER, peers)) as real:
            run(ask(all_of(HttpCheck(), HttpCheck(), source="127.0.0.9"), real))
            assert [peers.get(timeout=5) for _ in range(2)] == ["127.0.0.9"] * 2

    def test_all_close_as_the_whole_does(self, run: Run) -> None:
        endings: SimpleQueue[bytes] = SimpleQueue()
        with serving(lambda connection: endings.put(connection.recv(1))) as real:
            run(ask(all_of(TcpCheck(), TcpCheck(), close="fin"), real))
            assert [endings.get(timeout=5) for _ in range(2)] == [b"", b""]

    def test_each_has_the_secrets_that_it_names(self, run: Run) -> None:
        requests: SimpleQueue[bytes] = SimpleQueue()
        token = SecretRef(env="TOKEN")
        with serving(answering(OK_ANSWER, requests=requests)) as real:
            check = all_of(HttpCheck(), HttpCheck(headers={"Authorization": token}))
            run(ask(check, real, secrets={token: "s3cret"}))
            assert [b"s3cret" in requests.get(timeout=5) for _ in range(2)] == [False, True]

    def test_a_part_that_follows_a_redirect_is_followed_by_the_next(self, run: Run) -> None:
        def moved(connection: socket.socket) -> None:
            there = b"GET /there" in connection.recv(65536)
            connection.sendall(OK_ANSWER if there else b"HTTP/1.1 302 Moved\r\nLocation: /there\r\n\r\n")
            connection.recv(1)

        with serving(moved) as real, refusing() as dead:
            following = HttpCheck(follow_redirects=True)
            [passed] = run(ask(all_of(following, following), real))
            [failed] = run(ask(all_of(following, TcpCheck(port=dead.port)), real))
        assert (passed.reason, failed.reason) == ("ok", "tcp (2 of 2): refused")

    def test_a_part_resumes_its_own_session(self, run: Run) -> None:
        resumed: list[Any] = []

        def note(connection: Any) -> None:
            resumed.append(connection.session_reused)
            answering(OK_ANSWER)(connection)

        with serving(over_tls(note)) as real:
            run(ask(all_of(HttpCheck(tls=True), HttpCheck(tls=True)), real, times=2))
        assert resumed == [False, False, True, True]

    @pytest.mark.parametrize("check", [UdpCheck(send=b"?", expect=b"!"), DnsCheck(query=".", rcode=0)])
    def test_parts_over_udp_and_tcp_go_together(self, run: Run, check: UdpCheck | DnsCheck) -> None:
        def reply(query: bytes) -> list[bytes]:
            return [b"!"] if query == b"?" else [query[:2] + b"\x81\x80" + query[4:]]

        with serving(silent) as real, udp_serving(reply) as udp:
            parts = (TcpCheck(), replace(check, port=udp.port), TcpCheck())
            [outcome] = run(ask(all_of(*parts), real))
        assert outcome.reason == "ok"


class TestTheFirstThatFails:
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_is_the_outcome_and_the_others_are_not_asked(self, run: Run, place: int) -> None:
        asked: SimpleQueue[str] = SimpleQueue()
        with serving(noting(asked, "passes", answering(OK_ANSWER))) as real, serving(answering(BUSY)) as busy:
            parts: list[Question] = [HttpCheck(), HttpCheck(), HttpCheck()]
            parts[place] = HttpCheck(port=busy.port)
            [outcome] = run(ask(all_of(*parts), real))
        assert (outcome.status, outcome.detail) == ("failure", "HTTP/1.1 503 Busy")
        assert outcome.reason == f"http ({place + 1} of 3): unexpected status 503"
        assert asked.qsize() == place

    @pytest.mark.parametrize(
        ("handler", "check", "timeout", "reason"),
        [
            (resetting, HttpCheck(tls=True), 10.0, "https (2 of 2): closed during handshake"),
            (silent, TcpCheck(expect=b"220"), 1.0, "tcp (2 of 2): timeout during answer"),
            (answering(b"nonsense"), HttpCheck(), 10.0, "http (2 of 2): not HTTP"),
        ],
    )
    def test_says_what_it_says_by_itself(
        self, run: Run, handler: Handler, check: Question, timeout: float, reason: str
    ) -> None:
        with serving(silent) as real, serving(handler) as other:
            parts = (TcpCheck(), replace(check, port=other.port))
            [outcome] = run(ask(all_of(*parts, timeout=timeout), real))
        assert (outcome.status, outcome.reason) == ("failure", reason)

    @pytest.mark.parametrize(("first", "reason"), [(True, "tcp (1 of 2): refused"), (False, "tcp (2 of 2): refused")])
    def test_may_be_one_whose_connect_fails_at_once(self, run: Run, first: bool, reason: str) -> None:
        with serving(silent) as real, refusing() as dead:
            parts = (TcpCheck(port=dead.port), TcpCheck()) if first else (TcpCheck(), TcpCheck(port=dead.port))
            outcomes = run(ask(all_of(*parts), real, times=20))
        assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", reason)}

    def test_may_be_one_whose_icmp_error_comes_late(self, run: Run) -> None:
        with serving(silent) as real, udp_closed() as closed:
            check = all_of(TcpCheck(), UdpCheck(send=b"?", expect=b"!", port=closed.port))
            [outcome] = run(ask(check, real))
        assert outcome.reason == "udp (2 of 2): refused"


class TestTheTimeout:
    def test_bounds_them_all_together(self, run: Run) -> None:
        def slow(connection: socket.socket) -> None:
            connection.recv(65536)
            time.sleep(0.4)
            connection.sendall(OK_ANSWER)
            connection.recv(1)

        with serving(slow) as real:
            outcomes = [run(ask(all_of(*[HttpCheck()] * count, timeout=2.0), real))[0] for count in (1, 8)]
        alone, together = outcomes
        assert alone.reason == "ok"
        assert together.status == "failure"
        assert "timeout during" in together.reason
        assert lasted(together.latency, 2.0)

    def test_of_a_connect_is_told_of_the_part(self, run: Run) -> None:
        with serving(silent) as real, black_hole() as hole:
            [outcome] = run(ask(all_of(TcpCheck(), TcpCheck(port=hole.port), timeout=1.0), real))
        assert outcome.reason == "tcp (2 of 2): timeout during connect"

    def test_is_what_a_last_part_that_waits_for_silence_takes(self, run: Run) -> None:
        with serving(silent) as real, udp_serving(lambda _: ()) as udp:
            parts = (TcpCheck(), SyslogCheck(port=udp.port))
            [outcome] = run(ask(all_of(*parts, timeout=1.0), real))
        assert outcome.reason == "ok"
        assert lasted(outcome.latency, 1.0)


class TestPrograms:
    @pytest.mark.parametrize(
        ("status", "reason", "weight"),
        [(0, "ok", None), (7, "ok", 5), (1, "exec (1 of 2): exit status 1", None)],
    )
    def test_the_weight_is_that_of_the_part_that_says_one(
        self, run: Run, status: int, reason: str, weight: int | None
    ) -> None:
        program = ExecCheck(command=("/bin/sh", "-c", f"exit {status}"), dynamic_weight=True)
        with serving(silent) as real:
            [outcome] = run(ask(all_of(program, TcpCheck(), timeout=5.0), real))
        assert (outcome.reason, outcome.weight) == (reason, weight)

    def test_a_failure_has_no_weight(self, run: Run) -> None:
        program = ExecCheck(command=("/bin/sh", "-c", "exit 7"), dynamic_weight=True)
        with refusing() as real:
            [outcome] = run(ask(all_of(program, TcpCheck(), timeout=5.0), real))
        assert (outcome.reason, outcome.weight) == ("tcp (2 of 2): refused", None)

    def test_it_is_told_where_it_is_to_look_and_from_where(self, run: Run) -> None:
        said = ExecCheck(command=("/bin/sh", "-c", "echo $KGLB_ADDRESS $KGLB_PORT $KGLB_SOURCE; exit 1"), port=81)
        with serving(silent) as real:
            [outcome] = run(ask(all_of(TcpCheck(), said, source="127.0.0.9", timeout=5.0), real))
        assert outcome.detail == "127.0.0.1 81 127.0.0.9"

    def test_the_bound_on_programs_is_one_on_the_whole(self) -> None:
        check = all_of(TcpCheck(), ExecCheck(command=("/bin/true",)))
        real = Endpoint("127.0.0.1", 9)
        alone = make_probe(ExecCheck(command=("/bin/true",)), real, answered=lambda _: None)
        gate = Gate[Probe](1)
        assert isinstance(alone, ProgramProbe)
        assert make_probe(check, real, answered=lambda _: None).gate is alone.gate
        assert make_probe(check, real, answered=lambda _: None, gate=gate).gate is gate
        assert make_probe(all_of(TcpCheck()), real, answered=lambda _: None).gate is None


class TestAFaultOfThisMachine:
    def test_says_nothing_about_the_real_and_has_its_own_reason(self, run: Run) -> None:
        with serving(silent) as real:
            [outcome] = run(ask(all_of(TcpCheck(), HttpCheck(), source="192.0.2.1"), real))
        assert (outcome.status, outcome.reason) == ("unknown", "local error EADDRNOTAVAIL")
        assert outcome.detail == "tcp (1 of 2): Cannot assign requested address"

    def test_may_be_met_by_a_later_part(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(_dialer: Dialer, _target: Endpoint) -> None:
            raise PermissionError(errno.EPERM, "not permitted")

        monkeypatch.setattr(Dialer, "dial_icmp", forbidden)
        with serving(silent) as real:
            [outcome] = run(ask(all_of(TcpCheck(), PingCheck()), real))
        assert (outcome.status, outcome.reason) == ("unknown", "ICMP not permitted")
        assert outcome.detail.startswith("ping (2 of 2): run with CAP_NET_RAW")

    def test_that_is_a_lack_of_descriptors_is_waited_out(self, run: Run) -> None:
        async def crowded() -> Answers:
            async with probing(room=2) as prober:
                answers = Answers()
                for _ in range(20):
                    probe = make_probe(all_of(TcpCheck(), TcpCheck(), timeout=10.0), real, answered=answers)
                    prober.schedule(probe, time.monotonic())
                await answers.first(20)
                return answers

        with serving(silent) as real:
            assert {outcome.reason for outcome in run(crowded())} == {"ok"}


class TestInTheProber:
    def test_many_at_once_are_told_apart(self, run: Run) -> None:
        async def crowd(prober: Prober) -> tuple[Answers, Answers]:
            good, bad = Answers(), Answers()
            many(prober, all_of(TcpCheck(), HttpCheck(), timeout=10.0), real, 100, good)
            many(prober, all_of(HttpCheck(), TcpCheck(port=dead.port), timeout=10.0), real, 100, bad)
            await good.first(100)
            await bad.first(100)
            return good, bad

        async def both() -> tuple[Answers, Answers]:
            async with probing() as prober:
                return await crowd(prober)

        with serving(answering(OK_ANSWER)) as real, refusing() as dead:
            good, bad = run(both())
        assert {outcome.reason for outcome in good} == {"ok"}
        assert {outcome.reason for outcome in bad} == {"tcp (2 of 2): refused"}

    def test_one_that_is_taken_back_in_its_second_part_leaves_nothing_open(self, run: Run) -> None:
        asked: SimpleQueue[str] = SimpleQueue()

        async def taken_back() -> Answers:
            async with probing() as prober:
                answers = Answers()
                check = all_of(TcpCheck(), HttpCheck(port=other.port), timeout=10.0)
                [probe] = many(prober, check, real, 1, answers)
                while asked.empty():
                    await asyncio.sleep(0.01)
                prober.cancel(probe)
                assert prober.in_flight == 0
                prober.schedule(probe, 0.0)
                while asked.qsize() < 2:
                    await asyncio.sleep(0.01)
                return answers

        with serving(silent) as real, serving(noting(asked, "second", silent)) as other:
            assert run(taken_back()) == []


class Part(Probe):
    """A part that finds what it is told to find."""

    def __init__(self, *found: Verdict | None, overdue: Verdict = OK) -> None:
        super().__init__(timeout=0.0, answered=lambda _: None)
        self.found = list(found)
        self.last = overdue

    def begin(self) -> None:
        self.phase = "answer"

    def step(self, events: int) -> Verdict | None:
        return self.found.pop(0)

    def overdue(self) -> Verdict:
        return self.last


class TestTheTurns:
    def test_a_part_that_passes_at_the_last_moment_leaves_no_time_for_the_next(self) -> None:
        probe = AllProbe([("tcp", Part()), ("http", Part())], timeout=1.0, answered=lambda _: None)
        assert probe.begin() is None
        assert probe.overdue() == (
            "failure",
            "http (2 of 2): no time left",
            "those before it took all of the timeout",
            None,
        )

    def test_the_next_is_begun_by_a_redial_and_each_time_from_the_first(self) -> None:
        parts = (Part(None, OK, OK), Part(OK, Verdict("failure", "closed")))
        probe = AllProbe([("tcp", parts[0]), ("http", parts[1])], timeout=1.0, answered=lambda _: None)
        for last in (OK, Verdict("failure", "http (2 of 2): closed")):
            assert probe.begin() is None
            while (verdict := probe.step(POLLIN)) is None:
                pass
            assert verdict is REDIAL
            assert probe.redial() is None
            assert probe.step(POLLIN) == last
            probe.end()


def test_the_watch_is_over_the_first_that_connects_by_tcp() -> None:
    check = all_of(PingCheck(), UdpCheck(expect=b"!"), TcpCheck(port=81), HttpCheck(), watch=True)
    idle = make_idle(check, Endpoint("10.0.0.7", 80), lost=lambda *_: None)
    assert idle.target == Endpoint("10.0.0.7", 81)
