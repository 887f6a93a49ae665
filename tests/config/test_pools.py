"""Pools among the reals of a balancer: what they are read as, and what is refused."""

from collections.abc import Callable

import pytest

from kglb.config.changes import changes
from kglb.config.load import parse
from kglb.model import Forward, Pool

Write = Callable[..., str]
Refuse = Callable[..., dict[str, str]]


def test_a_pool_gives_its_members_what_it_says_and_else_what_the_balancer_says(balancer: Write) -> None:
    reals = '[{ dns = "Web.example.com:80" }, "10.0.0.1:80", { file = "/etc/web.json", weight = 5, max_loss = 0.3 }]'
    (found,) = parse(balancer(reals=reals, weight="7", forward='"tunnel"')).config.balancers
    assert [real.host for real in found.reals] == ["10.0.0.1:80"]
    assert found.pools == (
        Pool(kind="dns", place="web.example.com:80", weight=7, forward=Forward("tunnel")),
        Pool(kind="file", place="/etc/web.json", weight=5, forward=Forward("tunnel"), max_loss=0.3),
    )
    assert [pool.id for pool in found.pools] == ["dns web.example.com:80", "file /etc/web.json"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('{ dns = "10.0.0.1:80" }', 'expected a host name and a port, found the address "10.0.0.1:80"'),
        ('{ dns = "web.example.com" }', "expected address:port"),
        ('{ dns = "web.example.com:0" }', "port 0 is for tunnels, web.example.com:0 is reached by masquerade"),
        ('{ file = "web.json" }', 'expected a path that starts with /, found "web.json"'),
        ('{ file = "/a", dns = "web:80" }', "expected one of address, dns, file, found several"),
        ('{ file = "/a", address = "10.0.0.1:80" }', "expected one of address, dns, file, found several"),
        ('{ dns = "web:80", max_loss = 2 }', "expected a number from 0 to 1, found 2"),
        ('{ address = "10.0.0.1:80", max_loss = 0.3 }', 'unknown key "max_loss"'),
        ('{ dns = "web:80", file_sd = "/a" }', 'unknown key "file_sd"'),
        ('{ file = "/a", upper_threshold = 1, lower_threshold = 2 }', "lower_threshold (2) is above upper_threshold"),
        ('{ file = "/a" }, { file = "/a", weight = 3 }', "duplicate pool: file /a is reals[0] already"),
        ('{ dns = "web:80", backup = true }', "every real is a backup"),
    ],
)
def test_a_mistake_in_a_pool_is_told(balancer: Write, refuse: Refuse, entry: str, said: str) -> None:
    assert any(said in line for line in refuse(balancer(reals=f"[{entry}]")).values())


def test_a_pool_of_which_no_member_could_be_checked_is_a_mistake(balancer: Write, refuse: Refuse) -> None:
    text = balancer(reals='[{ dns = "web:80" }]', check='{ type = "tcp", source = "2001:db8::1" }')
    assert any("no member of dns web:80 could be checked from 2001:db8::1" in line for line in refuse(text).values())


def test_pools_that_come_go_and_change_are_told_as_reals_are(balancer: Write) -> None:
    before = parse(balancer(reals='[{ dns = "web:80" }, { file = "/a" }]')).config
    after = parse(balancer(reals='[{ dns = "web:80", weight = 5, max_loss = 1.0 }, { file = "/b" }]')).config
    assert [str(change) for change in changes(before, after)] == [
        "pool file /b",
        "pool file /a",
        "reals.weight 1000 -> 5 (dns web:80)",
        "reals.max_loss 0.5 -> 1.0 (dns web:80)",
    ]
