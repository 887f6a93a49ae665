"""What comes of a reload, whatever reading the config comes to, and who is told what."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kglb.cli.event_log import EventLog
from kglb.cli.reloading import Reloader
from kglb.cli.service_manager import ServiceManager
from kglb.config.load import Loaded
from kglb.config.problems import ConfigError, Problem
from kglb.events import ConfigApplied, ConfigRejected
from kglb.model import Config
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
        self.reloader = Reloader(
            w.daemon, lambda: reads.pop(0)(), config=running, source="test", log=self.log, manager=self.manager
        )

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
    return Loaded(config=read, secrets={}, warnings=(), digest="digest")


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
