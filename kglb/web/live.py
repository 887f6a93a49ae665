"""What ``/state`` says, as structs for whoever reads it. Keys that are not here are passed over."""

import msgspec

from kglb.projections.reals import Drain, Leaving, Override
from kglb.projections.view import AddressView, Condition, EventView, PoolView, RealView, RouteView, ServiceView
from kglb.web.config_standing import InForce


class LiveReal(RealView, frozen=True, kw_only=True):
    """A real now. ``why`` are the words for a failure, ``unchecked`` says why this machine cannot check it.

    ``active`` and ``inactive`` count its connections; ``latency`` and ``check_age`` are in seconds; ``since`` is the
    Unix time of its last change of health. What is unknown is null.
    """

    condition: Condition | None
    drain: Drain | None
    override: Override | None
    leaving: Leaving | None
    why: str
    unchecked: str
    active: int | None
    inactive: int | None
    latency: float | None
    check_age: float | None
    since: float | None

    @property
    def in_rotation(self) -> bool:
        """Whether it is to get traffic when up."""
        return self.drain is None and self.leaving is None

    @property
    def word(self) -> str:
        """Its state in one word: what an operator ordered, else its condition."""
        if self.drain is not None:
            return "drained"
        if self.leaving is not None:
            return "leaving"
        return self.condition or "unknown"

    @property
    def is_well(self) -> bool:
        """Whether it is as it should be: up or out of rotation, checked, and so in the kernel."""
        return (self.condition == "up" or not self.in_rotation) and self.in_step and not self.unchecked


class LivePool(PoolView, frozen=True, kw_only=True):
    """A pool now; ``answered`` is the Unix time at which this daemon last had an answer of its source."""

    answered: float | None

    @property
    def is_well(self) -> bool:
        """Whether its source names exactly its members."""
        return not self.error and not self.lacking and self.answer_seq is not None


class LiveService(ServiceView, frozen=True, kw_only=True):
    """A service now. ``route`` is the prefix of the route that depends on it."""

    route: str | None
    pools: tuple[LivePool, ...] = ()
    reals: tuple[LiveReal, ...] = ()

    @property
    def name(self) -> str:
        """Its balancer's name, or its own."""
        return self.balancer or self.service

    @property
    def is_well(self) -> bool:
        """Whether the service itself is as it should be, whatever its reals are."""
        return self.in_step and (not self.balancer or self.mode == "available")


class LiveJournal(msgspec.Struct, frozen=True, kw_only=True):
    """The journal and its disk: records not yet written and synced, seconds that a sync takes on average, bytes."""

    directory: str
    degraded: str
    unwritten: int
    unsynced: int
    sync_seconds: float | None
    disk_free: int | None
    disk_size: int | None


class LiveDrift(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries others have changed since the start, and the last record of it."""

    count: int
    last: EventView | None


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon, the machine and what it balances, now; ``now`` and ``started`` are Unix time."""

    now: float
    seq: int
    host: str
    version: str
    started: float
    stopped: str
    complaints: tuple[str, ...]
    config: InForce | None = None
    journal: LiveJournal
    drift: LiveDrift
    foreign_services: int
    addresses: tuple[AddressView, ...]
    routes: tuple[RouteView, ...]
    balancers: tuple[LiveService, ...]
