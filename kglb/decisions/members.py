"""Which reals does a balancer have? Its entries by address: of a name, the address it was last known to have."""

from collections.abc import Callable, Iterable

from kglb.model import Endpoint, Real, RealId
from kglb.model.endpoint import canonical_address, is_address, split_host_port


def is_name(entry: Real) -> bool:
    """Whether an entry of the config names its real, and no address."""
    return not is_address(split_host_port(entry.host)[0])


def member(entry: Real, last_good: Callable[[str], str]) -> RealId | None:
    """The real that an entry of the config stands for; None for a name that never had an address.

    ``last_good`` gives the last known address of an entry's ``host``, empty if there is none.

    >>> member(entry, {"web-1:80": "10.0.0.7"}.__getitem__)  # of the entry "web-1:80"
    '10.0.0.7:80'
    """
    host, port = split_host_port(entry.host)
    address = host if is_address(host) else last_good(entry.host)
    return Endpoint(canonical_address(address), port).id if address else None


def members(entries: Iterable[Real], last_good: Callable[[str], str]) -> dict[RealId, Real]:
    """The reals that a balancer should have, each with its entry; where two stand for one real, the first."""
    return {real: by_place[min(by_place)] for real, by_place in claims(entries, last_good).items()}


def claims(entries: Iterable[Real], last_good: Callable[[str], str]) -> dict[RealId, dict[int, Real]]:
    """The entries that stand for each real, by their place in the config; the first of them counts."""
    found: dict[RealId, dict[int, Real]] = {}
    for place, entry in enumerate(entries):
        if (real := member(entry, last_good)) is not None:
            found.setdefault(real, {})[place] = entry
    return found
