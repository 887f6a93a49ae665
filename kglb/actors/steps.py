"""The steps of a plan, sorted: which are the kernel's, which are about routes, what they touch. Does none of them."""

from collections.abc import Iterable

from kglb.model import (
    ChangeDestination,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
    RouteOperation,
)
from kglb.projections import Dirty, Planned


def for_the_kernel(planned: Iterable[Planned]) -> list[Planned]:
    """The steps that the kernel may be given now."""
    return [step for step in planned if not (step.waits or isinstance(step.operation, RouteOperation))]


def routes(planned: Iterable[Planned], kind: type[RouteOperation]) -> dict[str, int]:
    """The prefixes of the routes with such a step, each with the record that caused it."""
    return {step.operation.route.prefix: step.cause for step in planned if isinstance(step.operation, kind)}


def takes_away(operation: Operation) -> bool:
    """Whether it ends what serves, or may serve."""
    match operation:
        case ChangeDestination(_, destination):
            return destination.weight == 0
        case _:
            return isinstance(operation, DeleteDestination | DeleteService | DeleteAddress)


def touched(steps: Iterable[Planned]) -> Dirty:
    """What the steps are about, to be planned again; where two are about the same, the later one's record counts."""
    dirty = Dirty()
    for step in steps:
        dirty.mark_operation(step.operation, step.cause)
    return dirty
