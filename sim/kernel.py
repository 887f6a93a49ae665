"""The machine, which refuses, loses, answers late, is edited by strangers and reboots; and the thread that asks it.

It is the shipped fake with faults in front of it, so that what it refuses by itself it refuses as the kernel does.
"""

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.passage import Passage
from kglb.dataplane.port import Failure
from kglb.model import (
    AddAddress,
    Address,
    AddService,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from sim.agenda import Agenda
from sim.crash import CRASH
from sim.loop import ProcessLoop

T = TypeVar("T")

OURS = Passage(source="192.0.2.1")


class Watcher(Protocol):
    """Who is told what the daemon does to the machine."""

    def performing(self, operation: Operation) -> None:
        """The operation is about to be performed."""

    def performed(self, operation: Operation) -> None:
        """It has been."""

    def forgotten(self, operation: Operation) -> None:
        """It has been acknowledged and not performed."""


class SimKernel(MemoryDataPlane):
    """The faults are shares of what is asked: ``refuses``, ``loses_answers`` (ENOBUFS: done or not), ``forgets``
    (acknowledged, not done), ``fails`` (the call raises after a part of it), ``races`` (a dump skips an entry).
    ``delay`` is how long a call takes, in seconds; one begun before ``hangs_until`` ends then.
    """

    def __init__(self, random: Random, foreign: dict[Service, Sequence[Destination]]) -> None:
        super().__init__(foreign=foreign, passage=OURS)
        self.random = random
        self.refuses = self.loses_answers = self.forgets = self.fails = self.races = 0.0
        self.crashes = 0.0
        self.delay = 0.0002
        self.hangs_until = 0.0
        self._skipped = ""
        self._made: set[ServiceId] = set()
        self.watcher: Watcher | None = None

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        """Perform the operations; raises OSError after a part of them where the call fails."""
        if self._happens(self.crashes):
            super().apply(operations[: self.random.randrange(len(operations) + 1)])
            raise RuntimeError(CRASH)
        if self._happens(self.fails):
            super().apply(operations[: self.random.randrange(len(operations) + 1)])
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().apply(operations)

    def _perform(self, operation: Operation) -> int:
        if self._happens(self.refuses):
            return self.random.choice((errno.EPERM, errno.ENOMEM))
        lost = self._happens(self.loses_answers)
        if lost and self.random.random() < 0.5:
            return errno.ENOBUFS
        if self._happens(self.forgets):
            if self.watcher is not None:
                self.watcher.forgotten(operation)
            return 0
        if self.watcher is not None:
            self.watcher.performing(operation)
        number = super()._perform(operation)
        if not number:
            self._performed(operation)
        return errno.ENOBUFS if lost else number

    def _performed(self, operation: Operation) -> None:
        match operation:
            case AddService(service):
                self._made.add(service.id)
            case DeleteService(id):
                self._made.discard(id)
        if self.watcher is not None:
            self.watcher.performed(operation)

    def edit(self, operation: Operation) -> None:
        """A stranger does this, and leaves no mark; whether it takes place is the kernel's affair."""
        super()._perform(operation)
        if isinstance(operation, AddAddress):
            self._marked.discard(operation.address)

    def services(self) -> list[Service]:
        """All virtual services; raises OSError where the call fails."""
        self._may_fail()
        return super().services()

    def service(self, service_id: ServiceId) -> Service | None:
        """One virtual service; raises OSError where the call fails."""
        self._may_fail()
        return super().service(service_id)

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service, but for one that a dump may skip; raises OSError where the call fails."""
        self._may_fail()
        found = super().destinations(service_id)
        if found and self._happens(self.races):
            skipped = self.random.randrange(len(found))
            if found[skipped].real == self._skipped:  # twice in a row would be no different from a deletion
                self._skipped = ""
            else:
                self._skipped = found[skipped].real
                del found[skipped]
        return found

    def addresses(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface; raises OSError where the call fails."""
        self._may_fail()
        return super().addresses(interface)

    def marked(self, interface: str) -> frozenset[Address] | None:
        """Those of them that carry the daemon's mark; raises OSError where the call fails."""
        self._may_fail()
        return super().marked(interface)

    def held(self, service_id: ServiceId) -> dict[RealId, Destination]:
        """What really is there."""
        return dict(self._destinations.get(service_id, {}))

    def all_services(self) -> dict[ServiceId, Service]:
        """What really is there."""
        return dict(self._services)

    def ours(self) -> set[ServiceId]:
        """The services there that the daemon made."""
        return self._made & self._services.keys()

    def all_addresses(self) -> frozenset[Address]:
        """What really is there."""
        return frozenset(self._addresses)

    def reboot(self) -> None:
        """Everything that is not on a disk is gone."""
        self._services.clear()
        self._made.clear()
        self._destinations.clear()
        self._addresses = {address for address in self._addresses if address.address in ("127.0.0.1/8", "::1/128")}
        self._marked.clear()
        self._broadcasts.clear()
        self.connections.clear()

    def _happens(self, share: float) -> bool:
        return share > 0 and self.random.random() < share

    def _may_fail(self) -> None:
        if self._happens(self.fails):
            raise OSError(errno.EIO, os.strerror(errno.EIO))


class SimWorker:
    """The kernel's thread of one process: one call at a time, made at once when its turn has come, answered later."""

    def __init__(self, agenda: Agenda, loop: ProcessLoop, kernel: SimKernel) -> None:
        self._agenda = agenda
        self._loop = loop
        self._kernel = kernel
        self._waiting: deque[tuple[asyncio.Future[Any], Callable[[], object]]] = deque()
        self._busy = False
        self._closed = False
        self.busy_since: float | None = None

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function when its turn comes. See ``kglb.dataplane.worker.Caller``."""
        if self._closed:
            raise RuntimeError("the worker is closed")
        outcome: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((outcome, lambda: function(*arguments)))
        self._next()
        return await outcome

    def _next(self) -> None:
        if not self._busy and self._waiting:
            self._busy = True
            self.busy_since = self._agenda.now
            begins = max(self._agenda.now + self._kernel.delay * self._kernel.random.random(), self._kernel.hangs_until)
            self._agenda.at(begins, self._make)

    def _make(self) -> None:
        if not self._loop.alive:
            return
        outcome, make = self._waiting.popleft()
        if not outcome.done():
            try:
                result = make()
            except Exception as error:  # whatever it is belongs to the caller
                refusal = error
                self._agenda.after(self._kernel.delay, lambda: self._settle(outcome, outcome.set_exception, refusal))
            else:
                self._agenda.after(self._kernel.delay, lambda: self._settle(outcome, outcome.set_result, result))
        else:
            self._agenda.soon(self._free)

    def _settle(self, outcome: "asyncio.Future[Any]", settle: Callable[[Any], None], value: object) -> None:
        if self._loop.alive and not outcome.done():
            settle(value)
        self._free()

    def _free(self) -> None:
        self._busy = False
        self.busy_since = None
        self._next()

    async def close(self, timeout: float) -> bool:
        """Take no more calls; those still waited for end with TimeoutError if the kernel hangs for longer."""
        self._closed = True
        if self._kernel.hangs_until - self._agenda.now > timeout:
            for outcome, _ in self._waiting:
                if not outcome.done():
                    outcome.set_exception(TimeoutError("no answer"))
            return False
        return True
