"""Has each balancer the reals that its config, the last good addresses of its names and the members of its pools say?
And does each pool have the members that the answers of its source lead to?
"""

from functools import partial

from kglb.decisions import Taken, is_name, member, members, nobody_leaves, presumed_healthy, take_in, unaccounted
from kglb.events import (
    Adopted,
    BalancerDecided,
    NameResolved,
    PoolAnswered,
    RealAdded,
    RealKept,
    RealLeaving,
    RealRemoved,
    Record,
)
from kglb.model import Balancer, Pool, Real, RealId, ServiceId
from kglb.projections import BalancerState, PoolState, State, name_key, pool_key
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
        self._answered: dict[str, int] = {}
        self._complete: dict[ServiceId, int] = {}  # the answer since which no pool is without one

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
        moved = member(real.entry, partial(self._state.fleet.last_good, event.service)) != event.real
        if not moved and event.real in self._members(balancer):
            raise Diverged(about, recorded="that it left", decided="that the config still has it")
        if self._nobody_leaves(balancer.config) and (real.leaving is None or not real.leaving.finished):
            raise Diverged(about, recorded="that it left", decided="that all stay until every pool has an answer")
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
        differing = sorted(wanted.keys() - staying if self._nobody_leaves(balancer.config) else wanted.keys() ^ staying)
        if differing:
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

    def answered(self, record: Record[PoolAnswered]) -> None:
        """A pool has the members that the answer leads to, which is what the record and the members before say."""
        seq, event = record.seq, record.event
        balancer = self._state.fleet.balancers.get(event.service)
        pool = None if balancer is None else next((one for one in balancer.config.pools if one.id == event.pool), None)
        if balancer is None or pool is None:
            return
        known = self._state.fleet.pools.get(pool_key(event.service, event.pool), PoolState())
        named = {real: one for real, one in known.members.items() if real not in (*event.left, *event.lacking)}
        named |= {one.real: one for one in event.members}
        about = f"the members of {event.pool} in {event.service}"
        if not named:
            raise Diverged(about, recorded="that none is left", decided="that an empty answer is none")
        reals = balancer.reals
        up = {real for real in known.members if real in reals and reals[real].serves_for(pool.id)}
        decided = take_in(known.members, named.values(), up, pool.max_loss)
        recorded = Taken(event.members, event.left, event.lacking)
        if any(set(one) != set(other) for one, other in zip(decided, recorded, strict=True)):
            raise Diverged(about, recorded=_told(recorded), decided=_told(decided))
        if not known.seq and all(self._is_answered(event.service, one) for one in balancer.config.pools if one != pool):
            self._complete[event.service] = seq
        self._answered[pool_key(event.service, event.pool)] = seq
        self._wanted.pop(event.service, None)
        self._unsure.add(event.service)

    def configured(self) -> None:
        """Any balancer may have other reals."""
        self._wanted.clear()
        self._unsure = set(self._state.fleet.balancers)

    def _members(self, balancer: BalancerState) -> dict[RealId, Real]:
        id = balancer.config.id
        if (known := self._wanted.get(id)) is None:
            fleet = self._state.fleet
            known = members(balancer.config, partial(fleet.last_good, id), partial(fleet.members_of, id))
            self._wanted[id] = known
        return known

    def _nobody_leaves(self, config: Balancer) -> bool:
        return nobody_leaves(config, partial(self._state.fleet.members_of, config.id))

    def _is_answered(self, service: ServiceId, pool: Pool) -> bool:
        return self._state.fleet.members_of(service, pool) is not None

    def _is_cause(self, about: str, cause: int | None, service: ServiceId, *entries: Real) -> None:
        """What makes a real come or go is a config, its name or a pool; a start that finds it so has no cause."""
        known = {None, self._state.fleet.config_seq, self._complete.get(service)}
        known.update(self._resolved.get(name_key(service, entry.host)) for entry in entries if is_name(entry))
        known.update(self._answered.get(pool_key(service, entry.pool)) for entry in entries if entry.pool)
        if cause not in known and (cause or 0) > self._since:
            hosts = " or ".join(dict.fromkeys(entry.pool or entry.host for entry in entries))
            raise wrong_cause(about, cause, f"config {self._state.fleet.config_seq} or the address of {hosts}")


def _told(taken: Taken) -> str:
    """What became of an answer, in words."""
    sides = (("joined", [one.real for one in taken.members]), ("left", taken.left), ("lacking", taken.lacking))
    return "; ".join(f"{what}: {listed(reals)}" for what, reals in sides if reals) or "nobody joined or left"
