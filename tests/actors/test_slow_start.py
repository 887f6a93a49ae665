"""A real that comes back gets its weight step by step. Every story is verified by deciding again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from kglb.actors.balancer import BalancerActor
from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import BalancerDecided, Event, RealDrained, RealRestored, WarmthChanged, WeightOverridden
from kglb.model import Balancer, RealId, TcpCheck
from kglb.projections import RealState, State
from kglb.replay.explain import explain
from kglb.replay.explanation import RealExplanation
from kglb.replay.settings import Settings, parse_setting
from kglb.replay.source import Source
from kglb.replay.verify import verify
from kglb.replay.whatif import whatif
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, World, actor_of, events_of, world
from tests.projections.builders import WEB, balancer, config, real, real_id

A, B, C = real_id(0), real_id(1), real_id(2)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
STEP = 2.0
SLOW = 9 * STEP


def slow(reals: int = 2, **more: object) -> Balancer:
    fields: dict[str, object] = {"check": CHECK, "slow_start": SLOW, **more}
    return balancer(WEB, reals, **fields)  # type: ignore[arg-type]


def known(w: World, of: RealId) -> RealState:
    return w.state.fleet.balancers[WEB].reals[of]


async def back(w: World, *reals: RealId) -> None:
    """Have reals fail and pass again, at once."""
    for one in reals:
        w.real_fails_now(one)
    await asyncio.sleep(0.01)
    returns(w, *reals)
    await asyncio.sleep(0.01)


def step_of(event: Event) -> dict[RealId, int] | None:
    return event.tenths if isinstance(event, WarmthChanged) else None


def returns(w: World, *reals: RealId) -> None:
    for one in reals:
        w.prober.answers[one] = OK
        w.prober.ask_now(one)


def played(
    tmp_path: Path, of: Balancer, story: Callable[[World], Awaitable[None]], *, down: tuple[RealId, ...] = ()
) -> None:
    """Play a story that begins with these reals down, and decide again all that was decided in it."""

    def prepare(w: World) -> None:
        w.prober.answers |= dict.fromkeys(down, REFUSED)

    async def main() -> None:
        async with world(tmp_path, config(of), prepare=prepare) as w:
            await asyncio.sleep(1.5)
            await story(w)

    run(main())
    found = verify(Source(tmp_path))
    assert found.difference is None


def test_a_real_that_comes_back_has_all_of_its_weight_after_nine_more_steps(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        for step in range(1, 11):
            assert w.weights(WEB) == {A: 100 * step, B: 1000}
            await asyncio.sleep(STEP)
        await asyncio.sleep(60)
        assert known(w, A).warming is None

    played(tmp_path, slow(), story)
    changes = events_of(tmp_path, WarmthChanged)
    assert [one.tenths for one in changes] == [{A: share} for share in range(1, 11)]
    assert len({one.causes[A] for one in changes}) == 1
    assert sum(A in one.weights and one.weights[A] > 0 for one in events_of(tmp_path, BalancerDecided)) == 11


def test_how_long_a_return_takes_to_reach_the_kernel_is_measured_as_ever(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        before = sum(w.parts.reactions.histogram.counts)
        await back(w, A)
        assert sum(w.parts.reactions.histogram.counts) == before + 2, "down, and up"

    played(tmp_path, slow(), story)


def test_without_slow_start_a_real_has_its_whole_weight_at_once(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        assert w.weights(WEB) == {A: 1000, B: 1000}

    played(tmp_path, slow(slow_start=0.0), story)
    assert events_of(tmp_path, WarmthChanged) == []


def test_nobody_starts_slowly_when_the_service_begins(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 1000}

    played(tmp_path, slow(3), story)
    assert events_of(tmp_path, WarmthChanged) == []


def test_a_real_that_was_down_when_the_service_began_starts_slowly(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 0}
        returns(w, C)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 100}

    played(tmp_path, slow(3), story, down=(C,))


def test_a_real_that_the_config_adds_starts_slowly(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await w.reload(config(slow(3)))
        await asyncio.sleep(1.1)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 100}

    played(tmp_path, slow(2), story)


def test_who_comes_back_alone_has_its_whole_weight_at_once(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        w.real_fails_now(B)
        await back(w, A)
        assert w.weights(WEB) == {A: 1000, B: 0}
        returns(w, B)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 100}

    played(tmp_path, slow(when_all_down="fail_closed"), story)


def test_the_last_one_left_has_its_whole_weight_at_once(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A, B)
        assert w.weights(WEB) == {A: 100, B: 100, C: 1000}
        w.real_fails_now(C)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 0}
        await asyncio.sleep(60)
        assert w.weights(WEB) == {A: 1000, B: 1000, C: 0}

    played(tmp_path, slow(3), story)


def test_one_that_goes_down_begins_anew_when_it_returns(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        await asyncio.sleep(3.5 * STEP)
        assert w.weights(WEB)[A] == 400
        w.real_fails_now(A)
        await asyncio.sleep(0.01)
        assert w.weights(WEB)[A] == 0
        returns(w, A)
        await asyncio.sleep(0.01)
        assert w.weights(WEB)[A] == 100
        await asyncio.sleep(0.75 * STEP)
        assert w.weights(WEB)[A] == 100, "a step of the slow start before does not count"

    played(tmp_path, slow(), story)


def test_failsafe_gives_everyone_the_whole_weight(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        w.real_fails_now(A)
        w.real_fails_now(B)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        returns(w, A)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 0}

    played(tmp_path, slow(), story)


def test_a_backup_that_takes_over_has_its_whole_weight_at_once(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        w.real_fails_now(A)
        w.real_fails_now(B)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 0, B: 0, C: 1000}
        returns(w, A)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 0, C: 0}

    whole = slow(2)
    played(tmp_path, replace(whole, reals=(*whole.reals, replace(real(2), backup=True))), story)


def test_a_restored_real_starts_slowly_and_an_operators_weight_is_what_steps_are_of(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        w.recorder.record(RealDrained(service=WEB, real=A, who="ops"))
        await asyncio.sleep(1)
        w.recorder.record(RealRestored(service=WEB, real=A, who="ops"))
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 100, B: 1000}
        w.recorder.record(WeightOverridden(service=WEB, real=A, weight=50, who="ops"))
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 5, B: 1000}
        await asyncio.sleep(1.1 * STEP)
        assert w.weights(WEB) == {A: 10, B: 1000}

    played(tmp_path, slow(), story)


def test_a_real_that_is_forced_up_starts_slowly_and_has_none_once_that_ends(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        w.real_fails_now(A)
        await asyncio.sleep(2)
        w.recorder.record(WeightOverridden(service=WEB, real=A, weight=50, who="ops", force_up=True))
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 5, B: 1000}
        w.recorder.record(RealRestored(service=WEB, real=A, who="ops"))
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 0, B: 1000}
        assert w.state.fleet.balancers[WEB].warming == 0

    played(tmp_path, slow(), story)


def test_a_reload_without_it_gives_the_whole_weight_and_one_with_another_pace_is_followed(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        await w.reload(config(slow(slow_start=9.0)))
        await asyncio.sleep(4.5)
        assert w.weights(WEB)[A] == 500
        await w.reload(config(slow(slow_start=0.0)))
        await asyncio.sleep(0.01)
        assert w.weights(WEB)[A] == 1000

    played(tmp_path, slow(slow_start=900.0), story)


def test_a_crash_of_the_balancer_and_a_restart_go_on_from_where_it_was(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def first() -> None:
        async with world(tmp_path, config(slow()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await back(w, A)
            await asyncio.sleep(1.5 * STEP)
            actor_of(BalancerActor).tell("nonsense")
            await asyncio.sleep(0.5 * STEP)
            assert w.weights(WEB)[A] == 200
            await asyncio.sleep(0.75 * STEP)
            assert w.weights(WEB)[A] == 300
            await w.stop("leave")

    async def second() -> None:
        async with world(tmp_path, config(slow()), machine=machine) as w:
            assert w.weights(WEB)[A] == 300
            await asyncio.sleep(7.5 * STEP)
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(first())
    run(second())
    assert verify(Source(tmp_path)).difference is None


def test_explain_says_how_far_it_is_and_until_when(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(slow())) as w:
            await asyncio.sleep(1.5)
            await back(w, A)
            await asyncio.sleep(3.5 * STEP)
            await w.stop("leave")

    run(main())
    source = Source(tmp_path)
    said = explain(source, A, seq=source.resolve(None, None))
    assert isinstance(said, RealExplanation)
    assert said.weight == 400
    step = next(link for link in said.chain if link.type == "WarmthChanged")
    began = datetime.fromisoformat(step.at)
    until = began + timedelta(seconds=6 * STEP)
    assert said.reason == (
        f"it is in its slow start: 40 % of weight 1000 since {began:%Y-%m-%dT%H:%M:%SZ}, "
        f"all of it by {until:%Y-%m-%dT%H:%M:%SZ}; 1 check passed"
    )
    (health,) = [link.seq for link in said.chain if link.type == "HealthChanged"]
    assert step.because == (health,), "each step leads to what began it"


def test_after_a_restart_explain_counts_the_steps_from_there(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def first() -> None:
        async with world(tmp_path, config(slow()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await back(w, A)
            await asyncio.sleep(2.5 * STEP)
            await w.stop("leave")

    def an_hour_later(w: World) -> None:
        w.wall += 3600.0

    async def second() -> None:
        async with world(tmp_path, config(slow()), machine=machine, prepare=an_hour_later) as w:
            await w.stop("leave")

    run(first())
    run(second())
    source = Source(tmp_path)
    said = explain(source, A, seq=source.resolve(None, None))
    assert isinstance(said, RealExplanation)
    again = next(link for link in said.chain if link.type == "ConfigApplied")
    until = datetime.fromisoformat(again.at) + timedelta(seconds=7 * STEP)
    assert f"all of it by {until:%Y-%m-%dT%H:%M:%SZ}" in said.reason


def test_whatif_starts_slowly_when_a_real_would_have_come_back(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(10)
        await back(w, A)
        await asyncio.sleep(SLOW + 60)

    played(tmp_path, slow(), story)
    source = Source(tmp_path)
    first, last = source.bounds()[0], source.resolve(None, None)
    same = whatif(source, Settings(), first, last).balancers[0]
    assert same.supposed == same.recorded
    later = whatif(source, Settings([parse_setting("balancer.web.check.rise=5")]), first, last).balancers[0]
    assert later.supposed.weights == same.supposed.weights == 2 + 1 + 10
    assert later.reals[0].supposed > same.reals[0].supposed + 3, "five passes take longer"


def test_whatif_takes_no_step_behind_the_end_of_the_stretch(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        await asyncio.sleep(SLOW + 60)

    played(tmp_path, slow(), story)
    source = Source(tmp_path)
    span = source.bounds()[0], source.resolve(None, None)
    third = next(record.seq for record in source.between(*span) if step_of(record.event) == {A: 3})
    same = whatif(source, Settings(), source.bounds()[0], third + 1).balancers[0]
    assert same.supposed == same.recorded
    assert same.supposed.weights == 2 + 1 + 3, "up at first, down, and three steps"


def test_a_checkpoint_keeps_a_slow_start(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await back(w, A)
        kept = State.from_checkpoint(w.state.seq, b"".join(w.state.checkpoint()))
        assert kept.fleet.balancers[WEB] == w.state.fleet.balancers[WEB]
        assert kept.fleet.balancers[WEB].warming == 1

    played(tmp_path, slow(), story)
