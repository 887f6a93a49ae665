"""What comes of a reload, whatever reading the config comes to, and who is told what."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kglb.cli.commanding import Commander
from kglb.cli.event_log import EventLog
from kglb.cli.reloading import Reloader
from kglb.cli.service_manager import ServiceManager
from kglb.config.load import Loaded
from kglb.config.problems import ConfigError, Problem
from kglb.events import ConfigApplied, ConfigRejected
from kglb.model import Config
from kglb.web.orders import Reloaded, ReloadOrder
from tests.actors.world import World, events_of, world
from tests.projections.builders import balancer, config

ONE = config(balancer())


class Manager(ServiceManager):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__("")
        self.told: list[str] = []

    def tell(self, **fields: object) -> None:
        self.told += fields


class Site:
    """A daemon that is reloaded, its log and its service manager. ``reads`` are what each reading does, in order."""

    def __init__(self, w: World, running: Config, reads: list[Callable[[], Loaded]]) -> None:
        self.manager = Manager()
        self.out = io.StringIO()
        self.log = EventLog(w.loop, stream=self.out)
        self.w = w

        def read() -> Loaded:
            return reads.pop(0)()

        self.reloader = Reloader(w.daemon, read, config=running, source="test", log=self.log, manager=self.manager)

    async def ready(self, times: int = 1) -> None:
        while self.manager.told.count("READY") < times:
            await asyncio.sleep(0.005)

    def lines(self) -> list[dict[str, str]]:
        self.log.close()
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@asynccontextmanager
async def site(directory: Path, running: Config, *reads: Callable[[], Loaded]) -> AsyncIterator[Site]:
    async with world(directory, running) as w:
        one = Site(w, running, list(reads))
        try:
            yield one
        finally:
            await one.reloader.close()
            one.log.close()


def good(read: Config) -> Loaded:
    return Loaded(config=read, secrets={}, cautions=(), digest="digest")


def bad(name: str) -> Loaded:
    raise ConfigError("test", (Problem("", None, f"{name} is bad"),))


def test_what_goes_wrong_within_a_reload_is_answered_recorded_and_logged(tmp_path: Path) -> None:
    def broken() -> Loaded:
        raise RecursionError("my secret is too deep")

    async def main() -> None:
        async with site(tmp_path, ONE, broken, lambda: good(ONE)) as s:
            s.w.recorder.scrub = lambda text: text.replace("my secret", "***")
            s.reloader.request()
            await s.ready()
            assert s.manager.told[:1] == ["RELOADING"]
            s.reloader.request()
            await s.ready(2)
            (said,) = [line for line in s.lines() if line["event"] == "reload failed"]
            assert "in broken" in said["traceback"]
            assert "my secret" not in str(said)
        (rejected,) = events_of(tmp_path, ConfigRejected)
        (error,) = rejected.errors
        assert error.startswith("the reload failed: RecursionError: *** is too deep")
        assert len(events_of(tmp_path, ConfigApplied)) == 2, "the next one is as any other"

    asyncio.run(main())


def test_who_orders_a_reload_while_another_one_runs_hears_of_his_own(tmp_path: Path) -> None:
    first_read, go_on = threading.Event(), threading.Event()

    def slowly() -> Loaded:
        first_read.set()
        go_on.wait(30)
        return bad("the first")

    async def main() -> None:
        async with site(tmp_path, ONE, slowly, lambda: bad("the second")) as s:
            commander = Commander(
                s.w.daemon, s.w.recorder, wall=s.w.parts.wall, reload=s.reloader.request, connections={}
            )
            first = asyncio.create_task(commander.carry_out(ReloadOrder(), "kim"))
            await asyncio.to_thread(first_read.wait, 30)
            others = [asyncio.create_task(commander.carry_out(ReloadOrder(), "jo")) for _ in range(2)]
            await asyncio.sleep(0.01)
            go_on.set()
            answers = [await one for one in (first, *others)]
            assert [one.lines for one in answers if isinstance(one, Reloaded)] == [
                ("test: the first is bad",),
                ("test: the second is bad",),
                ("test: the second is bad",),
            ]
        assert len(events_of(tmp_path, ConfigRejected)) == 2

    asyncio.run(main())
