"""What the actors measure while they work."""

import asyncio
from pathlib import Path

import pytest

from kglb.actors.checker import Checker
from kglb.actors.reactions import LONGEST, Reactions
from kglb.events import RealAdded
from kglb.model import Balancer, HttpCheck, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import actors_of, events_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)


def test_a_reaction_runs_from_the_verdict_to_the_first_operation_it_caused() -> None:
    reactions = Reactions()
    reactions.begin(7, 100.0)
    reactions.end((5, 7, 7), 100.25)
    reactions.end((7,), 200.0)
    assert (sum(reactions.histogram.counts), reactions.histogram.sum) == (1, 0.25)


def test_a_change_that_leads_to_nothing_is_forgotten() -> None:
    reactions = Reactions()
    reactions.begin(7, 100.0)
    reactions.begin(8, 101.0 + LONGEST)
    reactions.end((7, 8), 102.0 + LONGEST)
    assert (sum(reactions.histogram.counts), reactions.histogram.sum) == (1, 1.0)


def test_the_daemon_measures_probes_and_its_reactions_to_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=CHECK))) as w:
            await asyncio.sleep(3.5)
            first, second = (w.parts.checked[WEB, real_id(number)] for number in range(2))
            assert first.success >= 3
            assert second.success >= 3
            assert w.loop.time() - first.last <= 1.0
            assert sum(w.parts.reactions.histogram.counts) == 2  # both came up
            w.real_fails_now(real_id(0))
            await asyncio.sleep(0.01)
            assert first.failure == 1
            assert sum(w.parts.reactions.histogram.counts) == 3
            assert w.parts.reactions.histogram.sum < 0.1
            durations = w.parts.probe_durations["tcp"]
            assert sum(durations.counts) == first.success + second.success + first.failure
            assert w.parts.confirmed > 1000.0

    run(main())


def test_a_removed_real_is_not_counted_any_more_and_another_check_counts_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=CHECK))) as w:
            await asyncio.sleep(1.5)
            http = HttpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
            await w.reload(config(balancer(reals=1, check=http)))
            await asyncio.sleep(1.5)
            assert set(w.parts.checked) == {(WEB, real_id(0))}
            assert sum(w.parts.probe_durations["http"].counts) >= 1
            assert len(events_of(tmp_path, RealAdded)) == 2

    run(main())


@pytest.mark.parametrize("next_config", [balancer(reals=1, check=CHECK), balancer(DNS, name="dns", check=CHECK)])
def test_a_real_that_leaves_while_its_crashed_checker_waits_is_not_counted_any_more(
    tmp_path: Path, next_config: Balancer
) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=CHECK))) as w:
            await asyncio.sleep(1.5)
            for checker in actors_of(Checker):
                checker.tell("nonsense")
            await asyncio.sleep(0.05)
            assert actors_of(Checker) == []
            await w.reload(config(next_config))
            await asyncio.sleep(1.5)
            counted = {(id, real) for id, one in w.state.fleet.balancers.items() for real in one.reals}
            assert set(w.parts.checked) == counted

    run(main())
