"""The checkers of a balancer: one of each real that there is, whatever crashes and changes meanwhile."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.actors.checker import Checker
from kglb.events import ActorCrashed
from kglb.model import Balancer, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import World, actors_of, events_of, world
from tests.projections.builders import WEB, balancer, config

CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)


async def probes_in_ten_seconds(w: World) -> Counter[str]:
    w.prober.asked.clear()
    await asyncio.sleep(10)
    return Counter(real for _, real in w.prober.asked)


@pytest.mark.parametrize(
    "after",
    [
        balancer(reals=3, check=CHECK),
        balancer(reals=2, check=replace(CHECK, interval=2.0)),
        balancer(reals=2, check=CHECK, concurrency=1),
        balancer(reals=1, check=CHECK),
    ],
    ids=["another real", "another interval", "another gate", "a real less"],
)
def test_a_reload_while_a_checker_waits_to_start_again_leaves_one_of_each_real(tmp_path: Path, after: Balancer) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(3)
            for checker in actors_of(Checker):
                checker.tell("nonsense")
            await asyncio.sleep(0.01)
            assert actors_of(Checker) == []
            await w.reload(config(after))
            await asyncio.sleep(15)
            reals = set(w.state.fleet.balancers[WEB].reals)
            assert len(actors_of(Checker)) == len(reals)
            assert await probes_in_ten_seconds(w) == dict.fromkeys(reals, 10 / after.check.interval)
        assert len(events_of(tmp_path, ActorCrashed)) == 2

    run(main())


def test_a_reload_that_changes_no_check_disturbs_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(3)
            before = [checker.actor_urn for checker in actors_of(Checker)]
            due = dict(w.prober._timers)
            await w.reload(config(balancer(reals=3, check=CHECK, weight=7)))
            assert [checker.actor_urn for checker in actors_of(Checker)][:2] == before
            assert due.items() <= w.prober._timers.items()

    run(main())
