"""What a journal recorded, done again to a data plane."""

from pathlib import Path

from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import Adopted, DaemonStopping, DriftFound, Entry, JournalGap
from kglb.model import AddService, ChangeDestination, DeleteDestination, Destination, Service, ServiceId
from kglb.projections import Holding
from kglb.replay.playback import Playback, Recording, known_interfaces
from kglb.replay.source import Source
from tests.projections.builders import VIP, WEB, real_id, started
from tests.replay.journals import Fleet, running

STRANGE = DriftFound(changes=(DeleteDestination(WEB, real_id(2)),))


def played(fleet: Fleet, first: int = 1, last: int | None = None) -> tuple[MemoryDataPlane, Playback, Holding]:
    source = Source(fleet.builder.directory)
    machine = MemoryDataPlane(addresses=())
    playback = Playback(machine)
    recording = Recording(source, first, last or fleet.builder.seq)
    for step in recording.steps():
        assert playback.play(step) == []
    return machine, playback, recording.actual


def test_the_data_plane_ends_as_the_journal_says(fleet: Fleet) -> None:
    fleet.goes(real_id(0), up=False)
    fleet.builder.record(STRANGE)
    machine, playback, actual = played(fleet)
    assert playback.differences(actual) == ()
    weights = {destination.real: destination.weight for destination in machine.destinations(WEB)}
    assert weights == {real_id(0): 0, real_id(1): 1000}
    assert machine.addresses("lo") == {VIP}


def test_it_may_begin_and_end_anywhere(fleet: Fleet) -> None:
    fleet.builder.rotate()
    down = fleet.goes(real_id(0), up=False)
    for first in range(1, fleet.builder.seq):
        machine, playback, actual = played(fleet, first, down["operation"])
        assert playback.differences(actual) == ()
        assert len(machine.destinations(WEB)) == 3


def test_what_was_found_at_a_start_replaces_what_was_known(fleet: Fleet) -> None:
    other = ServiceId("tcp://192.168.100.11:80")
    found = Entry(Service(id=other), (Destination(real=real_id(5), weight=7),))
    fleet.builder.record(Adopted(entries=(found,), addresses=(), foreign=0))
    machine, playback, actual = played(fleet)
    assert [service.id for service in machine.services()] == [other]
    assert (machine.addresses("lo"), playback.differences(actual)) == (frozenset(), ())


def test_another_boot_begins_with_nothing(fleet: Fleet) -> None:
    fleet.builder.record(started("another"))
    machine, playback, actual = played(fleet)
    assert (machine.services(), playback.differences(actual)) == ([], ())


def test_what_a_gap_hides_is_taken_from_its_checkpoint(fleet: Fleet) -> None:
    fleet.builder.state.fold(fleet.builder.seq, STRANGE)
    opened = fleet.builder.rotate()
    gap = JournalGap(first_seq=opened - 1, last_seq=opened - 1, since="", reason="no space left")
    fleet.builder.record(gap)
    machine, playback, actual = played(fleet)
    assert len(machine.destinations(WEB)) == 2
    assert playback.differences(actual) == ()


def test_a_stop_that_cleaned_up_leaves_nothing(fleet: Fleet) -> None:
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    fleet.apply()
    machine, playback, actual = played(fleet)
    assert (machine.services(), machine.addresses("lo")) == ([], frozenset())
    assert playback.differences(actual) == ()


def test_what_the_data_plane_refuses_is_told_and_shows_in_the_end(fleet: Fleet) -> None:
    source = Source(fleet.builder.directory)
    playback = Playback(MemoryDataPlane(schedulers=("rr",), addresses=()))
    recording = Recording(source, 1, fleet.builder.seq)
    refused = [refusal for step in recording.steps() for refusal in playback.play(step)]
    assert isinstance(refused[0].operation, AddService)
    assert [type(change).__name__ for change in playback.differences(recording.actual)] == ["DeleteService"]


def test_what_somebody_adds_meanwhile_is_a_difference(fleet: Fleet) -> None:
    machine, playback, actual = played(fleet)
    stronger = ChangeDestination(WEB, Destination(real=real_id(0), weight=9))
    machine.apply([stronger, AddService(Service(id=ServiceId("udp://192.168.100.10:53")))])
    assert [type(change).__name__ for change in playback.differences(actual)] == ["ChangeDestination", "AddService"]


def test_steps_are_as_far_apart_as_they_were(tmp_path: Path) -> None:
    fleet = running(tmp_path, reals=1)
    fleet.builder.passes(seconds=7)
    fleet.goes(real_id(0), up=False)
    steps = list(Recording(Source(tmp_path), 1, fleet.builder.seq).steps())
    assert 8 <= steps[-1].after < 9
    assert steps[0].after == 0


def test_the_interfaces_are_those_of_the_configs(fleet: Fleet) -> None:
    assert known_interfaces(Source(fleet.builder.directory), fleet.builder.seq) == {"lo"}
