"""SIGHUP: read the config again, all of it; put it in force if it is good, record why not if it is bad.

Reading takes a thread of its own: ten thousand reals are a quarter of a second. Signals and orders that come meanwhile
make one more reading, after this one, and what comes of that is their answer. Whatever goes wrong is answered: a
service manager waits for the end of a reload.
"""

import asyncio
import logging
import os
import time
import traceback
from collections.abc import Callable

import msgspec

from kglb.actors.daemon import Daemon
from kglb.actors.recorder import Fact
from kglb.cli.event_log import EventLog
from kglb.cli.privileges import needed
from kglb.cli.service_manager import ServiceManager
from kglb.config.load import Loaded
from kglb.config.problems import ConfigError
from kglb.dataplane.worker import Worker
from kglb.model import Config, JournalConfig

MOST_ERRORS = 100
"""Errors of one config that are recorded."""


class Reloader:
    """Reloads one daemon. ``read`` reads its config; raises ConfigError."""

    def __init__(
        self,
        daemon: Daemon,
        read: Callable[[], Loaded],
        *,
        config: Config,
        source: str,
        log: EventLog,
        manager: ServiceManager,
        given_up: frozenset[str] = frozenset(),
    ) -> None:
        self._daemon = daemon
        self._read = read
        self._config = config
        self._source = source
        self._log = log
        self._manager = manager
        self._given_up = given_up
        self._worker = Worker("config")
        self._task: asyncio.Task[None] | None = None
        self._next: asyncio.Future[Fact] | None = None  # what comes of the next reading
        self._read_at = 0.0  # when the last one began, by the journal's clock

    def request(self) -> "asyncio.Future[Fact]":
        """Reload, soon; the result is what comes of a reading that begins after this, and never done if the daemon
        stops before. It is shared: not to be cancelled.
        """
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._reload())
        return self._next

    async def _reload(self) -> None:
        self._manager.reloading()
        while self._next is not None:
            ordered, self._next = self._next, None
            self._read_at = time.monotonic()
            try:
                recorded = await self._reload_once()
            except Exception as error:
                recorded = self._fail(error)
            await asyncio.wait((recorded, self._daemon.finished), return_when=asyncio.FIRST_COMPLETED)
            if not recorded.done():
                return
            ordered.set_result(recorded.result())
        self._manager.tell(READY=1)

    async def _reload_once(self) -> "asyncio.Future[Fact]":
        try:
            loaded = await self._worker.call(self._read)
        except ConfigError as error:
            return self._reject(error.lines)
        if fixed := unchangeable(self._config, loaded.config):
            return self._reject(fixed)
        if lacking := sorted(needed(loaded.config) & self._given_up):
            return self._reject((f"it takes {', '.join(lacking)}, given up at the start: restart the daemon with it",))
        for warning in loaded.warnings:
            self._log.say("warning", text=warning)
        try:
            recorded = await self._daemon.reload(
                loaded.config,
                digest=loaded.digest,
                source=self._source,
                secrets=loaded.secrets,
                read_at=self._read_at,
            )
        except OSError as error:
            return self._reject((f"the machine cannot be read: {error}",))
        self._config = loaded.config
        return recorded

    def _fail(self, error: Exception) -> "asyncio.Future[Fact]":
        scrub = self._daemon.scrub
        trace = scrub("".join(traceback.format_exception(error)))
        self._log.say("reload failed", level=logging.ERROR, traceback=trace)
        said = scrub(f"{type(error).__name__}: {error}")
        return self._reject((f"the reload failed: {said}: probably a bug, see the daemon's log",))

    def _reject(self, errors: tuple[str, ...]) -> "asyncio.Future[Fact]":
        more = (f"and {len(errors) - MOST_ERRORS} more",) if len(errors) > MOST_ERRORS else ()
        return self._daemon.reject(self._source, (*errors[:MOST_ERRORS], *more), read_at=self._read_at)

    async def close(self) -> None:
        """Stop reloading."""
        if self._task is not None:
            self._task.cancel()
        await self._worker.close(0.1)


def unchangeable(before: Config, after: Config) -> tuple[str, ...]:
    """Which differences between two configs a reload cannot bring about."""
    restart = "cannot change by a reload; restart the daemon (SIGUSR2 leaves the kernel serving meanwhile)"
    return tuple(
        f"{name}: {restart}"
        for name, old, new in (
            ("journal", _placed(before.journal), _placed(after.journal)),
            ("status", before.status, after.status),
            ("control", before.control, after.control),
            ("bgp", before.bgp, after.bgp),
            ("data_plane.kind", before.data_plane.kind, after.data_plane.kind),
            ("data_plane.fwmark_base", before.data_plane.fwmark_base, after.data_plane.fwmark_base),
            ("data_plane.fwmark_count", before.data_plane.fwmark_count, after.data_plane.fwmark_count),
        )
        if old != new
    )


def same_journal(one: JournalConfig, other: JournalConfig) -> bool:
    """Whether two configs keep their journals in the same directory, however they spell it."""
    return _placed(one).directory == _placed(other).directory


def _placed(journal: JournalConfig) -> JournalConfig:
    return msgspec.structs.replace(journal, directory=os.path.realpath(journal.directory))
