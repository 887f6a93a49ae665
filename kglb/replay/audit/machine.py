"""Did the machine do only what was wanted, to what was ours?

An operation is planned for what is wanted then and recorded when it is done, so it must leave an entry as it was wanted
at some moment in between. What was wanted when the newest of the causes of an earlier operation was recorded, or later,
may still be under way; what was superseded before then may not. How operations were batched does not matter.
"""

from kglb.events import OperationFailed, OperationsApplied, Record, RouteAnnounced, RouteWithdrawn
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    AnnounceRoute,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
    WithdrawRoute,
)
from kglb.model.operations import describe, service_of
from kglb.projections import DataPlaneState, Dirty
from kglb.replay.audit.diverged import Diverged, wrong_cause

Key = tuple[str, ...]
"""An entry: ``("service", id)``, ``("real", id, real)``, ``("address", address)`` or ``("route", prefix)``."""

Wish = tuple[int, object]
"""What an entry should be (None: not there), and the record since which it is wanted."""


class MachineAudit:
    """Operations on the machine; ``wishes`` are kept only of entries that were not in step since.

    What was wanted before record ``since`` it does not know.
    """

    def __init__(self, state: DataPlaneState, since: int) -> None:
        self._state = state
        self._since = since
        self._wishes: dict[Key, list[Wish]] = {}
        self._planned = since
        self._routes_done = since
        self._refused: dict[str | None, int] = {}
        self._added: dict[str, int] = {}
        self._applier_crashed: int | None = None

    def applied(self, record: Record[OperationsApplied]) -> None:
        """Every operation was possible, wanted, and caused by what made it wanted."""
        cause, event = record.cause, record.event
        if not event.causes or len(event.causes) != len(event.operations):
            recorded = f"{len(event.causes)} causes of {len(event.operations)}"
            raise Diverged("operations", recorded=recorded, decided="a cause of each")
        if cause != max(event.causes):
            raise wrong_cause("operations", cause, str(max(event.causes)))
        for operation, because in zip(event.operations, event.causes, strict=True):
            if because > self._since:
                self._is_possible(operation)
                self._is_wanted(operation, because)
            self._state.actual.perform(operation)  # folding the record does all of them again, to the same end
        self._planned = max(self._planned, cause)

    def routed(self, record: Record[RouteAnnounced | RouteWithdrawn]) -> None:
        """The engine was told of a route that was wanted, or was not any more."""
        seq, cause, event = record.seq, record.cause, record.event
        operation = AnnounceRoute(event.route) if isinstance(event, RouteAnnounced) else WithdrawRoute(event.route)
        if cause is None or cause > self._since:
            self._is_wanted(operation, cause)
        self._routes_done = seq

    def failed(self, record: Record[OperationFailed]) -> None:
        """What was refused is tried again because of that."""
        seq, cause, event = record.seq, record.cause, record.event
        self._refused.setdefault(service_of(event.operation), seq)
        self._planned = max(self._planned, cause or 0)

    def applier_crashed(self, seq: int) -> None:
        """The next applier compares everything, for whatever was recorded last."""
        self._applier_crashed = seq

    def started(self) -> None:
        """Nothing is under way."""
        self._wishes.clear()
        self._refused.clear()
        self._added.clear()
        self._applier_crashed = None

    def note(self, dirty: Dirty) -> None:
        """These entries may not be in step from now on; already folded."""
        desired, actual = self._state.desired, self._state.actual
        for id, seq in dirty.services.items():
            self._wish(("service", id), seq, desired.services.get(id), actual.services.get(id))
        for id, reals in dirty.destinations.items():
            wanted, held = desired.destinations.get(id, {}), actual.destinations.get(id, {})
            for real, seq in reals.items():
                self._wish(("real", id, real), seq, wanted.get(real), held.get(real))
        for key, seq in dirty.addresses.items():
            address, there = desired.addresses.get(key), actual.addresses.get(key)
            self._wish(("address", key), seq, address and address[0], there and there[0])
        for prefix, seq in dirty.routes.items():
            self._wish(("route", prefix), seq, desired.routes.get(prefix), actual.routes.get(prefix))

    def _wish(self, key: Key, seq: int, wanted: object, held: object) -> None:
        """An entry is wanted so; forget what nobody can be about to do any more."""
        wishes = self._wishes.get(key)
        if wishes is None:
            if wanted != held:
                self._wishes[key] = [(seq, wanted)]
            return
        done = self._routes_done if key[0] == "route" else self._planned
        while len(wishes) > 1 and wishes[1][0] <= done:
            del wishes[0]
        wishes.append((seq, wanted))

    def _is_possible(self, operation: Operation) -> None:
        """An operation is about what is there, or is not, and ours."""
        actual = self._state.actual
        match operation:
            case AddService(service):
                possible = service.id not in actual.services
            case ChangeService(service):
                possible = service.id in actual.services
            case DeleteService(id):
                possible = id in actual.services
            case AddDestination(id, destination):
                possible = id in actual.services and destination.real not in actual.destinations[id]
            case ChangeDestination(id, destination):
                possible = destination.real in actual.destinations.get(id, {})
            case DeleteDestination(id, real):
                possible = real in actual.destinations.get(id, {})
            case AddAddress(address):
                possible = str(address) not in actual.addresses
            case DeleteAddress(address):
                possible = actual.addresses.get(str(address), (None, False))[1]
            case _:
                possible = True
        if not possible:
            decided = "that it was there, or was not ours" if _adds(operation) else "that there was none of ours"
            raise Diverged(describe(operation), recorded="that it was done", decided=decided)

    def _is_wanted(self, operation: Operation, cause: int | None) -> None:
        key, left = _effect(operation)
        wishes = self._wishes.get(key, [])
        found = next((index for index, (_, wanted) in enumerate(wishes) if wanted == left), None)
        if found is None:
            known = " or ".join(dict.fromkeys(_text(wanted) for _, wanted in wishes)) or "as it was"
            raise Diverged(describe(operation), recorded="that it was done", decided=f"that it was wanted {known}")
        if not self._is_cause(key, operation, cause, wishes):
            raise wrong_cause(describe(operation), cause, " or ".join(str(seq) for seq, _ in wishes[-3:]))
        if found == len(wishes) - 1:
            del self._wishes[key]
        else:
            del wishes[:found]
        self._remember_service(operation, cause)

    def _is_cause(self, key: Key, operation: Operation, cause: int | None, wishes: list[Wish]) -> bool:
        if cause is None:
            return False
        if any(seq == cause for seq, _ in wishes) or cause == self._added.get(key[1]):
            return True
        if any(seq == cause for seq, _ in self._wishes.get(("service", key[1]), ())):
            return True
        if key[0] == "route" and cause == self._routes_done:
            return True  # another thing was wanted once the engine had answered
        again = (self._refused.get(service_of(operation)), self._applier_crashed)
        return any(seq is not None and cause >= seq for seq in again)

    def _remember_service(self, operation: Operation, cause: int | None) -> None:
        """A service's destinations may come later than itself, for the same cause; none outlives it."""
        if isinstance(operation, AddService) and cause is not None:
            self._added[operation.service.id] = cause
        elif isinstance(operation, DeleteService):
            self._added.pop(operation.id, None)


def _effect(operation: Operation) -> tuple[Key, object]:
    """What an operation is about, and what it leaves there."""
    match operation:
        case AddService(service) | ChangeService(service):
            return ("service", service.id), service
        case DeleteService(id):
            return ("service", id), None
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return ("real", id, destination.real), destination
        case DeleteDestination(id, real):
            return ("real", id, real), None
        case AddAddress(address):
            return ("address", str(address)), address
        case DeleteAddress(address):
            return ("address", str(address)), None
        case AnnounceRoute(route):
            return ("route", route.prefix), route
        case WithdrawRoute(route):
            return ("route", route.prefix), None


def _adds(operation: Operation) -> bool:
    return isinstance(operation, AddService | AddDestination | AddAddress)


def _text(wanted: object) -> str:
    return "not at all" if wanted is None else f"as {wanted}"
