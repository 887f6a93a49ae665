"""From actual to desired: the order of CONFORMANCE section F, and nothing more than needed."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kglb.events import Adopted, BalancerDecided, DriftFound, Entry, OperationsApplied, RealRemoved
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from kglb.projections import Serving, State, plan
from tests.projections.builders import DNS, VIP, WEB, added, applied, balancer, real_id, started

A, B, C = real_id(0), real_id(1), real_id(2)


class Machine:
    """A state together with the applier's part: plan, perform, record."""

    def __init__(self) -> None:
        self.state = State()
        self.seq = 0

    def record(self, *events: object) -> "Machine":
        for event in events:
            self.seq += 1
            self.state.fold(self.seq, event)  # type: ignore[arg-type]
        return self

    def planned(self) -> list[Operation]:
        data_plane = self.state.data_plane
        serving = Serving(is_banned=self.state.fleet.is_banned)
        steps = plan(data_plane.actual, data_plane.desired, data_plane.take_dirty(), serving)
        return [step.operation for step in steps]

    def settle(self) -> list[Operation]:
        operations = self.planned()
        if operations:
            self.record(
                OperationsApplied(operations=tuple(operations), causes=(self.seq,) * len(operations), microseconds=1)
            )
        return operations

    def decide(self, weights: dict[RealId, int], service: ServiceId = WEB) -> "Machine":
        return self.record(
            BalancerDecided(
                service=service, balancer="web", mode="available", alive=1, total=2, weights=weights, seen=0
            )
        )


def running() -> Machine:
    machine = Machine().record(started(), applied(balancer()), added(WEB, 0), added(WEB, 1))
    machine.decide({A: 1000, B: 1000}).settle()
    return machine


def kinds(operations: list[Operation]) -> list[type]:
    return [type(operation) for operation in operations]


def test_f17_a_new_service_comes_with_its_reals_then_its_address() -> None:
    machine = Machine().record(started(), applied(balancer()), added(WEB, 0), added(WEB, 1))
    machine.decide({A: 1000, B: 0})
    assert machine.planned() == [
        AddService(Service(id=WEB, scheduler="wrr")),
        AddDestination(WEB, Destination(real=A, weight=1000)),
        AddDestination(WEB, Destination(real=B, weight=0)),
        AddAddress(VIP),
    ]


def test_f3_f10_a_weight_is_changed_in_place_and_alone() -> None:
    machine = running().decide({A: 90})
    assert machine.planned() == [ChangeDestination(WEB, Destination(real=A, weight=90))]


def test_one_weight_among_ten_thousand_is_one_operation() -> None:
    machine = Machine().record(started(), applied(balancer(reals=10_000)))
    machine.record(*(added(WEB, number) for number in range(10_000)))
    machine.decide({real_id(number): 1000 for number in range(10_000)}).settle()
    machine.decide({real_id(7777): 0})
    assert machine.settle() == [ChangeDestination(WEB, Destination(real=real_id(7777), weight=0))]


def test_another_scheduler_is_a_change_in_place_where_kglb_deletes_and_adds() -> None:
    machine = running().record(applied(balancer(scheduler="mh")))
    assert machine.planned() == [ChangeService(Service(id=WEB, scheduler="mh"))]


def test_new_reals_come_before_old_ones_go() -> None:
    machine = running().record(RealRemoved(service=WEB, real=A, host=str(A)), added(WEB, 2))
    machine.decide({B: 5, C: 1000})
    assert kinds(machine.planned()) == [AddDestination, ChangeDestination, DeleteDestination]


def test_f11_f12_a_service_that_left_the_config_goes_last_before_its_address() -> None:
    machine = running().record(applied(balancer(DNS, address=None)), added(DNS, 0))
    assert kinds(machine.planned()) == [AddService, AddDestination, DeleteService, DeleteAddress]


def test_e15_an_address_shared_by_two_services_is_added_once_and_stays_until_both_are_gone() -> None:
    two = (balancer(), balancer(DNS, name="dns"))
    machine = Machine().record(started(), applied(*two))
    assert kinds(machine.settle()).count(AddAddress) == 1
    assert kinds(machine.record(applied(two[1])).settle()) == [DeleteService]
    assert kinds(machine.record(applied()).settle()) == [DeleteService, DeleteAddress]


def test_an_address_that_was_there_before_us_is_neither_added_nor_deleted() -> None:
    machine = Machine().record(
        started(), Adopted(entries=(), addresses=(), foreign_addresses=(VIP,), foreign=0), applied(balancer())
    )
    assert AddAddress not in kinds(machine.settle())
    assert kinds(machine.record(applied()).settle()) == [DeleteService]


def test_adopting_what_is_as_it_should_be_needs_no_operation() -> None:
    machine = running()
    holding = machine.state.data_plane.actual
    entry = Entry(holding.services[WEB], tuple(holding.destinations[WEB].values()))
    machine.record(started(), Adopted(entries=(entry,), addresses=(VIP,), foreign=3), applied(balancer()))
    assert machine.planned() == []


def test_drift_is_repaired_and_only_drift() -> None:
    machine = running()
    machine.record(DriftFound(changes=(ChangeDestination(WEB, Destination(real=A, weight=1)),)))
    assert machine.settle() == [ChangeDestination(WEB, Destination(real=A, weight=1000))]
    machine.record(DriftFound(changes=(DeleteService(WEB), DeleteAddress(VIP))))
    assert kinds(machine.settle()) == [AddService, AddDestination, AddDestination, AddAddress]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("config"), st.sets(st.sampled_from([WEB, DNS])), st.sampled_from(["rr", "wrr"])),
        st.tuples(st.just("add"), st.sampled_from([WEB, DNS]), st.integers(0, 4)),
        st.tuples(st.just("remove"), st.sampled_from([WEB, DNS]), st.integers(0, 4)),
        st.tuples(st.just("weight"), st.sampled_from([WEB, DNS]), st.integers(0, 4)),
        st.tuples(st.just("drift"), st.sampled_from([WEB, DNS]), st.integers(0, 4)),
        st.tuples(st.just("settle")),
    ),
    max_size=30,
)


@settings(max_examples=200)
@given(steps)
def test_whatever_happens_what_is_planned_leads_to_what_is_desired(happenings: list[tuple[Any, ...]]) -> None:
    machine = Machine().record(started(), applied(balancer()))
    for happening in happenings:
        match happening:
            case ("config", ids, scheduler):
                ordered = sorted(ids)
                machine.record(applied(*(balancer(id, name=id, scheduler=scheduler) for id in ordered)))
            case ("add", id, number):
                machine.record(added(id, number))
            case ("remove", id, number):
                machine.record(RealRemoved(service=id, real=real_id(number), host="gone"))
            case ("weight", id, number):
                machine.decide({real_id(number): machine.seq}, id)
            case ("drift", id, number):
                held = machine.state.data_plane.actual.destinations.get(id, {})
                if real_id(number) in held:
                    machine.record(DriftFound(changes=(DeleteDestination(id, real_id(number)),)))
            case _:
                machine.settle()
    machine.settle()
    data_plane = machine.state.data_plane
    assert data_plane.actual.services == data_plane.desired.services
    assert data_plane.actual.destinations == data_plane.desired.destinations
    assert data_plane.actual.addresses.keys() == data_plane.desired.addresses.keys()
    data_plane.mark_everything(machine.seq)
    assert machine.planned() == [], "what was not marked dirty did not differ"
