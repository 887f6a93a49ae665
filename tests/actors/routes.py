"""Balancers that have their routes announced, and a machine and an engine that note when."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.dataplane.route_engine import MemoryRoutes
from kglb.model import Announce, Balancer, BgpConfig, Config, Operation, RouteOperation, ServiceId
from tests.actors.world import World, tcp
from tests.projections.builders import WEB, balancer
from tests.projections.builders import config as plain_config

WEB443 = ServiceId("tcp://192.168.100.10:443")
PREFIX = "192.168.100.10/32"
CHECK = tcp()


def config(*balancers: Balancer) -> Config:
    return replace(plain_config(*balancers), bgp=BgpConfig(engine="exabgp"))


def web(
    id: ServiceId = WEB,
    *,
    reals: int = 2,
    min_alive: float = 0.9,
    to_announce: float = 0.0,
    hold_time: float = 5.0,
    **more: object,
) -> Balancer:
    announce = Announce(min_alive=min_alive, min_alive_to_announce=to_announce, hold_time=hold_time)
    return balancer(id, reals, announce=announce, **{"check": CHECK, **more})  # type: ignore[arg-type]


class Timed:
    """Machine and engine that note when each operation came, in virtual time; ``delay`` is the engine's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float = 0.0) -> None:
        self.log: list[tuple[float, Operation]] = []
        self.machine = _Machine(self._note)
        self.routes = _Routes(self._note, delay)
        self._now = loop.time

    def _note(self, operation: Operation) -> None:
        self.log.append((self._now(), operation))

    def prepare(self, w: World) -> None:
        w.parts.routes = self.routes

    def times(self, kind: type[Operation]) -> list[float]:
        return [at for at, operation in self.log if isinstance(operation, kind)]

    def kinds(self) -> list[str]:
        return [type(operation).__name__ for _, operation in self.log]


class _Machine(MemoryDataPlane):
    def __init__(self, note: Callable[[Operation], None]) -> None:
        super().__init__()
        self._note = note

    def _perform(self, operation: Operation) -> int:
        self._note(operation)
        return super()._perform(operation)


class _Routes(MemoryRoutes):
    def __init__(self, note: Callable[[Operation], None], delay: float) -> None:
        super().__init__()
        self._note = note
        self.delay = delay

    async def perform(self, operation: RouteOperation) -> Failure | None:
        self._note(operation)
        await asyncio.sleep(self.delay)
        return await super().perform(operation)


def timed(delay: float = 0.0) -> Timed:
    return Timed(asyncio.get_running_loop(), delay)


def announced(w: World) -> list[str]:
    assert isinstance(w.parts.routes, MemoryRoutes)
    return list(w.parts.routes.routes)
