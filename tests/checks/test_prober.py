"""The batched prober: what it promises about time, order, cancelling and faults, whatever the kind of probe."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.make import make_probe
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import Probe
from kglb.checks.prober import Prober
from kglb.checks.tcp import TcpProbe
from kglb.model import DummyCheck, Endpoint, HttpCheck, TcpCheck
from tests.checks.asking import Answers, Run, lasted, many, probing
from tests.checks.servers import answering, black_hole, refusing, serving, silent
from tests.patience import PATIENCE

NOWHERE = Endpoint("192.0.2.1", 9)


async def under_way(prober: Prober, count: int = 1) -> None:
    while prober.in_flight != count:
        await asyncio.sleep(0.002)


class TestTime:
    def test_a_probe_is_made_when_it_is_due_and_says_so(self, run: Run) -> None:
        async def scenario() -> tuple[float, Outcome]:
            answers = Answers()
            async with probing() as prober:
                due = time.monotonic() + 0.1
                prober.schedule(make_probe(TcpCheck(), dead, answered=answers), due)
                [outcome] = await answers.first(1)
            return due, outcome

        with refusing() as dead:
            due, outcome = run(scenario())
        assert outcome.due == due
        assert lasted(outcome.started - due, 0.0)

    def test_probes_are_made_in_the_order_they_are_due(self, run: Run) -> None:
        async def scenario() -> list[float]:
            answers = Answers()
            async with probing() as prober:
                now = time.monotonic()
                for delay in (0.06, 0.0, 0.09, 0.03):
                    prober.schedule(make_probe(DummyCheck(), NOWHERE, answered=answers), now + delay)
                await answers.first(4)
            return [outcome.due - now for outcome in answers]

        assert run(scenario()) == pytest.approx([0.0, 0.03, 0.06, 0.09])

    def test_a_probe_in_a_hurry_waits_for_no_tick(self, run: Run) -> None:
        async def scenario() -> list[float]:
            answers = Answers()
            async with probing() as prober:
                probe = make_probe(DummyCheck(), NOWHERE, answered=answers)
                for count in range(1, 41):
                    prober.schedule(probe, time.monotonic() + 0.002)
                    await answers.first(count)
            return sorted(outcome.started - outcome.due for outcome in answers)

        tries = [run(scenario()) for _ in range(5)]
        assert all(lateness[0] >= 0 for lateness in tries)
        assert min(lateness[0] for lateness in tries) < 0.002, "waiting for ticks, each would be 3 ms late"

    def test_a_real_that_hangs_does_not_delay_the_news_about_the_others(self, run: Run) -> None:
        async def scenario() -> Answers:
            answers = Answers()
            async with probing() as prober:
                many(prober, TcpCheck(timeout=PATIENCE), hole, 20, Answers())
                await under_way(prober, 20)
                await asyncio.sleep(0.1)
                many(prober, TcpCheck(timeout=PATIENCE), dead, 50, answers)
                await answers.first(50)
                assert prober.in_flight == 20
            return answers

        with black_hole() as hole, refusing() as dead:
            answers = run(scenario())
        assert max(outcome.latency for outcome in answers) < PATIENCE / 2

    def test_an_answer_that_comes_late_is_heard_when_it_comes(self, run: Run) -> None:
        def slow(connection: Any) -> None:
            time.sleep(0.2)
            answering(b"HTTP/1.1 200 OK\r\n\r\n")(connection)

        async def scenario() -> Outcome:
            answers = Answers()
            async with probing() as prober:
                many(prober, HttpCheck(), real, 1, answers)
                return (await answers.first(1))[0]

        with serving(slow) as real:
            outcome = run(scenario())
        assert outcome.reason == "ok"
        assert lasted(outcome.latency, 0.2)

    def test_it_sleeps_while_nothing_is_due(self, run: Run) -> None:
        async def scenario() -> float:
            async with probing() as prober:
                prober.schedule(make_probe(DummyCheck(), NOWHERE, answered=Answers()), time.monotonic() + 60)
                begin = time.process_time()
                await asyncio.sleep(1.0)
            return time.process_time() - begin

        assert run(scenario()) < 0.5


class TestLateNotice:
    def test_a_deadline_noticed_late_proves_nothing(self, run: Run) -> None:
        async def scenario() -> Outcome:
            answers = Answers()
            async with probing() as prober:
                many(prober, HttpCheck(timeout=1.0), real, 1, answers)
                await under_way(prober)
                await asyncio.sleep(0.02)
                time.sleep(1.4)
                [outcome] = await answers.first(1)
                assert prober.stats.unknown == 1
            return outcome

        with serving(silent) as real:
            outcome = run(scenario())
        assert (outcome.status, outcome.reason) == ("unknown", "deadline noticed late")

    def test_but_an_answer_that_is_there_counts(self, run: Run) -> None:
        def slow(connection: Any) -> None:
            time.sleep(0.05)
            answering(b"HTTP/1.1 200 OK\r\n\r\n")(connection)

        async def scenario() -> Outcome:
            answers = Answers()
            async with probing() as prober:
                many(prober, HttpCheck(timeout=1.0), real, 1, answers)
                await under_way(prober)
                await asyncio.sleep(0.02)
                time.sleep(1.4)
                return (await answers.first(1))[0]

        with serving(slow) as real:
            outcome = run(scenario())
        assert (outcome.status, outcome.reason) == ("success", "ok")


class TestNumbers:
    def test_two_thousand_probes_at_once_all_report(self, run: Run) -> None:
        async def scenario() -> tuple[Answers, float]:
            answers = Answers()
            worst = 0.0
            async with probing() as prober:
                many(prober, TcpCheck(timeout=PATIENCE), real, 1000, answers)
                many(prober, TcpCheck(timeout=PATIENCE), dead, 1000, answers)
                while len(answers) < 2000:
                    begin = time.perf_counter()
                    await asyncio.sleep(0)
                    worst = max(worst, time.perf_counter() - begin)
                assert (prober.stats.started, prober.stats.answered, prober.in_flight) == (2000, 2000, 0)
            return answers, worst

        with serving(silent) as real, refusing() as dead:
            answers, worst = run(scenario())
        assert sum(outcome.status == "success" for outcome in answers) == 1000
        assert sum(outcome.reason == "refused" for outcome in answers) == 1000
        assert worst < PATIENCE / 4

    def test_no_more_sockets_are_open_than_there_is_room_for(self, run: Run) -> None:
        async def scenario() -> Answers:
            answers = Answers()
            async with probing(room=5) as prober:
                many(prober, HttpCheck(timeout=0.1), real, 12, answers)
                while len(answers) < 12:
                    assert prober.in_flight <= 5
                    await asyncio.sleep(0.005)
            return answers

        with serving(silent) as real:
            answers = run(scenario())
        assert {outcome.status for outcome in answers} <= {"failure", "unknown"}
        assert {o.reason for o in answers if o.status == "failure"} <= {"timeout during answer"}

    def test_one_that_found_no_room_for_a_whole_timeout_is_unknown(self, run: Run) -> None:
        async def scenario() -> Outcome:
            answers = Answers()
            async with probing(room=1) as prober:
                many(prober, TcpCheck(timeout=PATIENCE), hole, 1, Answers())
                await under_way(prober)
                many(prober, TcpCheck(timeout=0.1), hole, 1, answers)
                prober_due = time.monotonic()
                [outcome] = await answers.first(1)
                assert lasted(time.monotonic() - prober_due, 0.0)
            return outcome

        with black_hole() as hole:
            outcome = run(scenario())
        assert (outcome.status, outcome.reason) == ("unknown", "local error EMFILE")


class TestCancelling:
    @pytest.mark.parametrize("age", [0.0, 0.01, 0.1])
    def test_a_cancelled_probe_reports_nothing_and_holds_nothing(self, run: Run, age: float) -> None:
        async def scenario() -> int:
            answers = Answers()
            async with probing() as prober:
                [probe] = many(prober, TcpCheck(timeout=1.0), hole, 1, answers)
                await asyncio.sleep(age)
                prober.cancel(probe)
                assert (prober.in_flight, probe.sock) == (0, None)
                await asyncio.sleep(1.1)
            return len(answers)

        with black_hole() as hole:
            assert run(scenario()) == 0

    def test_an_idle_probe_can_be_cancelled_and_a_cancelled_one_scheduled_again(self, run: Run) -> None:
        async def scenario() -> int:
            answers = Answers()
            async with probing() as prober:
                probe = make_probe(TcpCheck(), dead, answered=answers)
                prober.cancel(probe)
                prober.schedule(probe, 0.0)
                prober.cancel(probe)
                prober.cancel(probe)
                prober.schedule(probe, 0.0)
                await answers.first(1)
                await asyncio.sleep(0.03)
            return len(answers)

        with refusing() as dead:
            assert run(scenario()) == 1

    def test_one_cancelled_by_another_of_the_same_batch_is_not_reported(self, run: Run) -> None:
        async def scenario() -> int:
            reported = 0
            probes: list[Probe] = []
            async with probing() as prober:

                def cancel_all(_outcome: Outcome) -> None:
                    nonlocal reported
                    reported += 1
                    for probe in probes:
                        prober.cancel(probe)

                probes += [make_probe(DummyCheck(), NOWHERE, answered=cancel_all) for _ in range(10)]
                for probe in probes:
                    prober.schedule(probe, 0.0)
                await asyncio.sleep(0.05)
            return reported

        assert run(scenario()) == 1

    def test_one_cancelled_and_scheduled_again_within_its_batch_is_made_once_more(self, run: Run) -> None:
        async def scenario() -> int:
            answers = Answers()
            async with probing() as prober:
                second = make_probe(DummyCheck(), NOWHERE, answered=answers)

                def again(_outcome: Outcome) -> None:
                    prober.cancel(second)
                    prober.schedule(second, time.monotonic() + 0.02)

                prober.schedule(make_probe(DummyCheck(), NOWHERE, answered=again), 0.0)
                prober.schedule(second, 0.0)
                await asyncio.sleep(0.1)
            return len(answers)

        assert run(scenario()) == 1

    def test_scheduling_twice_is_a_mistake_of_the_caller(self, run: Run) -> None:
        async def scenario() -> None:
            async with probing() as prober:
                [probe] = many(prober, DummyCheck(), NOWHERE, 1, Answers())
                with pytest.raises(AssertionError, match="scheduled already"):
                    prober.schedule(probe, 0.0)

        run(scenario())

    def test_a_probe_is_held_from_when_it_is_scheduled_until_it_reports(self, run: Run) -> None:
        async def scenario() -> list[bool]:
            held = []
            answers = Answers()

            def note(outcome: Outcome) -> None:
                held.append(prober.holds(probe))
                answers(outcome)

            async with probing() as prober:
                probe = make_probe(TcpCheck(), dead, answered=note)
                held.append(prober.holds(probe))
                prober.schedule(probe, time.monotonic())
                held.append(prober.holds(probe))
                await answers.first(1)
            return held

        with refusing() as dead:
            assert run(scenario()) == [False, True, False]

    def test_a_closed_prober_holds_and_reports_nothing(self, run: Run) -> None:
        async def scenario() -> int:
            answers = Answers()
            prober = Prober()
            many(prober, TcpCheck(timeout=2.0), hole, 5, answers)
            await under_way(prober, 5)
            await asyncio.sleep(0.06)
            many(prober, TcpCheck(timeout=2.0), hole, 5, answers)
            await under_way(prober, 10)
            await prober.close()
            await prober.close()
            assert prober.in_flight == 0
            await asyncio.sleep(2.2)
            with pytest.raises(AssertionError, match="closed"):
                many(prober, TcpCheck(), hole, 1, answers)
            return len(answers)

        with black_hole() as hole:
            assert run(scenario()) == 0


class TestRepeating:
    def test_a_receiver_may_schedule_its_own_probe_again(self, run: Run) -> None:
        async def scenario() -> list[float]:
            dues: list[float] = []
            finished = asyncio.Event()
            async with probing() as prober:

                def again(outcome: Outcome) -> None:
                    dues.append(outcome.due)
                    if len(dues) == 5:
                        finished.set()
                    else:
                        prober.schedule(probe, outcome.due + 0.02)

                probe = make_probe(TcpCheck(), dead, answered=again)
                prober.schedule(probe, time.monotonic())
                await finished.wait()
            return [later - earlier for earlier, later in pairwise(dues)]

        with refusing() as dead:
            assert run(scenario()) == pytest.approx([0.02] * 4)


class Crashing(TcpProbe):
    __slots__ = ()

    def converse(self) -> Verdict:
        raise RuntimeError("a bug")


class CrashingAtOnce(Probe):
    __slots__ = ()

    def begin(self) -> Verdict:
        raise RuntimeError("a bug")


class TestFaults:
    def test_a_receiver_that_raises_is_complained_about_and_harms_no_other(self, run: Run) -> None:
        async def scenario() -> tuple[int, list[Any]]:
            complaints: list[Any] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: complaints.append(context["exception"]))
            answers = Answers()

            def fail(_outcome: Outcome) -> None:
                raise RuntimeError("a bug")

            async with probing() as prober:
                prober.schedule(make_probe(DummyCheck(), NOWHERE, answered=fail), 0.0)
                many(prober, DummyCheck(), NOWHERE, 3, answers)
                await answers.first(3)
            return len(answers), complaints

        count, complaints = run(scenario())
        assert count == 3
        assert [str(complaint) for complaint in complaints] == ["a bug"]

    @pytest.mark.parametrize("at_once", [True, False])
    def test_a_probe_with_a_bug_is_unknown_and_complained_about(self, run: Run, at_once: bool) -> None:
        async def scenario() -> tuple[Outcome, int]:
            complaints: list[Any] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: complaints.append(context["exception"]))
            answers = Answers()
            async with probing() as prober:
                probe = (
                    CrashingAtOnce(timeout=1.0, answered=answers)
                    if at_once
                    else Crashing(real, Dialer(), timeout=1.0, answered=answers)
                )
                prober.schedule(probe, 0.0)
                [outcome] = await answers.first(1)
                assert prober.in_flight == 0
            return outcome, len(complaints)

        with serving(silent) as real:
            outcome, complaints = run(scenario())
        assert (outcome.status, outcome.reason) == ("unknown", "probe crashed")
        assert "a bug" in outcome.detail
        assert complaints == 1
