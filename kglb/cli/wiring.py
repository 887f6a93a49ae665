"""The daemon, wired: journal, machine, prober, recorder, actors and status server on one loop, opened in an order in
which whatever is missing is noticed before anything is touched, and closed in the opposite one.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from journal import AppenderOptions, Degraded, JournalRepaired, Retention, open_journal
from kglb.actors.daemon import Daemon, start, this_machine
from kglb.actors.parts import Listen, Parts, unheard
from kglb.actors.recorder import Fact, Recorder
from kglb.actors.recovery import recover
from kglb.actors.runtime import Scheduler
from kglb.actors.supervisor import Stop
from kglb.checks.prober import Prober
from kglb.checks.resolve import resolve
from kglb.checks.vigil import Vigil
from kglb.cli.commanding import Commander
from kglb.cli.disk_space import DiskSpace
from kglb.cli.event_log import EventLog, LogFormat
from kglb.cli.narrator import StateNarrator
from kglb.cli.output import EXIT_ENVIRONMENT, Failed
from kglb.cli.past import recorded_before
from kglb.cli.reloading import Reloader
from kglb.cli.service_manager import Heartbeat, ServiceManager, manager_of_this_process
from kglb.cli.settling import settle
from kglb.cli.stuck_loop import StuckLoop
from kglb.cli.summary import progresses, summary
from kglb.cli.timed_files import TimedFiles
from kglb.config.load import Loaded
from kglb.dataplane.port import DataPlane
from kglb.dataplane.route_engine import MemoryRoutes, RouteEngine
from kglb.dataplane.worker import Worker
from kglb.events import DaemonStopping
from kglb.model import Config, ControlConfig
from kglb.model.histogram import Histogram
from kglb.web.board import Board
from kglb.web.control import ControlError, ControlServer
from kglb.web.doubts import Doubts
from kglb.web.hosts import acceptance
from kglb.web.loop_lag import LoopLag
from kglb.web.server import StatusServer
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from kglb.web.vitals import Vitals

CLOSE_TIMEOUT = 5.0
"""Seconds that the journal, the kernel's thread and the actors may take to end."""


async def serve(
    loaded: Loaded,
    read: Callable[[], Loaded],
    *,
    source: str,
    log_level: int,
    log_format: LogFormat = "auto",
    given_up: frozenset[str] = frozenset(),
) -> bool:
    """Run the daemon until a signal stops it; whether the machine is left as it should be. ``read`` reloads a config,
    which may not need the capabilities that were ``given_up``.

    Raises Unavailable, Locked, JournalError, ListenError or OSError for what the environment lacks.
    """
    loop = asyncio.get_running_loop()
    config = loaded.config
    async with AsyncExitStack() as stack:
        log = EventLog(loop, level=log_level, look=log_format)
        stack.callback(log.close)
        manager = manager_of_this_process()
        stack.callback(manager.close)
        scheduler = Scheduler(loop)
        worker = Worker("kernel")
        files_of_targets = Worker("targets")
        stack.push_async_callback(files_of_targets.close, CLOSE_TIMEOUT)
        machine = await worker.call(_machine, config)
        files = TimedFiles()
        recorder = _open_journal(config, files, scheduler, log)
        stack.push_async_callback(_close_journal, recorder, log)
        narrator = StateNarrator(recorder.state)
        log.speak_with(narrator)
        recorder.observe(log.fact)
        recorder.observe(lambda fact: _say_stopping(manager, fact))
        vigil = Vigil(loop=loop, clock=time.monotonic)
        prober = Prober(loop=loop, clock=time.monotonic, held=vigil.__len__, turn=scheduler.turn)
        doubts = Doubts(recorder.state.data_plane)
        recorder.observe(lambda fact: doubts.note(fact.event))
        parts = Parts(
            scheduler=scheduler,
            recorder=recorder,
            prober=prober,
            vigil=vigil,
            machine=machine,
            worker=worker,
            resolve=resolve,
            files=files_of_targets,
            routes=_routes(config),
            say=log.say,
            on_address_loss=_address_news(config, loop, stack),
            on_doubt=doubts.heard_by,
        )
        parts.use_secrets(loaded.secrets)
        stack.callback(StuckLoop().close)
        traffic = TrafficReader(worker, machine, doubts)
        vitals = _vitals(
            parts, prober, vigil, log, syncs=files.syncs, journal=Path(config.journal.directory), stack=stack
        )
        status = Status(recorder.state, vitals, traffic.read)
        recorder.observe(lambda fact: status.note(fact.event))
        if config.status.listen:
            await _show(config, recorder, status, narrator, stack)
        daemon = await start(parts, config, digest=loaded.digest, source=source, pid=os.getpid())
        parts.started = True
        heartbeat = Heartbeat(
            manager, lambda: summary(recorder.state, status.complaints()), lambda: progresses(vitals())
        )
        stack.callback(heartbeat.close)
        reloader = Reloader(daemon, read, config=config, source=source, log=log, manager=manager, given_up=given_up)
        stack.push_async_callback(reloader.close)
        _listen_to_signals(loop, daemon, reloader)
        if config.control.socket:
            commander = Commander(
                daemon, recorder, wall=parts.wall, reload=reloader.request, connections=parts.draining
            )
            control = ControlServer(commander)
            stack.push_async_callback(control.close)
            await _take_orders(control, config.control, log)
        log.say("running", balancers=len(config.balancers), pid=os.getpid())
        settle()
        clean = await daemon.finished
        for leftover in await daemon.close(CLOSE_TIMEOUT):
            log.say("actor did not stop: probably a bug", level=logging.ERROR, actor=leftover)
        return clean


async def _show(
    config: Config, recorder: Recorder, status: Status, narrator: StateNarrator, stack: AsyncExitStack
) -> None:
    board = Board(recorder.state, status, narrator, host=socket.gethostname())
    board.recall(recorded_before(Path(config.journal.directory)))
    recorder.observe(lambda fact: board.note(*fact))
    accepts = acceptance(config.status, socket.gethostname())
    server = StatusServer({**status.routes(), **board.routes()}, board.streams(), accepts=accepts)
    await server.start(config.status.listen)
    stack.push_async_callback(server.close)


async def _take_orders(server: ControlServer, config: ControlConfig, log: EventLog) -> None:
    """Listen for orders; a daemon that cannot be steered balances all the same."""
    try:
        await server.start(config.socket, config.group)
    except ControlError as error:
        log.say("no control socket", level=logging.WARNING, problem=error.problem, remedy=error.remedy)


def _vitals(
    parts: Parts,
    prober: Prober,
    vigil: Vigil,
    log: EventLog,
    *,
    syncs: Histogram,
    journal: Path,
    stack: AsyncExitStack,
) -> Callable[[], Vitals]:
    since = time.time()
    recorder = parts.recorder
    lag = LoopLag()
    stack.callback(lag.close)
    space = DiskSpace(journal)
    stack.push_async_callback(space.close)

    def vitals() -> Vitals:
        return Vitals(
            start_time=since,
            started=parts.started,
            probes=parts.probes,
            probes_in_flight=prober.in_flight,
            probe_lateness=prober.stats.lateness,
            idle_connections=len(vigil),
            journal_degraded=recorder.degraded,
            journal_unwritten=recorder.unwritten,
            journal_unsynced=recorder.unsynced,
            journal_disk_free=space.free,
            journal_disk_size=space.size,
            foreign_services=parts.foreign,
            log_lines_dropped=log.dropped,
            checked=parts.checked,
            sources=parts.sources,
            probe_durations=parts.probe_durations,
            reactions=parts.reactions.histogram,
            syncs=syncs,
            loop_lag=lag.histogram,
            machine_silent=_since(parts.worker.busy_since, parts.now()),
            probes_silent=_since(parts.probes_stalled, parts.now()),
            contested={entry: contest.drifts for entry, contest in parts.contests.items() if contest.is_contested},
            now=parts.now(),
            confirmed=parts.confirmed,
        )

    return vitals


def _since(when: float | None, now: float) -> float:
    return 0.0 if when is None else max(0.0, now - when)


def _say_stopping(manager: ServiceManager, fact: Fact) -> None:
    if isinstance(fact.event, DaemonStopping):
        manager.tell(STOPPING=1)


def _address_news(config: Config, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack) -> Listen:
    if config.data_plane.kind != "ipvs":
        return unheard
    from kglb.dataplane.address_news import AddressNews  # noqa: PLC0415

    news = AddressNews(loop)
    stack.callback(news.close)
    return news.on_loss


def _machine(config: Config) -> DataPlane:
    """Only what the config takes is imported, here and below."""
    if config.data_plane.kind != "ipvs":
        from kglb.dataplane.memory import MemoryDataPlane  # noqa: PLC0415

        return MemoryDataPlane()
    from kglb.dataplane.kernel import KernelDataPlane  # noqa: PLC0415

    return KernelDataPlane()


def _routes(config: Config) -> RouteEngine:
    if config.data_plane.kind != "ipvs" or config.bgp.engine != "exabgp":
        return MemoryRoutes()
    from kglb.dataplane.exabgp import ExaBgpRoutes  # noqa: PLC0415

    return ExaBgpRoutes(config.bgp.socket)


def _open_journal(config: Config, files: TimedFiles, scheduler: Scheduler, log: EventLog) -> Recorder:
    def on_state(degraded: Degraded | None) -> None:
        if degraded is None:
            log.say("journal recovered")
        else:
            log.say("journal degraded", level=logging.ERROR, reason=degraded.reason, since=degraded.since)

    directory = Path(config.journal.directory)
    try:
        opened = open_journal(directory, files)
    except OSError as error:
        problem = f"{error.filename or directory}: {error.strerror}"
        remedy = f"journal.directory is {directory}, in which this user must be able to write"
        raise Failed(EXIT_ENVIRONMENT, problem, remedy) from None
    try:
        recorder = Recorder(recover(opened), scheduler, left_open_in=opened.left_open_in)
        for repair in opened.repairs:
            _say_set_aside(repair, directory, log)
        appender = opened.appender(
            this_machine(),
            recorder.checkpoint,
            AppenderOptions(
                on_state=on_state,
                retention=Retention(max_size=config.journal.max_size, max_age=config.journal.max_age),
            ),
        )
    except BaseException:
        opened.close()
        raise
    recorder.write_to(appender)
    return recorder


def _say_set_aside(repair: JournalRepaired, directory: Path, log: EventLog) -> None:
    log.say(
        "journal set aside",
        level=logging.WARNING,
        file=str(directory / repair.file),
        from_seq=repair.seq,
        bytes=repair.size,
        kept_as=str(directory / repair.kept_as),
        reason=repair.reason,
    )


async def _close_journal(recorder: Recorder, log: EventLog) -> None:
    if not await recorder.close(CLOSE_TIMEOUT):
        log.say("not every record reached the disk", level=logging.ERROR)


def _listen_to_signals(loop: asyncio.AbstractEventLoop, daemon: Daemon, reloader: Reloader) -> None:
    loop.add_signal_handler(signal.SIGTERM, daemon.stop, Stop(reason="SIGTERM"))
    loop.add_signal_handler(signal.SIGINT, daemon.stop, Stop(reason="SIGINT"))
    loop.add_signal_handler(signal.SIGUSR2, daemon.stop, Stop(reason="SIGUSR2", on_stop="leave"))
    loop.add_signal_handler(signal.SIGHUP, reloader.request)
