import kglb
from kglb.events import ActorCrashed, OperationFailed, OutcomesUnknown
from kglb.model import AddDestination, ChangeDestination
from kglb.model.histogram import Histogram
from kglb.web.daemon_metrics import daemon_families
from kglb.web.refusals import Refusals
from kglb.web.tally import Tally
from kglb.web.vitals import Vitals
from tests.projections.builders import WEB, real_id
from tests.web.builders import WELL, Fleet, Reading, destination, read, vitals, web_fleet


def reading(fleet: Fleet, state: Vitals = WELL) -> Reading:
    tally, refusals = Tally(), Refusals()
    for event in fleet.events:
        tally.count(event)
        refusals.note(event)
    return read(daemon_families(fleet.state.data_plane, tally, refusals, state))


def test_the_version_is_a_label() -> None:
    assert reading(Fleet()).value("kglb_build_info", version=kglb.__version__) == 1


def test_events_are_counted_by_type_and_begin_at_zero() -> None:
    found = reading(web_fleet(3))
    assert found.value("kglb_events_total", type="RealAdded") == 3
    assert found.value("kglb_events_total", type="ActorCrashed") == 0


def test_what_is_wanted_and_what_is_there_are_counted_apart() -> None:
    fleet = web_fleet(3)
    found = reading(fleet)
    assert found.value("kglb_destinations", state="desired") == 3
    assert found.value("kglb_destinations", state="actual") == 3
    fleet.apply(AddDestination(WEB, destination(9, 1)))
    assert reading(fleet).value("kglb_destinations", state="actual") == 4
    assert found.value("kglb_services", state="actual") == 1
    assert found.value("kglb_addresses", state="desired") == 0
    assert found.value("kglb_foreign_services") == 6


def test_operations_are_counted_with_the_time_they_took() -> None:
    fleet = web_fleet(3)
    fleet.apply(ChangeDestination(WEB, destination(0, 7)), microseconds=900)
    found = reading(fleet)
    assert found.value("kglb_operations_applied_total", operation="AddDestination") == 3
    assert found.value("kglb_apply_duration_seconds_count") == 2
    assert found.value("kglb_apply_duration_seconds_sum") == 0.001


def test_a_refused_operation_counts_for_ever_and_stands_until_it_is_done() -> None:
    fleet = web_fleet(1)
    fleet.decide(WEB, "available", {real_id(0): 0})
    change = ChangeDestination(WEB, destination(0, 0))
    fleet.record(OperationFailed(operation=change, errno=1, error="Operation not permitted"))
    assert reading(fleet).value("kglb_operations_refused") == 1
    fleet.apply(change)
    found = reading(fleet)
    assert found.value("kglb_operations_refused") == 0
    assert found.value("kglb_operations_failed_total", operation="ChangeDestination") == 1


def test_probes_are_counted_by_status_and_the_unknown_ones_by_reason() -> None:
    fleet = Fleet()
    fleet.record(OutcomesUnknown(counts={"no descriptors": 2}))
    found = reading(fleet)
    assert found.value("kglb_probes_total", status="success") == 7
    assert found.value("kglb_probes_total", status="unknown") == 1
    assert found.value("kglb_probes_unknown_total", reason="no descriptors") == 2
    assert found.value("kglb_probes_in_flight") == 3
    assert found.value("kglb_probe_lateness_seconds_total") == 0.25


def test_the_room_on_the_journals_disk_is_there_once_it_is_known() -> None:
    assert reading(Fleet(), vitals()).value("kglb_journal_disk_free_bytes") is None
    found = reading(Fleet(), vitals(journal_disk_free=7, journal_disk_size=9))
    assert found.value("kglb_journal_disk_free_bytes") == 7
    assert found.value("kglb_journal_disk_size_bytes") == 9


def test_the_journal_says_whether_and_how_far_it_lags() -> None:
    found = reading(Fleet())
    assert found.value("kglb_journal_degraded") == 0
    assert found.value("kglb_journal_unwritten_records") == 4
    assert found.value("kglb_journal_unsynced_records") == 5
    assert reading(Fleet(), vitals(journal_degraded="full")).value("kglb_journal_degraded") == 1


def test_restarts_and_lost_log_lines_are_counted() -> None:
    fleet = Fleet()
    for actor in ("applier", f"checker {WEB} {real_id(0)}", f"checker {WEB} {real_id(1)}"):
        fleet.record(ActorCrashed(actor=actor, error="boom", traceback="", retry_in=0.1))
    found = reading(fleet)
    assert found.value("kglb_actor_restarts_total", kind="applier") == 1
    assert found.value("kglb_actor_restarts_total", kind="checker") == 2
    assert found.value("kglb_log_lines_dropped_total") == 8
    assert found.value("kglb_started") == 1


def test_a_slow_disk_and_a_slow_machine_show_in_their_histograms() -> None:
    syncs, reactions = Histogram(), Histogram()
    syncs.observe(0.3)
    reactions.observe(0.004)
    found = reading(Fleet(), vitals(syncs=syncs, reactions=reactions))
    assert found.value("kglb_journal_sync_duration_seconds_bucket", le="0.2") == 0
    assert found.value("kglb_journal_sync_duration_seconds_bucket", le="0.5") == 1
    assert found.value("kglb_reaction_duration_seconds_sum") == 0.004


def test_the_machine_is_as_old_as_its_last_confirmation() -> None:
    assert reading(Fleet(), vitals(now=130.5, confirmed=100.0)).value("kglb_machine_confirmed_age_seconds") == 30.5


def test_silence_of_the_kernel_or_of_probes_and_contested_entries_are_shown() -> None:
    calm = reading(Fleet())
    assert calm.value("kglb_contested_entries") == 0
    assert calm.value("kglb_machine_call_age_seconds") == 0
    assert calm.value("kglb_probes_stalled_seconds") == 0
    found = reading(Fleet(), vitals(machine_silent=61.2, probes_silent=7.0, contested={WEB: 5}))
    assert found.value("kglb_contested_entries") == 1
    assert found.value("kglb_machine_call_age_seconds") == 61.2
    assert found.value("kglb_probes_stalled_seconds") == 7
