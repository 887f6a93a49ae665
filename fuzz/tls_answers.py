"""What a real answers to checks over TLS, and a proxy to a CONNECT; the third byte says to which.

Nothing of an input is the answer to a key that was chosen at random: it does not get behind the handshake.
"""

from fuzz.peers import Loopback, answered, ask, endpoint, script
from kglb.checks.make import make_probe
from kglb.model import Check, HttpCheck, TcpCheck

_CHECKS: tuple[Check, ...] = (
    HttpCheck(timeout=1.0, tls=True),
    HttpCheck(timeout=1.0, tls=True, verify=True),
    HttpCheck(timeout=1.0, proxy_check_url="https://origin.test/health"),
    HttpCheck(timeout=1.0, tls=True, proxy_check_url="https://origin.test/health"),
    TcpCheck(timeout=1.0, tls=True),
    TcpCheck(timeout=1.0, tls=True, expect=b"220"),
)


def one_input(data: bytes) -> None:
    """Ask once."""
    check = _CHECKS[(data[2] if len(data) > 2 else 0) % len(_CHECKS)]
    probe = make_probe(check, endpoint(), answered=answered, dialer=Loopback(endpoint()))
    verdict = ask(probe, script(data[:2] + data[3:]))
    assert verdict.status == "failure", verdict
