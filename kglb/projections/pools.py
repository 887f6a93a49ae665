"""What is known of a pool: which members it has, and how its source does."""

import msgspec

from kglb.model import Member, RealId, ServiceId


class PoolState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The members of a pool, as record ``seq`` left them, each with the record ``since`` which it is one or has its
    weight; 0 if there never was an answer.

    ``lacking`` are those that stay though the last answer did not name them. With an ``error`` there is no answer since
    record ``failed_seq``; the last good one was at ``last_good`` in seconds since the epoch, None if that is not known.
    """

    seq: int = 0
    members: dict[RealId, Member] = {}
    since: dict[RealId, int] = {}
    lacking: tuple[RealId, ...] = ()
    error: str = ""
    failed_seq: int = 0
    last_good: float | None = None


def pool_key(service: ServiceId, pool: str) -> str:
    """What identifies a pool: its service, and its id within that."""
    return f"{service} {pool}"
