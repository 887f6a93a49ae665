"""How a list of operations is performed: in order, in batches, and what a failure stops.

Here stand the rules that both data planes share. What a batch does to the machine is ``send``'s affair;
here no I/O is done.
"""

from collections.abc import Callable, Iterator, Sequence

from kglb.dataplane.failures import failure
from kglb.dataplane.port import Failure
from kglb.dataplane.rules import refusal
from kglb.model import AddService, Operation, ServiceId
from kglb.model.operations import service_of

BATCH = 250
"""The most operations in one batch: a default receive buffer holds 277 refusals of the kernel."""

Send = Callable[[Sequence[Operation]], Sequence[int]]
"""Performs a batch and returns the errno of each of its operations, 0 where it took place."""


def perform(operations: Sequence[Operation], send: Send) -> list[Failure | None]:
    """Perform the operations in order, and return for each None or why it did not take place.

    What breaks a rule is not sent. After an AddService that failed, nothing more is sent for that service.
    """
    outcomes: list[Failure | None] = []
    stopped: dict[ServiceId | None, Failure] = {}
    for batch in batches(operations):
        results = [stopped.get(service_of(operation)) or refusal(operation) for operation in batch]
        allowed = [index for index, result in enumerate(results) if result is None]
        errors = send([batch[index] for index in allowed]) if allowed else ()
        for index, error in zip(allowed, errors, strict=True):
            if error:
                results[index] = failure(batch[index], error)
        for operation, result in zip(batch, results, strict=True):
            if result is not None and isinstance(operation, AddService):
                stopped[operation.service.id] = result
        outcomes += results
    return outcomes


def batches(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """Split into runs that may be sent before the answer to any of them is known, each of at most BATCH.

    So a batch ends before an operation on a service that is being added in it, and an address stands alone.
    """
    start = 0
    adding: set[ServiceId] = set()
    alone = False
    for index, operation in enumerate(operations):
        service_id = service_of(operation)
        if start < index and (alone or service_id is None or service_id in adding or index - start == BATCH):
            yield operations[start:index]
            start = index
            adding.clear()
        alone = service_id is None
        if isinstance(operation, AddService):
            adding.add(operation.service.id)
    if start < len(operations):
        yield operations[start:]
