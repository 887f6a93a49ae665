"""The sentences about what operators order, what leaves the config, and what checks say of weights."""

from kglb.events import (
    DrainFinished,
    RealDrained,
    RealLeaving,
    RealRestored,
    RealReturned,
    WeightOverridden,
    WeightReported,
)
from kglb.replay.words import named, ordered, plural, utc

_ORDERS = {"drain": "drain", "weight": "weight by hand"}


def leaving(event: RealLeaving, _: object) -> str:
    """A real has left the config."""
    name, latest = named(event.real, event.host), utc(event.until)
    return f"{name} is to go: it gets nothing new, and goes with its last connection or at {latest}"


def returned(event: RealReturned, _: object) -> str:
    """It is back before it was gone."""
    return f"{named(event.real, event.entry.host)} is back before it was gone, with weight {event.entry.weight}"


def reported(event: WeightReported, _: object) -> str:
    """A check says a weight."""
    return f"{event.real} is to have weight {event.weight}, as its check says"


def drained(event: RealDrained, _: object) -> str:
    """An operator drains a real."""
    return ordered(f"{event.who} drains {event.real}", event.until, event.note)


def overridden(event: WeightOverridden, _: object) -> str:
    """An operator weighs a real."""
    return ordered(f"{event.who} gives {event.real} weight {event.weight}", event.until, event.note)


def restored(event: RealRestored, _: object) -> str:
    """An operator's orders end."""
    orders = " and ".join(_ORDERS[order] for order in event.ended)
    if event.reason == "deadline":
        return f"the {orders} of {event.real} is over: its time has come"
    return ordered(f"{event.who} ends the {orders} of {event.real}", None, event.note)


def finished(event: DrainFinished, _: object) -> str:
    """The wait for a real's connections is over."""
    if event.connections:
        return f"the time of {event.real} is over, with {plural(event.connections, 'connection')} left"
    return f"{event.real} has no connections left"
