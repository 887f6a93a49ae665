"""Routes when something breaks: the daemon, its actors, the BGP engine. In virtual time."""

import asyncio
from pathlib import Path

from kglb.actors.applier import Applier
from kglb.actors.router import Router
from kglb.dataplane.port import Failure
from kglb.dataplane.route_engine import MemoryRoutes
from kglb.events import ActorCrashed, DriftFound, OperationFailed, RoutesDecided
from tests.actors.routes import PREFIX, announced, config, timed, web
from tests.actors.virtual import run
from tests.actors.world import World, actor_of, events_of, journal_of, world
from tests.projections.builders import real_id

A, B = real_id(0), real_id(1)


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
