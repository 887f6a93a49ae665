"""The reals of one balancer: which there are, by its config, its names and its pools, and how they come and go.

It records what changes and tells its balancer; it starts no checker and decides nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kglb.actors.parts import Parts
from kglb.decisions import Taken, claims, member, nobody_leaves, presumed_healthy, take_in
from kglb.events import (
    NameResolved,
    PoolAnswered,
    PoolFailed,
    RealAdded,
    RealKept,
    RealLeaving,
    RealRemoved,
    ResolutionFailed,
)
from kglb.model import Balancer, Endpoint, Member, Pool, Real, RealId, ServiceId
from kglb.model.endpoint import split_host_port
from kglb.projections import PoolState, RealState, pool_key


class Looked(NamedTuple):
    """What the resolver says of a name: all its addresses, or why there is none."""

    addresses: tuple[str, ...]
    error: str = ""


class Moved(NamedTuple):
    """A name has this real now, as record ``seq`` says."""

    real: RealId
    seq: int


class Joined(NamedTuple):
    """A pool has these reals now, or with another weight, as record ``seq`` says."""

    reals: tuple[RealId, ...]
    seq: int


class Reals:
    """The reals of ``service``. ``changed`` is called with each real and the record that says so, ``gone`` before
    a real is removed.
    """

    def __init__(
        self,
        parts: Parts,
        service: ServiceId,
        *,
        changed: Callable[[RealId, int], None],
        gone: Callable[[RealId], None],
    ) -> None:
        self._parts = parts
        self._recorder = parts.recorder
        self._service = service
        self._changed = changed
        self._gone = gone
        self._failing: dict[str, str] = {}
        self._places: dict[str, int] = {}  # of entries by their hosts, of pools by their ids
        self._claims: dict[RealId, dict[int, Real]] = {}  # the entries that stand for a real; the first counts

    @property
    def known(self) -> dict[RealId, RealState]:
        """What is known of each."""
        return self._recorder.state.fleet.balancers[self._service].reals

    # --- the config ---------------------------------------------------------------------------------------------

    def bring_in_step(self, config: Balancer, cause: int | None = None) -> None:
        """Add and remove reals as the config says; of names those whose address is known, of pools known members."""
        entries = (*(entry.host for entry in config.reals), *(pool.id for pool in config.pools))
        self._places = {called: place for place, called in enumerate(entries)}
        self._claims = claims(config, self._last_good, self._members_of)
        self._dismiss_unclaimed(config, cause)
        for real in self._claims:
            self._have(real, cause)

    def _dismiss_unclaimed(self, config: Balancer, cause: int | None) -> None:
        if nobody_leaves(config, self._members_of):
            return
        for real, state in list(self.known.items()):
            if real not in self._claims:
                self._let_go(config, state, cause)

    def settle(self, real: RealId) -> None:
        """Remove a real that was leaving, if its wait is over."""
        state = self.known.get(real)
        if state is not None and state.leaving is not None and state.leaving.finished:
            self._remove(state)

    def _have(self, real: RealId, cause: int | None) -> None:
        state, by_place = self.known.get(real), self._claims[real]
        entry = by_place[min(by_place)]
        if state is None:
            self._add(real, entry, cause)
        elif state.leaving is not None or state.entry != entry:
            kept = RealKept(service=self._service, real=real, entry=entry)
            self._changed(real, self._recorder.record(kept, cause=cause))

    def _add(self, real: RealId, entry: Real, cause: int | None) -> None:
        held = self._in_kernel(real)
        healthy = presumed_healthy(held)
        added = RealAdded(
            service=self._service,
            real=real,
            entry=entry,
            healthy=healthy,
            basis="adopted" if healthy else "initial",
        )
        self._changed(real, self._recorder.record(added, cause=cause))

    def _let_go(self, config: Balancer, state: RealState, cause: int | None) -> None:
        """Remove a real, or let it serve on what it has for as long as the config says."""
        patience = config.drain_on_remove
        if not patience or self._in_kernel(state.real) is None or (state.leaving and state.leaving.finished):
            self._remove(state, cause)
        elif state.leaving is None:
            until = round(self._parts.wall() + patience, 3)
            leaving = RealLeaving(service=self._service, real=state.real, host=state.entry.host, until=until)
            self._changed(state.real, self._recorder.record(leaving, cause=cause))

    def _remove(self, state: RealState, cause: int | None = None) -> None:
        self._gone(state.real)
        removed = RealRemoved(service=self._service, real=state.real, host=state.entry.host)
        self._changed(state.real, self._recorder.record(removed, cause=cause))

    def _in_kernel(self, real: RealId) -> int | None:
        """The weight that the kernel is known to have for a real; None if it does not have it."""
        held = self._recorder.state.data_plane.actual.destinations.get(self._service, {}).get(real)
        return None if held is None else held.weight

    # --- names --------------------------------------------------------------------------------------------------

    async def look_up(self, entry: Real, config: Balancer) -> Looked:
        """Ask for the addresses of a name; whatever the resolver says is an answer."""
        try:
            return Looked(await self._parts.resolve(split_host_port(entry.host)[0], config.service.key.ipv6))
        except OSError as refusal:
            return Looked((), str(refusal))

    def take_in(self, entry: Real, looked: Looked, config: Balancer) -> Moved | None:
        """Record what the resolver said, if it is news; the real that the name has now, if it is another."""
        if looked.error:
            self._resolution_failed(entry, looked.error)
            return None
        self._failing.pop(entry.host, None)
        known = self._last_good(entry.host)
        address = known if known in looked.addresses else looked.addresses[0]
        real = Endpoint(address, split_host_port(entry.host)[1]).id
        state = self.known.get(real)
        if known == address and state is not None and state.leaving is None:
            return None
        before = member(entry, self._last_good)
        seq = self._recorder.record(NameResolved(service=self._service, host=entry.host, address=address))
        place = self._places[entry.host]
        if before is not None and before != real:
            self._disclaim(before, place, config, seq)
        self._claims.setdefault(real, {})[place] = entry
        self._have(real, seq)
        return Moved(real, seq)

    def _disclaim(self, real: RealId, place: int, config: Balancer, cause: int) -> None:
        """An entry stands for a real no more; others may."""
        by_place = self._claims.get(real, {})
        by_place.pop(place, None)
        if by_place:
            self._have(real, cause)
        else:
            self._claims.pop(real, None)
            if (state := self.known.get(real)) is not None and not nobody_leaves(config, self._members_of):
                self._let_go(config, state, cause)

    def _last_good(self, host: str) -> str:
        return self._recorder.state.fleet.last_good(self._service, host)

    def _resolution_failed(self, entry: Real, error: str) -> None:
        if self._failing.get(entry.host) == error:
            return
        self._failing[entry.host] = error
        failed = ResolutionFailed(
            service=self._service, host=entry.host, error=error, keeping=self._last_good(entry.host)
        )
        self._recorder.record(failed)

    # --- pools --------------------------------------------------------------------------------------------------

    def take_in_answer(self, pool: Pool, named: Sequence[Member], config: Balancer) -> Joined | None:
        """Record what the source of a pool says, if it is news; the reals that joined, if that was recorded."""
        fleet = self._recorder.state.fleet
        before = fleet.pools.get(pool_key(self._service, pool.id), PoolState())
        was_keeping = nobody_leaves(config, self._members_of)
        known = self.known
        up = {real for real in before.members if real in known and known[real].serves_for(pool.id)}
        taken = take_in(before.members, named, up, pool.max_loss)
        if before.seq and not before.error and taken == Taken((), (), before.lacking):
            return None
        answered = PoolAnswered(
            service=self._service, pool=pool.id, members=taken.members, left=taken.left, lacking=taken.lacking
        )
        seq = self._recorder.record(answered)
        place = self._places[pool.id]
        for one in taken.members:
            self._claims.setdefault(one.real, {})[place] = pool.entry(one)
            self._have(one.real, seq)
        for real in taken.left:
            self._disclaim(real, place, config, seq)
        if was_keeping:
            self._dismiss_unclaimed(config, seq)
        return Joined(tuple(one.real for one in taken.members), seq)

    def waits_for_an_answer(self, pool: Pool) -> bool:
        """Whether what a source said before is still to be considered: it failed since, or somebody stays in spite."""
        known = self._recorder.state.fleet.pools.get(pool_key(self._service, pool.id), PoolState())
        return bool(known.error or known.lacking)

    def source_failed(self, pool: Pool, error: str, last_good: float | None) -> None:
        """Record that the source of a pool gave no answer that can be used, if that is news."""
        before = self._recorder.state.fleet.pools.get(pool_key(self._service, pool.id), PoolState())
        if before.error != error:
            failed = PoolFailed(
                service=self._service,
                pool=pool.id,
                error=error,
                keeping=len(before.members),
                last_good=last_good,
            )
            self._recorder.record(failed)

    def _members_of(self, pool: Pool) -> dict[RealId, Member] | None:
        return self._recorder.state.fleet.members_of(self._service, pool)
