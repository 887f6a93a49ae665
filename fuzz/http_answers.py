"""What a real answers to a plain HTTP check; the third byte says what the check expects."""

from fuzz.peers import Loopback, answered, ask, endpoint, script
from kglb.checks.make import make_probe
from kglb.model import HttpCheck

_CHECKS = (
    HttpCheck(timeout=1.0),
    HttpCheck(timeout=1.0, body="ok"),
    HttpCheck(timeout=1.0, body_regex="o+k$"),
    HttpCheck(timeout=1.0, follow_redirects=True),
    HttpCheck(timeout=1.0, follow_redirects=True, verify=True),
    HttpCheck(timeout=1.0, follow_redirects=True, proxy_check_url="http://origin.test/health"),
)


def one_input(data: bytes) -> None:
    """Ask once."""
    check = _CHECKS[(data[2] if len(data) > 2 else 0) % len(_CHECKS)]
    probe = make_probe(check, endpoint(), answered=answered, dialer=Loopback(endpoint()))
    ask(probe, script(data[:2] + data[3:]))
