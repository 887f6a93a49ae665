"""What one probe found. Values only: nothing here decides whether a real is up."""

from typing import Final, Literal, NamedTuple

import msgspec

Status = Literal["success", "failure", "unknown"]


class Verdict(NamedTuple):
    """What a probe says of its real, before it is known when it was asked.

    ``reason`` is short and stable, because a change of it is recorded; ``detail`` is free and may vary.
    *Unknown* says nothing about the real: a fault of this machine, or a deadline noticed late. ``weight`` is the
    weight that the real says it should have, None if it says none.
    """

    status: Status
    reason: str
    detail: str = ""
    weight: int | None = None


OK: Final = Verdict("success", "ok")


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one probe found, and when.

    ``latency`` is in seconds from the actual start of the connect to the verdict. ``due`` and ``started``
    are loop times: when the probe was to begin, and when it really did. ``weight`` is that of the verdict.
    """

    status: Status
    reason: str
    detail: str
    latency: float
    due: float
    started: float
    weight: int | None = None
