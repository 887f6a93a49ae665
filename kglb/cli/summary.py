"""How the daemon is, for a service manager: in one line, and whether there is progress."""

from collections.abc import Sequence

from kglb.dataplane.worker import PATIENCE
from kglb.projections import State
from kglb.web.vitals import Vitals


def summary(state: State, complaints: Sequence[str]) -> str:
    """How many reals are alive in how many balancers, and what is wrong with the daemon, if anything is."""
    balancers = state.fleet.balancers.values()
    alive, total = sum(one.alive for one in balancers), sum(one.total for one in balancers)
    said = f"{alive} of {total} reals alive, {len(balancers)} {'balancer' if len(balancers) == 1 else 'balancers'}"
    if not complaints:
        return said
    more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
    return f"{said}; {complaints[0]}{more}"


def progresses(vitals: Vitals) -> bool:
    """Whether probes end that should, and the kernel answers."""
    return not vitals.probes_silent and vitals.machine_silent <= PATIENCE
