"""A state as structs to show: services and their destinations, addresses, routes, where desired and actual differ.

The field names are those of ``replay -o json``.
"""

import msgspec

from kglb.events import Mode
from kglb.model import Destination, Forward, Real, RealId, Route, Service, ServiceId, WhenAllDown
from kglb.model.operations import describe
from kglb.projections import BalancerState, FleetState, Holding, RealState, plan
from kglb.replay.names import Names
from kglb.replay.state_at import Replayed
from kglb.replay.steering_sentences import out_of_rotation, weight_by_other_hand


class RealView(msgspec.Struct, frozen=True, kw_only=True):
    """A real of a service. ``weight`` is the wanted one, ``kernel_weight`` what the kernel is known to hold,
    ``configured`` the one it has when up. ``out_of_rotation`` says why it gets no traffic whatever its health, and
    ``weighed`` who gives it its weight if not the config; both are empty if that is not so.

    ``streak`` counts at least so many passes, or failures if negative. What is not there or unknown is null.
    """

    real: RealId
    host: str
    weight: int | None
    kernel_weight: int | None
    configured: int | None
    forward: str
    healthy: bool | None
    streak: int
    outcome: str
    reason: str
    detail: str
    weight_seq: int
    health_seq: int
    in_step: bool
    out_of_rotation: str
    weighed: str


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service. ``wanted`` says that the config has it, ``in_kernel`` that the kernel is known to hold it."""

    service: ServiceId
    balancer: str
    scheduler: str
    mode: Mode | None
    alive: int
    total: int
    when_all_down: WhenAllDown | None
    wanted: bool
    in_kernel: bool
    in_step: bool
    reals: tuple[RealView, ...]


class AddressView(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a service; ``ours`` says that we put it there."""

    address: str
    interface: str
    wanted: bool
    in_kernel: bool
    ours: bool


class RouteView(msgspec.Struct, frozen=True, kw_only=True):
    """A route that some balancer has, or that is announced all the same.

    ``wanted`` says that it was decided to announce it, ``announced`` that the BGP engine has acknowledged it.
    """

    prefix: str
    next_hop: str
    balancers: tuple[str, ...]
    wanted: bool
    announced: bool
    in_step: bool


class StateView(msgspec.Struct, frozen=True, kw_only=True):
    """The data plane after record ``seq``. ``pending`` are the operations from actual to desired in words."""

    seq: int
    at: str
    checkpoint_seq: int
    boot_id: str
    config_seq: int
    config_digest: str
    stopped: str
    services: tuple[ServiceView, ...]
    addresses: tuple[AddressView, ...]
    routes: tuple[RouteView, ...]
    pending: tuple[str, ...]


def view(replayed: Replayed) -> StateView:
    """What there is to see of a state; uses the state up."""
    state = replayed.state
    fleet, plane = state.fleet, state.data_plane
    names = Names(balancer.config for balancer in fleet.balancers.values())
    services = {**fleet.balancers, **plane.desired.services, **plane.actual.services}
    plane.mark_everything(state.seq)
    steps = plan(plane.actual, plane.desired, plane.take_dirty())
    return StateView(
        seq=state.seq,
        at=replayed.at,
        checkpoint_seq=replayed.checkpoint_seq,
        boot_id=fleet.boot_id,
        config_seq=fleet.config_seq,
        config_digest=fleet.digest,
        stopped=fleet.stopped,
        services=tuple(
            _service(service, fleet.balancers.get(service), plane.desired, plane.actual, names) for service in services
        ),
        addresses=_addresses(plane.desired, plane.actual),
        routes=_routes(plane.desired.routes, plane.actual.routes, fleet, names),
        pending=tuple(describe(step.operation) for step in steps),
    )


def _service(
    service: ServiceId, balancer: BalancerState | None, desired: Holding, actual: Holding, names: Names
) -> ServiceView:
    wanted, held = desired.services.get(service), actual.services.get(service)
    wants, holds = desired.destinations.get(service, {}), actual.destinations.get(service, {})
    known = {} if balancer is None else balancer.reals
    config = None if balancer is None else balancer.config
    return ServiceView(
        service=service,
        balancer=names.label(service) if balancer is not None else "",
        scheduler=_any(wanted, held).scheduler if wanted or held else "",
        mode=None if balancer is None else balancer.mode,
        alive=0 if balancer is None else balancer.alive,
        total=0 if balancer is None else balancer.total,
        when_all_down=None if config is None else config.when_all_down,
        wanted=wanted is not None,
        in_kernel=held is not None,
        in_step=wanted == held,
        reals=tuple(
            _real(real, known.get(real), wants.get(real), holds.get(real)) for real in {**known, **wants, **holds}
        ),
    )


def _any(wanted: Service | None, held: Service | None) -> Service:
    found = wanted or held
    assert found is not None
    return found


def _real(real: RealId, known: RealState | None, wanted: Destination | None, held: Destination | None) -> RealView:
    blank = Real(host=real, weight=0, forward=Forward())
    state = known or RealState(real=real, entry=blank, healthy=False, health_seq=0)
    destination = wanted or held
    return RealView(
        real=real,
        host=state.entry.host,
        weight=None if wanted is None else wanted.weight,
        kernel_weight=None if held is None else held.weight,
        configured=None if known is None else known.configured,
        forward=str(state.entry.forward if destination is None else destination.forward),
        healthy=None if known is None else known.healthy,
        streak=state.streak,
        outcome=state.outcome,
        reason=state.reason,
        detail=state.detail,
        weight_seq=state.weight_seq,
        health_seq=state.health_seq,
        in_step=wanted == held,
        out_of_rotation=out_of_rotation(state),
        weighed=weight_by_other_hand(state),
    )


def _addresses(desired: Holding, actual: Holding) -> tuple[AddressView, ...]:
    return tuple(
        AddressView(
            address=address.address,
            interface=address.interface,
            wanted=key in desired.addresses,
            in_kernel=key in actual.addresses,
            ours=key in actual.addresses and actual.addresses[key][1],
        )
        for key, (address, _) in {**desired.addresses, **actual.addresses}.items()
    )


def _routes(
    desired: dict[str, Route], actual: dict[str, Route], fleet: FleetState, names: Names
) -> tuple[RouteView, ...]:
    configured: dict[str, Route] = {}
    owners: dict[str, list[str]] = {}
    for service, balancer in fleet.balancers.items():
        if (route := balancer.config.route) is not None:
            configured.setdefault(route.prefix, route)
            owners.setdefault(route.prefix, []).append(names.label(service))
    return tuple(
        RouteView(
            prefix=prefix,
            next_hop=route.next_hop,
            balancers=tuple(owners.get(prefix, ())),
            wanted=prefix in desired,
            announced=prefix in actual,
            in_step=desired.get(prefix) == actual.get(prefix),
        )
        for prefix, route in {**configured, **desired, **actual}.items()
    )
