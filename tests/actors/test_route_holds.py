"""What waits for a route: deletions for its hold time, whatever ends meanwhile, and nothing else. In virtual time."""

import asyncio
from pathlib import Path

import pytest

from kglb.actors.applier import Applier
from kglb.actors.supervisor import Supervisor
from kglb.events import DaemonStarted, RouteAnnounced, RouteWithdrawn
from kglb.model import AddService, DeleteAddress, DeleteService, Route, ServiceId, WithdrawRoute
from kglb.projections import State
from tests.actors.routes import CHECK, PREFIX, WEB443, announced, config, timed, web
from tests.actors.virtual import run
from tests.actors.world import actor_of, world
from tests.projections.builders import VIP, WEB, balancer, real_id

A, B = real_id(0), real_id(1)


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
