"""What every data plane does. The memory passes it in ``test_memory``, the kernel in ``tests/kernel``."""

import errno
from collections.abc import Sequence
from itertools import combinations

import pytest

from kglb.dataplane.counters import DestinationCounters, Traffic
from kglb.dataplane.port import DataPlane, Failure
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from kglb.model.service import FLAGS
from tests.dataplane.strategies import SCHEDULERS

WEB = ServiceId("tcp://192.0.2.10:80")
DNS = ServiceId("udp://[2001:db8::10]:53")
MARK = ServiceId("fwmark://10")
MISSING = ServiceId("tcp://192.0.2.99:80")
VIP = Address("192.0.2.10/32", "lo")
VIP6 = Address("2001:db8::10/128", "lo")

FORWARDS = (
    Forward("masquerade"),
    Forward("direct"),
    Forward("local"),
    Forward("tunnel"),
    Forward("tunnel", "gre"),
    Forward("tunnel", "gre", checksum="csum"),
    Forward("tunnel", "gue", 1),
    Forward("tunnel", "gue", 6080, "csum"),
    Forward("tunnel", "gue", 65535, "remcsum"),
)


def real(number: int, weight: int = 1, **values: object) -> Destination:
    """An IPv4 destination, the number-th of many."""
    address = f"10.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"
    return Destination(real=RealId(f"{address}:80"), weight=weight, **values)  # type: ignore[arg-type]


def real6(number: int, weight: int = 1, **values: object) -> Destination:
    """An IPv6 destination, the number-th of many."""
    return Destination(real=RealId(f"[2001:db8:1::{number:x}]:80"), weight=weight, **values)  # type: ignore[arg-type]


def by_name(destinations: Sequence[Destination]) -> list[Destination]:
    return sorted(destinations, key=lambda destination: destination.real)


def succeed(plane: DataPlane, *operations: Operation) -> None:
    assert [failure for failure in plane.apply(operations) if failure] == []


def errnos(outcomes: Sequence[Failure | None]) -> list[str]:
    return [errno.errorcode[outcome.errno] if outcome else "" for outcome in outcomes]


def wipe(plane: DataPlane) -> None:
    """Leave no service, and on lo no address but its own two."""
    succeed(plane, *(DeleteService(service.id) for service in plane.services()))
    added = [address for address in plane.addresses("lo") if address.address not in ("127.0.0.1/8", "::1/128")]
    succeed(plane, *map(DeleteAddress, added))


class DataPlaneContract:
    """Every test gets an empty data plane as the fixture ``plane``."""

    # reading back what was written

    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_every_scheduler_reads_back_with_every_set_of_flags(self, plane: DataPlane, scheduler: str) -> None:
        for count in range(len(FLAGS) + 1):
            for flags in combinations(sorted(FLAGS), count):
                service = Service(id=DNS, scheduler=scheduler, flags=flags)
                succeed(plane, AddService(service))
                assert plane.service(DNS) == service
                assert plane.services() == [service]
                succeed(plane, DeleteService(DNS))

    @pytest.mark.parametrize(
        "service_id",
        [
            WEB,
            DNS,
            MARK,
            "udp://192.0.2.10:80",
            "tcp://[::102:304]:80",
            "fwmark6://10",
            "fwmark://4294967295",
        ],
    )
    def test_every_kind_of_key_names_its_service_and_no_other(self, plane: DataPlane, service_id: ServiceId) -> None:
        service = Service(id=service_id, scheduler="rr")
        destination = real6(1) if service.key.ipv6 else real(1)
        succeed(plane, AddService(service), AddDestination(service_id, destination))
        assert plane.services() == [service]
        assert plane.destinations(service_id) == [destination]
        others = {WEB, DNS, MARK, ServiceId("fwmark6://10"), ServiceId("udp://192.0.2.10:80")} - {service_id}
        for other in sorted(others):
            assert plane.service(other) is None
            assert plane.destinations(other) == []

    @pytest.mark.parametrize("forward", FORWARDS, ids=str)
    def test_every_forwarding_reads_back(self, plane: DataPlane, forward: Forward) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, forward=forward)))
        succeed(plane, AddService(Service(id=DNS)), AddDestination(DNS, real6(1, forward=forward)))
        assert plane.destinations(WEB) == [real(1, forward=forward)]
        assert plane.destinations(DNS) == [real6(1, forward=forward)]

    @pytest.mark.parametrize("old", FORWARDS, ids=str)
    def test_any_forwarding_can_become_any_other(self, plane: DataPlane, old: Forward) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, forward=old)))
        for new in FORWARDS:
            succeed(plane, ChangeDestination(WEB, real(1, forward=new)))
            assert plane.destinations(WEB) == [real(1, forward=new)]
            succeed(plane, ChangeDestination(WEB, real(1, forward=old)))

    @pytest.mark.parametrize("forward", [forward for forward in FORWARDS if forward.method == "tunnel"], ids=str)
    def test_a_tunnel_crosses_address_families(self, plane: DataPlane, forward: Forward) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddService(Service(id=DNS)))
        mixed = [real(1, forward=forward), real6(1, forward=forward)]
        for service_id in (WEB, DNS):
            succeed(plane, *(AddDestination(service_id, destination) for destination in mixed))
            assert by_name(plane.destinations(service_id)) == by_name(mixed)
            succeed(plane, *(DeleteDestination(service_id, destination.real) for destination in mixed))
            assert plane.destinations(service_id) == []

    @pytest.mark.parametrize(("service_id", "lengths"), [(WEB, range(1, 32)), (DNS, range(1, 128)), (MARK, (8, 24))])
    def test_persistence_reads_back_with_every_netmask(
        self, plane: DataPlane, service_id: ServiceId, lengths: Sequence[int]
    ) -> None:
        succeed(plane, AddService(Service(id=service_id)))
        for length in (0, *lengths):
            service = Service(id=service_id, persistence=300, netmask=length)
            succeed(plane, ChangeService(service))
            assert plane.service(service_id) == service

    @pytest.mark.parametrize(("service_id", "full"), [(WEB, 32), (DNS, 128)])
    def test_the_whole_address_as_netmask_reads_back_as_0(
        self, plane: DataPlane, service_id: ServiceId, full: int
    ) -> None:
        succeed(plane, AddService(Service(id=service_id, persistence=300, netmask=full)))
        assert plane.service(service_id) == Service(id=service_id, persistence=300)

    def test_a_persistence_engine_comes_and_goes(self, plane: DataPlane) -> None:
        sip = Service(id=ServiceId("udp://192.0.2.10:5060"), persistence=60, engine="sip")
        plain = Service(id=sip.id, persistence=60)
        succeed(plane, AddService(sip))
        assert plane.service(sip.id) == sip
        succeed(plane, ChangeService(plain))
        assert plane.service(sip.id) == plain

    def test_persistence_lasts_31_days_at_most(self, plane: DataPlane) -> None:
        longest = Service(id=WEB, persistence=31 * 86400)
        succeed(plane, AddService(longest))
        assert plane.service(WEB) == longest

    def test_weights_and_thresholds_read_back_at_their_bounds(self, plane: DataPlane) -> None:
        destinations = [
            real(1, 0),
            real(2, 65535),
            real(3, 1, upper=1),
            real(4, 1, upper=2**32 - 1, lower=2**32 - 1),
            real(5, 1, upper=1000, lower=800),
        ]
        succeed(plane, AddService(Service(id=WEB)), *(AddDestination(WEB, each) for each in destinations))
        assert by_name(plane.destinations(WEB)) == destinations

    # changes in place

    def test_changing_a_service_keeps_its_destinations(self, plane: DataPlane) -> None:
        destinations = [real(1, 10), real(2, 0, forward=Forward("tunnel", "gue", 6080), upper=9)]
        succeed(
            plane,
            AddService(Service(id=WEB, scheduler="rr")),
            *(AddDestination(WEB, d) for d in destinations),
        )
        for service in (
            Service(id=WEB, scheduler="mh", flags=("flag-1", "flag-2")),
            Service(id=WEB, scheduler="sh", flags=("flag-2",), persistence=300, netmask=24),
            Service(id=WEB, scheduler="wrr"),
        ):
            succeed(plane, ChangeService(service))
            assert plane.service(WEB) == service
            assert by_name(plane.destinations(WEB)) == destinations

    def test_a_destination_changes_as_a_whole(self, plane: DataPlane) -> None:
        succeed(
            plane,
            AddService(Service(id=WEB)),
            AddDestination(WEB, real(1, 5)),
            AddDestination(WEB, real(2, 5)),
        )
        changed = real(1, 7, forward=Forward("tunnel", "gue", 6080, "csum"), upper=100, lower=50)
        succeed(plane, ChangeDestination(WEB, changed))
        assert by_name(plane.destinations(WEB)) == [changed, real(2, 5)]

    def test_destinations_are_read_in_the_order_in_which_they_were_added(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), *(AddDestination(WEB, real(n)) for n in (3, 1, 2)))
        succeed(plane, ChangeDestination(WEB, real(3, 0)), ChangeDestination(WEB, real(3, 7)))
        assert plane.destinations(WEB) == [real(3, 7), real(1), real(2)]
        succeed(plane, DeleteDestination(WEB, real(1).real), AddDestination(WEB, real(1)))
        assert plane.destinations(WEB) == [real(3, 7), real(2), real(1)]

    def test_deleting_a_service_deletes_its_destinations_with_it(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1)))
        succeed(plane, DeleteService(WEB), AddService(Service(id=WEB)))
        assert plane.destinations(WEB) == []

    # what the kernel refuses

    @pytest.mark.parametrize(
        ("operation", "error", "words"),
        [
            (AddService(Service(id=WEB)), "EEXIST", "exists already"),
            (AddService(Service(id=MARK, scheduler="missing")), "ENOENT", "ip_vs_missing"),
            (AddService(Service(id=MARK, engine="missing")), "ENOENT", "ip_vs_pe_missing"),
            (AddService(Service(id=WEB, scheduler="missing")), "EEXIST", "exists already"),
            (ChangeService(Service(id=WEB, scheduler="missing")), "ENOENT", "ip_vs_missing"),
            (ChangeService(Service(id=MISSING)), "ESRCH", f"no service {MISSING}"),
            (DeleteService(MISSING), "ESRCH", f"no service {MISSING}"),
            (AddDestination(MISSING, real(1)), "ESRCH", f"no service {MISSING}"),
            (ChangeDestination(MISSING, real(1)), "ESRCH", f"no service {MISSING}"),
            (DeleteDestination(MISSING, real(1).real), "ESRCH", f"no service {MISSING}"),
            (AddDestination(WEB, real(1)), "EEXIST", "already"),
            (AddDestination(WEB, real(1, forward=Forward("direct"))), "EEXIST", "already"),
            (ChangeDestination(WEB, real(2)), "ENOENT", "no destination 10.1.0.2:80"),
            (DeleteDestination(WEB, real(2).real), "ENOENT", "no destination 10.1.0.2:80"),
            (DeleteDestination(WEB, real6(2).real), "ENOENT", "no destination [2001:db8:1::2]:80"),
            (AddDestination(WEB, real(2, upper=1, lower=2)), "ERANGE", "above"),
            (ChangeDestination(WEB, real(1, lower=1)), "ERANGE", "above"),
            (ChangeDestination(WEB, real(2, lower=1)), "ERANGE", "above"),
            (AddDestination(WEB, real6(1)), "EINVAL", "only a tunnel"),
            (AddDestination(DNS, real(1, forward=Forward("direct"))), "EINVAL", "only a tunnel"),
            (ChangeDestination(DNS, real(1)), "EINVAL", "only a tunnel"),
        ],
        ids=str,
    )
    def test_a_refused_operation_says_why_and_changes_nothing(
        self, plane: DataPlane, operation: Operation, error: str, words: str
    ) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddService(Service(id=DNS)), AddDestination(WEB, real(1)))
        (failure,) = plane.apply([operation])
        assert errnos([failure]) == [error]
        assert failure is not None
        assert words in failure.error
        assert {service.id for service in plane.services()} == {WEB, DNS}
        assert plane.destinations(WEB) == [real(1)]

    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "127.255.255.255",
            "[::]",
            "[ff02::1]",
            "[fe80::1]",
            "[::ffff:102:304]",
        ],
    )
    def test_a_destination_is_a_unicast_address(self, plane: DataPlane, address: str) -> None:
        service_id = DNS if address.startswith("[") else WEB
        succeed(plane, AddService(Service(id=service_id)))
        wrong = Destination(real=RealId(f"{address}:80"), weight=1)
        (failure,) = plane.apply([AddDestination(service_id, wrong)])
        assert errnos([failure]) == ["EINVAL"]

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "0.0.0.1", "169.254.0.1", "240.0.0.1", "[::1]", "[fc00::1]", "[64:ff9b::1]"]
    )
    def test_odd_but_unicast_addresses_can_be_destinations(self, plane: DataPlane, address: str) -> None:
        service_id = DNS if address.startswith("[") else WEB
        destination = Destination(real=RealId(f"{address}:80"), weight=1)
        succeed(plane, AddService(Service(id=service_id)), AddDestination(service_id, destination))
        assert plane.destinations(service_id) == [destination]

    # lists of operations

    def test_what_breaks_a_rule_is_refused_and_the_rest_goes_on(self, plane: DataPlane) -> None:
        outcomes = plane.apply(
            [
                AddService(Service(id=WEB)),
                AddDestination(WEB, real(1)),
                AddDestination(WEB, real(2, 65536)),
                AddDestination(WEB, real(3)),
            ]
        )
        assert errnos(outcomes) == ["", "", "EINVAL", ""]
        assert by_name(plane.destinations(WEB)) == [real(1), real(3)]

    def test_a_service_that_was_not_added_stops_everything_later_on_it(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, 5)))
        outcomes = plane.apply(
            [
                AddService(Service(id=WEB)),
                AddDestination(WEB, real(2)),
                AddService(Service(id=MARK)),
                ChangeDestination(WEB, real(1, 6)),
                AddDestination(MARK, real(1)),
                DeleteService(WEB),
            ]
        )
        assert errnos(outcomes) == ["EEXIST", "EEXIST", "", "EEXIST", "", "EEXIST"]
        assert plane.destinations(WEB) == [real(1, 5)]
        assert plane.destinations(MARK) == [real(1)]

    def test_a_failed_change_of_a_service_does_not_stop_its_destinations(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, 5)))
        outcomes = plane.apply(
            [ChangeService(Service(id=WEB, scheduler="missing")), ChangeDestination(WEB, real(1, 0))]
        )
        assert errnos(outcomes) == ["ENOENT", ""]
        assert plane.destinations(WEB) == [real(1, 0)]

    def test_2000_operations_with_failures_among_them_give_each_its_own_outcome(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), *(AddDestination(WEB, real(n)) for n in range(1, 2000, 7)))
        outcomes = plane.apply([AddDestination(WEB, real(n, 3)) for n in range(1, 2001)])
        assert errnos(outcomes) == ["EEXIST" if n % 7 == 1 else "" for n in range(1, 2001)]
        outcomes = plane.apply([ChangeDestination(WEB, real(n * 2, 4)) for n in range(1, 2001)])
        assert errnos(outcomes) == [""] * 1000 + ["ENOENT"] * 1000
        weights = {destination.real: destination.weight for destination in plane.destinations(WEB)}
        expected = {real(n).real: 4 if n % 2 == 0 else 1 if n % 7 == 1 else 3 for n in range(1, 2001)}
        assert weights == expected

    def test_no_operations_have_no_outcomes(self, plane: DataPlane) -> None:
        assert plane.apply([]) == []

    def test_10000_destinations_read_back(self, plane: DataPlane) -> None:
        destinations = [real(n, n % 65536) for n in range(1, 10001)]
        succeed(plane, AddService(Service(id=WEB)), *(AddDestination(WEB, each) for each in destinations))
        assert by_name(plane.destinations(WEB)) == by_name(destinations)

    def test_1000_services_read_back(self, plane: DataPlane) -> None:
        services = [Service(id=ServiceId(f"tcp://192.0.2.10:{port}"), scheduler="rr") for port in range(1, 1001)]
        for service in services:
            succeed(plane, AddService(service))
        assert {service.id: service for service in plane.services()} == {each.id: each for each in services}

    # addresses

    def test_addresses_come_and_go_beside_those_that_were_there(self, plane: DataPlane) -> None:
        before = plane.addresses("lo")
        assert Address("127.0.0.1/8", "lo") in before
        succeed(plane, AddAddress(VIP), AddAddress(VIP6))
        assert plane.addresses("lo") == before | {VIP, VIP6}
        succeed(plane, DeleteAddress(VIP6), DeleteAddress(VIP))
        assert plane.addresses("lo") == before

    def test_an_address_that_was_added_carries_our_mark_and_no_other_does(self, plane: DataPlane) -> None:
        assert plane.marked("lo") == frozenset()
        succeed(plane, AddAddress(VIP), AddAddress(VIP6))
        assert plane.marked("lo") == frozenset({VIP, VIP6})
        assert plane.marked("nowhere") == frozenset()
        succeed(plane, DeleteAddress(VIP6))
        assert plane.marked("lo") == frozenset({VIP})

    @pytest.mark.parametrize(
        ("operation", "error", "words"),
        [
            (AddAddress(VIP), "EEXIST", "192.0.2.10/32 is on lo already"),
            (AddAddress(VIP6), "EEXIST", "already"),
            (AddAddress(Address("2001:db8::10/64", "lo")), "EEXIST", "already"),
            (AddAddress(Address("192.0.2.10/32", "nowhere")), "ENODEV", "no interface nowhere"),
            (DeleteAddress(Address("192.0.2.10/32", "nowhere")), "ENODEV", "no interface nowhere"),
            (DeleteAddress(Address("192.0.2.11/32", "lo")), "EADDRNOTAVAIL", "192.0.2.11/32 is not on lo"),
            (DeleteAddress(Address("192.0.2.10/24", "lo")), "EADDRNOTAVAIL", "not on lo"),
            (DeleteAddress(Address("2001:db8::10/64", "lo")), "EADDRNOTAVAIL", "not on lo"),
            (AddAddress(Address("192.0.2.10", "lo")), "EINVAL", "192.0.2.10/32"),
            (AddAddress(Address("192.0.2.10/33", "lo")), "EINVAL", "prefix length"),
            (AddAddress(Address("ff02::10/128", "lo")), "EINVAL", "unicast"),
        ],
        ids=str,
    )
    def test_a_refused_address_says_why_and_changes_nothing(
        self, plane: DataPlane, operation: Operation, error: str, words: str
    ) -> None:
        succeed(plane, AddAddress(VIP), AddAddress(VIP6))
        before = plane.addresses("lo")
        (failure,) = plane.apply([operation])
        assert errnos([failure]) == [error]
        assert failure is not None
        assert words in failure.error
        assert plane.addresses("lo") == before

    def test_an_ipv4_address_may_stand_twice_with_two_prefix_lengths(self, plane: DataPlane) -> None:
        before = plane.addresses("lo")
        wide = Address("192.0.2.10/24", "lo")
        succeed(plane, AddAddress(VIP), AddAddress(wide))
        assert plane.addresses("lo") == before | {VIP, wide}
        succeed(plane, DeleteAddress(VIP))
        assert plane.addresses("lo") == before | {wide}

    def test_an_interface_that_is_not_there_has_no_addresses(self, plane: DataPlane) -> None:
        assert plane.addresses("nowhere") == frozenset()

    def test_services_and_addresses_mix_in_one_list(self, plane: DataPlane) -> None:
        outcomes = plane.apply(
            [
                AddService(Service(id=WEB)),
                AddDestination(WEB, real(1)),
                AddAddress(VIP),
                AddAddress(VIP),
                ChangeDestination(WEB, real(1, 9)),
                DeleteService(MISSING),
                DeleteAddress(VIP),
            ]
        )
        assert errnos(outcomes) == ["", "", "", "EEXIST", "", "ESRCH", ""]
        assert plane.destinations(WEB) == [real(1, 9)]
        assert VIP not in plane.addresses("lo")

    def test_what_was_just_made_has_counted_nothing(self, plane: DataPlane) -> None:
        succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, 5)), AddDestination(WEB, real(2)))
        counted = plane.counters(WEB)
        assert counted is not None
        assert (counted.id, counted.traffic) == (WEB, Traffic())
        for _ in range(2):
            found = {one.real: one for one in counted.destinations}
            assert found == {
                real(1).real: DestinationCounters(real(1).real, 5, 0, 0, Traffic()),
                real(2).real: DestinationCounters(real(2).real, 1, 0, 0, Traffic()),
            }

    def test_a_service_that_is_not_there_has_no_counters(self, plane: DataPlane) -> None:
        assert plane.counters(MISSING) is None
