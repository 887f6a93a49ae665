"""The marks of health checks: which way each stands for, which reals use it, and which marks are free.

It follows ``MarkAssigned`` and ``MarkReleased``, so a restart, or another boot, gives every real the mark it had.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from kglb.events import Adopted, ConfigApplied, Entry, Event, MarkAssigned, MarkReleased
from kglb.model import RealId, ServiceId, Way, parse_endpoint


class HeldMark(msgspec.Struct, frozen=True):
    """A mark in use: its way, and by how many reals of how many balancers it is used."""

    way: Way
    users: int


class MarksState(msgspec.Struct, kw_only=True):
    """All marks. ``first`` to ``last`` are ours to give; up to ``untouched`` each was given once or is in use.

    ``released`` are those that came back, in that order. ``in_kernel`` are marks, by way, that were found in the
    kernel when the daemon started and that the journal knew nothing of.
    """

    first: int = 0
    last: int = -1
    untouched: int = 0
    released: list[int] = []
    held: dict[int, HeldMark] = {}
    by_way: dict[str, int] = {}
    users: dict[ServiceId, dict[RealId, int]] = {}
    in_kernel: dict[str, int] = {}

    def mark_of(self, way: Way) -> int | None:
        """The mark that the way has."""
        return self.by_way.get(str(way))

    def found(self, way: Way) -> int | None:
        """The free mark that the kernel already has this way under."""
        mark = self.in_kernel.get(str(way))
        return mark if mark is not None and self._is_free(mark) else None

    def free(self) -> Iterator[int]:
        """The marks that no way has, the one that has been free for longest first."""
        yield from (mark for mark in range(self.untouched, self.last + 1) if mark not in self.held)
        yield from (mark for mark in self.released if mark < self.untouched and self._is_free(mark))

    def _is_free(self, mark: int) -> bool:
        return self.first <= mark <= self.last and mark not in self.held

    def of(self, service: ServiceId) -> dict[RealId, tuple[int, Way]]:
        """The mark and the way of each real of a balancer that has one."""
        return {real: (mark, self.held[mark].way) for real, mark in self.users.get(service, {}).items()}

    def fold(self, event: Event) -> None:
        """Take one event in."""
        if (step := _STEPS.get(type(event))) is not None:
            step(self, event)

    def snapshot(self) -> "MarksState":
        """A copy that later events leave as it is."""
        return replace(
            self,
            released=list(self.released),
            held=dict(self.held),
            by_way=dict(self.by_way),
            users={service: dict(reals) for service, reals in self.users.items()},
            in_kernel=dict(self.in_kernel),
        )


def _config_applied(marks: MarksState, event: ConfigApplied) -> None:
    config = event.config.data_plane
    first, last = config.fwmark_base, config.fwmark_base + config.fwmark_count - 1
    if (first, last) != (marks.first, marks.last):
        marks.first, marks.last, marks.untouched, marks.released = first, last, first, []


def _mark_assigned(marks: MarksState, event: MarkAssigned) -> None:
    before = marks.held.get(event.mark)
    marks.held[event.mark] = HeldMark(event.way, 1 if before is None else before.users + 1)
    marks.by_way[str(event.way)] = event.mark
    marks.users.setdefault(event.service, {})[event.real] = event.mark
    marks.in_kernel.pop(str(event.way), None)
    if event.mark in marks.released:
        marks.released.remove(event.mark)
    while marks.untouched in marks.held:
        marks.untouched += 1


def _mark_released(marks: MarksState, event: MarkReleased) -> None:
    reals = marks.users.get(event.service, {})
    if reals.pop(event.real, None) is None:
        return
    if not reals:
        del marks.users[event.service]
    held = marks.held[event.mark]
    if held.users > 1:
        marks.held[event.mark] = HeldMark(held.way, held.users - 1)
    else:
        del marks.held[event.mark], marks.by_way[str(held.way)]
        marks.released.append(event.mark)


def _adopted(marks: MarksState, event: Adopted) -> None:
    marks.in_kernel = {}
    for entry in event.entries:
        if (way := _way_of(entry)) is not None and str(way) not in marks.by_way:
            marks.in_kernel[str(way)] = entry.service.key.mark


def _way_of(entry: Entry) -> Way | None:
    """The way that an entry of the kernel stands for, None if it is no mark of a check."""
    key = entry.service.key
    if key.protocol != "fwmark" or len(entry.destinations) != 1:
        return None
    destination = entry.destinations[0]
    endpoint = parse_endpoint(destination.real)
    return None if endpoint.port else Way(endpoint.address, destination.forward, key.ipv6)


_STEPS: dict[type, Callable[[MarksState, Any], None]] = {
    ConfigApplied: _config_applied,
    MarkAssigned: _mark_assigned,
    MarkReleased: _mark_released,
    Adopted: _adopted,
}
