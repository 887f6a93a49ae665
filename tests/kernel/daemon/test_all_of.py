"""Several checks that must all pass, and one over TLS, of reals that fail in one way or another, and are well again."""

from pathlib import Path

import pytest

from kglb.events import ProbeFlipped
from lab.namespaces import spawn
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

CERTIFICATE = Path(__file__).parent.parent.parent / "checks" / "self_signed.pem"
SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND, SECURE = "10.2.0.10:80", "10.2.0.11:80", "10.2.0.10:443"
TIMES = 'interval = "200ms", timeout = "2s", rise = 1, fall = 1'
EXCHANGE = 'tls = true, send = "GET / HTTP/1.0\\r\\n\\r\\n", expect = "200 ok"'


def wait_flip(director: Director, real: str, reason: str) -> None:
    """Return once a check that differed from the one before has said this of a real."""
    until(
        lambda: (real, reason) in {(flip.real, flip.reason) for flip in director.events(ProbeFlipped)},
        f"{reason} of {real}",
    )


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("error", "http (2 of 2): unexpected status 500"),
        ("hang", "http (2 of 2): timeout during answer"),
        ("refuse", "tcp (1 of 2): refused"),
    ],
)
def test_the_first_of_several_checks_that_fails_takes_a_real_out_and_is_named(
    director: Director, reals: Reals, behaviour: Behaviour, reason: str
) -> None:
    parts = 'checks = [{ type = "tcp" }, { type = "http" }]'
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=f'{{ type = "all", {TIMES}, {parts} }}'))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    reals.behave(behaviour, reals.network.reals[0])
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
    wait_flip(director, FIRST, reason)
    reals.behave("answer", reals.network.reals[0])
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})


@pytest.mark.usefixtures("reals")
def test_what_is_expected_over_tls_is_heard_of_a_tls_server_and_of_no_other(
    director: Director, network: Network
) -> None:
    director.configure(balancer(SERVICE, [SECURE, SECOND], check=f'{{ type = "tcp", {TIMES}, {EXCHANGE} }}'))
    director.start()
    wait_flip(director, SECURE, "refused")
    server = ["openssl", "s_server", "-accept", "443", "-www", "-quiet", "-cert", str(CERTIFICATE)]
    with spawn(network.reals[0].namespace, server):
        director.wait_weights(SERVICE, {SECURE: WEIGHT, SECOND: 0})
    wait_flip(director, SECOND, "timeout during handshake")
