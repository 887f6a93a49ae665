"""Routes from health to the BGP engine: when they come, when they go, and what waits for them. In virtual time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.actors.applier import Applier
from kglb.actors.router import Router
from kglb.actors.supervisor import Supervisor
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.dataplane.route_engine import MemoryRoutes
from kglb.events import (
    ActorCrashed,
    DaemonStarted,
    DriftFound,
    OperationFailed,
    OperationsApplied,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
)
from kglb.model import (
    Address,
    AddService,
    Announce,
    Balancer,
    BgpConfig,
    Config,
    DeleteAddress,
    DeleteService,
    Operation,
    Route,
    RouteOperation,
    Service,
    ServiceId,
    TcpCheck,
    WithdrawRoute,
)
from kglb.projections import State
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.virtual import run
from tests.actors.world import REFUSED, World, actor_of, events_of, journal_of, world
from tests.projections.builders import VIP, WEB, balancer, real, real_id
from tests.projections.builders import config as plain_config
from tests.replay import tampering

A, B = real_id(0), real_id(1)
WEB443 = ServiceId("tcp://192.168.100.10:443")
PREFIX = "192.168.100.10/32"
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)


def config(*balancers: Balancer) -> Config:
    return replace(plain_config(*balancers), bgp=BgpConfig(engine="exabgp"))


def web(
    id: ServiceId = WEB,
    *,
    reals: int = 2,
    min_alive: float = 0.9,
    to_announce: float = 0.0,
    hold_time: float = 5.0,
    **more: object,
) -> Balancer:
    announce = Announce(min_alive=min_alive, min_alive_to_announce=to_announce, hold_time=hold_time)
    return balancer(id, reals, announce=announce, **{"check": CHECK, **more})  # type: ignore[arg-type]


class Timed:
    """Machine and engine that note when each operation came, in virtual time; ``delay`` is the engine's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float = 0.0) -> None:
        self.log: list[tuple[float, Operation]] = []
        self.machine = _Machine(self._note)
        self.routes = _Routes(self._note, delay)
        self._now = loop.time

    def _note(self, operation: Operation) -> None:
        self.log.append((self._now(), operation))

    def prepare(self, w: World) -> None:
        w.parts.routes = self.routes

    def times(self, kind: type[Operation]) -> list[float]:
        return [at for at, operation in self.log if isinstance(operation, kind)]

    def kinds(self) -> list[str]:
        return [type(operation).__name__ for _, operation in self.log]


class _Machine(MemoryDataPlane):
    def __init__(self, note: Callable[[Operation], None]) -> None:
        super().__init__()
        self._note = note

    def _perform(self, operation: Operation) -> int:
        self._note(operation)
        return super()._perform(operation)


class _Routes(MemoryRoutes):
    def __init__(self, note: Callable[[Operation], None], delay: float) -> None:
        super().__init__()
        self._note = note
        self.delay = delay

    async def perform(self, operation: RouteOperation) -> Failure | None:
        self._note(operation)
        await asyncio.sleep(self.delay)
        return await super().perform(operation)


def timed(delay: float = 0.0) -> Timed:
    return Timed(asyncio.get_running_loop(), delay)


def announced(w: World) -> list[str]:
    assert isinstance(w.parts.routes, MemoryRoutes)
    return list(w.parts.routes.routes)


# --- when -------------------------------------------------------------------------------------------------------


def test_e13_a_balancer_that_is_up_has_service_real_route_and_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(reals=1))) as w:
            assert announced(w) == []
            await asyncio.sleep(1.5)
            assert w.weights(WEB) == {A: 1000}
            assert VIP in w.machine.addresses("lo")
            assert announced(w) == [PREFIX]
        assert announced(w) == []

    run(main())


def test_a_route_is_announced_only_after_the_reals_have_their_weights(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed()
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare):
            await asyncio.sleep(1.5)
            assert on.kinds()[-1] == "AnnounceRoute"
            assert on.kinds()[:4] == ["AddService", "AddDestination", "AddDestination", "AddAddress"]

    run(main())


def test_a_route_goes_below_the_ratio_and_comes_back_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            w.real_fails_now(A)
            await asyncio.sleep(0.01)
            assert announced(w) == []
            assert WEB in w.state.data_plane.actual.services
            del w.prober.answers[A]
            await asyncio.sleep(1.1)
            assert announced(w) == [PREFIX]

    run(main())


def test_a_share_that_wavers_between_the_two_lines_neither_withdraws_a_route_nor_brings_it_back(tmp_path: Path) -> None:
    async def main() -> None:
        reals = tuple(map(real_id, range(10)))
        async with world(tmp_path, config(web(reals=10, min_alive=0.5, to_announce=0.8))) as w:
            await asyncio.sleep(1.5)
            assert announced(w) == [PREFIX]
            for up, there in [(5, True), (7, True), (4, False), (5, False), (7, False), (8, True), (5, True)]:
                w.prober.answers = dict.fromkeys(reals[up:], REFUSED)
                await asyncio.sleep(1.5)
                assert announced(w) == [PREFIX] * there, f"{up} of 10 are up"
        assert len(events_of(tmp_path, RoutesDecided)) == 3

    run(main())


def test_a_route_that_two_services_share_comes_back_with_the_second_of_them(tmp_path: Path) -> None:
    async def main() -> None:
        first = web(reals=10, min_alive=0.5, to_announce=0.8)
        second = web(WEB443, reals=10, min_alive=0.5, to_announce=0.8)
        second = replace(second, reals=tuple(real(number) for number in range(10, 20)))
        async with world(tmp_path, config(first, second)) as w:
            await asyncio.sleep(1.5)

            async def is_there_with(in_first: int, in_second: int) -> bool:
                down = (*range(in_first, 10), *range(10 + in_second, 20))
                w.prober.answers = {real_id(number): REFUSED for number in down}
                await asyncio.sleep(1.5)
                return announced(w) == [PREFIX]

            assert await is_there_with(10, 6)
            assert not await is_there_with(4, 6)
            assert not await is_there_with(9, 6), (
                "the route is not announced: the other is held to its higher line, too"
            )
            for of_second, there in ((6, False), (8, True)):
                for of_first in (8, 9, 8, 9):  # records enough to see that a decision is missing
                    assert await is_there_with(of_first, of_second) is there
                    await asyncio.sleep(11)
            assert await is_there_with(6, 6)
            await w.stop("leave")

    run(main())
    assert verify(Source(tmp_path)).identical
    undecided = tampering.rewrite(tmp_path, tmp_path / "undecided", tampering.without(RoutesDecided, nth=2))
    undone = tampering.rewrite(undecided, tmp_path / "undone", tampering.without(RouteAnnounced, nth=1))
    missed = verify(Source(undone)).difference
    assert missed is not None
    assert (missed.about, missed.recorded, missed.decided) == ("routes", "no decision", PREFIX)


def test_a_restart_keeps_a_route_between_its_lines_as_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed()
        for wanted, up in (([PREFIX], 10), ([PREFIX], 6), ([], 4), ([], 6)):
            async with world(
                tmp_path,
                config(web(reals=10, min_alive=0.5, to_announce=0.8)),
                machine=on.machine,
                prepare=on.prepare,
            ) as w:
                w.prober.answers = {real_id(number): REFUSED for number in range(up, 10)}
                await asyncio.sleep(3)
                assert announced(w) == wanted, f"{up} of 10 are up"
                await w.stop("leave")

    run(main())


def test_failsafe_keeps_the_route_and_fail_closed_withdraws_it(tmp_path: Path) -> None:
    async def main() -> None:
        other = web(ServiceId("tcp://10.9.9.9:80"), when_all_down="fail_closed", address=Address("10.9.9.9/32", "lo"))
        async with world(tmp_path, config(web(min_alive=0.5), other)) as w:
            await asyncio.sleep(1.5)
            assert announced(w) == [PREFIX, "10.9.9.9/32"]
            w.prober.default = REFUSED
            await asyncio.sleep(1.1)
            assert announced(w) == [PREFIX]

    run(main())


def test_e12_without_announce_or_without_an_engine_everything_works_but_no_route(tmp_path: Path) -> None:
    async def main() -> None:
        for number, without in enumerate((config(balancer(check=CHECK)), plain_config(web()))):
            async with world(tmp_path / str(number), without) as w:
                await asyncio.sleep(1.5)
                assert w.weights(WEB) == {A: 1000, B: 1000}
                assert VIP in w.machine.addresses("lo")
                assert announced(w) == []
            assert not events_of(tmp_path / str(number), OperationFailed)

    run(main())


def test_e14_the_hold_time_of_the_config_is_that_of_the_route(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(hold_time=7.0))):
            await asyncio.sleep(1.5)
        assert [event.route.hold_time for event in events_of(tmp_path, RouteAnnounced)] == [7.0]
        assert [event.route.hold_time for event in events_of(tmp_path, RouteWithdrawn)] == [7.0]

    run(main())


def test_e15_two_services_on_one_vip_have_one_route_and_one_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(), web(WEB443))) as w:
            await asyncio.sleep(1.5)
            assert announced(w) == [PREFIX]
            assert len(w.state.data_plane.actual.services) == 2
            assert len(w.state.data_plane.actual.addresses) == 1
        assert len(events_of(tmp_path, RouteAnnounced)) == 1

    run(main())


def test_a_route_is_not_announced_while_the_kernel_refuses_what_it_leads_to(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(schedulers=("rr",))
        refused = web(reals=1)
        async with world(tmp_path, config(refused), machine=machine) as w:
            await asyncio.sleep(3)
            assert announced(w) == []
            served = replace(refused, service=Service(id=WEB, scheduler="rr"))
            await w.reload(config(served))
            await asyncio.sleep(40)
            assert announced(w) == [PREFIX]

    run(main())


# --- what waits -------------------------------------------------------------------------------------------------


def test_f12_what_a_withdrawn_route_leads_to_is_deleted_after_its_hold_time_and_nothing_else_waits(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        on = timed()
        other = balancer(ServiceId("tcp://10.9.9.9:80"), 1, address=None, check=CHECK)
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            on.log.clear()
            begun = w.loop.time()
            await w.reload(config(other))
            await asyncio.sleep(4.9)
            assert on.times(WithdrawRoute)[0] - begun < 0.1
            assert on.times(AddService)[0] - begun < 0.1
            assert not on.times(DeleteService)
            await asyncio.sleep(0.2)
            assert on.times(DeleteService)[0] - begun >= 5.0
            assert on.times(DeleteAddress)[0] - begun >= 5.0

    run(main())


@pytest.mark.parametrize("end", ["leave", "kill", "supervisor", "applier"])
def test_the_hold_time_goes_on_whatever_ends_within_it(tmp_path: Path, end: str) -> None:
    async def main() -> None:
        on = timed()
        other = balancer(ServiceId("tcp://10.9.9.9:80"), 1, address=None, check=CHECK)
        async with world(tmp_path, config(web(hold_time=8.0)), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            begun = w.loop.time()
            await w.reload(config(other))
            await asyncio.sleep(3)
            if end == "applier":
                actor_of(Applier).tell("nonsense")
                await asyncio.sleep(10)
            elif end == "leave":
                await w.stop("leave")
            elif end == "kill":
                await w.kill()
            else:
                actor_of(Supervisor).tell("nonsense")
                await w.daemon.finished
                await w.daemon.close(1.0)
                await w.recorder.close(1.0)
        async with world(tmp_path, config(other), machine=on.machine, prepare=on.prepare):
            await asyncio.sleep(10)
        withdrawn = on.times(WithdrawRoute)[0] - begun
        assert 8.0 <= on.times(DeleteService)[0] - begun - withdrawn < 8.2
        assert 8.0 <= on.times(DeleteAddress)[0] - begun - withdrawn < 8.2

    run(main())


def test_a_hold_time_outlives_no_boot_and_no_announcement_and_is_forgotten_once_it_is_over() -> None:
    def withdrawn(prefix: str, until: float) -> RouteWithdrawn:
        return RouteWithdrawn(route=Route(prefix=prefix, hold_time=5.0), until=until)

    state = State()
    for event in (withdrawn("10.0.0.1/32", 105.0), withdrawn("10.0.0.2/32", 107.0), withdrawn("10.0.0.3/32", 111.0)):
        state.fold(state.seq + 1, event)
    assert state.data_plane.holds == {"10.0.0.2/32": 107.0, "10.0.0.3/32": 111.0}
    assert State.from_checkpoint(state.seq, b"".join(state.checkpoint())).data_plane.holds == state.data_plane.holds
    state.fold(state.seq + 1, RouteAnnounced(route=Route(prefix="10.0.0.2/32")))
    assert state.data_plane.holds == {"10.0.0.3/32": 111.0}
    state.fold(state.seq + 1, DaemonStarted(software="0", decisions=1, host="director", boot_id="another", pid=1))
    assert state.data_plane.holds == {}


def test_a_cleanup_has_the_time_that_is_left_of_a_hold(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(hold_time=100.0))) as w:
            await asyncio.sleep(1.5)
            await w.reload(config())
            await asyncio.sleep(1)
            assert await w.stop()

    run(main())


def test_a_hold_that_is_over_long_since_takes_a_cleanup_no_time(tmp_path: Path) -> None:
    async def main() -> None:
        unannounced = balancer(check=CHECK)
        async with world(tmp_path, config(web(hold_time=1.0))) as w:
            await asyncio.sleep(1.5)
            await w.reload(config(unannounced))
            await asyncio.sleep(100)
            assert await w.stop()

    run(main())


def test_an_engine_that_does_not_answer_delays_no_weight(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed(delay=1000.0)
        async with world(tmp_path, config(web(min_alive=0.5)), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            w.real_fails_now(A)
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert not await w.stop(), "what may still be announced is not taken away"
            assert WEB in w.state.data_plane.actual.services

    run(main())


def test_an_announcement_that_is_under_way_when_the_daemon_stops_is_withdrawn_first(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed(delay=3.0)
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            on.log.clear()
            begun = w.loop.time()
            assert await w.stop()
            assert on.kinds() == ["WithdrawRoute", "DeleteService", "DeleteAddress"]
            assert on.times(DeleteService)[0] - begun > 3.0 + 5.0

    run(main())


def test_a_service_that_comes_back_within_the_hold_time_is_never_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed()
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            await w.reload(config())
            await asyncio.sleep(2)
            await w.reload(config(web()))
            await asyncio.sleep(10)
            assert not on.times(DeleteService)
            assert announced(w) == [PREFIX]

    run(main())


def test_f14_a_stop_withdraws_waits_and_then_deletes(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed()
        async with world(tmp_path, config(web(), web(WEB443)), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            on.log.clear()
            begun = w.loop.time()
            assert await w.stop()
            assert on.kinds() == ["WithdrawRoute", "DeleteService", "DeleteService", "DeleteAddress"]
            assert on.times(DeleteService)[0] - begun >= 5.0
            assert (w.machine.services(), announced(w)) == ([], [])
            assert VIP not in w.machine.addresses("lo")

    run(main())


def test_a_long_hold_time_does_not_make_a_cleanup_give_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web(hold_time=100.0))) as w:
            await asyncio.sleep(1.5)
            assert await w.stop()

    run(main())


# --- when something breaks ----------------------------------------------------------------------------------------


def test_a_restart_after_a_crash_leaves_the_routes_untouched(tmp_path: Path) -> None:
    async def main() -> None:
        on = timed()
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(1.5)
            await w.kill()
        on.log.clear()
        last = journal_of(tmp_path)[-1].seq
        async with world(tmp_path, config(web()), machine=on.machine, prepare=on.prepare) as w:
            await asyncio.sleep(3)
            assert on.log == []
            assert not events_of(tmp_path, RoutesDecided, last + 1)
            await w.stop("leave")
        assert on.log == []
        assert announced(w) == [PREFIX]

    run(main())


def test_a_route_that_nobody_wants_any_more_is_withdrawn_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        routes = MemoryRoutes()

        def prepare(w: World) -> None:
            w.parts.routes = routes

        async with world(tmp_path, config(web()), prepare=prepare) as w:
            await asyncio.sleep(1.5)
            await w.stop("leave")
        assert list(routes.routes) == [PREFIX]
        async with world(tmp_path, config(), prepare=prepare):
            await asyncio.sleep(0.1)
            assert routes.routes == {}

    run(main())


def test_an_engine_that_starts_again_is_told_every_route_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            assert isinstance(w.parts.routes, MemoryRoutes)
            w.parts.routes.lose()
            await asyncio.sleep(0.01)
            assert announced(w) == [PREFIX]
        assert len(events_of(tmp_path, DriftFound)) == 1

    run(main())


def test_a_refusal_is_recorded_once_and_tried_again_until_it_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        routes = MemoryRoutes()
        routes.failure = Failure(111, "no ExaBGP helper")

        def prepare(w: World) -> None:
            w.parts.routes = routes

        async with world(tmp_path, config(web()), prepare=prepare) as w:
            await asyncio.sleep(20)
            assert len(routes.history) > 3
            assert len(events_of(tmp_path, OperationFailed)) == 1
            routes.failure = None
            await asyncio.sleep(3.1)
            assert announced(w) == [PREFIX]

    run(main())


def test_a_stop_is_clean_where_no_engine_ever_took_a_route(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            assert isinstance(w.parts.routes, MemoryRoutes)
            w.parts.routes.failure = Failure(111, "no ExaBGP helper")
            await asyncio.sleep(1.5)
            assert await w.stop()

    run(main())


def test_a_router_that_crashed_starts_again_and_decides_as_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            actor_of(Router).tell("nonsense")
            await asyncio.sleep(1)
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            assert announced(w) == []
        assert [event.actor for event in events_of(tmp_path, ActorCrashed)] == ["router"]

    run(main())


def test_an_engine_that_goes_away_while_the_applier_starts_again_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            actor_of(Applier).tell("nonsense")
            await asyncio.sleep(0.01)
            assert isinstance(w.parts.routes, MemoryRoutes)
            w.parts.routes.lose()
            await asyncio.sleep(1)
            assert announced(w) == [PREFIX]

    run(main())


def test_a_balancer_added_to_an_announced_vip_takes_no_route_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())) as w:
            await asyncio.sleep(1.5)
            slow = web(WEB443, check=TcpCheck(interval=1.0, timeout=1.0, rise=5))
            await w.reload(config(web(), slow))
            await asyncio.sleep(10)
            assert announced(w) == [PREFIX]
        assert len(events_of(tmp_path, RouteWithdrawn)) == 1, "at the end"

    run(main())


def test_each_step_names_the_one_that_caused_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(web())):
            await asyncio.sleep(1.5)
        records = {record.seq: record for record in journal_of(tmp_path)}
        (first,) = [record for record in records.values() if isinstance(record.event, RouteAnnounced)]
        assert first.cause is not None
        decided = records[first.cause]
        assert isinstance(decided.event, RoutesDecided)
        assert decided.cause is not None
        assert type(records[decided.cause].event).__name__ == "BalancerDecided"
        applied = [record.seq for record in records.values() if isinstance(record.event, OperationsApplied)]
        assert any(seq < first.seq for seq in applied)

    run(main())
