"""What comes of orders, in a world under virtual time."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kglb.actors.recorder import Fact
from kglb.cli.commanding import Commander
from kglb.events import RealDrained, RealRestored
from kglb.model import Config
from kglb.replay.times import read_record_time
from kglb.web.orders import (
    Done,
    DrainOrder,
    Drains,
    DrainsOrder,
    JournalOrder,
    JournalStanding,
    Refused,
    Reloaded,
    ReloadOrder,
    RestoreOrder,
    StopOrder,
    Stopped,
)
from tests.actors.virtual import run
from tests.actors.world import UnsyncedFiles, World, events_of, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

A = real_id(0)
DRAIN = DrainOrder(real=A, balancer="web", seconds=60.0)
BOTH = config(balancer(), balancer(DNS, name="dns"))


class SmallDisk(UnsyncedFiles):
    """Takes nothing while it is ``full``."""

    full = False

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, chunk)


@asynccontextmanager
async def commanding(
    directory: Path,
    running: Config = BOTH,
    reload: Callable[[World], asyncio.Future[Fact]] = lambda w: w.loop.create_future(),
    **more: Any,
) -> AsyncIterator[tuple[World, Commander]]:
    async with world(directory, running, **more) as w:
        await asyncio.sleep(1.5)
        yield (
            w,
            Commander(w.daemon, w.recorder, wall=w.parts.wall, reload=lambda: reload(w), connections=w.parts.draining),
        )


def test_what_is_not_on_the_disk_is_done_and_said_not_to_be(tmp_path: Path) -> None:
    async def never(seq: int, timeout: float) -> bool:
        await asyncio.sleep(timeout)
        return False

    async def main() -> None:
        async with commanding(tmp_path) as (w, commander):
            w.recorder.synced = never  # type: ignore[method-assign]
            answer = await commander.carry_out(DRAIN, "kim")
            assert isinstance(answer, Done)
            assert not answer.on_disk
            assert w.weights(WEB)[A] == 0

    run(main())


def test_a_term_begins_when_the_order_is_given(tmp_path: Path) -> None:
    async def main() -> None:
        async with commanding(tmp_path) as (w, commander):
            now = w.parts.wall()
            await commander.carry_out(DRAIN, "kim")
            assert events_of(tmp_path, RealDrained)[0].until == now + 60.0

    run(main())


def test_how_far_a_drain_is_can_be_asked_until_the_last_connection_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with commanding(tmp_path) as (w, commander):
            asked = DrainsOrder(real=A, balancer="web")
            assert await commander.carry_out(asked, "kim") == Drains(reals=())
            w.machine.connections[WEB, A] = (2, 5)
            await commander.carry_out(DRAIN, "kim")
            await asyncio.sleep(2)
            answer = await commander.carry_out(asked, "kim")
            assert isinstance(answer, Drains)
            assert [(one.real, one.connections, one.finished) for one in answer.reals] == [(A, 2, 0)]
            del w.machine.connections[WEB, A]
            await asyncio.sleep(2)
            answer = await commander.carry_out(asked, "kim")
            assert isinstance(answer, Drains)
            assert [(one.connections, one.finished > one.seq) for one in answer.reals] == [(0, True)]

    run(main())


def test_how_the_journal_does_can_be_asked(tmp_path: Path) -> None:
    async def main() -> None:
        disk = SmallDisk()
        async with commanding(tmp_path, files=disk) as (w, commander):
            asked = JournalOrder()
            assert await commander.carry_out(asked, "kim") == JournalStanding(degraded="", since="", unwritten=0)
            disk.full = True
            first = await commander.carry_out(DRAIN, "kim")
            assert isinstance(first, Done)
            answer = await commander.carry_out(asked, "kim")
            assert isinstance(answer, JournalStanding)
            assert "No space left on device" in answer.degraded
            assert read_record_time(answer.since).timestamp() == pytest.approx(w.parts.wall(), abs=5)
            assert answer.unwritten == w.recorder.state.seq - first.reals[0].seq + 1
            disk.full = False
            await asyncio.sleep(60)
            assert await commander.carry_out(asked, "kim") == JournalStanding(degraded="", since="", unwritten=0)

    run(main())


def test_only_what_was_ordered_is_ended(tmp_path: Path) -> None:
    async def main() -> None:
        async with commanding(tmp_path) as (_, commander):
            await commander.carry_out(DRAIN, "kim")
            answer = await commander.carry_out(RestoreOrder(real="10.0.0.1"), "kim")
            assert isinstance(answer, Done)
            assert [one.service for one in answer.reals] == [WEB]
        assert [event.ended for event in events_of(tmp_path, RealRestored)] == [("drain",)]

    run(main())


def test_what_has_left_the_config_cannot_be_drained(tmp_path: Path) -> None:
    async def main() -> None:
        patient = balancer(drain_on_remove=600.0)
        async with commanding(tmp_path, config(patient)) as (w, commander):
            w.machine.connections[WEB, real_id(1)] = (1, 0)
            await w.reload(config(balancer(reals=1, drain_on_remove=600.0)))
            await asyncio.sleep(1)
            answer = await commander.carry_out(DrainOrder(real=real_id(1)), "kim")
            assert answer == Refused(
                why="no",
                problem=f"{real_id(1)} has left the config and drains already",
                remedy="status and replay list the reals there are",
            )

    run(main())


def test_a_reload_is_answered_with_what_came_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        def refuse(w: World) -> asyncio.Future[Fact]:
            return w.daemon.reject("web.toml", ("line 1: no",))

        async with commanding(tmp_path, reload=refuse) as (_, commander):
            answer = await commander.carry_out(ReloadOrder(), "kim")
            assert isinstance(answer, Reloaded)
            assert (answer.applied, answer.source, answer.lines) == (False, "web.toml", ("line 1: no",))

    run(main())


def test_a_reload_of_which_nothing_comes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async def main() -> None:
        async with commanding(tmp_path) as (_, commander):
            answer = await commander.carry_out(ReloadOrder(), "kim")
            assert isinstance(answer, Refused)
            assert answer.why == "environment"

    run(main())


def test_stop_is_answered_at_the_end_and_what_comes_meanwhile_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with commanding(tmp_path) as (w, commander):
            stopping = asyncio.create_task(commander.carry_out(StopOrder(), "kim"))
            while not w.state.fleet.stopped:
                await asyncio.sleep(0)
            assert isinstance(await commander.carry_out(DRAIN, "kim"), Refused)
            assert await stopping == Stopped(clean=True)
            assert w.machine.services() == []
            await w.stop()

    run(main())
