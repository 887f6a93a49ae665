"""One number for what a director has decided: equal on two directors that see the same (KgLb's state_hash).

It covers of each balancer the virtual service as it is wanted (key, scheduler, flags, persistence) and the mode; of
each real its address and port, health, decided weight, forwarding and thresholds; and under a scheduler that hashes
the order in which the kernel got the destinations, because its table follows from that. It does not cover names,
checks, interfaces, what is to happen when too few are up, what else the kernel holds, nor when and in which order
anything else happened: so in a slow start the weight counts to which it leads.
"""

import asyncio
from collections.abc import Iterator
from hashlib import blake2b

from msgspec.json import encode

from kglb.model.service import HASHING
from kglb.projections import State

BITS = 52
"""A Prometheus sample is a double: whole numbers are exact up to 53 bits."""

_SLICE = 200  # parts hashed at once: less than half a millisecond


async def state_hash(state: State) -> int:
    """The number, taken in slices: the sum of its parts' hashes, so that their order plays no role."""
    total = 0
    for count, part in enumerate(_parts(state), start=1):
        total += int.from_bytes(blake2b(part, digest_size=8).digest())
        if count % _SLICE == 0:
            await asyncio.sleep(0)
    return total % (1 << BITS)


def _parts(state: State) -> Iterator[bytes]:
    for id, balancer in list(state.fleet.balancers.items()):
        yield encode((balancer.config.service, balancer.mode))
        if balancer.config.service.scheduler in HASHING:
            yield encode((id, tuple(state.data_plane.actual.destinations.get(id, ()))))
        for real in list(balancer.reals.values()):
            entry = real.entry
            weight = real.weight if real.warming is None else real.configured
            yield encode((id, real.real, real.healthy, weight, entry.forward, entry.upper, entry.lower))
