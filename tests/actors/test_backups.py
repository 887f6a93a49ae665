"""Backups serve while no primary is up. Verified by deciding again."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import (
    BalancerDecided,
    ConfigApplied,
    HealthChanged,
    OperationsApplied,
    ProbeFlipped,
    RealDrained,
    RealRestored,
    RouteWithdrawn,
    WeightOverridden,
)
from kglb.model import ChangeDestination, ExecCheck, RealId, ServiceId
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors import routes
from tests.actors.backups import CHECK, SORRY, A, B, guarded, mode, played, primaries_fail
from tests.actors.test_handover import Stubborn
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, World, events_of, journal_of, world
from tests.projections.builders import WEB, config, real

DNS = ServiceId("udp://192.168.100.10:53")


def test_the_sorry_server_serves_from_the_last_primarys_failure_to_the_first_ones_return(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        assert w.weights(WEB) == {A: 1000, B: 1000, SORRY: 0}
        w.real_fails_now(A)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 0, B: 1000, SORRY: 0})
        w.real_fails_now(B)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("backup", {A: 0, B: 0, SORRY: 7})
        w.prober.answers[A] = OK
        await asyncio.sleep(1)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 1000, B: 0, SORRY: 0})

    played(tmp_path, guarded(), story)


def test_coming_back_the_primary_has_its_weight_before_the_backup_loses_it(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        await primaries_fail(w)
        done = w.recorder.last_seq
        w.prober.default = OK
        w.prober.answers.clear()
        await asyncio.sleep(1.5)
        changes = [
            (one.destination.real, one.destination.weight)
            for batch in events_of(tmp_path, OperationsApplied, done)
            for one in batch.operations
            if isinstance(one, ChangeDestination)
        ]
        assert changes.index((SORRY, 0)) > min(changes.index((A, 1000)), changes.index((B, 1000)))

    played(tmp_path, guarded(), story)


def test_the_backup_serves_on_while_the_kernel_refuses_the_primarys_weight(tmp_path: Path) -> None:
    machine = Stubborn()

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        await primaries_fail(w)
        assert w.weights(WEB) == {A: 0, B: 0, SORRY: 7}
        machine.refused = A
        w.prober.answers[A] = OK
        await asyncio.sleep(5)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 0, B: 0, SORRY: 7})
        machine.refused = RealId("")
        await asyncio.sleep(31)
        assert w.weights(WEB) == {A: 1000, B: 0, SORRY: 0}

    played(tmp_path, guarded(), story, machine=machine)


@pytest.mark.parametrize(
    ("policy", "left"),
    [("fail_open", {A: 1000, B: 1000, SORRY: 0}), ("fail_closed", {A: 0, B: 0, SORRY: 0})],
)
def test_with_the_backup_down_too_the_policy_is_about_the_primaries(
    tmp_path: Path, policy: str, left: dict[RealId, int]
) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        await primaries_fail(w)
        w.real_fails_now(SORRY)
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == left

    played(tmp_path, guarded(when_all_down=policy), story)


# --- the start --------------------------------------------------------------------------------------------------------


def test_a_start_does_not_flap_through_the_sorry_server(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(0.1)
        for _ in range(3):
            w.prober.ask_now(SORRY)
            await asyncio.sleep(0.01)
        w.prober.answers[A] = REFUSED
        await asyncio.sleep(1.5)
        assert w.real(WEB, SORRY).healthy
        assert (mode(w), w.weights(WEB)) == ("initial", {A: 0, B: 0, SORRY: 0}), "B has not passed three checks yet"
        await asyncio.sleep(3)
        assert w.weights(WEB) == {A: 0, B: 1000, SORRY: 0}
        assert not any(SORRY in event.weights for event in events_of(tmp_path, BalancerDecided)[1:])

    played(tmp_path, guarded(check=replace(CHECK, rise=3)), story)


def test_once_every_primary_has_failed_a_check_the_sorry_server_serves(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        assert (mode(w), w.weights(WEB)) == ("backup", {A: 0, B: 0, SORRY: 7})
        *_, decided = (record for record in journal_of(tmp_path) if isinstance(record.event, BalancerDecided))
        causes = {record.seq: record.event for record in journal_of(tmp_path)}
        assert isinstance(causes[decided.cause or 0], ProbeFlipped | HealthChanged)

    def prepare(w: World) -> None:
        w.prober.answers |= {A: REFUSED, B: REFUSED}

    played(tmp_path, guarded(), story, prepare=prepare)


def test_a_start_that_finds_traffic_on_a_backup_leaves_it_there(tmp_path: Path) -> None:
    """The journal is lost while the sorry server serves."""
    machine = MemoryDataPlane()

    async def before() -> None:
        async with world(tmp_path / "before", config(guarded()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await primaries_fail(w)
            await w.stop("leave")
        assert {one.real: one.weight for one in machine.destinations(WEB)} == {A: 0, B: 0, SORRY: 7}

    async def after() -> None:
        def prepare(w: World) -> None:
            w.prober.answers |= {A: REFUSED, B: REFUSED}

        async with world(tmp_path / "after", config(guarded()), machine=machine, prepare=prepare) as w:
            assert w.weights(WEB)[SORRY] == 7
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 0, B: 0, SORRY: 7}
        assert not any(SORRY in event.weights and not event.weights[SORRY] for event in decisions("after"))

    def decisions(name: str) -> list[BalancerDecided]:
        return events_of(tmp_path / name, BalancerDecided)

    run(before())
    run(after())


# --- operators --------------------------------------------------------------------------------------------------------


def test_with_every_primary_drained_the_sorry_server_serves(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        for name in (A, B):
            w.recorder.record(RealDrained(service=WEB, real=name, who="kim"))
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("backup", {A: 0, B: 0, SORRY: 7})
        w.real_fails_now(SORRY)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("failsafe", {A: 0, B: 0, SORRY: 7}), "there is nobody else"
        w.recorder.record(RealRestored(service=WEB, real=A, ended=("drain",)))
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 1000, B: 0, SORRY: 0})

    played(tmp_path, guarded(), story)


def test_a_drained_backup_does_not_serve(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        w.recorder.record(RealDrained(service=WEB, real=SORRY, who="kim"))
        await primaries_fail(w)
        assert (mode(w), w.weights(WEB)) == ("failsafe", {A: 1000, B: 1000, SORRY: 0})

    played(tmp_path, guarded(), story)


def test_an_operators_weight_of_a_backup_counts_once_it_serves(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        w.recorder.record(WeightOverridden(service=WEB, real=SORRY, weight=50, who="kim"))
        await asyncio.sleep(0.01)
        assert w.weights(WEB)[SORRY] == 0
        await primaries_fail(w)
        assert w.weights(WEB)[SORRY] == 50

    played(tmp_path, guarded(), story)


def test_so_does_the_weight_that_its_check_says(tmp_path: Path) -> None:
    says = ExecCheck(command=("/check",), dynamic_weight=True, interval=1.0, rise=1)
    nameless = replace(real(0), host="web-1:80")  # so that the only probe is the backup's

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        w.prober.says(30)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("backup", {SORRY: 30})

    played(tmp_path, replace(guarded(check=says), reals=(nameless, guarded().reals[-1])), story)


# --- the config -------------------------------------------------------------------------------------------------------


def test_a_real_that_becomes_a_backup_stands_by_at_once(tmp_path: Path) -> None:
    plain = guarded(backups=0)
    first, second = plain.reals

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        await w.reload(config(replace(plain, reals=(first, replace(second, backup=True)))))
        await asyncio.sleep(0.01)
        assert w.weights(WEB) == {A: 1000, B: 0}
        *_, applied = (record.seq for record in journal_of(tmp_path) if isinstance(record.event, ConfigApplied))
        *_, decided = (record for record in journal_of(tmp_path) if isinstance(record.event, BalancerDecided))
        assert (decided.cause, decided.event.total) == (applied, 1)  # type: ignore[union-attr]
        w.real_fails_now(A)
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("backup", {A: 0, B: 1000})
        await w.reload(config(plain))
        await asyncio.sleep(0.01)
        assert (mode(w), w.weights(WEB)) == ("available", {A: 0, B: 1000})

    played(tmp_path, plain, story)


def test_a_restart_goes_on_with_what_was(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def main() -> None:
        async with world(tmp_path, config(guarded()), machine=machine) as w:
            await asyncio.sleep(1.5)
            await primaries_fail(w)
            w.new_segment()
            await w.stop("leave")

        def prepare(w: World) -> None:
            w.prober.answers |= {A: REFUSED, B: REFUSED}

        async with world(tmp_path, config(guarded()), machine=machine, prepare=prepare) as w:
            await asyncio.sleep(5)
            assert (mode(w), w.weights(WEB)) == ("backup", {A: 0, B: 0, SORRY: 7})
            await w.stop("leave")

    run(main())
    assert verify(Source(tmp_path)).difference is None


def test_of_udp_a_backup_that_stands_by_is_not_in_the_kernel_so_that_flows_go_home(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        assert w.weights(DNS) == {A: 1000, B: 1000}
        await primaries_fail(w)
        assert w.weights(DNS) == {SORRY: 7}
        w.prober.answers.clear()
        await asyncio.sleep(1.5)
        assert w.weights(DNS) == {A: 1000, B: 1000}

    played(tmp_path, guarded(DNS, when_down="remove"), story)


def test_of_tcp_it_stays_at_weight_0_so_that_its_connections_go_on(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        await primaries_fail(w)
        assert w.weights(WEB) == {SORRY: 7}
        w.prober.answers[A] = OK
        await asyncio.sleep(1.5)
        assert w.weights(WEB) == {A: 1000, SORRY: 0}

    played(tmp_path, guarded(when_down="remove"), story)


def test_one_that_stands_by_is_removed_when_it_fails_and_comes_back_when_it_is_up(tmp_path: Path) -> None:
    of = guarded(when_down="remove")

    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        assert w.weights(WEB) == {A: 1000, B: 1000, SORRY: 0}
        w.real_fails_now(SORRY)
        await asyncio.sleep(0.1)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        w.prober.answers[SORRY] = OK
        await asyncio.sleep(1.5)
        assert w.weights(WEB) == {A: 1000, B: 1000, SORRY: 0}
        done = len(events_of(tmp_path, OperationsApplied))
        await w.reload(config(of))
        await asyncio.sleep(0.1)
        assert len(events_of(tmp_path, OperationsApplied)) == done, "a reload finds nothing to do"

    played(tmp_path, of, story)


# --- routes -----------------------------------------------------------------------------------------------------------


def test_on_backups_the_route_stays_announced_whatever_min_alive_says(tmp_path: Path) -> None:
    plain = routes.web(min_alive=0.5)
    sorry = replace(real(9, weight=7), backup=True)

    async def main() -> None:
        async with world(tmp_path, routes.config(replace(plain, reals=(*plain.reals, sorry)))) as w:
            await asyncio.sleep(1.5)
            await primaries_fail(w)
            assert mode(w) == "backup"
            assert routes.announced(w)
            assert not events_of(tmp_path, RouteWithdrawn)

    run(main())
