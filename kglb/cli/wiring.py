"""The daemon, wired: journal, machine, prober, recorder, actors and status server on one loop, opened in an order in
which whatever is missing is noticed before anything is touched, and closed in the opposite one.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from journal import AppenderOptions, Degraded, Origin, Retention, open_journal
from kglb import __version__
from kglb.actors.daemon import Daemon, boot_id, start
from kglb.actors.parts import Parts
from kglb.actors.recorder import Recorder
from kglb.actors.recovery import recover
from kglb.actors.runtime import Scheduler
from kglb.actors.supervisor import Stop
from kglb.checks import Prober
from kglb.checks.resolve import resolve
from kglb.cli.event_log import EventLog
from kglb.config import Loaded
from kglb.dataplane import DataPlane, KernelDataPlane, MemoryDataPlane, Worker
from kglb.model import Config, SecretRef
from kglb.web import Status, StatusServer, Vitals

CLOSE_TIMEOUT = 5.0
"""Seconds that the journal, the kernel's thread and the actors may take to end."""

_REDACTED = "[secret]"


async def serve(loaded: Loaded, *, source: str, log_level: int) -> bool:
    """Run the daemon until a signal stops it; whether the machine is left as it should be.

    Raises Unavailable, Locked, JournalError, ListenError or OSError for what the environment lacks.
    """
    loop = asyncio.get_running_loop()
    config = loaded.config
    async with AsyncExitStack() as stack:
        log = EventLog(loop, level=log_level)
        stack.callback(log.close)
        scheduler = Scheduler(loop)
        worker = Worker("kernel")
        machine = await worker.call(_machine, config)
        recorder = _open_journal(config, scheduler, log, scrubber(loaded.secrets))
        stack.push_async_callback(_close_journal, recorder, log)
        log.speak_of(recorder.state)
        recorder.observe(log.fact)
        prober = Prober(loop=loop, clock=time.monotonic)
        parts = Parts(
            scheduler=scheduler,
            recorder=recorder,
            prober=prober,
            machine=machine,
            worker=worker,
            resolve=resolve,
            secrets=loaded.secrets,
            say=log.say,
        )
        status = Status(recorder.state, _vitals(parts, prober, log))
        recorder.observe(lambda fact: status.note(fact.event))
        if config.status.listen:
            server = StatusServer(status.routes())
            await server.start(config.status.listen)
            stack.push_async_callback(server.close)
        daemon = await start(parts, config, digest=loaded.digest, source=source, pid=os.getpid())
        parts.started = True
        _listen_to_signals(loop, daemon, config, log)
        log.say("running", balancers=len(config.balancers), pid=os.getpid())
        gc.collect()
        gc.freeze()
        clean = await daemon.finished
        for leftover in await daemon.close(CLOSE_TIMEOUT):
            log.say("actor did not stop: probably a bug", level=logging.ERROR, actor=leftover)
        if not clean:
            log.say("cleanup did not finish in time; see OperationFailed above", level=logging.ERROR)
        return clean


def scrubber(secrets: Mapping[SecretRef, str]) -> Callable[[str], str]:
    """What takes known secrets out of texts before they are recorded."""
    values = sorted({value for value in secrets.values() if value}, key=len, reverse=True)

    def scrub(text: str) -> str:
        for value in values:
            text = text.replace(value, _REDACTED)
        return text

    return scrub


def _vitals(parts: Parts, prober: Prober, log: EventLog) -> Callable[[], Vitals]:
    since = time.time()
    recorder = parts.recorder

    def vitals() -> Vitals:
        return Vitals(
            start_time=since,
            started=parts.started,
            probes=parts.probes,
            probes_in_flight=prober.in_flight,
            probe_lateness=prober.stats.lateness,
            restarts=parts.restarts,
            journal_degraded=recorder.degraded,
            journal_unwritten=recorder.unwritten,
            journal_unsynced=recorder.unsynced,
            foreign_services=parts.foreign,
            log_lines_dropped=log.dropped,
        )

    return vitals


def _machine(config: Config) -> DataPlane:
    return KernelDataPlane() if config.data_plane.kind == "ipvs" else MemoryDataPlane()


def _open_journal(
    config: Config, scheduler: Scheduler, log: EventLog, scrub: Callable[[str], str]
) -> Recorder:
    def on_state(degraded: Degraded | None) -> None:
        if degraded is None:
            log.say("journal recovered")
        else:
            log.say("journal degraded", level=logging.ERROR, reason=degraded.reason, since=degraded.since)

    opened = open_journal(Path(config.journal.directory))
    try:
        recorder = Recorder(recover(opened, log.say), scheduler, scrub)
        appender = opened.appender(
            Origin(host=socket.gethostname(), boot_id=boot_id(), software=__version__),
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


async def _close_journal(recorder: Recorder, log: EventLog) -> None:
    if not await recorder.close(CLOSE_TIMEOUT):
        log.say("not every record reached the disk", level=logging.ERROR)


def _listen_to_signals(
    loop: asyncio.AbstractEventLoop, daemon: Daemon, config: Config, log: EventLog
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        stop = Stop(reason=number.name, on_stop=config.data_plane.on_stop)
        loop.add_signal_handler(number, daemon.stop, stop)
    loop.add_signal_handler(signal.SIGUSR2, daemon.stop, Stop(reason="SIGUSR2", on_stop="leave"))
    loop.add_signal_handler(
        signal.SIGHUP, log.say, "SIGHUP: this version cannot reload; restart with SIGUSR2 instead"
    )
