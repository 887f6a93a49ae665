"""The whole of supervisor, balancers, checkers and applier, from config to machine, in virtual time."""

import asyncio
from pathlib import Path

from kglb.events import BalancerDecided, HealthChanged, OperationsApplied, ProbeFlipped
from kglb.model import ChangeDestination, Destination
from kglb.projections import State
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, events_of, journal_of, tcp, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def test_c1_reals_are_present_with_weight_zero_and_get_their_weight_once_healthy(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(weight=222, check=tcp(rise=2)))) as w:
            await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 0, B: 0}
            assert w.state.fleet.balancers[WEB].mode == "initial"
            await asyncio.sleep(2.5)
            assert w.weights(WEB) == {A: 222, B: 222}
            assert w.state.fleet.balancers[WEB].mode == "available"

    run(main())


def test_c8_c9_weights_follow_health_and_all_down_is_failsafe(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 1000}
            w.prober.answers[B] = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 1000, B: 1000}, "fail_open: as KgLb's failsafe"
            assert w.state.fleet.balancers[WEB].mode == "failsafe"
            del w.prober.answers[B]
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_fail_closed_sends_traffic_nowhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(), when_all_down="fail_closed"))) as w:
            await asyncio.sleep(1.5)
            w.prober.default = REFUSED
            await asyncio.sleep(1.1)
            assert w.weights(WEB) == {A: 0, B: 0}
            assert w.state.fleet.balancers[WEB].mode == "unavailable"

    run(main())


def test_one_weight_among_ten_thousand_costs_one_operation_and_one_record_of_each_kind(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(reals=10_000, check=tcp())), machine=machine) as w:
            await asyncio.sleep(1.5)
            sent = sum(map(len, machine.batches))
            assert sent == 1 + 10_000 + 1 + 10_000, "the service, reals at 0, the address, reals at 1000"
            machine.batches.clear()
            before = w.recorder.last_seq
            w.prober.answers[real_id(1234)] = REFUSED
            await asyncio.sleep(1.1)
            assert machine.batches == [(ChangeDestination(WEB, Destination(real=real_id(1234), weight=0)),)]
            assert w.recorder.last_seq - before == 4
        new = [type(r.event) for r in journal_of(tmp_path) if before < r.seq <= before + 4]
        assert new == [ProbeFlipped, HealthChanged, BalancerDecided, OperationsApplied]

    run(main())


def test_ten_thousand_reals_that_fail_together_make_few_decisions(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=10_000, check=tcp()))) as w:
            await asyncio.sleep(1.5)
            before = w.recorder.last_seq
            for number in range(9_999):
                w.real_fails_now(real_id(number))
            await asyncio.sleep(0.01)
            assert w.state.fleet.balancers[WEB].alive == 1
            decisions = events_of(tmp_path, BalancerDecided, before + 1)
            assert len(decisions) <= 5
            assert sum(len(decision.weights) for decision in decisions) == 9_999

    run(main())


def test_the_journal_folds_to_the_state_the_daemon_ended_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=20, check=tcp(fall=2)))) as w:
            for number in range(60):
                w.prober.answers[real_id(number * 7 % 20)] = REFUSED
                w.prober.answers.pop(real_id(number * 11 % 20), None)
                await asyncio.sleep(0.7)
            await w.stop("leave")
            replayed = State()
            for record in journal_of(tmp_path):
                replayed.fold(record.seq, record.event)
            assert replayed.fleet == w.state.fleet
            assert replayed.data_plane.desired == w.state.data_plane.desired
            assert replayed.data_plane.actual == w.state.data_plane.actual

    run(main())
