"""Which reals does a balancer have? Its entries by address (of a name, the address it was last known to have), and the
members of its pools.

Where several stand for one real, the first counts: what the config lists itself comes before what pools have, and
pools come in the config's order.
"""

from collections.abc import Callable, Mapping
from itertools import count

from kglb.model import Balancer, Endpoint, Member, Pool, Real, RealId
from kglb.model.endpoint import canonical_address, is_address, split_host_port

LastGood = Callable[[str], str]
"""The last known address of an entry's ``host``, empty if there is none."""

MembersOf = Callable[[Pool], Mapping[RealId, Member] | None]
"""The members that a pool is known to have; None if it never had an answer."""


def is_name(entry: Real) -> bool:
    """Whether an entry of the config names its real, and no address."""
    return not is_address(split_host_port(entry.host)[0])


def member(entry: Real, last_good: LastGood) -> RealId | None:
    """The real that an entry of the config stands for; None for a name that never had an address.

    >>> member(entry, {"web-1:80": "10.0.0.7"}.__getitem__)  # of the entry "web-1:80"
    '10.0.0.7:80'
    """
    host, port = split_host_port(entry.host)
    address = host if is_address(host) else last_good(entry.host)
    return Endpoint(canonical_address(address), port).id if address else None


def members(config: Balancer, last_good: LastGood, members_of: MembersOf) -> dict[RealId, Real]:
    """The reals that a balancer should have, each with the entry that counts."""
    claimed = claims(config, last_good, members_of)
    return {real: by_place[min(by_place)] for real, by_place in claimed.items()}


def claims(config: Balancer, last_good: LastGood, members_of: MembersOf) -> dict[RealId, dict[int, Real]]:
    """The entries that stand for each real, by their place in the config, those of pools last; the first counts."""
    found: dict[RealId, dict[int, Real]] = {}
    for place, entry in enumerate(config.reals):
        if (real := member(entry, last_good)) is not None:
            found.setdefault(real, {})[place] = entry
    for place, pool in zip(count(len(config.reals)), config.pools, strict=False):
        for real, one in (members_of(pool) or {}).items():
            found.setdefault(real, {})[place] = pool.entry(one)
    return found


def nobody_leaves(config: Balancer, members_of: MembersOf) -> bool:
    """Whether a balancer keeps every real that it has: one of its pools never had an answer, and may name any."""
    return any(members_of(pool) is None for pool in config.pools)
