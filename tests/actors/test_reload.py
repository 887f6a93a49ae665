"""A reload touches what changed and nothing else; a bad one touches nothing."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from kglb.actors.balancer import BalancerActor
from kglb.actors.checker import Checker
from kglb.events import (
    ActorCrashed,
    ConfigApplied,
    ConfigRejected,
    HealthChanged,
    OperationFailed,
    ProbeFlipped,
    RunsClosed,
)
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    Balancer,
    ChangeDestination,
    ChangeService,
    Config,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    HttpCheck,
    RealId,
    Service,
    TcpCheck,
)
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, actors_of, events_of, journal_of, world
from tests.projections.builders import DNS, VIP, WEB, balancer, config, real, real_id

A, B = real_id(0), real_id(1)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=3)


def web(reals: int = 2, *, check: TcpCheck | HttpCheck = CHECK, **more: object) -> Balancer:
    return balancer(reals=reals, check=check, **more)  # type: ignore[arg-type]


def test_changing_one_of_a_thousand_reals_touches_one(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        before = web(1000)
        async with world(tmp_path, config(before), machine=machine) as w:
            await asyncio.sleep(1.5)
            checkers = {ref.actor_urn for ref in actors_of(Checker)}
            machine.batches.clear()
            after = replace(before, reals=(*before.reals[:500], real(5000), *before.reals[501:]))
            await w.reload(config(after))
            await asyncio.sleep(1.5)
            assert [type(op) for batch in machine.batches for op in batch] == [
                AddDestination,
                DeleteDestination,
                ChangeDestination,
            ]
            now = {ref.actor_urn for ref in actors_of(Checker)}
            assert len(checkers & now) == 999
            assert len(now) == 1000

    run(main())


def test_the_same_config_again_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(web()), machine=machine) as w:
            await asyncio.sleep(1.5)
            actors = {ref.actor_urn for ref in [*actors_of(Checker), *actors_of(BalancerActor)]}
            machine.batches.clear()
            await w.reload(config(web()))
            await asyncio.sleep(5)
            assert machine.batches == []
            assert {ref.actor_urn for ref in [*actors_of(Checker), *actors_of(BalancerActor)]} == actors
            assert w.state.fleet.digest == "reloaded"

    run(main())


def test_a_new_weight_scheduler_and_policy_are_changed_in_place(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(web()), machine=machine) as w:
            await asyncio.sleep(1.5)
            machine.batches.clear()
            await w.reload(config(web(weight=5, scheduler="mh", when_all_down="fail_closed")))
            await asyncio.sleep(0.1)
            assert {type(op) for batch in machine.batches for op in batch} == {ChangeService, ChangeDestination}
            assert w.weights(WEB) == {A: 5, B: 5}
            w.prober.default = REFUSED
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 0, B: 0}

    run(main())


def test_services_come_and_go_and_a_shared_address_stays(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(web()), machine=machine) as w:
            await asyncio.sleep(1.5)
            machine.batches.clear()
            await w.reload(config(balancer(DNS, name="dns")))
            await asyncio.sleep(2)
            kinds = [type(op) for batch in machine.batches for op in batch]
            assert kinds.count(AddService) == kinds.count(DeleteService) == 1
            assert AddAddress not in kinds
            assert DeleteAddress not in kinds
            assert [service.id for service in machine.services()] == [DNS]
            assert len(actors_of(BalancerActor)) == 1
            await w.reload(config())
            await asyncio.sleep(2)
            assert machine.services() == []
            assert VIP not in machine.addresses("lo")
            assert actors_of(Checker) == []

    run(main())


def test_another_check_keeps_health_and_starts_the_streak_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(10)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(2)
            assert w.real(WEB, A).healthy, "two failures of three"
            http = HttpCheck(interval=1.0, timeout=1.0, rise=1, fall=3)
            await w.reload(config(web(check=http)))
            await asyncio.sleep(2.0)
            assert w.real(WEB, A).healthy, "what TCP said does not count for HTTP"
            await asyncio.sleep(2.1)
            assert not w.real(WEB, A).healthy
        flips = [flip for flip in events_of(tmp_path, ProbeFlipped) if flip.real == A]
        assert [flip.previous_count for flip in flips] == [0, 10, 0]

    run(main())


def test_changed_thresholds_decide_at_once_because_of_the_config(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(10)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(2)
            await w.reload(config(web(check=replace(CHECK, fall=2))))
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 0, B: 1000}
        records = {record.seq: record for record in journal_of(tmp_path)}
        change = next(r for r in records.values() if isinstance(r.event, HealthChanged) and not r.event.healthy)
        assert isinstance(records[change.cause or 0].event, ConfigApplied)
        assert isinstance(change.event, HealthChanged)
        assert change.event.streak == -2

    run(main())


def test_an_answer_to_the_old_question_is_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(check=replace(CHECK, fall=1)))) as w:
            await asyncio.sleep(10)
            http = HttpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
            reload = asyncio.ensure_future(w.reload(config(web(check=http))))
            w.real_fails_now(A)
            await reload
            del w.prober.answers[A]
            await asyncio.sleep(5)
            health = [change.healthy for change in events_of(tmp_path, HealthChanged) if change.real == A]
            assert health in ([True], [True, False, True]), "before the reload it counts, after it does not"
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_a_service_that_a_reload_claims_keeps_its_traffic_and_its_address(tmp_path: Path) -> None:
    async def main() -> None:
        stranger = {Service(id=DNS, scheduler="lc"): [Destination(real=A, weight=7), Destination(real=B, weight=0)]}
        machine = WatchedMachine(foreign=stranger, addresses=[VIP])
        async with world(tmp_path, config(), machine=machine) as w:
            await asyncio.sleep(1)
            w.prober.answers[B] = REFUSED
            await w.reload(config(balancer(DNS, name="dns", check=CHECK)))
            await asyncio.sleep(0.01)
            assert w.weights(DNS) == {RealId(A): 1000, RealId(B): 0}
            await asyncio.sleep(2)
            assert await w.stop()
        assert events_of(tmp_path, OperationFailed) == []
        assert machine.addresses("lo") == {VIP}, "it was there before us"

    run(main())


def test_a_bad_config_is_recorded_and_the_old_one_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            w.daemon.reject("test", ("balancer[0].name: expected a name",))
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
        assert events_of(tmp_path, ConfigRejected)[0].errors == ("balancer[0].name: expected a name",)

    run(main())


def test_a_hundred_reloads_leave_no_actor_no_run_and_no_crash(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(10))) as w:
            for number in range(100):
                configs: list[Config] = [config(web(10 + number % 7)), config(web(5), balancer(DNS, name="dns"))]
                await w.reload(configs[number % 2])
                await asyncio.sleep(0.37)
            await asyncio.sleep(2)
            assert len(actors_of(Checker)) == 7
            assert len(w.recorder._runs) == 7
            assert len(w.prober._timers) == 7
        assert events_of(tmp_path, ActorCrashed) == []
        assert len(events_of(tmp_path, RunsClosed)) >= 100

    run(main())
