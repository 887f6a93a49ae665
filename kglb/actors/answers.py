"""What the machine's answers to a batch mean, operation by operation; pure."""

from collections.abc import Sequence
from typing import NamedTuple

from kglb.dataplane.failures import already_gone
from kglb.dataplane.port import Failure
from kglb.model import AddDestination, AddService, Operation, ServiceId
from kglb.projections import Planned


class Answers(NamedTuple):
    """What was ``done``; what could not be deleted because it was ``gone``, which is drift; what was ``refused``."""

    done: list[Planned]
    gone: list[Operation]
    refused: list[tuple[Planned, Failure]]


def sort_out(planned: Sequence[Planned], results: Sequence[Failure | None]) -> Answers:
    """Sort by what became of it. That a service that was refused has no destinations goes without saying."""
    answers = Answers([], [], [])
    absent: set[ServiceId] = set()
    for step, failure in zip(planned, results, strict=True):
        operation = step.operation
        if failure is None:
            answers.done.append(step)
        elif already_gone(operation, failure.errno):
            answers.gone.append(operation)
        elif not (isinstance(operation, AddDestination) and operation.id in absent):
            answers.refused.append((step, failure))
            if isinstance(operation, AddService):
                absent.add(operation.service.id)
    return answers
