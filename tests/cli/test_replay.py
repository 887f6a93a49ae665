"""The state of the data plane at any moment."""

import json
from pathlib import Path

import pytest

from kglb.cli.playing import is_lab_kernel
from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import DaemonStopping, OperationsApplied, RealDrained, RouteAnnounced, RoutesDecided, WeightOverridden
from kglb.model import AddService, Announce, Service, ServiceId
from tests.cli.conftest import Command
from tests.projections.builders import WEB, real_id
from tests.replay.journals import Fleet, running


@pytest.fixture
def undone(fleet: Fleet) -> Fleet:
    """A real is down, decided so, and the kernel does not have it yet."""
    health = fleet.judge(real_id(1), streak=-2, run=fleet.flip(real_id(1), "failure", detail="ECONNREFUSED"))
    fleet.decide("available", {real_id(1): 0}, health)
    fleet.builder.rotate()
    return fleet


def test_a_name_that_nothing_of_ours_writes_is_told_not_traced(kglb: Command, fleet: Fleet) -> None:
    forged = ServiceId("tcp://nowhere")
    fleet.builder.record(OperationsApplied(operations=(AddService(Service(id=forged)),), causes=(1,), microseconds=1))
    ran = kglb("replay", fleet.builder.directory)
    assert ran.code == 3
    assert "the journal names what no version of this program writes: expected address:port" in ran.err


def test_the_state_is_shown_with_its_differences(kglb: Command, undone: Fleet) -> None:
    ran = kglb("replay", "--utc", undone.builder.directory)
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith("14:30:03.023, from the checkpoint at record 23")
    assert ran.out.splitlines()[1:] == [
        "",
        "web  tcp://192.168.100.10:80 wrr  available, 2 of 3 up",
        "  10.0.0.1:80  weight 1000   up    since record 9, at least 3 passes in a row",
        "! 10.0.0.2:80  weight 0      down  since record 21, at least 2 failures in a row: connection refused"
        "  the kernel has weight 1000",
        "  10.0.0.3:80  weight 1000   up    since record 17, at least 3 passes in a row",
        "",
        "addresses",
        "  192.168.100.10/32 on lo",
        "",
        "to do, from what the kernel has to what it should have",
        "! tcp://192.168.100.10:80: 10.0.0.2:80 by masquerade, weight 0",
    ]


def test_an_earlier_moment_is_named_by_number_or_time(kglb: Command, undone: Fleet) -> None:
    by_seq = kglb("replay", undone.builder.directory, "--utc", "--seq", 11).out
    by_time = kglb("replay", undone.builder.directory, "--utc", "--until", "2026-11-22T14:30:01.011").out
    assert by_seq == by_time
    assert "available, 1 of 3 up" in by_seq


def test_one_segment_replays_alone(kglb: Command, undone: Fleet) -> None:
    whole = kglb("replay", undone.builder.directory)
    assert kglb("replay", undone.builder.path) == whole


def test_json_is_one_document(kglb: Command, undone: Fleet) -> None:
    seen = json.loads(kglb("replay", undone.builder.directory, "-o", "json").out)
    (service,) = seen["services"]
    assert (service["service"], service["balancer"], service["alive"], service["total"]) == (WEB, "web", 2, 3)
    real = next(real for real in service["reals"] if real["real"] == real_id(1))
    assert (real["weight"], real["kernel_weight"], real["healthy"], real["in_step"]) == (0, 1000, False, False)
    assert real["reason"] == "refused"
    assert seen["pending"] == [f"{WEB}: {real_id(1)} by masquerade, weight 0"]


def test_after_a_cleanup_what_is_left_is_not_wanted_any_more(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    before = kglb("replay", fleet.builder.directory).out
    assert "the daemon has stopped (cleanup)" in before
    assert f"! delete service {WEB}" in before
    assert before.count("not wanted any more") == 5
    fleet.apply()
    assert "to do" not in kglb("replay", fleet.builder.directory).out


def test_a_number_out_of_range_is_2(kglb: Command, fleet: Fleet) -> None:
    ran = kglb("replay", fleet.builder.directory, "--seq", 999)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no record 999: {fleet.builder.directory} holds records 1 to {fleet.builder.seq}" in ran.err


def test_an_empty_journal_is_1(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("replay", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert "has no record yet" in ran.err


def test_a_file_that_is_no_segment_is_3(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a journal\n")
    assert kglb("replay", path).code == 3


def test_a_journal_of_another_format_is_3(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.format.FORMAT", 99)
    ran = kglb("replay", fleet.builder.directory)
    assert ran.code == 3
    assert "format 1" in ran.err


def test_a_journal_that_may_not_be_read_is_3(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(fleet.builder.path))

    monkeypatch.setattr("journal.files.OsFiles.open_read", refuse)
    ran = kglb("replay", fleet.builder.directory)
    assert ran.code == 3
    assert f"{fleet.builder.path}: Permission denied" in ran.err
    assert "root" in ran.err


# --- routes -------------------------------------------------------------------------------------------------------


def test_routes_are_shown_with_whose_they_are(kglb: Command, tmp_path: Path) -> None:
    fleet = running(tmp_path, announce=Announce(min_alive=0.5, next_hop="10.0.0.1"))
    route = fleet.config.route
    assert route is not None
    before = kglb("replay", tmp_path).out
    fleet.builder.record(RoutesDecided(announce=(route,)))
    wanted = kglb("replay", tmp_path).out
    fleet.builder.record(RouteAnnounced(route=route))
    announced = kglb("replay", tmp_path).out
    line = "192.168.100.10/32 next hop 10.0.0.1  {}announced  web"
    assert f"routes\n  {line.format('not ')}\n" in before
    assert f"routes\n! {line.format('not ')}  wanted\n" in wanted
    assert f"routes\n  {line.format('')}\n" in announced
    (found,) = json.loads(kglb("replay", tmp_path, "-o", "json").out)["routes"]
    assert (found["prefix"], found["balancers"], found["announced"]) == (route.prefix, ["web"], True)


def test_what_an_operator_ordered_stands_with_the_real(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.record(RealDrained(service=WEB, real=real_id(0), who="alice", note="kernel upgrade"))
    fleet.builder.record(WeightOverridden(service=WEB, real=real_id(1), weight=5, who="bob", until=0.0))
    lines = kglb("replay", fleet.builder.directory).out.splitlines()
    assert next(line for line in lines if real_id(0) in line).endswith("in a row; alice drained it: kernel upgrade")
    assert "; bob gave it this weight until 1970-01-01T00:00:00Z" in next(line for line in lines if real_id(1) in line)
    diff = kglb("replay", fleet.builder.directory, "--diff", "19..20").out
    assert "out of rotation - -> alice drained it: kernel upgrade" in diff


# --- two moments --------------------------------------------------------------------------------------------------


def test_what_differs_between_two_moments(kglb: Command, undone: Fleet) -> None:
    ran = kglb("replay", "--utc", undone.builder.directory, "--diff", "19..")
    assert ran.code == 0
    assert ran.out.splitlines()[1:] == [
        f"~ web {WEB}: alive 3 -> 2",
        "~ web 10.0.0.2:80: weight 1000 -> 0, healthy yes -> no, outcome success -> failure, reason ok -> refused",
    ]
    times = kglb("replay", "--utc", undone.builder.directory, "--diff", "2026-11-22T14:30:03.019..now").out
    assert times == ran.out
    found = json.loads(kglb("replay", undone.builder.directory, "--diff", "19..23", "-o", "json").out)
    assert (found["before"], found["after"]) == (19, 23)
    assert found["differences"][1]["fields"]["weight"] == [1000, 0]
    assert kglb("replay", undone.builder.directory, "--diff", "23..23").out.endswith("no difference\n")


# --- several journals ---------------------------------------------------------------------------------------------


def test_several_journals_are_shown_at_one_time_by_host(kglb: Command, tmp_path: Path) -> None:
    one, two = running(tmp_path / "one", host="lb1"), running(tmp_path / "two", host="lb2")
    two.builder.passes(minutes=1)
    two.goes(real_id(0), up=False)
    both = (one.builder.directory, two.builder.directory)
    ran = kglb("replay", "--utc", *both, "--until", "2026-11-22T14:30:30").out
    assert [line for line in ran.splitlines() if line.startswith("---")] == ["--- lb1", "--- lb2"]
    assert ran.count("3 of 3 up") == 2
    found = json.loads(kglb("replay", *both, "-o", "json").out)
    assert [(state["host"], state["services"][0]["alive"]) for state in found] == [("lb1", 3), ("lb2", 2)]


# --- into a data plane --------------------------------------------------------------------------------------------


def test_what_was_done_is_done_again_and_compared(kglb: Command, undone: Fleet) -> None:
    ran = kglb("replay", "--utc", undone.builder.directory, "--into", "memory")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == (
        "played records 1 to 23: 7 operations; the data plane holds what the journal says: "
        "1 service, 3 destinations, 1 address"
    )
    found = json.loads(kglb("replay", undone.builder.directory, "--into", "memory", "-o", "json").out)
    assert (found["operations"], found["same"], found["refused"], found["differences"]) == (7, True, [], [])


def test_a_data_plane_that_refuses_is_not_the_same_and_1(
    kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kglb.cli.playing.MemoryDataPlane", lambda **_: MemoryDataPlane(schedulers=("rr",)))
    ran = kglb("replay", fleet.builder.directory, "--into", "memory")
    assert ran.code == 1
    assert "! refused: add service" in ran.out
    assert f"! delete service {WEB}" in ran.out


def test_at_a_speed_it_takes_its_time(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("kglb.cli.playing.time.sleep", waited.append)
    fleet.builder.passes(seconds=20)
    fleet.goes(real_id(0), up=False)
    kglb("replay", fleet.builder.directory, "--into", "memory", "--speed", "10x")
    assert waited[-1] == pytest.approx(2.1, abs=0.01)


def test_a_kernel_other_than_the_labs_is_not_played_into(
    kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kglb.cli.playing.is_lab_kernel", lambda: False)
    ran = kglb("replay", fleet.builder.directory, "--into", "ipvs")
    assert ran.code == 2
    assert "--yes-really" in ran.err


def test_the_labs_kernel_is_known_by_its_processor(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nvendor_id\t: User Mode Linux\n")
    assert is_lab_kernel(path)
    path.write_text("processor\t: 0\nvendor_id\t: GenuineIntel\n")
    assert not is_lab_kernel(path)


def test_a_data_plane_with_services_is_not_played_into(
    kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = MemoryDataPlane(foreign={Service(id=WEB): ()})
    monkeypatch.setattr("kglb.cli.playing.MemoryDataPlane", lambda **_: held)
    ran = kglb("replay", fleet.builder.directory, "--into", "memory")
    assert ran.code == 3
    assert f"it has {WEB}" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--diff", "5"], "expected two moments"),
        (["--diff", "5..999"], "there is no record 999"),
        (["--diff", "soon.."], "'soon' is not a time"),
        (["--since", "5"], "are for --into"),
        (["--step", "-o", "json"], "has no JSON"),
        (["--diff", "1..2", "--step"], "neither --step nor --into"),
    ],
)
def test_what_does_not_fit_together_is_2(kglb: Command, fleet: Fleet, arguments: list[str], message: str) -> None:
    ran = kglb("replay", fleet.builder.directory, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
