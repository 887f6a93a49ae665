"""What can be asked for over the control socket, and what is answered: one JSON line each way.

``{"order":{"type":"drain","real":"10.0.0.7","seconds":1800},"sudo_user":"kim"}`` is answered, say, by
``{"type":"done","reals":[...],"on_disk":true}``, or by ``{"type":"refused",...}``.
"""

from collections.abc import Callable
from typing import Annotated, Literal, Protocol

import msgspec

from kglb.model import RealId, ServiceId
from kglb.model.service import MAX_WEIGHT

LONGEST_TERM = 366 * 86400.0
"""Seconds that an order may hold at most, if not for ever."""

LONGEST_NOTE = 500
"""In characters."""

Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_TERM)]


class _Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """Something to be done. Fields that are not known are refused: what is not understood is not done by half."""


class DrainOrder(_Order, frozen=True, kw_only=True, tag="drain"):
    """Take what ``real`` means (an endpoint, a host, their name) out of rotation, of one balancer or of all."""

    real: Name
    balancer: Name | None = None
    seconds: Seconds | None = None
    note: Note = ""


class DrainsOrder(_Order, frozen=True, kw_only=True, tag="drains"):
    """Say how far the drains are of what ``real`` means. It changes nothing."""

    real: Name
    balancer: Name | None = None


class RestoreOrder(_Order, frozen=True, kw_only=True, tag="restore"):
    """End what was ordered of the reals."""

    real: Name
    balancer: Name | None = None
    note: Note = ""


class WeightOrder(_Order, frozen=True, kw_only=True, tag="weight"):
    """Give one real this weight instead of the config's; with ``force_up`` it counts as up, whatever its checks say."""

    real: Name
    weight: Annotated[int, msgspec.Meta(ge=0, le=MAX_WEIGHT)]
    balancer: Name | None = None
    seconds: Seconds | None = None
    note: Note = ""
    force_up: bool = False


class ReloadOrder(_Order, frozen=True, kw_only=True, tag="reload"):
    """Read the config again, and say what came of it."""


class StopOrder(_Order, frozen=True, kw_only=True, tag="stop"):
    """Stop: as the config says, unless ``on_stop`` does."""

    on_stop: Literal["", "cleanup", "leave"] = ""


class JournalOrder(_Order, frozen=True, kw_only=True, tag="journal"):
    """Say whether the journal has what is recorded. It changes nothing."""


Order = DrainOrder | DrainsOrder | RestoreOrder | WeightOrder | ReloadOrder | StopOrder | JournalOrder


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order, and for whom root gives it, as sudo says."""

    order: Order
    sudo_user: Annotated[str, msgspec.Meta(max_length=100)] = ""


class _Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What came of an order."""


class Steered(msgspec.Struct, frozen=True):
    """A real that an order was about, and the record that says so."""

    balancer: str
    service: ServiceId
    real: RealId
    host: str
    seq: int


class Done(_Answer, frozen=True, kw_only=True, tag="done"):
    """The order is recorded about these reals. ``on_disk``: it survives a crash of this machine."""

    reals: tuple[Steered, ...]
    on_disk: bool
    warnings: tuple[str, ...] = ()


class Draining(msgspec.Struct, frozen=True):
    """A real that is drained since record ``seq``. ``connections`` are those it has left, null before they were
    counted; record ``finished`` says that the last one is gone, 0 that it is waited for.
    """

    balancer: str
    service: ServiceId
    real: RealId
    seq: int
    connections: int | None
    finished: int


class Drains(_Answer, frozen=True, kw_only=True, tag="drains"):
    """Which of the reals are drained now, and how far that is."""

    reals: tuple[Draining, ...]


class Reloaded(_Answer, frozen=True, kw_only=True, tag="reloaded"):
    """Record ``seq`` says that the config is in force, in these words, or that it was refused, for these reasons."""

    applied: bool
    seq: int
    source: str
    lines: tuple[str, ...]


class Stopped(_Answer, frozen=True, kw_only=True, tag="stopped"):
    """Everything has stopped; ``clean`` says whether the machine is as it should be."""

    clean: bool


class JournalStanding(_Answer, frozen=True, kw_only=True, tag="journal"):
    """Why records do not reach the disk, and since when (a record's ``at``), both empty while they do; how many are not
    written yet.
    """

    degraded: str
    since: str
    unwritten: int


class Refused(_Answer, frozen=True, kw_only=True, tag="refused"):
    """Nothing was done: the answer is no, the order makes no sense, or the daemon is not able to."""

    why: Literal["no", "usage", "environment"]
    problem: str
    remedy: str = ""


Answer = Done | Drains | Reloaded | Stopped | JournalStanding | Refused


class Commands(Protocol):
    """Who carries orders out."""

    async def carry_out(self, order: Order, who: str) -> Answer:
        """Do what ``who`` orders, and answer once it is done."""
        ...


read_request: Callable[[bytes], Request] = msgspec.json.Decoder(Request).decode
read_answer: Callable[[bytes], Answer] = msgspec.json.Decoder(Answer).decode
