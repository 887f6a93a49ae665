"""Which weights does the kernel have that the journal does not account for? Asked once, at a start.

A change of the kernel waits for the write of its cause, but only for a short time: a daemon whose disk hangs goes on
without. If it is killed then, the kernel has weights that are not in the journal. What the next daemon reads about such
a real is old; the kernel's weight is newer. So the real is treated as one without history: it is healthy until probes
say otherwise (``fall`` counts), its streak begins anew, and a weight that its check reported is forgotten.

A weight is accounted for if this boot's journal has the real with a weight: as known to be in the kernel
(``actual``), or as wanted there (``desired``). Then the journal is as new as the kernel, and is believed.

    kernel   actual   desired   what has happened                              what follows
    ------   ------   -------   --------------------------------------------   -------------------------------------
    0, none  any      any       nothing that serves could be taken away        the journal is believed
    > 0      > 0      any       known; 0 was decided and not done              the journal is believed: 0 is done
    > 0      0, none  > 0       decided, done, and killed before the record    the journal is believed: it stays
    > 0      0, none  0, none   decided and done, and no record was written    presumed healthy, but for those below
    > 0      -        -         no such real in the journal                    ``presumed_healthy``, as it is added

A real is not presumed healthy if the journal gives it weight 0 for another reason than health: it is drained or
leaving, or has weight 0 by an operator's order or by the config. A real that is up does not need it.

These cases look the same in the kernel, and are treated the same:

- An operation whose answer was lost (done or not), or that a kernel which hung did after its real had been given up,
  and a kill before it was read back: the journal knows the real as down for good reason. It has its weight until
  ``fall`` probes fail, where without a kill it would have been read back at once.
- Failsafe that was not written: every real that is down has its weight, and keeps it until ``fall`` probes fail; if
  all do, that is failsafe again.
- A weight that somebody else set while no daemon ran: the same. While one runs it is drift, and undone.
- Where reals that are down are removed, ``actual`` has no destination instead of one of weight 0. ``fail_closed``
  changes nothing: it says what is done with reals that are known to be down, and of this one nobody knows.

- A backup that serves, as no primary was up, and nothing of it was written: by the journal it stands by, up, and the
  primaries serve. The journal is believed, so they have its traffic until ``fall`` probes fail.

All of them end alike: traffic that the kernel sends already goes on for as long as ``fall`` probes take to fail.
Services under firewall marks are services like others; those of checks have no reals. One case looks like known: a
real whose weight of 0 was done, but not written, before it came back, all while the disk hung. ``actual`` has its old
weight, as if 0 had not been done, and it is taken away until ``rise`` probes pass.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from kglb.events import Entry, Unaccounted
from kglb.model import Destination, RealId, ServiceId

Destinations = Mapping[ServiceId, Mapping[RealId, Destination]]
"""By service and real."""


class Remembered(Protocol):
    """What the journal knows of a real."""

    @property
    def up(self) -> bool:
        """Whether it last counted as up."""

    @property
    def configured(self) -> int:
        """Its weight when up."""

    @property
    def assigned(self) -> int:
        """Its weight by config or order, whatever its check says."""

    @property
    def in_rotation(self) -> bool:
        """Whether it is to get traffic when up."""


def unaccounted(
    found: Iterable[Entry],
    actual: Destinations,
    desired: Destinations,
    remembered: Callable[[ServiceId, RealId], Remembered | None],
) -> tuple[Unaccounted, ...]:
    """The reals that are presumed healthy for what was found in the kernel, in the order in which they were found.

    ``actual`` and ``desired`` are what the journal says before it says what was found.
    """
    return tuple(
        Unaccounted(id, destination.real)
        for entry in found
        for id in (entry.service.id,)
        for destination in entry.destinations
        if destination.weight
        and not _weight(actual, id, destination.real)
        and not _weight(desired, id, destination.real)
        and _is_presumed(remembered(id, destination.real))
    )


def _weight(held: Destinations, id: ServiceId, real: RealId) -> int:
    destination = held.get(id, {}).get(real)
    return 0 if destination is None else destination.weight


def _is_presumed(real: Remembered | None) -> bool:
    if real is None or not real.in_rotation or not real.assigned:
        return False
    return not (real.up and real.configured)
