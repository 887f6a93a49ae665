"""What the metrics were, moment by moment: looked at while facts are folded, kept as runs of equal values.

Series of balancers, reals and routes get a run at the millisecond of each change. What belongs to the daemon as a whole
(its counters, how many things there are) is looked at once a step, as a scrape does. After each fact only what it is
about is looked at, with the code that makes the daemon's own text, so no name or label stands here.

Times are Unix time in whole milliseconds, which is what Prometheus keeps. A fact counts from the first millisecond that
does not come before it, and what happens within one millisecond is one change. Nothing here reads a clock or a journal.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, get_args

from kglb.events import (
    Adopted,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    Event,
    OperationsApplied,
    ProbeFlipped,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    RunsClosed,
)
from kglb.events.types import JournalEvent
from kglb.model import Balancer, RealId, ServiceId
from kglb.projections import BalancerState, State
from kglb.web.exposition import Family, Kind
from kglb.web.fleet_metrics import balancer_families, real_families, route_families
from kglb.web.recorded_metrics import recorded_families
from kglb.web.tally import Tally

About = Callable[[Event], Iterable[tuple[ServiceId | None, RealId | None]]]
"""The services and reals that an event is about; a real of None is the service as a whole."""

Subject = tuple[ServiceId, RealId | None]
"""Whose series they are: a real's, or those of a balancer itself."""

_DAEMON: Subject = (ServiceId("the daemon"), None)
_ROUTES: Subject = (ServiceId("routes"), None)

_EVERYTHING = ConfigApplied | DaemonStarted | DaemonStopping | Adopted
_ROUTING = RoutesDecided | RouteAnnounced | RouteWithdrawn | OperationsApplied | DriftFound
_OPERATED = OperationsApplied | DriftFound
_PROBED = ProbeFlipped | RunsClosed
"""What probes found is in no metric; what follows from it comes as a fact of its own."""

_OF_THE_JOURNAL = get_args(JournalEvent)

_NONE = math.nan
"""The value of a run in which there is no series."""


class TooManySamplesError(Exception):
    """Up to the time ``at`` there are more samples than was allowed."""

    def __init__(self, samples: int, at: int) -> None:
        super().__init__(f"{samples} samples up to {at}")
        self.samples = samples
        self.at = at


class Series:
    """One series as runs of equal values, 16 bytes each."""

    __slots__ = ("_begins", "_values")

    def __init__(self) -> None:
        self._begins = array("q")
        self._values = array("d")

    @property
    def value(self) -> float:
        """The value now."""
        return self._values[-1]

    def put(self, at: int, value: float) -> None:
        """Have another value from ``at`` on."""
        self._forget(at)
        self._begins.append(at)
        self._values.append(value)

    def end(self, at: int) -> None:
        """Not be there from ``at`` on."""
        self._forget(at)
        if self._begins:
            self.put(at, _NONE)

    def _forget(self, at: int) -> None:
        while self._begins and self._begins[-1] >= at:
            self._begins.pop()
            self._values.pop()

    def samples(self, step: int, end: int) -> Iterator[tuple[float, list[int]]]:
        """Each value with its times up to ``end``: when it came, every step, and the end of it all."""
        last = len(self._begins) - 1
        for index, (begin, value) in enumerate(zip(self._begins, self._values, strict=True)):
            if not math.isnan(value):
                stop = end if index == last else self._begins[index + 1]
                times = [begin, *range((begin // step + 1) * step, stop, step)]
                yield value, [*times, end] if index == last and end > begin else times


class PastFamily(NamedTuple):
    """One metric with its series, by their labels as the daemon writes them."""

    name: str
    kind: Kind
    help: str
    series: dict[str, Series]


class PastMetrics:
    """``step`` is in milliseconds. More samples than ``most`` are refused, which bounds the memory, too; balancers that
    are not ``wanted`` are left out.
    """

    def __init__(
        self, about: About, *, step: int, most: int, wanted: Callable[[Balancer], bool] = lambda _: True
    ) -> None:
        self.step = step
        self.now = 0
        self.samples = 0
        self._about = about
        self._most = most
        self._wanted = wanted
        self._families: dict[str, PastFamily] = {}
        self._there: dict[Subject, dict[tuple[str, str], Series]] = {}
        self._count = 0  # of the series that are there
        self._touched: dict[Subject, None] = {}
        self._state, self._narrow = State(), State()
        self._tally = Tally()
        self._software = ""
        self._heard = 0

    def begin(self, at: int, state: State, software: str, heard: int) -> None:
        """Take the state up as it is at ``at``, of a daemon of that version that was ``heard`` of last by then.

        Counters begin with 0.
        """
        self.now, self._heard = at, heard
        self._state, self._software = state, software
        self._touch_everything()

    def reach(self, at: int, coming: Event | None = None) -> None:
        """Time has come to ``at``, and an event is ``coming`` that is not folded yet. It never goes back: what comes
        earlier counts as coming now. Raises TooManySamplesError.
        """
        if at <= self.now:
            return
        self._look()
        stopped = bool(self._state.fleet.stopped)
        if stopped and isinstance(coming, DaemonStarted):
            self._leave(self._heard)
        elif steps := (at - 1) // self.step - self.now // self.step:
            self._look_at(_DAEMON, (self.now // self.step + 1) * self.step)
            self.samples += 0 if stopped else steps * self._count
        self.now = at
        if self.samples > self._most:
            raise TooManySamplesError(self.samples, at)

    def note(self, event: Event, state: State) -> None:
        """An event has come, and ``state`` is what it led to."""
        if isinstance(event, DaemonStarted):
            self._tally, self._software = Tally(), event.software
        self._tally.count(event)
        if not isinstance(event, _OF_THE_JOURNAL):
            self._heard = max(self._heard, self.now)
        if state is not self._state or isinstance(event, _EVERYTHING):
            self._state = state
            self._touch_everything()
        elif not isinstance(event, _PROBED):
            self._touch(event)

    def finish(self, at: int) -> None:
        """All facts up to ``at`` have come; a daemon that has stopped was there up to the last one.

        Raises TooManySamplesError.
        """
        stopped = bool(self._state.fleet.stopped)
        if not stopped:
            self.reach(at)
        self._touched[_DAEMON] = None
        self._look()
        if stopped:
            self._leave(self._heard)

    def families(self) -> list[PastFamily]:
        """All metrics that have a series."""
        return [family for family in self._families.values() if family.series]

    def _touch(self, event: Event) -> None:
        """Look again at what an event is about: operations change what the machine holds of reals and routes, others
        what is believed of reals, which their balancer counts.
        """
        operated = isinstance(event, _OPERATED)
        if isinstance(event, _ROUTING):
            self._touched[_ROUTES] = None
        for service, real in self._about(event):
            if service is None:
                continue
            if real is not None:
                self._touched[service, real] = None
            elif operated:
                self._touch_reals(service)
            if not operated:
                self._touched[service, None] = None

    def _touch_everything(self) -> None:
        self._touched.update(dict.fromkeys(self._there))
        self._touched.update(dict.fromkeys((_DAEMON, _ROUTES)))
        for service in self._state.fleet.balancers:
            self._touched[service, None] = None
            self._touch_reals(service)

    def _touch_reals(self, service: ServiceId) -> None:
        balancer = self._state.fleet.balancers.get(service)
        if balancer is not None:
            self._touched.update(((service, real), None) for real in balancer.reals)

    def _look(self) -> None:
        """Put down what has changed up to now."""
        if self.now % self.step == 0:
            self._touched[_DAEMON] = None
        for subject in self._touched:
            self._look_at(subject, self.now)
        self._touched.clear()

    def _look_at(self, subject: Subject, at: int) -> None:
        before, found = self._there.pop(subject, {}), {}
        for name, kind, help_text, samples in self._families_of(subject):
            if (family := self._families.get(name)) is None:
                family = self._families[name] = PastFamily(name, kind, help_text, {})
            for labels, value in samples:
                series = before.pop((name, labels), None)
                if series is None:
                    series = family.series.setdefault(labels, Series())
                    self._count += 1
                    self._put(series, at, value)
                elif series.value != value:
                    self._put(series, at, value)
                found[name, labels] = series
        for series in before.values():
            series.end(at)
            self._count -= 1
        if found:
            self._there[subject] = found

    def _put(self, series: Series, at: int, value: float) -> None:
        series.put(at, value)
        self.samples += 1

    def _leave(self, last: int) -> None:
        """Nobody is there after ``last``."""
        for found in self._there.values():
            for series in found.values():
                series.end(last + 1)
        self._there.clear()
        self._count = 0

    def _families_of(self, subject: Subject) -> Iterable[Family]:
        """A subject's metrics now; none if it is not there."""
        if subject == _DAEMON:
            return recorded_families(self._software, self._state.data_plane, self._tally)
        if subject == _ROUTES:
            return route_families(self._state)
        service, real = subject
        balancer = self._state.fleet.balancers.get(service)
        if balancer is None or not self._wanted(balancer.config):
            return ()
        if real is None:
            return balancer_families(self._only(service, balancer))
        if (known := balancer.reals.get(real)) is None:
            return ()
        return real_families(self._only(service, BalancerState(config=balancer.config, reals={real: known})))

    def _only(self, service: ServiceId, balancer: BalancerState) -> State:
        """The state without the others, which the metrics of this one do not depend on."""
        self._narrow.fleet.balancers = {service: balancer}
        self._narrow.fleet.pools = self._state.fleet.pools
        self._narrow.data_plane.actual = self._state.data_plane.actual
        return self._narrow
