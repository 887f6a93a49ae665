"""What happened to the kernel and to routes, in words."""

import errno

from kglb.events import (
    Adopted,
    DriftFound,
    EntryContested,
    OperationFailed,
    OperationsApplied,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
)
from kglb.model import Operation, RouteOperation, ServiceId
from kglb.model.operations import describe
from kglb.replay.about import subject_of
from kglb.replay.words import listed, plural


def routes_decided(event: RoutesDecided, _: object) -> str:
    """Which routes are to be announced, and which no more."""
    parts = []
    if event.announce:
        parts.append(f"to be announced: {listed(route.prefix for route in event.announce)}")
    if event.withdraw:
        parts.append(f"not to be announced any more: {listed(event.withdraw)}")
    return "; ".join(parts)


def route_announced(event: RouteAnnounced, _: object) -> str:
    """A route is announced."""
    return f"{event.route} is announced, next hop {event.route.next_hop}"


def route_withdrawn(event: RouteWithdrawn, _: object) -> str:
    """A route is withdrawn."""
    return f"{event.route} is withdrawn; what it led to stays for {event.route.hold_time:g} s"


def adopted(event: Adopted, _: object) -> str:
    """What was found at the start."""
    destinations = sum(len(entry.destinations) for entry in event.entries)
    addresses = plural(len(event.addresses) + len(event.foreign_addresses), "address")
    ours = f"{plural(len(event.entries), 'service')} with {plural(destinations, 'destination')}, {addresses}"
    if event.routes:
        ours += f"; announced {listed(route.prefix for route in event.routes)}"
    found = f"found in the kernel: {ours}; {plural(event.foreign, 'foreign service')} left alone"
    if event.unaccounted:
        reals = listed(f"{one.real} in {one.service}" for one in event.unaccounted)
        found += f"; up until checks say otherwise, as the journal does not say why they have a weight: {reals}"
    return found


def operations_applied(event: OperationsApplied, _: object) -> str:
    """What the kernel has done."""
    steps = _steps(event.operations, subject_of(event))
    return f"the kernel has done ({event.microseconds / 1000:.1f} ms): {steps}"


def operation_failed(event: OperationFailed, _: object) -> str:
    """What was refused, and by whom."""
    name = errno.errorcode.get(event.errno, f"errno {event.errno}")
    step = _steps((event.operation,), subject_of(event))
    who = "ExaBGP" if isinstance(event.operation, RouteOperation) else "the kernel"
    return f"{who} refused: {step}: {event.error} ({name})"


def drift_found(event: DriftFound, _: object) -> str:
    """What a stranger did."""
    where = "routes" if all(isinstance(change, RouteOperation) for change in event.changes) else "kernel"
    return f"somebody else changed the {where}: {_steps(event.changes, subject_of(event))}"


def entry_contested(event: EntryContested, _: object) -> str:
    """What a stranger does again and again."""
    step = _steps((event.operation,), subject_of(event))
    when = f"in {event.hold:g} s" if event.hold else "at once"
    return f"somebody else did this {event.drifts} times: {step}; is another controller at work? It is put right {when}"


def _steps(operations: tuple[Operation, ...], subject: ServiceId | None) -> str:
    return listed(describe(operation).removeprefix(f"{subject}: ") for operation in operations)
