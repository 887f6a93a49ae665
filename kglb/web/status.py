"""The pages: ``/healthz``, and the metrics as ``/stats`` (KgLb's name) or ``/metrics``."""

from collections.abc import Callable, Iterator

from kglb.events import Event
from kglb.projections import State
from kglb.web.answer import Answer, Route, plain
from kglb.web.daemon_metrics import daemon_families
from kglb.web.exposition import CONTENT_TYPE, Family
from kglb.web.fleet_metrics import fleet_families
from kglb.web.health import complaints
from kglb.web.metrics import Metrics
from kglb.web.refusals import Refusals
from kglb.web.tally import Tally
from kglb.web.vitals import Vitals


class Status:
    """One per daemon. Reads ``state``, the fold of all that is recorded; asks for ``vitals`` each time."""

    def __init__(self, state: State, vitals: Callable[[], Vitals]) -> None:
        self._state = state
        self._vitals = vitals
        self._tally = Tally()
        self._refusals = Refusals()
        self._metrics = Metrics(self.families)

    def note(self, event: Event) -> None:
        """Take one recorded event in; quick, and never raises."""
        self._tally.count(event)
        self._refusals.note(event)

    def routes(self) -> dict[str, Route]:
        """What to serve under which path."""
        return {"/healthz": self._healthz, "/metrics": self._stats, "/stats": self._stats}

    def families(self) -> Iterator[Family]:
        """All metrics, as they are while they are consumed."""
        yield from daemon_families(self._state.data_plane, self._tally, self._refusals, self._vitals())
        yield from fleet_families(self._state)

    async def _stats(self) -> Answer:
        return Answer(200, CONTENT_TYPE, await self._metrics.text())

    async def _healthz(self) -> Answer:
        found = complaints(self._state, self._refusals, self._vitals())
        return plain(503, "\n".join(found)) if found else plain(200, "ok")
