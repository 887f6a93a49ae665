"""When may a destination stop serving? Not before one of those that are to serve does.

The kernel may refuse the weight of the destination that is to take over, or have refused it earlier. If the other
weights became 0 all the same, the service would serve nobody until the kernel accepts it. So an operation that ends a
destination's service (its weight becomes 0, or it is deleted) waits as long as

- the service is meant to serve: some destination is wanted with a weight;
- none of those has its weight in the kernel, as far as is known for sure.

One that has is enough. Nothing waits if no destination is meant to serve, nor if the real is banned (``fail_closed``).
"""

from collections.abc import Callable, Collection, Mapping

import msgspec

from kglb.model import Destination, RealId, ServiceId

Destinations = Mapping[RealId, Destination]


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of destinations beside what they are and should be.

    A real ``is_banned`` if nobody is better than it; it is ``unsure`` whether those serve of which an answer was lost.
    """

    is_banned: Callable[[ServiceId, RealId], bool]
    unsure: Mapping[ServiceId, Collection[RealId]] = {}

    def staying(
        self, id: ServiceId, actual: Destinations, desired: Destinations, marks: Collection[RealId]
    ) -> set[RealId]:
        """Of the destinations marked, those that must go on serving for now."""
        ending = [real for real in marks if _serves(actual.get(real)) and not _serves(desired.get(real))]
        if not ending or not successors(actual, desired, self.unsure.get(id, ())):
            return set()
        return {real for real in ending if not self.is_banned(id, real)}


def successors(actual: Destinations, desired: Destinations, unsure: Collection[RealId] = ()) -> list[RealId]:
    """The destinations of which one must serve before any other may stop; none if nothing waits.

    Looks no further than the first one that is to serve and does.
    """
    missing = []
    for real, wanted in desired.items():
        if _serves(wanted):
            if _serves(actual.get(real)) and real not in unsure:
                return []
            missing.append(real)
    return missing


def _serves(destination: Destination | None) -> bool:
    return destination is not None and destination.weight > 0
