"""The daemon and its config: what it was told, and how it fares."""

from typing import Literal

from kglb.events.base import EventBase
from kglb.model import Config


class DaemonStarted(EventBase, frozen=True, kw_only=True):
    """The daemon runs. In another boot than the last, nothing of the kernel's state and no health has survived."""

    software: str
    decisions: int
    host: str
    boot_id: str
    pid: int


class DaemonStopping(EventBase, frozen=True, kw_only=True):
    """The daemon stops: it cleans up what it owns in the kernel, or leaves it serving."""

    reason: str
    on_stop: Literal["cleanup", "leave"]


class ActorCrashed(EventBase, frozen=True, kw_only=True):
    """An actor raised. It changes no weight; its supervisor starts it again after ``retry_in`` seconds. Of the
    supervisor itself that is 0: the daemon ends, and leaves the kernel serving.
    """

    actor: str
    error: str
    traceback: str
    retry_in: float


class MachineStalled(EventBase, frozen=True, kw_only=True):
    """A call to the kernel has not returned for so many seconds. Nothing else waits for it but changes of the kernel:
    the latest state is what it gets when it answers.
    """

    seconds: float


class MachineAnswered(EventBase, frozen=True, kw_only=True):
    """The call that had stalled has returned, after so many seconds in all."""

    seconds: float


class ConfigApplied(EventBase, frozen=True, kw_only=True):
    """This configuration is in force. It holds references to secrets, never their values.

    The last good addresses of ``forgotten_names`` (each a service and what a config called a real of it) are not kept
    any more: the config does not have them.

    ``read_at`` is when its reading began that a reload is, on the clock that records have as ``mono``; 0 of a start.
    """

    digest: str
    source: str
    config: Config
    forgotten_names: tuple[str, ...] = ()
    read_at: float = 0.0


class ConfigRejected(EventBase, frozen=True, kw_only=True):
    """This configuration was refused; the one before stays in force. ``read_at`` is as that of ``ConfigApplied``."""

    source: str
    errors: tuple[str, ...]
    read_at: float = 0.0


DaemonEvent = (
    DaemonStarted | DaemonStopping | ActorCrashed | MachineStalled | MachineAnswered | ConfigApplied | ConfigRejected
)
