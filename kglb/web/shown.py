"""The state as JSON for the page: what is in it, piece by piece, each made in well under a millisecond.

It shows what the journal says and what the process knows of itself, and of the config only what the state holds;
secrets are in neither.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.json import encode
from msgspec.structs import asdict

from kglb import __version__
from kglb.model import RealId, ServiceId
from kglb.model.histogram import Histogram
from kglb.projections import State
from kglb.projections.history import Change, History
from kglb.projections.view import (
    EventView,
    address_views,
    condition,
    real_view,
    reals_of,
    route_views,
    service_view,
    services_of,
)
from kglb.web.connections import Connections
from kglb.web.health import complaints
from kglb.web.narrator import Narrator
from kglb.web.status import Status
from kglb.web.vitals import Vitals

STRIP = 3600.0
"""Seconds of a real's past that are shown."""


class Shown:
    """What there is to see of one daemon, as JSON."""

    def __init__(
        self,
        state: State,
        history: History,
        status: Status,
        narrator: Narrator,
        connections: Connections,
        *,
        host: str,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._history = history
        self._vitals = status.vitals
        self._narrator = narrator
        self._connections = connections
        self._tally = status.tally
        self._refusals = status.refusals
        self._config = status.config
        self._host = host
        self._clock = clock

    def everything(self, last_drift: EventView | None) -> Iterator[str]:
        """The whole state in parts: the overview's keys, and ``balancers``, each with its ``reals``."""
        yield self.overview(last_drift).decode()[:-1] + ',"balancers":['
        vitals = self._vitals()
        for number, service in enumerate(services_of(self._state)):
            head = encode(self._service(service)).decode()[:-1]
            yield f'{"," if number else ""}{head},"reals":['
            for count, real in enumerate(reals_of(self._state, service)):
                yield ("," if count else "") + encode(self._real(service, real, vitals)).decode()
            yield "]}"
        yield "]}"

    def changed(self, service: ServiceId, real: RealId | None) -> bytes:
        """A service without its reals, or one real with its ``service``; ``gone`` says that there is none."""
        if real is None:
            head = self._service(service)
            there = head["wanted"] or head["in_kernel"] or service in self._state.fleet.balancers
            return encode(head if there else {"service": service, "gone": True})
        row = self._real(service, real, self._vitals())
        there = (row["healthy"], row["weight"], row["kernel_weight"]) != (None, None, None)
        return encode({"service": service, **(row if there else {"real": real, "gone": True})})

    def overview(self, last_drift: EventView | None) -> bytes:
        """The daemon, its journal and the machine, without balancers; ``now`` is Unix time."""
        state, vitals, now = self._state, self._vitals(), self._clock()
        plane, config = state.data_plane, state.fleet.config
        return encode(
            {
                "now": round(now, 3),
                "seq": state.seq,
                "host": self._host,
                "version": __version__,
                "started": round(vitals.start_time, 3),
                "stopped": state.fleet.stopped,
                "complaints": complaints(state, self._refusals, vitals),
                "config": self._config.now,
                "journal": {
                    "directory": "" if config is None else config.journal.directory,
                    "degraded": vitals.journal_degraded,
                    "unwritten": vitals.journal_unwritten,
                    "unsynced": vitals.journal_unsynced,
                    "sync_seconds": _mean(vitals.syncs),
                    "disk_free": vitals.journal_disk_free,
                    "disk_size": vitals.journal_disk_size,
                },
                "drift": {"count": sum(self._tally.drift.values()), "last": last_drift},
                "foreign_services": vitals.foreign_services,
                "confirmed_age": round(max(0.0, vitals.now - vitals.confirmed), 3) if vitals.confirmed else None,
                "addresses": list(address_views(plane)),
                "routes": list(route_views(state, self._narrator.label)),
                "absences": [span for span in self._history.absences if span[1] > now - STRIP],
            }
        )

    def _service(self, service: ServiceId) -> dict[str, object]:
        view = asdict(service_view(self._state, service, self._narrator.label))
        del view["reals"]
        balancer = self._state.fleet.balancers.get(service)
        view["alive_ratio"] = None if balancer is None else round(balancer.alive_ratio, 4)
        view["pools"] = [asdict(pool) | {"answered": self._answered(service, pool.pool)} for pool in view["pools"]]
        view["route"] = balancer.config.route.prefix if balancer is not None and balancer.config.route else None
        return view

    def _answered(self, service: ServiceId, pool: str) -> float | None:
        """When the source of a pool last gave an answer to this daemon."""
        source = self._vitals().sources.get((service, pool))
        return None if source is None else source.answered

    def _real(self, service: ServiceId, real: RealId, vitals: Vitals) -> dict[str, object]:
        view = asdict(real_view(self._state, service, real, self._narrator))
        balancer = self._state.fleet.balancers.get(service)
        counts = vitals.checked.get((service, real))
        timeline = self._history.timelines.get((service, real))
        known = self._state.fleet.real(service, real)
        view["condition"] = None if known is None else condition(healthy=known.healthy, outcome=known.outcome)
        view["drain"] = None if known is None else known.orders.drain
        view["override"] = None if known is None else known.orders.override
        view["leaving"] = None if known is None else known.leaving
        view["reported"] = None if known is None else known.reported
        view["why"] = self._narrator.why(view["reason"], view["detail"]) if view["outcome"] == "failure" else ""
        view["unchecked"] = "" if balancer is None else balancer.unchecked.get(real, "")
        view["latency"] = None if counts is None or counts.latency is None else round(counts.latency, 6)
        view["streak"] = view["streak"] if counts is None else _longer(view["streak"], counts.streak)
        view["active"], view["inactive"] = self._connections.of(service, real)
        view["check_age"] = round(max(0.0, vitals.now - counts.last), 3) if counts is not None else None
        view["since"] = timeline.since if timeline is not None else None
        view["strip"] = [] if timeline is None else _strip(timeline.changes, self._clock() - STRIP)
        return view


def _strip(changes: Iterable[Change], begin: float) -> list[Change]:
    """The changes since ``begin``, and the one before them, which was in force then."""
    every = [(round(at, 3), now) for at, now in changes]
    first = max((index for index, (at, _) in enumerate(every) if at <= begin), default=0)
    return every[first:]


def _longer(recorded: int, counted: int) -> int:
    """The streak that records know, or what the process has counted of the same."""
    return counted if recorded * counted > 0 and abs(counted) > abs(recorded) else recorded


def _mean(durations: Histogram) -> float | None:
    count = sum(durations.counts)
    return round(durations.sum / count, 6) if count else None
