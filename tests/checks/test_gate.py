"""A balancer's bound on how many probes are under way at once."""

import asyncio
from itertools import pairwise

import pytest

from kglb.checks.dummy import DummyProbe
from kglb.checks.gate import Gate
from kglb.checks.probe import Probe
from kglb.model import HttpCheck, TcpCheck
from tests.checks.asking import Answers, Run, lasted, many, probing
from tests.checks.servers import black_hole, refusing, serving, silent


def probes(count: int) -> list[DummyProbe]:
    return [DummyProbe(timeout=1.0, answered=lambda _: None) for _ in range(count)]


def test_a_gate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a limit of at least 1, found 0"):
        Gate(0)


def test_those_who_wait_come_first_come_first_served() -> None:
    gate = Gate[Probe](2)
    a, b, c, d = probes(4)
    assert [gate.enter(probe) for probe in (a, b, c, d)] == [True, True, False, False]
    assert [gate.leave(), gate.leave(), gate.leave()] == [c, d, None]
    assert gate.enter(a)


def test_one_who_stops_waiting_is_passed_over() -> None:
    gate = Gate[Probe](1)
    a, b, c = probes(3)
    assert [gate.enter(probe) for probe in (a, b, c)] == [True, False, False]
    gate.forget(b)
    gate.forget(a)
    assert gate.leave() is c


def test_ten_probes_at_a_gate_of_one_go_one_after_the_other(run: Run) -> None:
    async def scenario() -> list[float]:
        answers = Answers()
        async with probing() as prober:
            many(prober, HttpCheck(timeout=0.03), real, 10, answers, Gate(1))
            await answers.first(10)
        return sorted(outcome.started for outcome in answers)

    with serving(silent) as real:
        starts = run(scenario())
    assert all(later - earlier > 0.025 for earlier, later in pairwise(starts))


def test_a_timeout_runs_from_the_connect_not_from_the_queue(run: Run) -> None:
    async def scenario() -> Answers:
        answers = Answers()
        async with probing() as prober:
            many(prober, TcpCheck(timeout=0.1), hole, 4, answers, Gate(1))
            await answers.first(4)
        return answers

    with black_hole() as hole:
        answers = run(scenario())
    assert {outcome.reason for outcome in answers} <= {"timeout during connect", "deadline noticed late"}
    assert all(lasted(outcome.latency, 0.1) for outcome in answers)


def test_cancelling_who_is_inside_lets_the_next_one_in(run: Run) -> None:
    async def scenario() -> Answers:
        answers = Answers()
        async with probing() as prober:
            gate = Gate[Probe](1)
            [inside] = many(prober, TcpCheck(timeout=10), hole, 1, answers, gate)
            while not prober.in_flight:
                await asyncio.sleep(0.005)
            waiting = many(prober, TcpCheck(), dead, 3, answers, gate)
            prober.cancel(waiting[0])
            prober.cancel(inside)
            await answers.first(2)
        return answers

    with black_hole() as hole, refusing() as dead:
        answers = run(scenario())
    assert [outcome.reason for outcome in answers] == ["refused", "refused"]
