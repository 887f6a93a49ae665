"""Has each balancer the reals that its config and the last good addresses of its names say?"""

from kglb.decisions import is_name, member, members, presumed_healthy, unaccounted
from kglb.events import Adopted, BalancerDecided, NameResolved, RealAdded, RealKept, RealLeaving, RealRemoved, Record
from kglb.model import Real, RealId, ServiceId
from kglb.projections import BalancerState, State, name_key
from kglb.replay.audit.diverged import Diverged, health_word, wrong_cause
from kglb.replay.words import listed


class RealsAudit:
    """Membership of all balancers. None is looked through as a whole unless its config or names have changed.

    What was recorded up to ``since`` it has not seen.
    """

    def __init__(self, state: State, since: int) -> None:
        self._state = state
        self._since = since
        self._unsure: set[ServiceId] = set()
        self._wanted: dict[ServiceId, dict[RealId, Real]] = {}
        self._resolved: dict[str, int] = {}

    def adopted(self, record: Record[Adopted]) -> None:
        """Presumed healthy is what the journal so far does not account for, and nobody else."""
        event, known = record.event, self._state.data_plane
        expected = unaccounted(
            event.entries, known.actual.destinations, known.desired.destinations, self._state.fleet.real
        )
        if event.unaccounted != expected:
            sides = (listed(f"{one.real} in {one.service}" for one in side) for side in (event.unaccounted, expected))
            recorded, decided = (side or "none" for side in sides)
            raise Diverged("reals presumed healthy at a start", recorded=recorded, decided=decided)

    def added(self, record: Record[RealAdded]) -> None:
        """The config has it, under this address, and is presumed what the kernel says."""
        cause, event = record.cause, record.event
        balancer = self._state.fleet.balancers.get(event.service)
        if balancer is None:
            return
        about = f"{event.real} in {event.service}"
        if event.real in balancer.reals:
            raise Diverged(about, recorded="that it joined", decided="that it was there")
        if event.real not in self._members(balancer):
            raise Diverged(about, recorded="that it joined", decided="that no entry of the config stands for it")
        held = self._state.data_plane.actual.destinations.get(event.service, {}).get(event.real)
        healthy = presumed_healthy(None if held is None else held.weight)
        if event.healthy != healthy:
            raise Diverged(about, recorded=health_word(event.healthy), decided=health_word(healthy))
        self._is_cause(about, cause, event.service, event.entry)
        self._unsure.add(event.service)

    def removed(self, record: Record[RealRemoved] | Record[RealLeaving]) -> None:
        """It was there, and neither config nor names have it any more."""
        event = record.event
        balancer = self._state.fleet.balancers.get(event.service)
        real = None if balancer is None else balancer.reals.get(event.real)
        if balancer is None or real is None:
            return
        about = f"{event.real} in {event.service}"
        moved = member(real.entry, lambda host: self._last_good(event.service, host)) != event.real
        if not moved and event.real in self._members(balancer):
            raise Diverged(about, recorded="that it left", decided="that the config still has it")
        if real.leaving is None or record.cause != real.leaving.finished:
            self._is_cause(about, record.cause, event.service, real.entry)
        self._unsure.add(event.service)

    def kept(self, record: Record[RealKept]) -> None:
        """The config or its name has it again, before it was gone, or another entry stands for it now."""
        event = record.event
        balancer = self._state.fleet.balancers.get(event.service)
        real = None if balancer is None else balancer.reals.get(event.real)
        if balancer is None or real is None:
            return
        about = f"{event.real} in {event.service}"
        wanted = self._members(balancer).get(event.real)
        if wanted != event.entry:
            decided = "that the config does not have it" if wanted is None else f"that {wanted.host} stands for it"
            raise Diverged(about, recorded=f"that it stays as {event.entry.host}", decided=decided)
        if real.leaving is None and real.entry == event.entry:
            raise Diverged(about, recorded="that it stays", decided="that it was not leaving")
        self._is_cause(about, record.cause, event.service, event.entry, real.entry)
        self._unsure.add(event.service)

    def decided(self, record: Record[BalancerDecided]) -> None:
        """A balancer's reals are in step whenever it decides."""
        event = record.event
        balancer = self._state.fleet.balancers.get(event.service)
        if balancer is None or event.service not in self._unsure:
            return
        self._unsure.discard(event.service)
        wanted = self._members(balancer)
        staying = {name for name, real in balancer.reals.items() if real.leaving is None}
        if differing := sorted(wanted.keys() ^ staying):
            real = differing[0]
            recorded, decided = ("no such real", "that it joined") if real in wanted else ("a real", "that it left")
            raise Diverged(f"{real} in {event.service}", recorded=recorded, decided=decided)
        for name, entry in wanted.items():
            if balancer.reals[name].entry != entry:
                had = f"that {balancer.reals[name].entry.host} stands for it"
                raise Diverged(f"{name} in {event.service}", recorded=had, decided=f"that {entry.host} does")

    def resolved(self, record: Record[NameResolved]) -> None:
        """A name has another address."""
        seq, event = record.seq, record.event
        self._resolved[name_key(event.service, event.host)] = seq
        self._wanted.pop(event.service, None)
        self._unsure.add(event.service)

    def configured(self) -> None:
        """Any balancer may have other reals."""
        self._wanted.clear()
        self._unsure = set(self._state.fleet.balancers)

    def _members(self, balancer: BalancerState) -> dict[RealId, Real]:
        id = balancer.config.id
        if (known := self._wanted.get(id)) is None:
            known = self._wanted[id] = members(balancer.config.reals, lambda host: self._last_good(id, host))
        return known

    def _last_good(self, service: ServiceId, host: str) -> str:
        return self._state.fleet.names.get(name_key(service, host), "")

    def _is_cause(self, about: str, cause: int | None, service: ServiceId, *entries: Real) -> None:
        """What makes a real come or go is a config or its name; a start that finds it so has no cause."""
        known = {None, self._state.fleet.config_seq}
        known.update(self._resolved.get(name_key(service, entry.host)) for entry in entries if is_name(entry))
        if cause not in known and (cause or 0) > self._since:
            hosts = " or ".join(dict.fromkeys(entry.host for entry in entries))
            raise wrong_cause(about, cause, f"config {self._state.fleet.config_seq} or the address of {hosts}")
