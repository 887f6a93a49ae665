"""A real on loopback that answers a probe's datagram with those of an input."""

import socket
from functools import cache

from fuzz.peers import Script, check_verdict, heard
from kglb.checks.outcome import Verdict
from kglb.checks.probe import Probe
from kglb.model import Endpoint


@cache
def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    return receiver


def endpoint() -> Endpoint:
    """The receiver's address."""
    return Endpoint("127.0.0.1", _receiver().getsockname()[1])


def ask(probe: Probe, said: Script, *, to_the_question: bool = False) -> Verdict:
    """Have a probe ask, and hear each piece as a datagram; ``to_the_question`` begins each with the question's id."""
    probe.begin()
    try:
        question, asker = _receiver().recvfrom(65536)
        for piece in said.pieces:
            _receiver().sendto(question[:2] + piece[2:] if to_the_question else piece, asker)
            for verdict in heard(probe, patient=True):
                return check_verdict(verdict)
        return check_verdict(probe.overdue())
    finally:
        probe.end()
