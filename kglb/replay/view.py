"""The state after a record, whole, as a struct to show. The field names are those of ``replay -o json``."""

import msgspec
from msgspec.structs import replace

from kglb.model.operations import describe
from kglb.projections import Planned, Serving, plan
from kglb.projections.view import (
    AddressView,
    RealView,
    RouteView,
    ServiceView,
    address_views,
    real_view,
    reals_of,
    route_views,
    service_view,
    services_of,
)
from kglb.replay import steering_sentences
from kglb.replay.names import Names
from kglb.replay.state_at import Replayed

__all__ = ["AddressView", "RealView", "RouteView", "ServiceView", "StateView", "view"]


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
    plane.mark_everything(state.seq)
    steps = plan(plane.actual, plane.desired, plane.take_dirty(), Serving(is_banned=fleet.is_banned))
    return StateView(
        seq=state.seq,
        at=replayed.at,
        checkpoint_seq=replayed.checkpoint_seq,
        boot_id=fleet.boot_id,
        config_seq=fleet.config_seq,
        config_digest=fleet.digest,
        stopped=fleet.stopped,
        services=tuple(
            replace(
                service_view(state, service, names.label),
                reals=tuple(real_view(state, service, real, steering_sentences) for real in reals_of(state, service)),
            )
            for service in services_of(state)
        ),
        addresses=tuple(address_views(plane)),
        routes=tuple(route_views(state, names.label)),
        pending=tuple(_pending(step) for step in steps),
    )


def _pending(step: Planned) -> str:
    waits = ", once another real of it serves" if step.hands_over else ""
    return describe(step.operation) + waits
