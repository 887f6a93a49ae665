"""Which reals a balancer has, by its entries, what its names were last known to mean, and the members of its pools."""

from kglb.decisions import is_name, member, members, nobody_leaves
from kglb.model import Balancer, DummyCheck, Forward, Member, Pool, Real, RealId, Service, ServiceId

NAMES = {"web-1:80": "10.0.0.7", "web-2:80": "2001:DB8:0::7"}
FIRST = Pool(kind="dns", place="web.example.com:80", weight=3, forward=Forward())
SECOND = Pool(kind="file", place="/etc/kglb/web.json", weight=4, forward=Forward("tunnel"), backup=True)


def entry(host: str, weight: int = 1) -> Real:
    return Real(host=host, weight=weight, forward=Forward())


def config(*reals: Real, pools: tuple[Pool, ...] = ()) -> Balancer:
    service = Service(id=ServiceId("tcp://192.0.2.1:80"), scheduler="wrr")
    return Balancer(name="web", service=service, reals=reals, pools=pools, check=DummyCheck())


def last_good(host: str) -> str:
    return NAMES.get(host, "")


def of(found: dict[Pool, list[Member]], *reals: Real) -> dict[RealId, Real]:
    """The reals of a balancer whose pools have these members."""
    by_real = {pool: {one.real: one for one in named} for pool, named in found.items()}
    return members(config(*reals, pools=tuple(found)), last_good, by_real.get)


def one(address: str, weight: int | None = None) -> Member:
    return Member(RealId(f"{address}:80"), weight)


def test_an_entry_is_a_name_unless_it_has_an_address() -> None:
    assert [is_name(entry(host)) for host in ("10.0.0.7:80", "[2001:db8::7]:80", "web-1:80")] == [False, False, True]


def test_addresses_are_canonical_wherever_they_come_from() -> None:
    assert member(entry("[2001:DB8:0::7]:80"), last_good) == "[2001:db8::7]:80"
    assert member(entry("web-2:80"), last_good) == "[2001:db8::7]:80"


def test_a_name_without_an_address_is_no_real_yet() -> None:
    assert member(entry("web-3:80"), last_good) is None
    assert of({}, entry("web-3:80"), entry("web-1:80")).keys() == {"10.0.0.7:80"}


def test_of_two_entries_for_one_real_the_first_counts() -> None:
    found = of({}, entry("web-1:80", 5), entry("10.0.0.7:80", 9))
    assert found[RealId("10.0.0.7:80")].weight == 5


def test_members_have_what_their_pool_gives_and_the_weight_that_its_source_gives() -> None:
    found = of({SECOND: [one("10.0.0.1"), one("10.0.0.2", 9)]})
    assert [(real.weight, str(real.forward), real.backup, real.pool) for real in found.values()] == [
        (4, "ipip", True, "file /etc/kglb/web.json"),
        (9, "ipip", True, "file /etc/kglb/web.json"),
    ]


def test_what_the_config_lists_counts_before_pools_and_these_in_their_order() -> None:
    found = of({FIRST: [one("10.0.0.7"), one("10.0.0.8")], SECOND: [one("10.0.0.8")]}, entry("web-1:80", 5))
    assert {real: entry.weight for real, entry in found.items()} == {"10.0.0.7:80": 5, "10.0.0.8:80": 3}


def test_nobody_leaves_a_balancer_before_each_of_its_pools_has_had_an_answer() -> None:
    both = config(pools=(FIRST, SECOND))
    assert nobody_leaves(both, {FIRST: {}}.get)
    assert not nobody_leaves(both, {FIRST: {}, SECOND: {}}.get)
    assert not nobody_leaves(config(entry("web-1:80")), lambda _: None)
