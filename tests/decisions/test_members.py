"""Which reals a balancer has, by its entries and what its names were last known to mean."""

from kglb.decisions import is_name, member, members
from kglb.model import Forward, Real

NAMES = {"web-1:80": "10.0.0.7", "web-2:80": "2001:DB8:0::7"}


def entry(host: str, weight: int = 1) -> Real:
    return Real(host=host, weight=weight, forward=Forward())


def last_good(host: str) -> str:
    return NAMES.get(host, "")


def test_an_entry_is_a_name_unless_it_has_an_address() -> None:
    assert [is_name(entry(host)) for host in ("10.0.0.7:80", "[2001:db8::7]:80", "web-1:80")] == [False, False, True]


def test_addresses_are_canonical_wherever_they_come_from() -> None:
    assert member(entry("[2001:DB8:0::7]:80"), last_good) == "[2001:db8::7]:80"
    assert member(entry("web-2:80"), last_good) == "[2001:db8::7]:80"


def test_a_name_without_an_address_is_no_real_yet() -> None:
    assert member(entry("web-3:80"), last_good) is None
    assert members([entry("web-3:80"), entry("web-1:80")], last_good).keys() == {"10.0.0.7:80"}


def test_of_two_entries_for_one_real_the_first_counts() -> None:
    assert members([entry("web-1:80", 5), entry("10.0.0.7:80", 9)], last_good)["10.0.0.7:80"].weight == 5  # type: ignore[index]
