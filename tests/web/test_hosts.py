"""Who is answered, by the name that a request asks for: a name that a stranger has made to lead here is not."""

import pytest

from kglb.model import StatusConfig
from kglb.web.hosts import acceptance
from tests.web.clients import body_of, exchange, serving, status_of
from tests.web.conftest import Run

LOOPBACK = acceptance(StatusConfig(listen="127.0.0.1:5678"), "lb1.example.com")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "localhost:5678",
        "LocalHost.:5678",
        "lb.localhost",
        "127.0.0.1:5678",
        "192.0.2.7",
        "[::1]:5678",
        "[::1]",
        "lb1.example.com:5678",
        "LB1",
    ],
)
def test_on_the_loopback_addresses_and_own_names_are_answered(host: str) -> None:
    assert LOOPBACK(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5678",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "lb2",
        "[::1",
        "a:b:c",
        "é",
    ],
)
def test_on_the_loopback_no_other_name_is(host: str) -> None:
    assert not LOOPBACK(host)


def test_elsewhere_any_name_is_answered_unless_some_are_given() -> None:
    assert acceptance(StatusConfig(listen="0.0.0.0:5678"), "lb1")("prometheus-knows-me-as.this")
    named = acceptance(StatusConfig(listen="192.0.2.1:5678", hosts=("lb.example.com",)), "lb1")
    assert named("lb.example.com:5678")
    assert named("lb1")
    assert named("192.0.2.1:5678")
    assert not named("evil.example")


def test_who_is_not_answered_is_told_what_helps(run: Run) -> None:
    async def scenario() -> None:
        async with serving(accepts=LOOPBACK) as where:
            for page in (b"/page", b"/nothing"):
                answer = await exchange(where, b"GET %b HTTP/1.1\r\nHost: evil.example\r\n\r\n" % page)
                assert status_of(answer) == 421
                assert b"add the name to hosts in [status]" in body_of(answer)
            answer = await exchange(where, b"GET /page HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
            assert status_of(answer) == 200

    run(scenario())
