"""The data plane twice over: what the machine should hold, and what it is known to hold. And where they may differ.

``desired`` follows config, reals and decisions; ``actual`` follows what was adopted, applied and found. ``dirty`` is
kept at the grain of a single destination, so that one changed weight is planned in constant time.
"""

from collections.abc import Callable
from typing import Any, get_args

import msgspec

from kglb.events import (
    Adopted,
    BalancerDecided,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    EntryContested,
    Event,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OperationsApplied,
    RealAdded,
    RealRemoved,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    Steering,
)
from kglb.model import (
    AddAddress,
    AddService,
    Balancer,
    Config,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Route,
    ServiceId,
    Way,
)
from kglb.projections.fleet import FleetState
from kglb.projections.holding import Dirty, Holding
from kglb.projections.reals import RealState


class DataPlaneState(msgspec.Struct, kw_only=True):
    """Desired and actual state of the machine; ``dirty`` is not kept in checkpoints: a start compares everything.

    ``holds`` say of withdrawn routes, by prefix, until which second of the boot packets may still arrive.
    """

    desired: Holding = msgspec.field(default_factory=Holding)
    actual: Holding = msgspec.field(default_factory=Holding)
    holds: dict[str, float] = {}
    boot_id: str = ""
    dirty: Dirty = msgspec.field(default_factory=Dirty)

    def fold(self, seq: int, event: Event, fleet: FleetState) -> None:
        """Take one event in, after the fleet has."""
        if (step := _STEPS.get(type(event))) is not None:
            step(self, seq, event, fleet)

    def holds_mark(self, mark: int, way: Way) -> bool:
        """Whether the kernel is known to have the mark's service with this way as its only one."""
        service, destination = way.service(mark), way.destination
        held = self.actual.destinations.get(service.id)
        return self.actual.services.get(service.id) == service and held == {destination.real: destination}

    def take_dirty(self) -> Dirty:
        """What may differ since this was last asked."""
        dirty, self.dirty = self.dirty, Dirty()
        return dirty

    def mark_service(self, id: ServiceId, seq: int) -> None:
        """A service and all its destinations may differ."""
        self.dirty.services[id] = seq
        for holding in (self.desired, self.actual):
            for real in holding.destinations.get(id, {}):
                self.dirty.mark_destination(id, real, seq)

    def mark_drift(self, change: Operation, seq: int) -> None:
        """What a stranger did to an entry is to be put right."""
        match change:
            case AddService(service=service):
                self.mark_service(service.id, seq)
            case DeleteService(id=id):
                self.mark_service(id, seq)
            case _:
                self.dirty.mark_operation(change, seq)

    def mark_everything(self, seq: int) -> None:
        """Everything may differ."""
        for id in {**self.desired.services, **self.actual.services}:
            self.mark_service(id, seq)
        for key in {**self.desired.addresses, **self.actual.addresses}:
            self.dirty.addresses[key] = seq
        for prefix in {**self.desired.routes, **self.actual.routes}:
            self.dirty.routes[prefix] = seq


def _destination(config: Balancer, real: RealState) -> Destination | None:
    """What the kernel should have of a real; None if nothing."""
    if not real.weight and not _stays_at_zero(config, real):
        return None
    entry = real.entry
    return Destination(
        real=real.real, weight=real.weight or 0, forward=entry.forward, upper=entry.upper, lower=entry.lower
    )


def _stays_at_zero(config: Balancer, real: RealState) -> bool:
    """Whether a real of weight 0 is in the kernel all the same, so that its connections go on.

    Where reals that are down are removed, a real that is not meant to have a weight stays, and so does one that is
    out of rotation, or a backup that stands by; but of UDP these are removed too, because their flows never end.
    """
    if config.when_down == "quiesce" or not real.configured:
        return True
    if config.service.key.protocol == "udp":
        return real.up and real.in_rotation and not real.backup
    return real.up or not real.in_rotation


def _want(state: DataPlaneState, seq: int, config: Balancer, real: RealState) -> None:
    """Want of a real what its state says, which may be what is wanted already."""
    wanted, destinations = _destination(config, real), state.desired.destinations[config.id]
    if destinations.get(real.real) == wanted:
        return
    if wanted is None:
        del destinations[real.real]
    else:
        destinations[real.real] = wanted
    state.dirty.mark_destination(config.id, real.real, seq)


def _daemon_started(state: DataPlaneState, seq: int, event: DaemonStarted, fleet: FleetState) -> None:
    if not fleet.balancers:
        state.desired = Holding()
    if event.boot_id != state.boot_id:
        state.actual = Holding()
        state.holds = {}
    state.boot_id = event.boot_id


def _daemon_stopping(state: DataPlaneState, seq: int, event: DaemonStopping, fleet: FleetState) -> None:
    if event.on_stop == "cleanup":
        state.mark_everything(seq)
        state.desired = Holding()


def _config_applied(state: DataPlaneState, seq: int, event: ConfigApplied, fleet: FleetState) -> None:
    before, desired = state.desired, Holding()
    state.desired = desired
    for config in event.config.balancers:
        id = config.id
        desired.services[id] = config.service
        held = before.destinations.get(id, {})
        desired.destinations[id] = held
        if config.address is not None:
            desired.addresses[str(config.address)] = (config.address, True)
        if id not in before.services:
            state.mark_service(id, seq)
        elif before.services[id] != config.service:
            state.dirty.services[id] = seq
        for real in fleet.balancers[id].reals.values():
            _want(state, seq, config, real)
    for mark, held_mark in fleet.marks.held.items():
        _want_mark(state, seq, mark, held_mark.way, before)
    for id in before.services:
        if id not in desired.services:
            state.dirty.services[id] = seq
    for key in {**before.addresses, **desired.addresses}:
        if (key in before.addresses) != (key in desired.addresses):
            state.dirty.addresses[key] = seq
    _keep_configured_routes(state, seq, before.routes, event.config)


def _keep_configured_routes(state: DataPlaneState, seq: int, routes: dict[str, Route], config: Config) -> None:
    """Want those of the routes that some balancer still has; whether each may be announced is decided afterwards."""
    balancers = config.balancers if routes and config.bgp.engine != "none" else ()
    configured = {route.prefix for balancer in balancers if (route := balancer.route) is not None}
    for prefix, route in routes.items():
        if prefix in configured:
            state.desired.routes[prefix] = route
        else:
            state.dirty.routes[prefix] = seq


def _real_added(state: DataPlaneState, seq: int, event: RealAdded, fleet: FleetState) -> None:
    _reconsider(state, seq, event.service, event.real, fleet)


def _health_changed(state: DataPlaneState, seq: int, event: HealthChanged, fleet: FleetState) -> None:
    """A backup that stands by has weight 0 up and down, so that no decision tells; other weights follow at once."""
    known = fleet.real(event.service, event.real)
    if known is not None and known.backup:
        _reconsider(state, seq, event.service, event.real, fleet)


def _steered(state: DataPlaneState, seq: int, event: Steering, fleet: FleetState) -> None:
    _reconsider(state, seq, event.service, event.real, fleet)


def _reconsider(state: DataPlaneState, seq: int, service: ServiceId, real: RealId, fleet: FleetState) -> None:
    balancer = fleet.balancers.get(service)
    if balancer is not None and service in state.desired.destinations and real in balancer.reals:
        _want(state, seq, balancer.config, balancer.reals[real])


def _real_removed(state: DataPlaneState, seq: int, event: RealRemoved, fleet: FleetState) -> None:
    if state.desired.destinations.get(event.service, {}).pop(event.real, None) is not None:
        state.dirty.mark_destination(event.service, event.real, seq)


def _balancer_decided(state: DataPlaneState, seq: int, event: BalancerDecided, fleet: FleetState) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is None or event.service not in state.desired.destinations:
        return
    for name in event.weights:
        if (real := balancer.reals.get(name)) is not None:
            _want(state, event.causes.get(name, seq), balancer.config, real)


def _mark_assigned(state: DataPlaneState, seq: int, event: MarkAssigned, fleet: FleetState) -> None:
    _want_mark(state, seq, event.mark, event.way, state.desired)


def _want_mark(state: DataPlaneState, seq: int, mark: int, way: Way, before: Holding) -> None:
    service, destination = way.service(mark), way.destination
    is_new = service.id not in before.services
    state.desired.services[service.id] = service
    state.desired.destinations[service.id] = {destination.real: destination}
    if is_new:
        state.mark_service(service.id, seq)


def _mark_released(state: DataPlaneState, seq: int, event: MarkReleased, fleet: FleetState) -> None:
    id = event.way.service(event.mark).id
    if event.mark not in fleet.marks.held and state.desired.services.pop(id, None) is not None:
        del state.desired.destinations[id]
        state.mark_service(id, seq)


def _adopted(state: DataPlaneState, seq: int, event: Adopted, fleet: FleetState) -> None:
    state.actual = Holding(
        services={entry.service.id: entry.service for entry in event.entries},
        destinations={
            entry.service.id: {destination.real: destination for destination in entry.destinations}
            for entry in event.entries
        },
        addresses={str(address): (address, True) for address in event.addresses}
        | {str(address): (address, False) for address in event.foreign_addresses},
        routes={route.prefix: route for route in event.routes},
        marked=event.marked,
    )
    state.mark_everything(seq)


def _routes_decided(state: DataPlaneState, seq: int, event: RoutesDecided, fleet: FleetState) -> None:
    for route in event.announce:
        state.desired.routes[route.prefix] = route
        state.dirty.routes[route.prefix] = seq
    for prefix in event.withdraw:
        state.desired.routes.pop(prefix, None)
        state.dirty.routes[prefix] = seq


def _route_announced(state: DataPlaneState, seq: int, event: RouteAnnounced, fleet: FleetState) -> None:
    state.actual.routes[event.route.prefix] = event.route
    state.holds.pop(event.route.prefix, None)


def _route_withdrawn(state: DataPlaneState, seq: int, event: RouteWithdrawn, fleet: FleetState) -> None:
    state.actual.routes.pop(event.route.prefix, None)
    recorded = event.until - event.route.hold_time
    state.holds = {prefix: until for prefix, until in state.holds.items() if until > recorded}
    if event.until and event.route.hold_time:
        state.holds[event.route.prefix] = event.until


def _operations_applied(state: DataPlaneState, seq: int, event: OperationsApplied, fleet: FleetState) -> None:
    for operation in event.operations:
        state.actual.perform(operation)


def _drift_found(state: DataPlaneState, seq: int, event: DriftFound, fleet: FleetState) -> None:
    for change in event.changes:
        state.actual.perform(change)
        if isinstance(change, AddAddress):
            state.actual.addresses[str(change.address)] = (change.address, False)
        state.mark_drift(change, seq)


def _entry_contested(state: DataPlaneState, seq: int, event: EntryContested, fleet: FleetState) -> None:
    state.mark_drift(event.operation, seq)


_STEPS: dict[type, Callable[[DataPlaneState, int, Any, FleetState], None]] = {
    DaemonStarted: _daemon_started,
    DaemonStopping: _daemon_stopping,
    ConfigApplied: _config_applied,
    RealAdded: _real_added,
    RealRemoved: _real_removed,
    HealthChanged: _health_changed,
    **dict.fromkeys(get_args(Steering), _steered),
    BalancerDecided: _balancer_decided,
    RoutesDecided: _routes_decided,
    RouteAnnounced: _route_announced,
    RouteWithdrawn: _route_withdrawn,
    MarkAssigned: _mark_assigned,
    MarkReleased: _mark_released,
    Adopted: _adopted,
    OperationsApplied: _operations_applied,
    DriftFound: _drift_found,
    EntryContested: _entry_contested,
}
