"""A state as structs to show: services and their reals, addresses, routes, and where desired and actual differ.

The field names are those of ``replay -o json`` and of ``/state``. Nothing here changes a state.
"""

from collections.abc import Callable, Iterator
from typing import Literal, Protocol

import msgspec

from kglb.events import Mode
from kglb.model import Destination, Forward, Real, RealId, Route, ServiceId, WhenAllDown
from kglb.projections.dataplane import DataPlaneState
from kglb.projections.pools import PoolState, pool_key
from kglb.projections.reals import RealState
from kglb.projections.state import State

Condition = Literal["up", "failing", "down", "recovering", "waiting"]
"""What is believed of a real, and whether its last probe agrees: failing is up still, recovering is down still.

Waiting is down for want of an answer.
"""


def condition(*, healthy: bool, outcome: str) -> Condition:
    """The condition of a real whose last probe had this outcome, empty without one."""
    match healthy, outcome:
        case True, "failure":
            return "failing"
        case True, _:
            return "up"
        case _, "success":
            return "recovering"
        case _, "failure":
            return "down"
        case _:
            return "waiting"


class RealView(msgspec.Struct, frozen=True, kw_only=True):
    """A real of a service. ``weight`` is the wanted one, ``kernel_weight`` what the kernel is known to hold,
    ``configured`` the one it has when it serves, which a ``backup`` does in place of the others. ``out_of_rotation``
    says why it gets no traffic whatever its health, ``weighed`` who gives it its weight if not the config, and
    ``slow_start`` how much of it it has so far, ``pool`` which pool has it; they are empty if that is not so.

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
    slow_start: str = ""
    backup: bool = False
    pool: str = ""


class SteeringWords(Protocol):
    """Says who else than config and checks has a hand in a real."""

    def out_of_rotation(self, real: RealState) -> str:
        """Why a real is to get no traffic, whatever its health; empty if it is in rotation."""

    def weight_by_other_hand(self, real: RealState) -> str:
        """Who says the weight of a real, if not the config; empty if the config does."""

    def slow_start(self, real: RealState) -> str:
        """How far the slow start of a real has come; empty without one."""


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """A pool of a service: how many members it has, how many of them its source does not name any more (``lacking``).

    An ``error`` says why the source gives no answer now; null in ``answer_seq`` that it never gave one.
    """

    pool: str
    members: int
    lacking: int
    error: str
    answer_seq: int | None


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service; ``alive`` and ``total`` count its primaries in rotation.

    ``wanted`` says that the config has it, ``in_kernel`` that the kernel is known to hold it. ``unresolved`` are its
    names that have no address, and what the resolver said.
    """

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
    unresolved: dict[str, str] = {}
    pools: tuple[PoolView, ...] = ()
    reals: tuple[RealView, ...] = ()


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


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded event in words, at Unix time ``at``; its fields are those of ``/events``.

    ``reals`` are the first of those it is about, ``because`` of the records that it names as its causes itself, besides
    ``cause``. ``host`` is the director's, where several are shown.
    """

    seq: int
    at: float
    type: str
    kind: str
    tone: str
    text: str
    service: ServiceId | None
    balancer: str
    reals: tuple[RealId, ...]
    cause: int | None
    because: tuple[int, ...]
    host: str = ""


def services_of(state: State) -> list[ServiceId]:
    """Every service that has a balancer, is wanted, or is known to be in the kernel."""
    plane = state.data_plane
    return list({**state.fleet.balancers, **plane.desired.services, **plane.actual.services})


def service_view(state: State, service: ServiceId, label: Callable[[ServiceId], str]) -> ServiceView:
    """A service without its reals; ``label`` gives its balancer's name."""
    plane, balancer = state.data_plane, state.fleet.balancers.get(service)
    wanted, held = plane.desired.services.get(service), plane.actual.services.get(service)
    known = wanted or held
    return ServiceView(
        service=service,
        balancer=label(service) if balancer is not None else "",
        scheduler=known.scheduler if known is not None else "",
        mode=None if balancer is None else balancer.mode,
        alive=0 if balancer is None else balancer.alive,
        total=0 if balancer is None else balancer.total,
        when_all_down=None if balancer is None else balancer.config.when_all_down,
        wanted=wanted is not None,
        in_kernel=held is not None,
        in_step=wanted == held,
        unresolved={} if balancer is None else dict(balancer.unresolved),
        pools=tuple(_pools(state, service)),
    )


def _pools(state: State, service: ServiceId) -> Iterator[PoolView]:
    balancer = state.fleet.balancers.get(service)
    for pool in () if balancer is None else balancer.config.pools:
        known = state.fleet.pools.get(pool_key(service, pool.id), PoolState())
        yield PoolView(
            pool=pool.id,
            members=len(known.members),
            lacking=len(known.lacking),
            error=known.error,
            answer_seq=known.seq or None,
        )


def reals_of(state: State, service: ServiceId) -> list[RealId]:
    """Every real of a service that is known, wanted, or known to be in the kernel."""
    plane, balancer = state.data_plane, state.fleet.balancers.get(service)
    known = {} if balancer is None else balancer.reals
    return list({**known, **plane.desired.destinations.get(service, {}), **plane.actual.destinations.get(service, {})})


def real_view(state: State, service: ServiceId, real: RealId, words: SteeringWords) -> RealView:
    """A real of a service, in constant time."""
    known = state.fleet.real(service, real)
    wanted, held = _destinations(state.data_plane, service, real)
    destination = wanted or held
    blank = Real(host=real, weight=0, forward=Forward())
    shown = known or RealState(real=real, entry=blank, healthy=False, health_seq=0)
    return RealView(
        real=real,
        host=shown.entry.host,
        weight=None if wanted is None else wanted.weight,
        kernel_weight=None if held is None else held.weight,
        configured=None if known is None else known.configured,
        forward=str(shown.entry.forward if destination is None else destination.forward),
        healthy=None if known is None else known.healthy,
        streak=shown.streak,
        outcome=shown.outcome,
        reason=shown.reason,
        detail=shown.detail,
        weight_seq=shown.weight_seq,
        health_seq=shown.health_seq,
        in_step=wanted == held,
        out_of_rotation=words.out_of_rotation(shown),
        weighed=words.weight_by_other_hand(shown),
        slow_start=words.slow_start(shown),
        backup=shown.backup,
        pool=shown.entry.pool,
    )


def address_views(plane: DataPlaneState) -> Iterator[AddressView]:
    """Every address that is wanted, or known to be there."""
    desired, actual = plane.desired.addresses, plane.actual.addresses
    for key, (address, _) in {**desired, **actual}.items():
        yield AddressView(
            address=address.address,
            interface=address.interface,
            wanted=key in desired,
            in_kernel=key in actual,
            ours=key in actual and actual[key][1],
        )


def route_views(state: State, label: Callable[[ServiceId], str]) -> Iterator[RouteView]:
    """Every route that some balancer has, that is wanted, or that is announced; ``label`` gives a balancer's name."""
    desired, actual = state.data_plane.desired.routes, state.data_plane.actual.routes
    configured: dict[str, Route] = {}
    owners: dict[str, list[str]] = {}
    for service, balancer in state.fleet.balancers.items():
        if (route := balancer.config.route) is not None:
            configured.setdefault(route.prefix, route)
            owners.setdefault(route.prefix, []).append(label(service))
    for prefix, route in {**configured, **desired, **actual}.items():
        yield RouteView(
            prefix=prefix,
            next_hop=route.next_hop,
            balancers=tuple(owners.get(prefix, ())),
            wanted=prefix in desired,
            announced=prefix in actual,
            in_step=desired.get(prefix) == actual.get(prefix),
        )


def _destinations(
    plane: DataPlaneState, service: ServiceId, real: RealId
) -> tuple[Destination | None, Destination | None]:
    wanted, held = (holding.destinations.get(service, {}).get(real) for holding in (plane.desired, plane.actual))
    return wanted, held
