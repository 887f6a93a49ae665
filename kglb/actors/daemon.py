"""The life of the daemon: what is recorded in which order at the start, and how everything is let go at the end."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from pykka import ActorRef, ActorRegistry

from journal import Origin
from kglb import __version__
from kglb.actors.adoption import read_claimed, read_owned
from kglb.actors.parts import Parts
from kglb.actors.recorder import Fact
from kglb.actors.supervisor import Reject, Reload, Stop, Supervisor
from kglb.decisions import VERSION, unaccounted
from kglb.events import ConfigApplied, DaemonStarted
from kglb.model import Config, Route, SecretRef


def boot_id() -> str:
    """This boot's id, by which we know whether the kernel's state can be what the journal says."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Daemon:
    """A running daemon: ``finished`` is done once everything has stopped, True if the machine is as it should be."""

    def __init__(self, parts: Parts, supervisor: ActorRef[Supervisor], finished: "asyncio.Future[bool]") -> None:
        self._parts = parts
        self._supervisor = supervisor
        self.finished = finished

    def stop(self, stop: Stop) -> None:
        """Begin to stop. Asking again changes nothing."""
        self._tell(stop)

    async def reload(
        self, config: Config, *, digest: str, source: str, secrets: Mapping[SecretRef, str], read_at: float = 0.0
    ) -> "asyncio.Future[Fact]":
        """Put another config in force. The result is done once that is recorded, never if the daemon stops before.

        ``read_at`` is when the reading of it began, by the journal's monotonic clock; 0 if not known. Raises OSError
        where the machine cannot be read.
        """
        plane = self._parts.recorder.state.data_plane
        desired = tuple(plane.desired.services)  # the worker is another thread
        found = await self._parts.worker.call(read_claimed, self._parts.machine, config, plane.actual, desired)
        before = self._parts.secrets
        renewed = frozenset(ref for ref, value in secrets.items() if before.get(ref) != value)
        self._parts.use_secrets(secrets)
        recorded = self.finished.get_loop().create_future()
        self._tell(Reload(config, digest, source, recorded, read_at, found, renewed))
        return recorded

    def scrub(self, text: str) -> str:
        """The text without the secrets that are in use."""
        return self._parts.recorder.scrub(text)

    def reject(self, source: str, errors: tuple[str, ...], *, read_at: float = 0.0) -> "asyncio.Future[Fact]":
        """Record that a config was refused; the one in force stays. The result is as that of ``reload``."""
        recorded = self.finished.get_loop().create_future()
        self._tell(Reject(source, errors, recorded, read_at))
        return recorded

    def _tell(self, command: object) -> None:
        if self._supervisor.is_alive():
            self._supervisor.tell(command)

    async def close(self, timeout: float) -> list[str]:
        """Let go of everything; the names of the actors that did not stop, which would be a bug."""
        if self._supervisor.is_alive():
            self._supervisor.stop(block=False)
        leftovers = await _actors_gone(timeout)
        await self._parts.prober.close()
        await self._parts.vigil.close()
        await self._parts.routes.close()
        with suppress(TimeoutError):  # a kernel that hangs keeps its sockets
            await asyncio.wait_for(self._parts.worker.call(self._parts.machine.close), timeout)
        await self._parts.worker.close(0.0)
        return leftovers


async def _actors_gone(timeout: float) -> list[str]:
    for _ in range(max(1, int(timeout / 0.01))):
        if not ActorRegistry.get_all():
            return []
        await asyncio.sleep(0.01)
    return [str(ref) for ref in ActorRegistry.get_all()]


def this_machine() -> Origin:
    """This software on this machine in this boot."""
    return Origin(host=socket.gethostname(), boot_id=boot_id(), software=__version__)


async def start(
    parts: Parts, config: Config, *, digest: str, source: str, pid: int, origin: Origin | None = None
) -> Daemon:
    """Record the start, adopt what the machine holds of ours, put the config in force, start the actors.

    ``origin`` is this machine unless another is given. Raises OSError where the machine cannot be read.
    """
    origin = origin or this_machine()
    recorder = parts.recorder
    started = recorder.record(
        DaemonStarted(
            software=origin.software,
            decisions=VERSION,
            host=origin.host,
            boot_id=origin.boot_id,
            pid=pid,
        )
    )
    fleet, known = recorder.state.fleet, recorder.state.data_plane
    unfinished = recorder.left_open_in == origin.boot_id
    adopted = await parts.worker.call(read_owned, parts.machine, config, known.actual, known.desired, unfinished)
    routes = await _announced(parts)
    news = unaccounted(adopted.entries, known.actual.destinations, known.desired.destinations, fleet.real)
    recorder.record(replace(adopted, routes=routes, unaccounted=news), cause=started)
    parts.foreign = adopted.foreign
    parts.confirmed = parts.now()
    forgotten = recorder.state.fleet.unconfigured_names(config)
    applied = ConfigApplied(digest=digest, source=source, config=config, forgotten_names=forgotten)
    recorder.record(applied, cause=started)
    finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    supervisor = Supervisor.start(parts, config, finished)
    return Daemon(parts, supervisor, finished)


async def _announced(parts: Parts) -> tuple[Route, ...]:
    """The routes that are announced for us already; an engine that does not answer holds up no start."""
    try:
        return await parts.routes.announced()
    except OSError as error:
        parts.say("routes cannot be read", error=str(error))
        return ()
