"""Routes from health to the BGP engine: when they come, and when they go. In virtual time."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import OperationFailed, OperationsApplied, RouteAnnounced, RoutesDecided, RouteWithdrawn
from kglb.model import Address, Service, ServiceId, TcpCheck
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.routes import CHECK, PREFIX, WEB443, announced, config, timed, web
from tests.actors.virtual import run
from tests.actors.world import REFUSED, events_of, journal_of, world
from tests.projections.builders import VIP, WEB, balancer, real, real_id
from tests.projections.builders import config as plain_config
from tests.replay import tampering

A, B = real_id(0), real_id(1)


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
