"""Which services and reals an event is about, and the part of it that concerns some of them. Pure."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from kglb.events import (
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    DriftFound,
    EntryContested,
    Event,
    HealthChanged,
    OperationFailed,
    OperationsApplied,
    PoolAnswered,
    RunsClosed,
    WarmthChanged,
)
from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteDestination,
    DeleteService,
    Operation,
    RealId,
    ServiceId,
)
from kglb.model.operations import service_of

_Operated = OperationsApplied | OperationFailed | DriftFound | EntryContested

Wanted = Callable[[ServiceId | None, RealId | None], bool]
"""Whether a service (None: none) and a real of it (None: the service as a whole) are of interest."""


def subject_of(event: Event) -> ServiceId | None:
    """The one service that an event is about, besides addresses; None if it is about none or several."""
    if isinstance(event, _Operated):
        services = {service_of(operation) for operation in _operations(event)} - {None}
        return services.pop() if len(services) == 1 else None
    service: ServiceId | None = getattr(event, "service", None)
    return service


def concerns(event: Event, wanted: Wanted) -> bool:
    """Whether an event is about any service and real that is wanted."""
    return any(wanted(service, real) for service, real in pairs(event))


def narrow(event: Event, wanted: Wanted) -> Event:
    """An event with only those of its many entries that are wanted."""
    match event:
        case BalancerDecided(service=service, weights=weights):
            return replace(event, weights={real: w for real, w in weights.items() if wanted(service, real)})
        case WarmthChanged(service=service, tenths=tenths):
            return replace(event, tenths={real: share for real, share in tenths.items() if wanted(service, real)})
        case OperationsApplied() | DriftFound():
            return only(event, lambda operation: wanted(*pair_of(operation)))
        case RunsClosed(runs=runs):
            return replace(event, runs=tuple(run for run in runs if wanted(run.service, run.real)))
        case Adopted(unaccounted=unaccounted):
            return replace(event, unaccounted=tuple(one for one in unaccounted if wanted(one.service, one.real)))
        case ChecksImpossible(service=service, reals=reals) | ChecksResumed(service=service, reals=reals):
            return replace(event, reals=tuple(real for real in reals if wanted(service, real)))
        case PoolAnswered(service=service, members=members, left=left, lacking=lacking):
            return replace(
                event,
                members=tuple(member for member in members if wanted(service, member.real)),
                left=tuple(real for real in left if wanted(service, real)),
                lacking=tuple(real for real in lacking if wanted(service, real)),
            )
        case _:
            return event


def only(event: Event, kept: Callable[[Operation], bool]) -> Event:
    """An event with only those of its operations, if it has several."""
    match event:
        case OperationsApplied():
            steps = [step for step in zip(event.operations, event.causes, strict=False) if kept(step[0])]
            operations, causes = tuple(step[0] for step in steps), tuple(step[1] for step in steps)
            return replace(event, operations=operations, causes=causes)
        case DriftFound(changes=changes):
            return replace(event, changes=tuple(change for change in changes if kept(change)))
        case _:
            return event


def pair_of(operation: Operation) -> tuple[ServiceId | None, RealId | None]:
    """The service and the real that an operation is about."""
    match operation:
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return id, destination.real
        case DeleteDestination(id, real):
            return id, real
        case AddService(service) | ChangeService(service):
            return service.id, None
        case DeleteService(id):
            return id, None
        case _:
            return None, None


def causes_named(event: Event) -> Iterable[int]:
    """The records that an event itself names as its causes, besides the one that its record names."""
    match event:
        case HealthChanged(run=run):
            return (run,)
        case BalancerDecided(causes=causes) | WarmthChanged(causes=causes):
            return causes.values()
        case OperationsApplied(causes=causes):
            return causes
        case _:
            return ()


def _operations(event: _Operated) -> tuple[Operation, ...]:
    match event:
        case OperationsApplied(operations=operations):
            return operations
        case OperationFailed(operation=operation) | EntryContested(operation=operation):
            return (operation,)
        case DriftFound(changes=changes):
            return changes


def pairs(event: Event) -> Iterable[tuple[ServiceId | None, RealId | None]]:
    """The services and reals that an event is about; a real of None is the service as a whole."""
    match event:
        case OperationsApplied() | OperationFailed() | DriftFound() | EntryContested():
            return map(pair_of, _operations(event))
        case BalancerDecided(service=service, weights=weights):
            return ((service, None), *((service, real) for real in weights))
        case WarmthChanged(service=service, tenths=tenths):
            return ((service, real) for real in tenths)
        case ChecksImpossible(service=service, reals=reals) | ChecksResumed(service=service, reals=reals):
            return ((service, real) for real in (None, *reals))
        case PoolAnswered(service=service, members=members, left=left, lacking=lacking):
            reals = (*(member.real for member in members), *left, *lacking)
            return ((service, real) for real in (None, *reals))
        case RunsClosed(runs=runs):
            return ((run.service, run.real) for run in runs)
        case Adopted(entries=entries):
            return (
                (entry.service.id, real)
                for entry in entries
                for real in (None, *(destination.real for destination in entry.destinations))
            )
        case _:
            return ((getattr(event, "service", None), getattr(event, "real", None)),)
