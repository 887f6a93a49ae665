"""The UDP check: the expected datagram, or at least no ICMP error."""

import pytest
from msgspec.structs import replace

from kglb.model import Endpoint, UdpCheck
from tests.checks.asking import Run, ask, lasted
from tests.checks.servers import udp_closed, udp_serving
from tests.patience import PATIENCE

LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
ASKING = UdpCheck(send=b"ping", expect=b"pong", timeout=0.5)


@LOOPBACKS
def test_the_expected_answer_passes(run: Run, address: str) -> None:
    heard: list[bytes] = []

    def reply(datagram: bytes) -> list[bytes]:
        heard.append(datagram)
        return [b"<pong>"]

    with udp_serving(reply, address) as real:
        [outcome] = run(ask(replace(ASKING, timeout=PATIENCE), real))
    assert (outcome.status, outcome.reason, heard) == ("success", "ok", [b"ping"])
    assert outcome.latency < PATIENCE / 2


def test_another_answer_fails(run: Run) -> None:
    with udp_serving(lambda _: [b"busy"]) as real:
        [outcome] = run(ask(ASKING, real))
    assert (outcome.status, outcome.reason, outcome.detail) == ("failure", "unexpected answer", "'busy'")


def test_a_pattern_judges_the_answer(run: Run) -> None:
    with udp_serving(lambda datagram: [datagram.upper()]) as real:
        [good] = run(ask(UdpCheck(send=b"a1", expect_regex=r"^A\d$"), real))
        [bad] = run(ask(UdpCheck(send=b"aa", expect_regex=r"^A\d$"), real))
    assert (good.status, bad.status) == ("success", "failure")


def test_silence_fails_where_an_answer_is_expected(run: Run) -> None:
    with udp_serving(lambda _: []) as real:
        [outcome] = run(ask(ASKING, real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")


def test_silence_passes_at_the_timeout_where_none_is(run: Run) -> None:
    with udp_serving(lambda _: []) as real:
        [outcome] = run(ask(UdpCheck(send=b"x", timeout=0.15), real))
    assert outcome.status == "success"
    assert lasted(outcome.latency, 0.15)


def test_any_answer_passes_at_once_where_none_is_expected(run: Run) -> None:
    with udp_serving(lambda _: [b""]) as real:
        [outcome] = run(ask(UdpCheck(timeout=PATIENCE), real))
    assert (outcome.status, outcome.latency < PATIENCE / 2) == ("success", True)


@LOOPBACKS
@pytest.mark.parametrize("check", [UdpCheck(), ASKING])
def test_an_icmp_error_fails(run: Run, check: UdpCheck, address: str) -> None:
    with udp_closed(address) as real:
        [outcome] = run(ask(check, real))
    assert (outcome.status, outcome.reason) == ("failure", "refused")


def test_a_source_that_is_not_here_says_nothing_about_the_real(run: Run) -> None:
    [outcome] = run(ask(UdpCheck(source="192.0.2.1"), Endpoint("127.0.0.1", 9)))
    assert (outcome.status, outcome.reason) == ("unknown", "local error EADDRNOTAVAIL")
