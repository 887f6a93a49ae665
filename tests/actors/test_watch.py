"""A watched real whose idle connection is lost is probed at once; only probes say whether it is down."""

import asyncio
from pathlib import Path

import pytest

from kglb.events import HealthChanged, ProbeFlipped, WatchLost
from kglb.model import Check, DummyCheck, RealId, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import REFUSED, World, events_of, journal_of, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def watched(*, fall: int = 1, rise: int = 1, fast: float = 0.0, interval: float = 10.0) -> TcpCheck:
    return TcpCheck(interval=interval, timeout=1.0, rise=rise, fall=fall, fast_interval=fast, watch=True)


def asked(w: World, real: RealId, since: float) -> list[float]:
    """When the real was probed, in seconds from ``since``."""
    return [round(due - since, 6) for due, who in w.prober.asked if who == real and due >= since]


SETTLED = 12.5
"""Intervals until the probes have their places in one."""


async def all_up(w: World, check: Check) -> None:
    """Until every probe has passed often enough, and comes at its own times."""
    await asyncio.sleep(SETTLED * check.interval)
    assert set(w.weights(WEB).values()) == {1000}


def test_a_lost_connection_leads_to_a_probe_at_once_and_that_to_weight_zero(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched()
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            w.prober.answers[A] = REFUSED
            w.vigil.lose(A)
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_a_loss_alone_takes_nothing_out(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched()
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            before = w.recorder.last_seq
            w.vigil.lose(A, "closed", 61.0)
            await asyncio.sleep(30)
            assert set(w.weights(WEB).values()) == {1000}
            assert w.recorder.last_seq == before + 1
        [lost] = events_of(tmp_path, WatchLost)
        assert (lost.service, lost.real, lost.how, lost.after) == (WEB, A, "closed", 61.0)

    run(main())


def test_the_loss_is_the_cause_of_what_the_probe_found(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(fall=2, fast=0.005)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            w.prober.answers[A] = REFUSED
            w.vigil.lose(A)
            await asyncio.sleep(1)
        records = {record.seq: record for record in journal_of(tmp_path)}
        [down] = [r for r in records.values() if isinstance(r.event, HealthChanged) and not r.event.healthy]
        assert down.cause is not None
        flip = records[down.cause]
        assert isinstance(flip.event, ProbeFlipped)
        assert flip.cause is not None
        assert isinstance(records[flip.cause].event, WatchLost)

    run(main())


def test_the_fast_interval_reaches_fall_in_milliseconds(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(fall=3, fast=0.005)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            w.prober.answers[A] = REFUSED
            w.vigil.lose(A)
            lost = w.loop.time()
            await asyncio.sleep(0.02)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert asked(w, A, lost) == [0.0, 0.005, 0.01]

    run(main())


def test_without_a_fast_interval_doubt_changes_no_interval(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(fall=3)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            own = [due for due, real in w.prober.asked if real == A][-1]
            w.prober.answers[A] = REFUSED
            w.vigil.lose(A)
            lost = w.loop.time()
            await asyncio.sleep(25)
            assert asked(w, A, own)[:4] == [0.0, round(lost - own, 6), 10.0, 20.0]

    run(main())


def test_after_a_false_alarm_the_real_is_in_doubt_until_rise_probes_have_passed(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(rise=3, fast=0.1)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            w.vigil.lose(A)
            lost = w.loop.time()
            await asyncio.sleep(1)
            assert asked(w, A, lost) == [0.0, 0.1, 0.2]

    run(main())


def test_doubt_shifts_none_of_a_reals_own_times(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(rise=3, fast=0.1)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            own = [due for due, real in w.prober.asked if real == A][-1]
            w.vigil.lose(A)
            await asyncio.sleep(25)
            assert [at for at in asked(w, A, own) if at > 9][:2] == [10.0, 20.0]

    run(main())


@pytest.mark.parametrize("watch", [False, True])
def test_the_fast_interval_applies_while_the_streak_contradicts_the_health(tmp_path: Path, watch: bool) -> None:
    async def main() -> None:
        check = TcpCheck(interval=10.0, timeout=1.0, rise=3, fall=3, fast_interval=0.5, watch=watch)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await asyncio.sleep(SETTLED * check.interval)
            up = [due for due, real in w.prober.asked if real == A]
            assert [round(due - up[0], 6) for due in up][:3] == [0.0, 0.5, 1.0], "on its way up"
            w.prober.answers[A] = REFUSED
            first = up[-1] + 10.0
            await asyncio.sleep(first + 5.0 - w.loop.time())
            assert asked(w, A, first) == [0.0, 0.5, 1.0]
            assert w.weights(WEB)[A] == 0

    run(main())


def test_only_a_real_whose_last_probe_passed_is_watched(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(fall=2)
        async with world(tmp_path, config(balancer(check=check))) as w:
            assert w.vigil.held == {}
            await all_up(w, check)
            assert set(w.vigil.held) == {A, B}
            w.real_fails_now(A)
            await asyncio.sleep(0.01)
            assert set(w.vigil.held) == {B}
            del w.prober.answers[A]
            await asyncio.sleep(15)
            assert set(w.vigil.held) == {A, B}

    run(main())


def test_watching_is_off_unless_configured(tmp_path: Path) -> None:
    async def main() -> None:
        check = TcpCheck(interval=1.0, rise=1)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            assert w.vigil.held == {}

    run(main())


def test_a_reload_can_end_the_watch_and_begin_it_without_touching_health(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched()
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            await w.reload(config(balancer(check=TcpCheck(interval=10.0, timeout=1.0, rise=1, fall=1))))
            await asyncio.sleep(15)
            assert w.vigil.held == {}
            await w.reload(config(balancer(check=check)))
            await asyncio.sleep(15)
            assert set(w.vigil.held) == {A, B}
        assert [event.healthy for event in events_of(tmp_path, HealthChanged)] == [True, True]

    run(main())


def test_a_removed_real_is_watched_no_more(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched()
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            await w.reload(config(balancer(reals=1, check=check)))
            await asyncio.sleep(0.1)
            assert set(w.vigil.held) == {A}

    run(main())


def test_an_answer_from_before_the_loss_counts_for_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched()
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            w.prober.ask_now(A)
            w.loop.call_soon(w.vigil.lose, A)  # behind the probe's answer, before anybody has heard of it
            w.prober.answers[A] = REFUSED
            lost = w.loop.time()
            await asyncio.sleep(1)
            assert w.weights(WEB)[A] == 0
            assert asked(w, A, lost)[-1] == 0.0, "its next one is at its own time"

    run(main())


def test_every_real_of_a_hundred_that_is_lost_is_out_at_once_by_few_decisions(tmp_path: Path) -> None:
    async def main() -> None:
        check = watched(fall=3, fast=0.005)
        one = balancer(reals=100, check=check)
        async with world(tmp_path, config(one)) as w:
            await all_up(w, check)
            dead = [real_id(number) for number in range(50)]
            for real in dead:
                w.prober.answers[real] = REFUSED
                w.vigil.lose(real)
            await asyncio.sleep(0.1)
            assert [real for real, weight in w.weights(WEB).items() if weight == 0] == dead
            lost = w.loop.time()
            await asyncio.sleep(10)
            dues = [due for due, real in w.prober.asked if real in dead and due >= lost]
            assert len(dues) == 50
            assert len(set(dues)) == 50, "each at its own time again"

    run(main())


def test_a_check_that_holds_no_connection_is_never_watched(tmp_path: Path) -> None:
    async def main() -> None:
        check = DummyCheck(interval=1.0, rise=1, fall=1)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await all_up(w, check)
            assert w.vigil.held == {}

    run(main())
