"""Carries out what comes over the control socket: finds the reals that are meant, records the orders, and answers once
they are on the disk, or says that they are not.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from kglb.actors.daemon import Daemon
from kglb.actors.recorder import Fact, Recorder
from kglb.actors.supervisor import Stop
from kglb.config.summary import describe
from kglb.events import ConfigApplied, ConfigRejected, Event, RealDrained, RealRestored, WeightOverridden
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, FleetState, RealState
from kglb.replay.errors import AmbiguousRealError, Candidate, UnknownRealError
from kglb.replay.finding import find_real, find_reals
from kglb.web.orders import (
    Answer,
    Done,
    Draining,
    DrainOrder,
    Drains,
    DrainsOrder,
    JournalOrder,
    JournalStanding,
    Order,
    Refused,
    Reloaded,
    ReloadOrder,
    RestoreOrder,
    Steered,
    StopOrder,
    Stopped,
    WeightOrder,
)

SYNC_PATIENCE = 2.0
"""Seconds that an answer waits for the disk."""

RELOAD_PATIENCE = 30.0
"""Seconds that an answer waits for what comes of a reload."""


class Commander:
    """One per daemon. ``wall`` is the time in seconds since the epoch, ``reload`` has the config read again;
    ``connections`` are those of what drains, as last counted.
    """

    def __init__(
        self,
        daemon: Daemon,
        recorder: Recorder,
        *,
        wall: Callable[[], float],
        reload: Callable[[], "asyncio.Future[Fact]"],
        connections: Mapping[tuple[ServiceId, RealId], int],
    ) -> None:
        self._daemon = daemon
        self._recorder = recorder
        self._wall = wall
        self._reload = reload
        self._connections = connections

    @property
    def _fleet(self) -> FleetState:
        return self._recorder.state.fleet

    async def carry_out(self, order: Order, who: str) -> Answer:
        """Do what ``who`` orders, and answer once it is done."""
        if isinstance(order, JournalOrder):
            return self._journal()
        if self._fleet.stopped:
            return Refused(why="environment", problem="the daemon is stopping", remedy="give orders to the next one")
        try:
            match order:
                case DrainOrder():
                    return await self._drain(order, who)
                case DrainsOrder():
                    return self._drains(order)
                case RestoreOrder():
                    return await self._restore(order, who)
                case WeightOrder():
                    return await self._weigh(order, who)
                case ReloadOrder():
                    return await self._read_again()
                case StopOrder():
                    return await self._stop(order, who)
        except UnknownRealError as unknown:
            return Refused(why="no", problem=str(unknown), remedy="status and replay list the reals there are")
        except AmbiguousRealError as ambiguous:
            places = "; ".join(f"{found.real} of {found.balancer}" for found in ambiguous.candidates)
            return Refused(why="usage", problem=f"{ambiguous}: {places}", remedy="")

    # --- reals --------------------------------------------------------------------------------------------------

    async def _drain(self, order: DrainOrder, who: str) -> Answer:
        until = self._until(order.seconds)
        meant = self._in_config(find_reals(self._fleet, order.real, order.balancer))
        return await self._record(
            (one, RealDrained(service=one.service, real=one.real, who=who, note=order.note, until=until))
            for one in meant
        )

    def _drains(self, order: DrainsOrder) -> Drains:
        meant = find_reals(self._fleet, order.real, order.balancer)
        drained = ((one, drain) for one in meant if (drain := self._known(one).orders.drain) is not None)
        return Drains(
            reals=tuple(
                Draining(
                    balancer=one.balancer,
                    service=one.service,
                    real=one.real,
                    seq=drain.seq,
                    connections=0 if drain.finished else self._connections.get((one.service, one.real)),
                    finished=drain.finished,
                )
                for one, drain in drained
            )
        )

    async def _weigh(self, order: WeightOrder, who: str) -> Answer:
        one = find_real(self._fleet, order.real, order.balancer)
        weighed = WeightOverridden(
            service=one.service,
            real=one.real,
            weight=order.weight,
            who=who,
            note=order.note,
            until=self._until(order.seconds),
            force_up=order.force_up,
        )
        done = await self._record([(one, weighed)])
        if order.force_up and order.weight and order.seconds is None:
            endless = f"{one.real} gets traffic even if it dies, until kglb-actors restore: --for ends it by itself"
            done = msgspec.structs.replace(done, warnings=(*done.warnings, endless))
        return done

    async def _restore(self, order: RestoreOrder, who: str) -> Answer:
        meant = find_reals(self._fleet, order.real, order.balancer)
        restored = (
            (one, RealRestored(service=one.service, real=one.real, ended=ended, who=who, note=order.note))
            for one in meant
            if (ended := _orders_of(self._known(one)))
        )
        return await self._record(restored)

    async def _record(self, facts: Iterable[tuple[Candidate, Event]]) -> Done:
        """Record what is ordered of each real, all at once; answer when it is on the disk."""
        steered = tuple(
            Steered(one.balancer, one.service, one.real, one.host, self._recorder.record(event)) for one, event in facts
        )
        on_disk = not steered or await self._recorder.synced(steered[-1].seq, SYNC_PATIENCE)
        return Done(reals=steered, on_disk=on_disk, warnings=self._warnings(steered))

    def _warnings(self, steered: tuple[Steered, ...]) -> tuple[str, ...]:
        """Balancers that have no primary left to send to."""
        empty = {
            one.balancer: balancer
            for one in steered
            if (balancer := self._fleet.balancers.get(one.service)) is not None and not balancer.total
        }
        return tuple(_of_nobody_left(name, balancer) for name, balancer in empty.items())

    def _in_config(self, found: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Without those that are leaving already. Raises UnknownRealError if there is no other."""
        staying = tuple(one for one in found if self._known(one).leaving is None)
        if not staying:
            raise UnknownRealError(f"{found[0].real} has left the config and drains already")
        return staying

    def _known(self, one: Candidate) -> RealState:
        return self._fleet.balancers[one.service].reals[one.real]

    def _until(self, seconds: float | None) -> float | None:
        return None if seconds is None else round(self._wall() + seconds, 3)

    # --- the daemon ---------------------------------------------------------------------------------------------

    def _journal(self) -> JournalStanding:
        recorder = self._recorder
        return JournalStanding(degraded=recorder.degraded, since=recorder.degraded_since, unwritten=recorder.unwritten)

    async def _read_again(self) -> Answer:
        try:
            fact = await asyncio.wait_for(asyncio.shield(self._reload()), RELOAD_PATIENCE)  # others wait for it, too
        except TimeoutError:
            problem = f"nothing came of the reload within {RELOAD_PATIENCE:g} s"
            return Refused(why="environment", problem=problem, remedy="see the daemon's log")
        if isinstance(fact.event, ConfigRejected):
            return Reloaded(applied=False, seq=fact.seq, source=fact.event.source, lines=fact.event.errors)
        assert isinstance(fact.event, ConfigApplied)
        lines = tuple(describe(fact.event.config))
        return Reloaded(applied=True, seq=fact.seq, source=fact.event.source, lines=lines)

    async def _stop(self, order: StopOrder, who: str) -> Answer:
        self._daemon.stop(Stop(reason=f"ordered by {who}", on_stop=order.on_stop))
        return Stopped(clean=await asyncio.shield(self._daemon.finished))


def _orders_of(real: RealState) -> tuple[Literal["drain", "weight"], ...]:
    orders: list[Literal["drain", "weight"]] = []
    if real.orders.drain is not None:
        orders.append("drain")
    if real.orders.override is not None:
        orders.append("weight")
    return tuple(orders)


def _of_nobody_left(name: str, balancer: BalancerState) -> str:
    if not balancer.backups:
        return f"every real of {name} is drained: it refuses new connections"
    if not balancer.backups_alive:
        return f"every primary real of {name} is drained, and no backup is up"
    return f"every primary real of {name} is drained: its backups serve"
