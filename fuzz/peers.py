"""A real on loopback that says what an input says: the other end of a probe.

An input begins with two bytes on how it is said: how it ends (silence, an end, a reset), and in pieces of which size.
"""

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from typing import NamedTuple

import msgspec

from kglb.checks.dial import Dialer, verdict_of
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import REDIAL, Probe
from kglb.model import Endpoint

SILENT, CLOSING, RESETTING = range(3)

MOST_PIECES = 64
LONGEST_DETAIL = 600
"""Characters of a verdict's reason and detail: they are recorded with every change of the outcome."""

_PATIENCE = 2000  # ms in which loopback brings what was sent


class Script(NamedTuple):
    """What a real says, and how."""

    ending: int
    pieces: list[bytes]


def script(data: bytes) -> Script:
    """An input, read."""
    ending, size, said = (*data[:2], *b"\0\0")[0] % 3, (*data[:2], *b"\0\0")[1], data[2:]
    size = max(size or len(said), len(said) // MOST_PIECES + 1)
    return Script(ending, [said[start : start + size] for start in range(0, len(said), size)])


class Loopback(Dialer):
    """Dials one place on loopback, whatever it is told: a redirect leads nowhere else."""

    def __init__(self, where: Endpoint) -> None:
        super().__init__()
        self._where = where

    def dial(self, target: Endpoint) -> socket.SocketType:  # noqa: ARG002
        """Begin a connection to the one place."""
        return super().dial(self._where)


@cache
def listener() -> socket.socket:
    """Where the probes of this process connect to."""
    return socket.create_server(("127.0.0.1", 0))


def endpoint() -> Endpoint:
    """The listener's address."""
    return Endpoint("127.0.0.1", listener().getsockname()[1])


def answered(outcome: Outcome) -> None:
    """Take a prober's outcome, of which there is none here."""


def ask(probe: Probe, said: Script) -> Verdict:
    """Have a probe ask, and hear what is said; its verdict is checked.

    A real says something about itself alone: never may it bring a probe to answer *unknown*, for which it is not taken
    out.
    """
    probe.begin()
    try:
        verdict = _converse(probe, said)
    finally:
        probe.end()
    return check_verdict(verdict)


def check_verdict(verdict: Verdict) -> Verdict:
    """The verdict, if it may be one: see ``ask``."""
    assert verdict.status in ("success", "failure"), verdict
    assert len(verdict.reason) + len(verdict.detail) <= LONGEST_DETAIL, verdict
    assert msgspec.json.encode(verdict)
    return verdict


def _converse(probe: Probe, said: Script) -> Verdict:
    while True:
        connection, _ = listener().accept()
        with closing(connection):
            verdict = _say(probe, connection, said)
        if verdict is not REDIAL:
            return verdict
        probe.redial()


def _say(probe: Probe, connection: socket.socket, said: Script) -> Verdict:
    for piece in (b"", *said.pieces):
        with suppress(OSError):
            connection.sendall(piece)
        for verdict in heard(probe, patient=bool(piece)):
            return verdict
    if said.ending == SILENT:
        return probe.overdue()
    if said.ending == RESETTING:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    for verdict in heard(probe, patient=True):
        return verdict
    return probe.overdue()


def heard(probe: Probe, *, patient: bool) -> Iterator[Verdict]:
    """Step the probe while there is something for it; at most one verdict."""
    while events := _poll(probe, _PATIENCE if patient else 0):
        patient = False
        try:
            verdict = probe.step(events)
        except BlockingIOError:
            continue
        except OSError as error:  # as the prober does
            verdict = verdict_of(error.errno)
        if verdict is not None:
            yield verdict
            return


def _poll(probe: Probe, patience: int) -> int:
    assert probe.sock is not None
    poll = select.poll()
    poll.register(probe.sock.fileno(), probe.interest)
    return next((events for _, events in poll.poll(patience)), 0)
