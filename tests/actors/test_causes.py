"""Everything that is recorded names what caused it, back to its root."""

import asyncio
from pathlib import Path

from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import BalancerDecided, ConfigApplied, HealthChanged, OperationsApplied, ProbeFlipped, RealAdded
from kglb.model import ChangeDestination, Destination
from tests.actors.virtual import run
from tests.actors.world import REFUSED, events_of, journal_of, tcp, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def test_everything_has_a_cause_that_leads_to_its_root(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp()))) as w:
            await asyncio.sleep(1.5)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.1)
        records = {record.seq: record for record in journal_of(tmp_path)}
        applied = next(
            r
            for r in records.values()
            if isinstance(r.event, OperationsApplied)
            and ChangeDestination(WEB, Destination(real=A, weight=0)) in r.event.operations
        )
        assert isinstance(applied.event, OperationsApplied)
        health = records[applied.event.causes[0]]
        assert isinstance(health.event, HealthChanged)
        assert not health.event.healthy
        flip = records[health.cause or 0]
        assert isinstance(flip.event, ProbeFlipped)
        assert (flip.event.reason, flip.cause) == ("refused", None)

    run(main())


def test_a_first_weight_is_caused_by_that_reals_own_coming_and_a_new_one_by_the_config(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(check=tcp())), machine=machine) as w:
            await asyncio.sleep(1.5)
            await w.stop("leave")
        added = {r.event.real: r.seq for r in journal_of(tmp_path) if isinstance(r.event, RealAdded)}
        assert events_of(tmp_path, BalancerDecided)[0].causes == added
        async with world(tmp_path, config(balancer(check=tcp(), weight=7)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 7, B: 7}
            await w.stop("leave")
        applied = [r.seq for r in journal_of(tmp_path) if isinstance(r.event, ConfigApplied)]
        assert set(events_of(tmp_path, BalancerDecided)[-1].causes.values()) == {applied[-1]}

    run(main())
