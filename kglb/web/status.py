"""The pages: ``/healthz``, and the metrics as ``/stats`` (KgLb's name) or ``/metrics``."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from kglb.dataplane.counters import ServiceCounters
from kglb.events import Event
from kglb.model import ServiceId
from kglb.projections import State
from kglb.web.answer import Answer, Route, plain
from kglb.web.availability import availability_families
from kglb.web.check_metrics import check_families
from kglb.web.config_standing import ConfigStanding
from kglb.web.daemon_metrics import daemon_families
from kglb.web.exposition import CONTENT_TYPE, Family, gauge, lines, single
from kglb.web.fleet_metrics import fleet_families
from kglb.web.health import complaints
from kglb.web.ipvs_metrics import ipvs_families
from kglb.web.process_metrics import open_descriptors, process_families
from kglb.web.refusals import Refusals
from kglb.web.sliced import SlicedText
from kglb.web.state_hash import state_hash
from kglb.web.tally import Tally
from kglb.web.vitals import Vitals

ReadCounters = Callable[[Iterable[ServiceId]], Awaitable[Sequence[ServiceCounters]]]
"""Reads what IPVS has counted of these services."""


async def _no_counters(services: Iterable[ServiceId]) -> Sequence[ServiceCounters]:  # noqa: ARG001 - there are none
    return ()


class Status:
    """One per daemon. Reads ``state``, the fold of all that is recorded; asks for ``vitals`` each time.

    ``tally``, ``refusals`` and ``config`` are what it has noted so far; ``vitals`` gives the process now,
    ``read_counters`` what IPVS has counted.
    """

    def __init__(self, state: State, vitals: Callable[[], Vitals], read_counters: ReadCounters = _no_counters) -> None:
        self._state = state
        self.vitals = vitals
        self.read_counters = read_counters
        self.tally = Tally()
        self.refusals = Refusals()
        self.config = ConfigStanding()
        self._metrics = SlicedText(lambda: lines(self.families()), prepare=self.prepare)
        self._counters: Sequence[ServiceCounters] = ()
        self._hash = 0
        self._descriptors = 0

    def note(self, event: Event) -> None:
        """Take one recorded event in; quick, and never raises."""
        self.tally.count(event)
        self.refusals.note(event)
        self.config.note(event)

    def routes(self) -> dict[str, Route]:
        """What to serve under which path."""
        return {"/healthz": self._healthz, "/metrics": self._stats, "/stats": self._stats}

    async def prepare(self) -> None:
        """Fetch what takes waiting, before the families are made."""
        self._counters = await self.read_counters(list(self._state.data_plane.actual.services))
        self._hash = await state_hash(self._state)
        self._descriptors = await open_descriptors()

    def families(self) -> Iterator[Family]:
        """All metrics, as they are while they are consumed; what ``prepare`` fetched as it was then."""
        vitals = self.vitals()
        yield from availability_families(self._state, self.refusals, vitals)
        yield from process_families(vitals, self._descriptors)
        yield from daemon_families(self._state.data_plane, self.tally, self.refusals, vitals)
        yield gauge(
            "kglb_config_rejected",
            "Whether a config was refused since the one in force was applied.",
            single(int(self.config.now is not None and self.config.now.rejected is not None)),
        )
        yield gauge(
            "kglb_state_hash",
            "What this director has decided, as a number: equal on two that see the same.",
            single(self._hash),
        )
        yield from fleet_families(self._state)
        yield from check_families(self._state, vitals)
        counters, self._counters = self._counters, ()  # used once, and too many to be kept
        yield from ipvs_families(counters)

    def complaints(self) -> list[str]:
        """Why the daemon is not well, a sentence each."""
        return complaints(self._state, self.refusals, self.vitals())

    async def _stats(self) -> Answer:
        return Answer(200, CONTENT_TYPE, await self._metrics.text())

    async def _healthz(self) -> Answer:
        found = self.complaints()
        return plain(503, "\n".join(found)) if found else plain(200, "ok")
