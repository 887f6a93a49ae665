"""What changes the weight that a real should have, besides its health and its entry in the config: operators' orders,
leaving the config, and what checks say. Times are in seconds since the epoch: they outlive the daemon.
"""

from typing import Literal

from kglb.events.base import EventBase
from kglb.model import Real, RealId, ServiceId


class RealDrained(EventBase, frozen=True, kw_only=True):
    """``who`` takes a real out of rotation: nothing new goes to it, what it serves goes on, and it counts for nothing.

    ``until`` is when that ends by itself, in seconds since the epoch, None for never. An order is about what the
    config calls the real: it outlives restarts, reboots and a name that moves, as long as the config has it.
    """

    service: ServiceId
    real: RealId
    who: str
    note: str = ""
    until: float | None = None


class WeightOverridden(EventBase, frozen=True, kw_only=True):
    """``who`` gives a real this weight instead of the config's, for as long as ``RealDrained`` says of orders.

    With ``force_up`` it counts as up meanwhile, whatever its checks say (HAProxy's ``set server health up``).
    """

    service: ServiceId
    real: RealId
    weight: int
    who: str
    note: str = ""
    until: float | None = None
    force_up: bool = False


class RealRestored(EventBase, frozen=True, kw_only=True):
    """An operator's orders about a real end: those in ``ended``, by another order or because their time is over."""

    service: ServiceId
    real: RealId
    ended: tuple[Literal["drain", "weight"], ...] = ("drain", "weight")
    who: str = ""
    note: str = ""
    reason: Literal["operator", "deadline"] = "operator"


class DrainFinished(EventBase, frozen=True, kw_only=True):
    """The wait for a drained or leaving real's connections is over: they are gone, or the deadline came first.

    ``connections`` are those that were left then.
    """

    service: ServiceId
    real: RealId
    connections: int = 0


class RealLeaving(EventBase, frozen=True, kw_only=True):
    """Config, name or pool no longer has a real, which serves on what it has (``drain_on_remove``), and then goes.

    ``until`` is when it goes at the latest, in seconds since the epoch.
    """

    service: ServiceId
    real: RealId
    host: str
    until: float


class RealKept(EventBase, frozen=True, kw_only=True):
    """A real stays, with this entry: the config has it again that was leaving, or another entry stands for it now."""

    service: ServiceId
    real: RealId
    entry: Real


class WeightReported(EventBase, frozen=True, kw_only=True):
    """A real's check passed and says that its weight is another now (``dynamic_weight`` of exec checks).

    It counts from now on instead of the config's, until the check says otherwise or is another.
    """

    service: ServiceId
    real: RealId
    weight: int


Steering = RealLeaving | RealKept | WeightReported | RealDrained | WeightOverridden | RealRestored | DrainFinished
"""What changes the weight that a real should have, besides its health and its entry in the config."""


SteeringEvent = RealLeaving | RealKept | WeightReported | RealDrained | WeightOverridden | RealRestored | DrainFinished
