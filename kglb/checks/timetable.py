"""Probes by time, earliest first: a heap that sheds void entries late. No clock, no I/O."""

from heapq import heapify, heappop, heappush
from itertools import count

from kglb.checks.probe import Probe

_tickets = count(1)


def new_ticket() -> int:
    """A ticket no probe has had: what is filed under an older one becomes void."""
    return next(_tickets)


class Timetable:
    """At most one valid entry a probe, in this and in any other timetable: adding it voids the one before."""

    __slots__ = ("_entries", "_void")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Probe]] = []
        self._void = 0

    def __len__(self) -> int:
        """How many entries there are, void ones too."""
        return len(self._entries)

    @property
    def earliest(self) -> float | None:
        """No valid entry is before this loop time; None when there is none at all."""
        return self._entries[0][0] if self._entries else None

    def add(self, when: float, probe: Probe) -> None:
        """File a probe under a loop time and a new ticket."""
        probe.ticket = ticket = next(_tickets)
        heappush(self._entries, (when, ticket, probe))

    def pop(self, now: float) -> Probe | None:
        """Take out the earliest probe whose time has come, if there is one."""
        entries = self._entries
        while entries and entries[0][0] <= now:
            _, ticket, probe = heappop(entries)
            if probe.ticket == ticket:
                return probe
        return None

    def voided(self) -> None:
        """Count an entry that became void; sweep when half of them are."""
        self._void += 1
        if self._void > 64 and self._void * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if entry[2].ticket == entry[1]]
            heapify(self._entries)
            self._void = 0

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._void = 0
