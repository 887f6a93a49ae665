"""What the machine has refused: it is recorded, and after a while read back and planned again.

Refusals are kept by service, those of addresses together: however much of one is refused, it is tried again once. The
next plan starts from what was read back, and so from what the machine really holds.
"""

from collections.abc import Sequence

from kglb.actors.applier_messages import Retry
from kglb.actors.backoff import Backoff
from kglb.actors.parts import Parts
from kglb.actors.reconciler import Reconciler
from kglb.actors.recorder import RecordingActor
from kglb.dataplane.port import Failure
from kglb.events import OperationFailed
from kglb.model import ServiceId, parse_service
from kglb.model.operations import service_of
from kglb.projections import DataPlaneState, Planned


class Refusals:
    """One per applier, whose timers it uses. It is true while it waits for something."""

    def __init__(self, owner: RecordingActor, parts: Parts, reconciler: Reconciler) -> None:
        self._owner = owner
        self._parts = parts
        self._reconciler = reconciler
        self._waits = Backoff(parts.now)
        self._waiting: set[ServiceId | None] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def _data_plane(self) -> DataPlaneState:
        return self._parts.recorder.state.data_plane

    def record(self, refused: Sequence[tuple[Planned, Failure]]) -> None:
        """Record what was refused, and have the applier told when it is to be tried again."""
        last: dict[ServiceId | None, int] = {}
        for step, failure in refused:
            failed = OperationFailed(operation=step.operation, errno=failure.errno, error=failure.error)
            last[service_of(step.operation)] = self._parts.recorder.record(failed, cause=step.cause)
        for service, cause in last.items():
            if service not in self._waiting:
                self._waiting.add(service)
                self._try_later(Retry(service, cause))

    def _try_later(self, retry: Retry) -> None:
        self._owner.after(self._waits.delay(retry.service), retry)

    async def try_again(self, retry: Retry) -> bool:
        """Read back what refused and have it planned again. False where it cannot be read yet: it goes on waiting."""
        try:
            await self._read_back(retry)
        except OSError as error:
            self._parts.say("reading back failed", error=str(error))
            self._try_later(retry)
            return False
        self._waiting.discard(retry.service)
        return True

    async def _read_back(self, retry: Retry) -> None:
        state = self._data_plane
        if retry.service is None:
            await self._reconciler.compare_addresses()
            for key in {**state.desired.addresses, **state.actual.addresses}:
                state.dirty.addresses[key] = retry.cause
        else:
            await self._reconciler.compare(retry.service)
            state.mark_service(retry.service, retry.cause)

    def missing(self) -> list[str]:
        """The addresses that the machine refuses to serve now: of services, and those that are on no interface."""
        state = self._data_plane
        services = [id for id in self._waiting if id is not None and id not in state.actual.services]
        hosts = [parse_service(id).address for id in services]
        if None in self._waiting:
            absent = state.desired.addresses_beyond(state.actual)
            hosts += [address.address.partition("/")[0] for address in absent]
        return [host for host in hosts if host]
