"""What is found on the machine before a reload."""

from kglb.actors.adoption import read_claimed
from kglb.dataplane.memory import MemoryDataPlane
from kglb.model import AddDestination, AddService, Destination, Operation, Service
from kglb.projections import Holding
from tests.projections.builders import DNS, balancer, config, real_id

MADE: list[Operation] = [
    AddService(Service(id=DNS, scheduler="wrr")),
    AddDestination(DNS, Destination(real=real_id(0), weight=1)),
]


def test_a_reload_finds_what_a_crashed_applier_had_made_of_a_service_that_goes() -> None:
    machine = MemoryDataPlane()
    machine.apply(MADE)
    assert read_claimed(machine, config(balancer()), Holding(), desired=[DNS]) == tuple(MADE)


def test_a_service_that_neither_config_claims_is_somebody_elses() -> None:
    machine = MemoryDataPlane()
    machine.apply(MADE)
    assert read_claimed(machine, config(balancer()), Holding(), desired=[]) == ()
