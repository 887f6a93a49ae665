"""The marks of checks as the journal adds them up (CONFORMANCE section D), and what they want of the kernel."""

from msgspec.structs import replace

from kglb.decisions import choose_mark
from kglb.events import Adopted, ConfigApplied, Entry, MarkAssigned, MarkReleased
from kglb.model import Balancer, DataPlaneConfig, Destination, Forward, RealId, ServiceId, Way, parse_service
from kglb.projections import State
from tests.projections.builders import DNS, VIP, WEB, added, applied, balancer, real_id, started

FIRST, SECOND, THIRD = (Way(f"10.0.0.{number}", Forward(), False) for number in (1, 2, 3))
MARK_10, MARK_11 = ServiceId("fwmark://10"), ServiceId("fwmark://11")


class Journal:
    """Folds events as the daemon records them. Two marks are ours, from 10 on, as in KgLb's own tests."""

    def __init__(self, *balancers: Balancer, count: int = 2) -> None:
        self.state = State()
        self._balancers = balancers or (balancer(WEB, 9), balancer(DNS, 9, name="dns"))
        self.record(started())
        self.apply_config(base=10, count=count)

    @property
    def free(self) -> list[int]:
        return list(self.state.fleet.marks.free())

    def record(self, event: object) -> None:
        self.state.fold(self.state.seq + 1, event)  # type: ignore[arg-type]

    def apply_config(self, *, base: int, count: int) -> None:
        event = applied(*self._balancers)
        plane = DataPlaneConfig(kind="memory", fwmark_base=base, fwmark_count=count)
        config = replace(event.config, data_plane=plane)
        self.record(ConfigApplied(digest="", source="test", config=config))

    def allocate(self, way: Way, service: ServiceId = WEB, port: int = 80) -> int | None:
        mark = choose_mark(way, self.state.fleet.marks)
        if mark is not None:
            real = RealId(f"{way.address}:{port}")
            self.record(MarkAssigned(service=service, real=real, mark=mark, way=way))
        return mark

    def release(self, way: Way, service: ServiceId = WEB, port: int = 80, mark: int = 10) -> None:
        real = RealId(f"{way.address}:{port}")
        self.record(MarkReleased(service=service, real=real, mark=mark, way=way))


def test_d1_d2_d3_d4_d5_d6_d7_d8_d9_marks_are_given_shared_counted_and_given_back() -> None:
    journal = Journal()
    marks = journal.state.fleet.marks
    assert journal.allocate(FIRST, WEB) == 10, "D1"
    assert marks.mark_of(SECOND) is None, "D2"
    assert journal.allocate(SECOND, WEB) == 11, "D3"
    assert journal.allocate(FIRST, DNS) == 10, "D4"
    assert (marks.mark_of(FIRST), marks.held[10].users) == (10, 2), "D5"
    assert journal.free == [], "D6"
    assert journal.allocate(THIRD) is None, "D7"
    journal.release(FIRST, WEB)
    assert journal.free == [], "D8: one user is left"
    journal.release(FIRST, DNS)
    assert journal.free == [10], "D8"
    journal.release(FIRST, DNS)
    assert (journal.free, marks.mark_of(FIRST)) == ([10], None), "D9: there is nothing to give back"


def test_two_ports_at_one_address_share_a_mark() -> None:
    journal = Journal()
    assert journal.allocate(FIRST, port=80) == journal.allocate(FIRST, port=81) == 10
    journal.release(FIRST, port=80)
    assert journal.free == [11]


def test_ways_that_differ_in_forwarding_or_family_have_marks_of_their_own() -> None:
    journal = Journal(count=3)
    tunnels = [Way("10.0.0.1", Forward("tunnel"), ipv6) for ipv6 in (False, True)]
    assert [journal.allocate(way, port=port) for port, way in enumerate((FIRST, *tunnels), 80)] == [10, 11, 12]


def test_free_marks_are_given_out_in_the_order_in_which_they_became_free() -> None:
    journal = Journal(count=3)
    journal.allocate(FIRST)
    journal.allocate(SECOND)
    journal.release(SECOND, mark=11)
    journal.release(FIRST, mark=10)
    assert journal.free == [12, 11, 10]


def test_another_range_gives_only_marks_of_its_own() -> None:
    journal = Journal()
    journal.allocate(FIRST)
    journal.apply_config(base=9, count=2)
    assert journal.free == [9]


def test_d10_a_service_says_whether_it_is_on_a_mark() -> None:
    assert [parse_service(service).protocol for service in (WEB, FIRST.service(10).id)] == ["tcp", "fwmark"]


def test_d11_a_shared_mark_appears_once_and_needs_no_address() -> None:
    journal = Journal(balancer(WEB, 2), balancer(DNS, 1, name="dns"))
    for service, way in ((WEB, FIRST), (WEB, SECOND), (DNS, FIRST)):
        journal.allocate(way, service)
    desired = journal.state.data_plane.desired
    assert set(desired.services) == {WEB, DNS, MARK_10, MARK_11}
    assert [address for address, _ in desired.addresses.values()] == [VIP]


def test_d12_a_marks_service_is_rr_with_the_real_alone_on_any_port_and_always_up() -> None:
    way = Way("10.0.0.1", Forward("tunnel"), False)
    journal = Journal()
    journal.allocate(way)
    desired = journal.state.data_plane.desired
    assert desired.services[MARK_10].scheduler == "rr"
    real = RealId("10.0.0.1:0")
    assert desired.destinations[MARK_10] == {real: Destination(real=real, weight=1, forward=Forward("tunnel"))}


def test_with_its_last_real_a_marks_service_goes() -> None:
    journal = Journal()
    journal.allocate(FIRST, WEB)
    journal.allocate(FIRST, DNS)
    journal.release(FIRST, WEB)
    assert MARK_10 in journal.state.data_plane.desired.services
    journal.state.data_plane.take_dirty()
    journal.release(FIRST, DNS)
    assert MARK_10 not in journal.state.data_plane.desired.services
    assert set(journal.state.data_plane.take_dirty().services) == {MARK_10}


def test_marks_outlive_a_reload_a_restart_and_another_boot() -> None:
    journal = Journal()
    journal.allocate(SECOND)
    before = journal.state.data_plane.desired.destinations[MARK_10]
    journal.apply_config(base=10, count=2)
    assert journal.state.data_plane.desired.destinations[MARK_10] == before
    journal.record(started("another boot"))
    journal.apply_config(base=10, count=2)
    assert journal.state.data_plane.desired.destinations[MARK_10] == before
    assert journal.state.fleet.marks.of(WEB) == {RealId("10.0.0.2:80"): (10, SECOND)}


def test_a_reload_that_changes_no_mark_marks_none_dirty() -> None:
    journal = Journal()
    journal.allocate(FIRST)
    journal.state.data_plane.take_dirty()
    journal.apply_config(base=10, count=2)
    assert not journal.state.data_plane.take_dirty()


def test_marks_found_in_the_kernel_are_offered_to_their_ways_again() -> None:
    journal = Journal(balancer(WEB, 2))
    entries = tuple(Entry(way.service(mark), (way.destination,)) for mark, way in ((11, FIRST), (99, SECOND)))
    journal.record(Adopted(entries=entries, addresses=(), foreign=0))
    assert journal.allocate(FIRST) == 11
    assert journal.allocate(SECOND) == 10, "99 is not ours to give"


def test_a_mark_leads_somewhere_once_the_kernel_has_its_service_and_only_its_way() -> None:
    journal = Journal(balancer(WEB, 1))
    plane = journal.state.data_plane
    assert not plane.holds_mark(10, FIRST)
    journal.record(Adopted(entries=(Entry(FIRST.service(10), (FIRST.destination,)),), addresses=(), foreign=0))
    assert plane.holds_mark(10, FIRST)
    assert not plane.holds_mark(10, SECOND)
    both = (FIRST.destination, SECOND.destination)
    journal.record(Adopted(entries=(Entry(FIRST.service(10), both),), addresses=(), foreign=0))
    assert not plane.holds_mark(10, FIRST)


def test_a_checkpoint_keeps_the_marks_as_they_were_when_it_was_asked_for() -> None:
    journal = Journal()
    journal.record(added(WEB, 0))
    journal.allocate(FIRST)
    parts = journal.state.checkpoint()
    before = journal.state.fleet.marks.snapshot()
    journal.allocate(SECOND)
    again = State.from_checkpoint(journal.state.seq, b"".join(parts))
    assert again.fleet.marks == before
    assert again.fleet.marks.of(WEB) == {real_id(0): (10, FIRST)}
