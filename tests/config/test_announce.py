"""``announce`` and ``[bgp]``: what a route may be, and what is said about one that nobody announces."""

from collections.abc import Callable

import pytest

from kglb.config.load import Loaded
from kglb.model import Announce, BgpConfig, Route

Write = Callable[..., str]
Refuse = Callable[..., dict[str, str]]
Accept = Callable[..., Loaded]

ENGINE = '[bgp]\nengine = "exabgp"\n'


def test_every_key_reaches_the_route(balancer: Write, accept: Accept) -> None:
    loaded = accept(
        '[bgp]\nengine = "exabgp"\nsocket = "/run/x.sock"\n'
        + balancer(
            announce='{ min_alive = 0.5, min_alive_to_announce = 0.8, hold_time = "7s", '
            'prefix = "192.0.2.0/24", next_hop = "198.51.100.1", '
            'community = ["65000:1", "no-export"], med = 10 }'
        )
    )
    assert loaded.config.bgp == BgpConfig(engine="exabgp", socket="/run/x.sock")
    (web,) = loaded.config.balancers
    assert web.announce is not None
    assert (web.announce.min_alive, web.announce.min_alive_to_announce) == (0.5, 0.8)
    assert web.route == Route(
        prefix="192.0.2.0/24",
        next_hop="198.51.100.1",
        communities=("65000:1", "no-export"),
        med=10,
        hold_time=7.0,
    )


def test_an_empty_announce_is_the_vip_with_the_defaults(balancer: Write, accept: Accept) -> None:
    (web,) = accept(ENGINE + balancer(announce="{}")).config.balancers
    assert web.announce == Announce(hold_time=5.0)
    assert web.route == Route(prefix="192.0.2.1/32", hold_time=5.0)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("prefix", '"192.0.2.1/24"', 'expected a prefix like 192.0.2.0/24, found "192.0.2.1/24"; write 192.0.2.0/24'),
        ("prefix", '"everything"', 'expected a prefix like 192.0.2.0/24, found "everything"'),
        ("prefix", '"198.51.100.0/24"', "the VIP 192.0.2.1 is not in 198.51.100.0/24"),
        ("next_hop", '"me"', 'expected an IP address, found "me"'),
        ("med", "-1", "expected a whole number from 0 to 4294967295, found -1"),
        ("min_alive_to_announce", "1.1", "expected a number from 0 to 1, found 1.1"),
        ("hold_time", '"2h"', 'expected a duration of at most 1h, found "2h"'),
    ],
)
def test_a_value_that_no_route_can_have_is_refused(
    balancer: Write, refuse: Refuse, key: str, value: str, says: str
) -> None:
    assert refuse(ENGINE + balancer(announce=f"{{ {key} = {value} }}")) == {f"balancer[0].announce.{key}": says}


@pytest.mark.parametrize("value", ["0.4", "0", "0.0"])
def test_a_route_does_not_come_with_fewer_reals_than_it_stays_with(balancer: Write, refuse: Refuse, value: str) -> None:
    written = ENGINE + balancer(announce=f"{{ min_alive_to_announce = {value}, min_alive = 0.5 }}")
    assert refuse(written) == {
        "balancer[0].announce.min_alive_to_announce": f"expected at least min_alive = 0.5, found {float(value):g}; "
        "leave it out for the same share both ways"
    }


def test_one_line_written_twice_is_one_line(balancer: Write, accept: Accept) -> None:
    (web,) = accept(ENGINE + balancer(announce="{ min_alive = 0.5, min_alive_to_announce = 0.5 }")).config.balancers
    assert web.announce == Announce(min_alive=0.5, min_alive_to_announce=0.5)


@pytest.mark.parametrize("community", ["65536:1", "1:2:3", "1", "no-exports", "a:b", "²:1"])
def test_what_is_no_community_is_refused(balancer: Write, refuse: Refuse, community: str) -> None:
    problems = refuse(ENGINE + balancer(announce=f'{{ community = ["65000:1", "{community}"] }}'))
    assert list(problems) == ["balancer[0].announce.community[1]"]


def test_a_socket_is_an_absolute_path(balancer: Write, refuse: Refuse) -> None:
    assert list(refuse('[bgp]\nsocket = "kglb.sock"\n' + balancer())) == ["bgp.socket"]


def test_a_route_that_nobody_announces_gives_a_warning(balancer: Write, accept: Accept) -> None:
    (warning,) = accept(balancer(announce="{}")).warnings
    assert "no route is announced, though 1 balancer has announce" in warning
    assert accept(ENGINE + balancer(announce="{}")).warnings == ()
