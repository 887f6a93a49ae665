"""What each kind of check says of a real that fails in one way or another, and of one that is well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.events import ProbeFlipped
from lab.namespaces import spawn
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

CERTIFICATE = Path(__file__).parent.parent.parent / "checks" / "self_signed.pem"
TIMES = 'interval = "100ms", timeout = "1s", rise = 1, fall = 1'
HTTP, TCP, HTTPS = "tcp://10.0.0.100:80", "tcp://10.0.0.100:81", "tcp://10.0.0.100:443"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
TLS = "10.2.0.10:443"


def wait_reason(director: Director, service: str, real: str, reason: str) -> None:
    """Return once the last check that differed from the one before says this of a real."""

    def last() -> str:
        flips = director.events(ProbeFlipped)
        return next((flip.reason for flip in reversed(flips) if (flip.service, flip.real) == (service, real)), "")

    until(lambda: last() == reason, f"{reason!r} of {real} of {service}")


@pytest.fixture(scope="module")
def serving(network: Network, servers: Reals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    """A daemon that checks the same reals by HTTP, by TCP, and one of them by HTTPS."""
    with Director(network, tmp_path_factory.mktemp("serving")) as director:
        director.configure(
            balancer(HTTP, [FIRST, SECOND], check=f'{{ type = "http", {TIMES} }}'),
            balancer(TCP, [FIRST, SECOND], check=f'{{ type = "tcp", {TIMES} }}'),
            balancer(HTTPS, [TLS, SECOND], check=f'{{ type = "https", {TIMES} }}'),
        )
        director.start()
        yield director


@pytest.mark.parametrize(
    ("behaviour", "http", "tcp"),
    [
        ("error", "unexpected status 500", "ok"),
        ("hang", "timeout during answer", "ok"),
        ("refuse", "refused", "refused"),
    ],
)
def test_http_and_tcp_checks(serving: Director, reals: Reals, behaviour: Behaviour, http: str, tcp: str) -> None:
    both_up, one_up = {FIRST: WEIGHT, SECOND: WEIGHT}, {FIRST: 0, SECOND: WEIGHT}
    serving.wait_weights(HTTP, both_up)
    serving.wait_weights(TCP, both_up)
    reals.behave(behaviour, reals.network.reals[0])
    serving.wait_weights(HTTP, one_up)
    serving.wait_weights(TCP, both_up if tcp == "ok" else one_up)
    wait_reason(serving, HTTP, FIRST, http)
    wait_reason(serving, TCP, FIRST, tcp)


def test_an_https_check_takes_a_self_signed_certificate_but_no_plain_server(
    serving: Director, network: Network
) -> None:
    serving.wait_weights(HTTPS, {TLS: 0, SECOND: 0})
    server = ["openssl", "s_server", "-accept", "443", "-www", "-quiet", "-cert", str(CERTIFICATE)]
    with spawn(network.reals[0].namespace, server):
        serving.wait_weights(HTTPS, {TLS: WEIGHT, SECOND: 0})
        wait_reason(serving, HTTPS, TLS, "ok")
    wait_reason(serving, HTTPS, SECOND, "timeout during handshake")
