"""Has each real that is checked through its VIP the mark that the decision code gives it?"""

from kglb.decisions import Marked, choose_mark, mark_changes
from kglb.events import MarkAssigned, MarkReleased, Record
from kglb.model import ServiceId, Way, parse_endpoint
from kglb.projections import FleetState, RealState
from kglb.replay.audit.diverged import Diverged


class MarksAudit:
    """Marks of all reals. (When one is given again that was free, the balancers find it at their own times.)"""

    def __init__(self, fleet: FleetState) -> None:
        self._fleet = fleet

    def assigned(self, record: Record[MarkAssigned]) -> None:
        """This mark, for this way, to a real that needs one."""
        event = record.event
        about = f"mark {event.mark} of {event.real} in {event.service}"
        way = self._wanted(event.service, self._fleet.real(event.service, event.real))
        if way != event.way:
            decided = "none" if way is None else f"for {way}"
            raise Diverged(about, recorded=f"for {event.way}", decided=decided)
        if (mark := choose_mark(event.way, self._fleet.marks)) != event.mark:
            raise Diverged(about, recorded=f"mark {event.mark}", decided=f"mark {mark}")

    def released(self, record: Record[MarkReleased]) -> None:
        """The real needs its mark no more."""
        event = record.event
        config = self._fleet.config
        real = self._fleet.real(event.service, event.real)
        way = self._wanted(event.service, real)
        held = {event.real: Marked(event.mark, event.way)}
        wanted = {} if way is None else {event.real: way}
        if config is not None and not mark_changes(held, wanted, config.marks).released:
            about = f"mark {event.mark} of {event.real} in {event.service}"
            raise Diverged(about, recorded="that it was given back", decided="that it is in use")

    def _wanted(self, service: ServiceId, real: RealState | None) -> Way | None:
        balancer = self._fleet.balancers.get(service)
        if real is None or balancer is None or not balancer.config.fwmark_checks:
            return None
        return Way(parse_endpoint(real.real).address, real.entry.forward, balancer.config.service.key.ipv6)
