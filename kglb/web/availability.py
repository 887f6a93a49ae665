"""Does the kernel have what was decided? KgLb's ``availability`` and ``manager_state``, as gauges over our facts."""

from collections.abc import Iterator
from typing import Literal, get_args

from kglb.projections import State
from kglb.web.exposition import Family, by_label, gauge, single
from kglb.web.refusals import Refusals
from kglb.web.vitals import Vitals

MachineState = Literal["starting", "available", "refused", "stopping"]
"""The machine has not been read yet; holds what was decided; refuses some of it; is being left or cleaned up."""


def availability_families(state: State, refusals: Refusals, vitals: Vitals) -> Iterator[Family]:
    """The two metrics: 1 or 0, and the reason."""
    now = machine_state(state, refusals, vitals)
    yield gauge(
        "kglb_available",
        "Whether the machine was read and nothing that was decided is refused; its average is the availability.",
        single(int(now == "available")),
    )
    yield gauge(
        "kglb_machine_state",
        "Whether the data plane is in this state.",
        by_label("state", {name: int(name == now) for name in get_args(MachineState)}),
    )


def machine_state(state: State, refusals: Refusals, vitals: Vitals) -> MachineState:
    """Which state the data plane is in."""
    if state.fleet.stopped:
        return "stopping"
    if not vitals.started:
        return "starting"
    return "refused" if refusals.standing(state.data_plane) else "available"
