"""What each kind of check says of a real that fails in one way or another, and of one that is well."""

from pathlib import Path

import pytest

from kglb.events import ProbeFlipped
from lab.namespaces import spawn
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, balancer

CERTIFICATE = Path(__file__).parent.parent.parent / "checks" / "self_signed.pem"
TIMES = 'interval = "100ms", timeout = "100ms", rise = 1, fall = 1'
HTTP, TCP, HTTPS = "tcp://10.0.0.100:80", "tcp://10.0.0.100:81", "tcp://10.0.0.100:443"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
TLS = "10.2.0.10:443"


def last_reason(director: Director, service: str, real: str = FIRST) -> str:
    """What the last check that differed from the one before said of a real."""
    flips = director.events(ProbeFlipped)
    return next(flip.reason for flip in reversed(flips) if (flip.service, flip.real) == (service, real))


@pytest.mark.parametrize(
    ("behaviour", "http", "tcp"),
    [
        ("error", "unexpected status 500", "ok"),
        ("hang", "timeout during answer", "ok"),
        ("refuse", "refused", "refused"),
    ],
)
def test_http_and_tcp_checks(director: Director, reals: Reals, behaviour: Behaviour, http: str, tcp: str) -> None:
    director.configure(
        balancer(HTTP, [FIRST, SECOND], check=f'{{ type = "http", {TIMES} }}'),
        balancer(TCP, [FIRST, SECOND], check=f'{{ type = "tcp", {TIMES} }}'),
    )
    director.start()
    both_up = {FIRST: WEIGHT, SECOND: WEIGHT}
    director.wait_weights(HTTP, both_up)
    director.wait_weights(TCP, both_up)
    reals.behave(behaviour, reals.network.reals[0])
    director.wait_weights(HTTP, {FIRST: 0, SECOND: WEIGHT})
    director.wait_weights(TCP, {FIRST: WEIGHT if tcp == "ok" else 0, SECOND: WEIGHT})
    assert (last_reason(director, HTTP), last_reason(director, TCP)) == (http, tcp)
    reals.behave("answer", reals.network.reals[0])
    director.wait_weights(HTTP, both_up)
    director.wait_weights(TCP, both_up)


def test_an_https_check_takes_a_self_signed_certificate_but_no_plain_answer(
    director: Director, network: Network
) -> None:
    plain = "10.2.0.11:80"
    director.configure(balancer(HTTPS, [TLS, plain], check=f'{{ type = "https", {TIMES} }}'))
    director.start()
    server = ["openssl", "s_server", "-accept", "443", "-www", "-quiet", "-cert", str(CERTIFICATE)]
    with spawn(network.reals[0].namespace, server):
        director.wait_weights(HTTPS, {TLS: WEIGHT, plain: 0})
    director.wait_weights(HTTPS, {TLS: WEIGHT, plain: WEIGHT})  # fail_open
    assert last_reason(director, HTTPS, TLS) == "refused"
    assert last_reason(director, HTTPS, plain) == "TLS error during handshake"
