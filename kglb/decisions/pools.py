"""What becomes of a pool's members with an answer of its source; and of which families they may be.

Whoever is new joins at once. Whoever is missed leaves, unless that would take too many away of those that are up: then
all who are missed stay. So a pool that is replaced as a whole keeps its old members until new ones are up, one that
loses its members one by one follows, and a wrong answer takes no traffic away.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from kglb.model import Balancer, Member, Pool, RealId


class Taken(NamedTuple):
    """What an answer leads to: who is new or weighs otherwise, who leaves, and who stays though it lacks them."""

    members: tuple[Member, ...]
    left: tuple[RealId, ...]
    lacking: tuple[RealId, ...]


def take_in(known: Mapping[RealId, Member], named: Iterable[Member], up: Collection[RealId], max_loss: float) -> Taken:
    """What an answer leads to that names these members, of which there must be one. Where it names a real twice, the
    first counts.

    ``up`` are those of the known ones that serve for this pool; where none does, ``max_loss`` is a share of all.
    """
    answer: dict[RealId, Member] = {}
    for one in named:
        answer.setdefault(one.real, one)
    assert answer, "no answer takes everybody away"
    news = tuple(one for real, one in answer.items() if known.get(real) != one)
    missed = tuple(real for real in known if real not in answer)
    of = up or known
    lost = sum(real in of for real in missed)
    return Taken(news, (), missed) if lost > max_loss * len(of) else Taken(news, missed, ())


def families(config: Balancer, pool: Pool) -> tuple[bool, ...]:
    """Whether members may be IPv4 (False), IPv6 (True): of the service's family, but for tunnels, which may mix them;
    where checks come from a configured address, of its family.
    """
    ipv6 = config.service.key.ipv6
    usable = (False, True) if pool.forward.method == "tunnel" else (ipv6,)
    source = "" if config.fwmark_checks else config.check.source
    return tuple(family for family in usable if not source or family == (":" in source))
