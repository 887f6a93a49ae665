"""All projections together: what a record folds into, and what a checkpoint stores."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.json import encode
from msgspec.structs import replace

from kglb.events import Event
from kglb.model import Balancer, Config
from kglb.projections.dataplane import DataPlaneState
from kglb.projections.fleet import FleetState
from kglb.projections.holding import Holding
from kglb.projections.marks import MarksState
from kglb.projections.pools import PoolState
from kglb.projections.reals import BalancerState

_SLICE = 200  # entries encoded at once: well under a millisecond


class _Checkpoint(msgspec.Struct):
    fleet: FleetState
    desired: Holding
    actual: Holding
    boot_id: str
    holds: dict[str, float] = {}


class FoldError(Exception):
    """A record makes no sense after those before it: no daemon of this version wrote them in this order."""

    def __init__(self, seq: int, event: Event, error: Exception) -> None:
        super().__init__(f"record {seq}, {type(event).__name__}, does not fold: {error!r}")
        self.seq = seq


class State:
    """The fold of a journal up to ``seq``."""

    def __init__(self) -> None:
        self.seq = 0
        self.fleet = FleetState()
        self.data_plane = DataPlaneState()

    def fold(self, seq: int, event: Event) -> None:
        """Take one record in. Raises FoldError where it does not follow from what is there."""
        self.seq = seq
        try:
            self.fleet.fold(seq, event)
            self.data_plane.fold(seq, event, self.fleet)
        except Exception as error:
            raise FoldError(seq, event, error) from error

    @classmethod
    def from_checkpoint(cls, seq: int, checkpoint: bytes) -> "State":
        """The state that a checkpoint at ``seq`` stored; ``{}`` is the empty one. Raises ``UNDECODABLE``."""
        state = cls()
        state.seq = seq
        if bytes(checkpoint).strip() != b"{}":
            stored = msgspec.json.decode(checkpoint, type=_Checkpoint)
            state.fleet = stored.fleet
            state.data_plane = DataPlaneState(
                desired=stored.desired, actual=stored.actual, holds=stored.holds, boot_id=stored.boot_id
            )
        return state

    def checkpoint(self) -> Iterator[bytes]:
        """The state as JSON in parts, each made in well under a millisecond. It is that of the moment of the call."""
        snapshot = _Checkpoint(
            fleet=_snapshot(self.fleet),
            desired=_copy(self.data_plane.desired),
            actual=_copy(self.data_plane.actual),
            boot_id=self.data_plane.boot_id,
            holds=dict(self.data_plane.holds),
        )
        return _parts(snapshot)


def _snapshot(fleet: FleetState) -> FleetState:
    balancers = {
        id: replace(balancer, reals=dict(balancer.reals), unchecked=dict(balancer.unchecked))
        for id, balancer in fleet.balancers.items()
    }
    return replace(
        fleet,
        balancers=balancers,
        names=dict(fleet.names),
        pools={
            key: replace(pool, members=dict(pool.members), since=dict(pool.since)) for key, pool in fleet.pools.items()
        },
        kept=dict(fleet.kept),
        marks=fleet.marks.snapshot(),
    )


def _copy(holding: Holding) -> Holding:
    return Holding(
        services=dict(holding.services),
        destinations={id: dict(destinations) for id, destinations in holding.destinations.items()},
        addresses=dict(holding.addresses),
        routes=dict(holding.routes),
        marked=holding.marked,
    )


_BRANCHES = (_Checkpoint, FleetState, BalancerState, PoolState, MarksState, Holding, Config, Balancer)


def _parts(tree: object) -> Iterator[bytes]:
    """JSON of a tree in parts: branches and mappings of mappings are descended into, long rows are cut."""
    if isinstance(tree, _BRANCHES):
        items = [(name, getattr(tree, name)) for name in tree.__struct_fields__]
        yield from _object(items)
    elif isinstance(tree, dict) and isinstance(next(iter(tree.values()), None), (*_BRANCHES, dict)):
        yield from _object(list(tree.items()))
    elif isinstance(tree, dict):
        yield from _row(list(tree.items()), lambda items: encode(dict(items)), b"{", b"}")
    elif isinstance(tree, tuple):
        yield from _row(tree, encode, b"[", b"]")
    else:
        yield encode(tree)


def _object(items: list[tuple[str, object]]) -> Iterator[bytes]:
    separator = b"{"
    for name, value in items:
        yield separator + encode(name) + b":"
        yield from _parts(value)
        separator = b","
    yield b"}" if items else b"{}"


def _row(row: Sequence[Any], encode_slice: Callable[[Any], bytes], opening: bytes, closing: bytes) -> Iterator[bytes]:
    if row and isinstance(row[0], _BRANCHES):
        separator = opening
        for item in row:
            yield separator
            yield from _parts(item)
            separator = b","
        yield closing
        return
    yield opening
    for start in range(0, len(row), _SLICE):
        part = encode_slice(row[start : start + _SLICE])[1:-1]
        yield b"," + part if start else part
    yield closing
