"""What a real answers to TCP, UDP and syslog checks; the third byte says to which."""

from fuzz import datagrams, peers
from kglb.checks.make import make_probe
from kglb.model import Check, SyslogCheck, TcpCheck, UdpCheck

_STREAMS: tuple[Check, ...] = (
    TcpCheck(timeout=1.0),
    TcpCheck(timeout=1.0, send=b"PING\r\n", expect=b"+PONG"),
    TcpCheck(timeout=1.0, expect_regex="^220 .*ready$"),
    SyslogCheck(timeout=1.0, protocol="tcp"),
)
_DATAGRAMS: tuple[Check, ...] = (
    UdpCheck(timeout=1.0, send=b"PING"),
    UdpCheck(timeout=1.0, send=b"PING", expect=b"PONG"),
    UdpCheck(timeout=1.0, send=b"PING", expect_regex="P.NG$"),
    SyslogCheck(timeout=1.0, protocol="udp"),
)


def one_input(data: bytes) -> None:
    """Ask once."""
    kind = (data[2] if len(data) > 2 else 0) % 8
    said = peers.script(data[:2] + data[3:])
    if kind < 4:
        peers.ask(make_probe(_STREAMS[kind], peers.endpoint(), answered=peers.answered), said)
    else:
        datagrams.ask(make_probe(_DATAGRAMS[kind - 4], datagrams.endpoint(), answered=peers.answered), said)
