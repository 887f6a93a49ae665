"""The messages to and from an applier. Facts are events; these are commands and news that nobody needs to replay."""

from typing import NamedTuple

from kglb.model import ServiceId


class Reconcile(NamedTuple):
    """Command: compare the machine with what is known of it."""


class AddressLost(NamedTuple):
    """Told by whoever listens to the kernel: an address has left some interface."""


class Doubted(NamedTuple):
    """Told by whoever reads the kernel for another reason: a service does not look as it is known."""

    service: ServiceId


class Retry(NamedTuple):
    """Command: the wait after refused operations is over; ``service`` None stands for the addresses."""

    service: ServiceId | None
    cause: int


class SetInterval(NamedTuple):
    """Command: compare this often from now on, in seconds."""

    seconds: float


class Settled(NamedTuple):
    """Told to the parent when nothing is left to apply or to retry."""
