"""What a real answers to a DNS check, by UDP or, with the third byte odd, by TCP. It has the id of the question."""

import struct

from fuzz import datagrams, peers
from kglb.checks.dns import Question
from kglb.checks.make import make_probe
from kglb.model import DnsCheck

_UDP = DnsCheck(timeout=1.0, query="example.com")
_TCP = DnsCheck(timeout=1.0, query="example.com", protocol="tcp")


def one_input(data: bytes) -> None:
    """Ask once; and judge the message also without a socket, with the id that it wants."""
    said = peers.script(data[:2] + data[3:])
    if len(data) > 2 and data[2] % 2:
        peers.ask(make_probe(_TCP, peers.endpoint(), answered=peers.answered), said)
        return
    question = Question(_UDP)
    peers.check_verdict(question.judge(question.asked()[:2] + data[5:]))
    peers.check_verdict(question.judge(struct.pack(">H", 0) + data[5:]))
    probe = make_probe(_UDP, datagrams.endpoint(), answered=peers.answered)
    datagrams.ask(probe, said, to_the_question=True)
