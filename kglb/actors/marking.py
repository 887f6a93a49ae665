"""Checks under marks, as the actors need them: which marks a balancer's reals take, and where their checks go.

The functions here record what the decisions say, or are called on the worker; none of them keeps anything.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kglb.actors.recorder import Recorder
from kglb.dataplane.port import DataPlane
from kglb.decisions import Marked, checked_at, choose_mark, mark_changes
from kglb.events import MarkAssigned, MarkReleased
from kglb.model import Balancer, Config, Endpoint, RealId, ServiceId, Way, parse_endpoint
from kglb.projections import RealState


class Path(NamedTuple):
    """How a real is checked through its VIP: where the check connects to, from where, and by which mark and way."""

    target: Endpoint
    source: str
    mark: int
    way: Way


def marks_of(recorder: Recorder, service: ServiceId) -> dict[RealId, Marked]:
    """The marks that a balancer's reals have."""
    return {real: Marked(*marked) for real, marked in recorder.state.fleet.marks.of(service).items()}


def bring_marks_in_step(
    recorder: Recorder, config: Balancer, reals: Mapping[RealId, RealState], cause: Callable[[RealId], int]
) -> None:
    """Record which of a balancer's reals give their mark back and which get one, as long as there are some.

    ``cause`` says for each real which record makes it so.
    """
    held = marks_of(recorder, config.id)
    wanted = _ways(config, reals) if config.fwmark_checks else {}
    if not held and not wanted:
        return
    fleet = recorder.state.fleet
    assert fleet.config is not None, "a config is in force before there is a balancer"
    changes = mark_changes(held, wanted, fleet.config.marks)
    for real in changes.released:
        _release(recorder, config.id, real, held[real], cause(real))
    for real in changes.lacking:
        mark = choose_mark(wanted[real], fleet.marks)
        if mark is not None:
            assigned = MarkAssigned(service=config.id, real=real, mark=mark, way=wanted[real])
            recorder.record(assigned, cause=cause(real))


def release_unconfigured(recorder: Recorder, config: Config) -> None:
    """Record that the reals of balancers that the config no longer has give their marks back."""
    configured = {balancer.id for balancer in config.balancers}
    fleet = recorder.state.fleet
    for service in [service for service in fleet.marks.users if service not in configured]:
        for real, marked in marks_of(recorder, service).items():
            _release(recorder, service, real, marked, fleet.config_seq)


def path_of(config: Balancer, real: RealId, marked: Marked, source: str) -> Path:
    """The path of a real's checks."""
    target = checked_at(config.service.key, parse_endpoint(real), marked.way.forward)
    return Path(target, source, marked.mark, marked.way)


def stands(machine: DataPlane, path: Path) -> bool:
    """Whether the machine really has the mark's service, and lets answers in. Raises OSError; for the worker."""
    service = path.way.service(path.mark)
    return (
        not machine.passages([path.way], path.source, ())[0].problem
        and machine.service(service.id) == service
        and machine.destinations(service.id) == [path.way.destination]
    )


def _release(recorder: Recorder, service: ServiceId, real: RealId, marked: Marked, cause: int) -> None:
    released = MarkReleased(service=service, real=real, mark=marked.mark, way=marked.way)
    recorder.record(released, cause=cause)


def _ways(config: Balancer, reals: Mapping[RealId, RealState]) -> dict[RealId, Way]:
    ipv6 = config.service.key.ipv6
    return {real: Way(parse_endpoint(real).address, state.entry.forward, ipv6) for real, state in reals.items()}
