"""When each real is probed, and what a checker makes of the answers: runs, streaks, and what says nothing."""

import asyncio
from itertools import pairwise
from pathlib import Path

from kglb.events import HealthChanged, ProbeFlipped
from tests.actors.virtual import run
from tests.actors.world import REFUSED, events_of, kinds, tcp, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def test_b2_no_real_is_up_before_rise_minus_one_intervals(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(rise=4)))) as w:
            await asyncio.sleep(2.99)
            assert set(w.weights(WEB).values()) == {0}
            await asyncio.sleep(1.2)
            assert set(w.weights(WEB).values()) == {1000}

    run(main())


def test_a_real_that_is_late_delays_no_news_about_the_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            times = {real: due for due, real in w.prober.asked}
            assert times[A] % 1.0 != times[B] % 1.0, "each on its own timer"

    run(main())


def test_first_probes_come_at_once_and_later_ones_spread_evenly_over_the_interval(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=100, check=tcp(interval=10.0)))) as w:
            await asyncio.sleep(0.1)
            assert len({real for _, real in w.prober.asked}) == 100
            await asyncio.sleep(120)
            settled = w.loop.time()
            await asyncio.sleep(9.999)
            times = sorted(due for due, _ in w.prober.asked if due >= settled)
            assert len(times) == 100
            gaps = [after - before for before, after in pairwise(times)]
            assert max(gaps) < 0.3, "evenly: 0.1 s apart on average"
            a = [due for due, real in w.prober.asked if real == A]
            assert max(after - before for before, after in pairwise(a)) < 11.001
            assert min(after - before for before, after in pairwise(a)) > 9.999

    run(main())


def test_steady_probes_leave_no_record_and_a_flip_leaves_the_length_of_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=3)))) as w:
            await asyncio.sleep(100)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(10)
        flips = [flip for flip in events_of(tmp_path, ProbeFlipped) if flip.real == A]
        assert [(f.outcome, f.previous_count) for f in flips] == [("success", 0), ("failure", 100)]
        changed = [change for change in events_of(tmp_path, HealthChanged) if change.real == A]
        assert [(change.healthy, change.streak) for change in changed] == [(True, 1), (False, -3)]

    run(main())


def test_an_unknown_outcome_counts_neither_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=2)))) as w:
            await asyncio.sleep(1.5)
            w.prober.default = ("unknown", "out of descriptors")
            await asyncio.sleep(30)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert kinds(tmp_path)[ProbeFlipped] == 2, "only the first successes"
            w.prober.default = REFUSED
            await asyncio.sleep(0.99)
            assert w.weights(WEB) == {A: 1000, B: 1000}, "one failure is not two"

    run(main())
