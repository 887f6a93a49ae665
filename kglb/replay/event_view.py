"""A recorded event as a struct to show: its sentence, what it is about, and what led to it."""

from collections.abc import Callable

from kglb.events import Event
from kglb.model import ServiceId
from kglb.projections.view import EventView
from kglb.replay.about import causes_named, pairs
from kglb.replay.sentences import Runs, sentence

_TEXT = 1000
_NAMED = 20


def event_view(
    at: float, seq: int, cause: int | None, event: Event, *, runs: Runs, label: Callable[[ServiceId], str]
) -> EventView:
    """An event recorded at Unix time ``at``; ``label`` gives a service's balancer."""
    said = sentence(event, runs)
    reals = dict.fromkeys(real for _, real in pairs(event) if real is not None)
    return EventView(
        seq=seq,
        at=round(at, 3),
        type=type(event).__name__,
        kind=said.kind,
        tone=said.tone,
        text=said.text[:_TEXT],
        service=said.service,
        balancer="" if said.service is None else label(said.service),
        reals=tuple(reals)[:_NAMED],
        cause=cause,
        because=tuple(dict.fromkeys(causes_named(event)))[:_NAMED],
    )
