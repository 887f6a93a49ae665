"""What operators order, what leaves the config, and what checks say of weights: the sentences about its events, and the
words for what is in force of a real.
"""

from kglb.events import (
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRestored,
    WeightOverridden,
    WeightReported,
)
from kglb.projections import RealState
from kglb.replay.words import named, ordered, plural, utc

_ORDERS = {"drain": "drain", "weight": "weight by hand"}


def leaving(event: RealLeaving, _: object) -> str:
    """A real has left the config."""
    name, latest = named(event.real, event.host), utc(event.until)
    return f"{name} is to go: it gets nothing new, and goes with its last connection or at {latest}"


def kept(event: RealKept, _: object) -> str:
    """It was leaving, or stood under another name."""
    return f"{named(event.real, event.entry.host)} stays, with weight {event.entry.weight}"


def reported(event: WeightReported, _: object) -> str:
    """A check says a weight."""
    return f"{event.real} is to have weight {event.weight}, as its check says"


def drained(event: RealDrained, _: object) -> str:
    """An operator drains a real."""
    return ordered(f"{event.who} drains {event.real}", event.until, event.note)


def overridden(event: WeightOverridden, _: object) -> str:
    """An operator weighs a real."""
    gives = f"forces {event.real} up with" if event.force_up else f"gives {event.real}"
    return ordered(f"{event.who} {gives} weight {event.weight}", event.until, event.note)


def restored(event: RealRestored, _: object) -> str:
    """An operator's orders end."""
    if event.reason == "deadline":
        return f"the {_ended(event)} of {event.real} is over: its time has come"
    return ordered(f"{event.who} ends the {_ended(event)} of {event.real}", None, event.note)


def _ended(event: RealRestored) -> str:
    return " and ".join(_ORDERS[order] for order in event.ended)


def finished(event: DrainFinished, _: object) -> str:
    """The wait for a real's connections is over."""
    if event.connections:
        return f"the time of {event.real} is over, with {plural(event.connections, 'connection')} left"
    return f"{event.real} has no connections left"


def out_of_rotation(real: RealState) -> str:
    """Why a real is to get no traffic, whatever its health; empty if it is in rotation."""
    if real.leaving is not None:
        return f"the config no longer has it; it goes with its last connection or at {utc(real.leaving.until)}"
    drain = real.orders.drain
    return "" if drain is None else ordered(f"{drain.who} drained it", drain.until, drain.note)


def weight_by_other_hand(real: RealState) -> str:
    """Who says the weight of a real, if not the config; empty if the config does."""
    override = real.orders.override
    if override is not None:
        gave = "forced it up with" if override.force_up else "gave it"
        return ordered(f"{override.who} {gave} this weight", override.until, override.note)
    return "its check says so" if real.reported is not None else ""


def slow_start(real: RealState) -> str:
    """How far the slow start of a real has come; empty without one."""
    if real.warming is None:
        return ""
    return f"slow start: {real.warming.tenths}0 % of weight {real.configured}"


def order_over(event: RealRestored) -> str:
    """Why a real has the weight of the config again."""
    if event.reason == "deadline":
        return f"its {_ended(event)} is over"
    return ordered(f"{event.who} ended its {_ended(event)}", None, event.note)
