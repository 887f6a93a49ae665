"""With fail_open_below all get traffic while too few are up. Verified by deciding again."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.decisions import Duty, Standing, balancing, weight_of
from kglb.events import BalancerDecided, ConfigApplied
from kglb.model import RealId
from tests.actors.backups import CHECK, SORRY, A, B, guarded, mode, played
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, World, events_of, journal_of, world
from tests.projections.builders import WEB, balancer, config, real, real_id


def names(first: int, count: int) -> list[RealId]:
    return [real_id(number) for number in range(first, first + count)]


def test_below_the_threshold_all_get_traffic_and_above_it_only_those_that_are_up(tmp_path: Path) -> None:
    ten = balancer(reals=10, check=CHECK, fail_open_below=0.3)

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        for name in names(0, 7):
            w.real_fails_now(name)
        await asyncio.sleep(0.01)
        assert (mode(w), sum(map(bool, w.weights(WEB).values()))) == ("available", 3)
        w.real_fails_now(real_id(7))
        await asyncio.sleep(0.01)
        assert (mode(w), sum(map(bool, w.weights(WEB).values()))) == ("failsafe", 10)
        w.prober.answers[real_id(0)] = OK
        await asyncio.sleep(1)
        assert (mode(w), sum(map(bool, w.weights(WEB).values()))) == ("available", 3)

    played(tmp_path, ten, story)


def test_a_start_is_not_taken_for_an_outage(tmp_path: Path) -> None:
    """Failures are known after one check, successes after three: for a while nearly all that are known are failures."""
    ten = balancer(reals=10, check=replace(CHECK, rise=3), fail_open_below=0.3)

    def prepare(w: World) -> None:
        w.prober.answers |= dict.fromkeys(names(0, 6), REFUSED)

    async def story(w: World) -> None:
        await asyncio.sleep(8)
        assert (mode(w), sum(map(bool, w.weights(WEB).values()))) == ("available", 4)
        assert {event.mode for event in events_of(tmp_path, BalancerDecided)} == {"initial", "available"}

    played(tmp_path, ten, story, prepare=prepare)


def test_new_reals_are_not_taken_for_an_outage(tmp_path: Path) -> None:
    two = balancer(reals=2, check=replace(CHECK, rise=3), fail_open_below=0.5)

    async def story(w: World) -> None:
        await asyncio.sleep(4)
        await w.reload(config(replace(two, reals=tuple(map(real, range(20))))))
        await asyncio.sleep(10)
        assert w.state.fleet.balancers[WEB].alive == 20
        assert {event.mode for event in events_of(tmp_path, BalancerDecided)} == {"initial", "available"}

    played(tmp_path, two, story)


def test_unless_they_all_fail(tmp_path: Path) -> None:
    two = balancer(reals=2, check=CHECK, fail_open_below=0.5)

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        w.prober.answers |= dict.fromkeys(names(2, 3), REFUSED)
        await w.reload(config(replace(two, reals=tuple(map(real, range(5))))))
        await asyncio.sleep(1.5)
        assert mode(w) == "failsafe", "2 of 5 are up, and nobody is awaited any more"

    played(tmp_path, two, story)


def test_another_threshold_decides_at_once_because_of_the_config(tmp_path: Path) -> None:
    four = balancer(reals=4, check=CHECK)

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        for name in names(0, 3):
            w.real_fails_now(name)
        await asyncio.sleep(0.01)
        assert sum(map(bool, w.weights(WEB).values())) == 1
        await w.reload(config(replace(four, fail_open_below=0.5)))
        await asyncio.sleep(0.01)
        assert (mode(w), sum(map(bool, w.weights(WEB).values()))) == ("failsafe", 4)
        *_, applied = (record.seq for record in journal_of(tmp_path) if isinstance(record.event, ConfigApplied))
        *_, decided = (record for record in journal_of(tmp_path) if isinstance(record.event, BalancerDecided))
        assert decided.cause == applied
        assert set(decided.event.causes.values()) == {applied}  # type: ignore[union-attr]

    played(tmp_path, four, story)


def test_a_backup_that_is_up_is_believed_rather_than_the_threshold(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        w.real_fails_now(A)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 0, B: 1000, SORRY: 0})
        w.real_fails_now(SORRY)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("failsafe", {A: 1000, B: 1000, SORRY: 0})

    played(tmp_path, guarded(fail_open_below=0.9), story)


def test_without_another_mode_a_flip_is_looked_at_alone_however_many_reals_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Standing] = []

    def look(standing: Standing, duty: Duty) -> int:
        looked.append(standing)
        return weight_of(standing, duty)

    monkeypatch.setattr(balancing, "weight_of", look)

    async def main() -> None:
        many = balancer(reals=1000, check=replace(CHECK, interval=60.0), fail_open_below=0.3)
        sorry = replace(real(1000), backup=True)
        async with world(tmp_path, config(replace(many, reals=(*many.reals, sorry)))) as w:
            await asyncio.sleep(61)
            looked.clear()
            w.real_fails_now(A)
            await asyncio.sleep(0.01)
            assert w.weights(WEB)[A] == 0
            assert len(looked) == 1

    run(main())
