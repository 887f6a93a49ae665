"""Why a real has its weight: the answer, and the records it rests on."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.events import (
    Adopted,
    DaemonStopping,
    DriftFound,
    Entry,
    EntryContested,
    NameResolved,
    OperationFailed,
    ProbeFlipped,
    RealAdded,
    RealDrained,
    RealRemoved,
    RealRestored,
    ResolutionFailed,
    WatchLost,
)
from kglb.model import ChangeDestination, ChangeService, Destination, RealId, ServiceId
from kglb.replay.errors import AmbiguousSubjectError, UnknownRealError, UnknownSubjectError
from kglb.replay.explain import explain
from kglb.replay.explanation import Explanation, RealExplanation
from kglb.replay.finding import find_reals
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from tests.projections.builders import DNS, WEB, applied, balancer, real, real_id
from tests.replay.journals import Fleet, JournalBuilder, running

A, B, C = real_id(0), real_id(1), real_id(2)
TLS = ServiceId("tcp://192.168.100.10:443")


def why(fleet: Fleet, wanted: str = A, *, seq: int | None = None, balancer: str | None = None) -> RealExplanation:
    found = explain(Source(fleet.builder.directory), wanted, seq=seq or fleet.builder.seq, balancer=balancer)
    assert isinstance(found, RealExplanation)
    return found


def chain(found: Explanation) -> list[tuple[int, str]]:
    return [(link.seq, link.type) for link in found.chain]


def starting(directory: Path, **fields: object) -> Fleet:
    """A daemon that has just applied its config."""
    return Fleet(JournalBuilder(directory), balancer(WEB, 3, **fields))  # type: ignore[arg-type]


def all_down(fleet: Fleet, mode: str, weight: int) -> int:
    """Every real goes down; at the last one the balancer enters ``mode``. Returns the seq of that decision."""
    fleet.goes(A, up=False)
    fleet.goes(B, up=False)
    health = fleet.judge(C, streak=-2, run=fleet.flip(C, "failure", "timeout during connect"))
    weights = {A: weight, B: weight} if weight else {C: 0}
    decision = fleet.decide(mode, weights, health)  # type: ignore[arg-type]
    fleet.apply()
    return decision


# --- the usual answers ----------------------------------------------------------------------------------------------


def test_a_real_that_failed_its_checks_is_explained_from_the_kernel_to_the_probe(fleet: Fleet) -> None:
    seqs = fleet.goes(A, up=False)
    found = why(fleet)
    assert (found.weight, found.kernel_weight, found.kernel) == (0, 0, "")
    assert found.reason == "2 checks in a row failed, the last: connection refused"
    assert chain(found) == [
        (seqs["operation"], "OperationsApplied"),
        (seqs["decision"], "BalancerDecided"),
        (seqs["health"], "HealthChanged"),
        (seqs["run"], "ProbeFlipped"),
    ]
    assert [link.because for link in found.chain] == [(seqs["health"],), (seqs["health"],), (seqs["run"],), ()]
    decided = next(link for link in found.chain if link.seq == seqs["decision"])
    assert found.since == decided.at


def test_a_failure_that_a_lost_watch_led_to_is_explained_to_the_loss(fleet: Fleet) -> None:
    lost = fleet.builder.record(WatchLost(service=WEB, real=A, how="reset", after=3.0))
    refused = ProbeFlipped(service=WEB, real=A, outcome="failure", reason="refused", latency=0.001, previous_count=3)
    run = fleet.builder.record(refused, cause=lost)
    fleet.decide("available", {A: 0}, fleet.judge(A, streak=-2, run=run))
    assert chain(why(fleet))[-2:] == [(run, "ProbeFlipped"), (lost, "WatchLost")]


def test_a_single_failure_is_not_spoken_of_as_a_row(fleet: Fleet) -> None:
    health = fleet.judge(A, streak=-1, run=fleet.flip(A, "failure", "unexpected status 500", "HTTP/1.1 500 Oops"))
    fleet.decide("available", {A: 0}, health)
    assert why(fleet).reason == "1 check failed: unexpected status 500 (HTTP/1.1 500 Oops)"


def test_a_real_that_is_up_has_the_weight_its_config_gives_it(fleet: Fleet) -> None:
    found = why(fleet)
    assert (found.weight, found.reason) == (1000, "3 checks in a row passed")
    assert chain(found)[-1] == (fleet.config_seq, "ConfigApplied")
    assert found.chain[-1].text.endswith("10.0.0.1:80 has weight 1000 in it")


def test_an_explanation_of_the_past_knows_nothing_of_what_came_later(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.goes(A, up=False)
    found = why(fleet, seq=before)
    assert found.weight == 1000
    assert max(link.seq for link in found.chain) <= before


def test_a_chain_reaches_back_over_segments(fleet: Fleet) -> None:
    seqs = fleet.goes(A, up=False)
    for _ in range(2):
        fleet.builder.rotate()
    assert [link.seq for link in why(fleet).chain] == sorted(seqs.values(), reverse=True)


# --- reals that were never judged -----------------------------------------------------------------------------------


def test_a_real_no_check_has_answered_about_waits(tmp_path: Path) -> None:
    fleet = starting(tmp_path)
    fleet.add()
    assert why(fleet).reason == "its balancer has not decided yet"
    fleet.decide("initial", {A: 0, B: 0, C: 0}, fleet.builder.seq)
    found = why(fleet)
    assert found.reason == "it was added, and none of its checks has an answer yet"
    assert (fleet.adopted_seq + 1, "RealAdded") in chain(found)


def test_a_real_whose_checks_have_failed_from_the_start_says_so(tmp_path: Path) -> None:
    fleet = starting(tmp_path)
    fleet.add()
    fleet.decide("initial", {A: 0, B: 0, C: 0}, fleet.builder.seq)
    fleet.flip(A, "failure")
    assert why(fleet).reason == (
        "it has not been up since it was added: it needs 1 pass, and has 1 failure so far, connection refused"
    )


def test_a_real_that_the_kernel_had_is_explained_by_what_was_found_there(tmp_path: Path) -> None:
    fleet = starting(tmp_path)
    held = Entry(fleet.config.service, (Destination(real=A, weight=700),))
    adopted = fleet.builder.record(Adopted(entries=(held,), addresses=(), foreign=0))
    fleet.add(healthy=True)
    fleet.decide("available", {A: 1000, B: 1000, C: 1000}, fleet.builder.seq)
    fleet.apply()
    found = why(fleet)
    assert found.reason == ("the kernel sent it traffic already when it was added, and no failure has been seen since")
    link = next(link for link in found.chain if link.seq == adopted)
    assert link.text.endswith("10.0.0.1:80 had weight 700")


# --- when all are down ----------------------------------------------------------------------------------------------


def test_a_real_that_failsafe_raised_says_so(fleet: Fleet) -> None:
    decision = all_down(fleet, "failsafe", 1000)
    found = why(fleet)
    assert (found.weight, found.healthy, found.mode) == (1000, False, "failsafe")
    assert found.reason == (
        "all 3 reals are down, and when_all_down is fail_open: failsafe gives each its weight. "
        "Of this one, 2 checks in a row failed, the last: connection refused"
    )
    assert (decision, "BalancerDecided") in chain(found)
    trigger = next(link for link in found.chain if link.seq == decision).because[0]
    assert next(link.text for link in found.chain if link.seq == trigger).startswith(f"{C} is down")


def test_the_last_real_that_keeps_its_weight_in_failsafe_says_so_too(fleet: Fleet) -> None:
    decision = all_down(fleet, "failsafe", 1000)
    found = why(fleet, C)
    assert found.weight == 1000
    assert found.standing == "has kept weight 1000"
    assert found.since == next(link.at for link in found.chain if link.seq == decision), "since failsafe, which is why"
    assert found.reason.startswith("all 3 reals are down")
    assert (decision, "BalancerDecided") in chain(found)
    assert 19 in [link.seq for link in found.chain], "the operation that gave it its weight, long before"


def test_a_service_that_fails_closed_says_so(tmp_path: Path) -> None:
    fleet = running(tmp_path, when_all_down="fail_closed")
    all_down(fleet, "unavailable", 0)
    assert why(fleet, C).reason == (
        "2 checks in a row failed, the last: timeout during connect; "
        "all 3 reals are down, and when_all_down is fail_closed"
    )


# --- other reasons --------------------------------------------------------------------------------------------------


def test_a_weight_of_zero_in_the_config_is_the_reason(tmp_path: Path) -> None:
    fleet = running(tmp_path, 2, weight=0)
    assert why(fleet).reason == "that is its weight in the config"


def test_a_daemon_that_cleaned_up_is_the_reason(fleet: Fleet) -> None:
    stopped = fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    fleet.apply()
    found = why(fleet)
    assert (found.weight, found.reason) == (0, "the daemon stopped and removed what it owned (SIGTERM)")
    assert found.kernel == ""
    assert chain(found) == [(fleet.builder.seq, "OperationsApplied"), (stopped, "DaemonStopping")]


def test_between_a_change_of_health_and_the_decision_it_is_said_that_none_was_made(fleet: Fleet) -> None:
    fleet.judge(A, streak=-2, run=fleet.flip(A, "failure"))
    found = why(fleet)
    assert found.weight == 1000
    assert found.reason.startswith("its balancer has not decided since this: 2 checks in a row failed")


def test_a_kernel_that_refused_is_part_of_the_answer(fleet: Fleet) -> None:
    health = fleet.judge(A, streak=-2, run=fleet.flip(A, "failure"))
    decision = fleet.decide("available", {A: 0}, health)
    change = ChangeDestination(WEB, Destination(real=A, weight=0))
    refused = fleet.builder.record(OperationFailed(operation=change, errno=105, error="no buffers"), cause=decision)
    found = why(fleet)
    assert (found.weight, found.kernel_weight, found.kernel) == (0, 1000, "the kernel has weight 1000")
    assert chain(found)[0] == (refused, "OperationFailed")


def refused_again(fleet: Fleet, cause: int, *, times: int, error: str = "no buffers") -> list[int]:
    """The kernel refuses the weight of A, each time half a minute after the last; a retry names the refusal before."""
    change = ChangeDestination(WEB, Destination(real=A, weight=0))
    seqs = []
    for _ in range(times):
        fleet.builder.passes(seconds=30)
        cause = fleet.builder.record(OperationFailed(operation=change, errno=105, error=error), cause=cause)
        seqs.append(cause)
    return seqs


def test_a_refusal_that_comes_again_and_again_is_one_link(fleet: Fleet) -> None:
    decision = fleet.decide("available", {A: 0}, fleet.judge(A, streak=-2, run=fleet.flip(A, "failure")))
    seqs = refused_again(fleet, decision, times=5)
    first = Source(fleet.builder.directory).record(seqs[0])
    assert first is not None
    link, after, *_ = why(fleet).chain
    assert (link.seq, link.count, link.first_seq, link.first_at) == (seqs[-1], 5, seqs[0], first.at)
    assert link.because == (decision,)
    assert (after.seq, after.count, after.first_seq, after.first_at) == (decision, 1, decision, after.at)


def test_a_refusal_for_another_reason_or_after_something_else_is_a_link_of_its_own(fleet: Fleet) -> None:
    decision = fleet.decide("available", {A: 0}, fleet.judge(A, streak=-2, run=fleet.flip(A, "failure")))
    full = refused_again(fleet, decision, times=3)
    denied = refused_again(fleet, full[-1], times=2, error="not permitted")
    drift = fleet.builder.record(DriftFound(changes=(ChangeDestination(WEB, Destination(real=A, weight=7)),)))
    again = refused_again(fleet, denied[-1], times=2, error="not permitted")
    links = [(link.seq, link.count, link.because) for link in why(fleet).chain[:4]]
    assert links == [
        (again[-1], 2, (denied[-1],)),
        (drift, 1, ()),
        (denied[-1], 2, (full[-1],)),
        (full[-1], 3, (decision,)),
    ]


def test_two_that_are_refused_in_turn_are_two_links(fleet: Fleet) -> None:
    decision = fleet.decide("available", {A: 0}, fleet.judge(A, streak=-2, run=fleet.flip(A, "failure")))
    other = OperationFailed(operation=ChangeService(fleet.config.service), errno=2, error="no scheduler")
    cause = decision
    for _ in range(3):  # a service is tried again as a whole: each names the last refusal of the round before
        (one,) = refused_again(fleet, cause, times=1)
        cause = fleet.builder.record(other, cause=cause)
    service, real, *_ = why(fleet).chain
    assert [(link.seq, link.count, link.because) for link in (service, real)] == [
        (cause, 3, (decision,)),
        (one, 3, (decision,)),
    ]


def test_a_weight_that_somebody_changed_and_we_put_back_shows_both(fleet: Fleet) -> None:
    drift = fleet.builder.record(DriftFound(changes=(ChangeDestination(WEB, Destination(real=A, weight=7)),)))
    found = why(fleet)
    assert found.kernel == "the kernel has weight 7"
    assert chain(found)[0] == (drift, "DriftFound")
    repaired = fleet.apply()
    found = why(fleet)
    assert found.kernel == ""
    assert chain(found)[:2] == [(repaired, "OperationsApplied"), (drift, "DriftFound")]


def test_a_weight_that_waits_because_somebody_fights_for_it_says_so(fleet: Fleet) -> None:
    edit = ChangeDestination(WEB, Destination(real=A, weight=7))
    drift = fleet.builder.record(DriftFound(changes=(edit,)))
    contested = fleet.builder.record(EntryContested(operation=edit, drifts=6, hold=2.0), cause=drift)
    found = why(fleet)
    assert found.kernel == "the kernel has weight 7"
    assert set(chain(found)[:2]) == {(drift, "DriftFound"), (contested, "EntryContested")}


def test_what_retention_took_is_named_and_not_guessed_at(fleet: Fleet) -> None:
    seqs = fleet.goes(A, up=False)
    first = fleet.builder.path
    fleet.builder.rotate()
    first.unlink()
    found = why(fleet)
    assert (found.weight, found.since, found.reason) == (0, "", "it is believed down")
    assert [link.seq for link in found.chain] == [seqs["decision"], seqs["health"]]
    assert {link.text for link in found.chain} == {"the journal no longer has this record"}


def test_of_a_big_batch_only_what_is_about_the_real_is_told(fleet: Fleet) -> None:
    health = fleet.judge(A, streak=-2, run=fleet.flip(A, "failure"))
    fleet.judge(B, streak=-2, run=fleet.flip(B, "failure"))
    fleet.decide("available", {A: 0, B: 0}, health)
    fleet.apply()
    assert not any(B in link.text for link in why(fleet).chain)


# --- which real is meant --------------------------------------------------------------------------------------------


def two_services(directory: Path, *, name: str = "tls", reals: int = 2) -> Fleet:
    """A ``web`` with so many reals, and another balancer with the first two of them."""
    other = balancer(TLS, 2, name=name)
    fleet = Fleet(JournalBuilder(directory), balancer(WEB, reals), other)
    fleet.add()
    for entry in other.reals:
        fleet.builder.record(
            RealAdded(service=TLS, real=RealId(entry.host), entry=entry, healthy=False, basis="initial")
        )
    return fleet


@pytest.mark.parametrize("wanted", ["10.0.0.1:80", "10.0.0.1"])
def test_a_real_may_be_named_by_its_address(fleet: Fleet, wanted: str) -> None:
    assert why(fleet, wanted).real == A


@pytest.mark.parametrize("wanted", ["app1:80", "app1", "10.0.0.9"])
def test_a_real_may_be_named_by_its_host(tmp_path: Path, wanted: str) -> None:
    entry = replace(real(0), host="app1:80")
    fleet = Fleet(JournalBuilder(tmp_path), replace(balancer(WEB, 0), reals=(entry,)))
    resolved = fleet.builder.record(NameResolved(service=WEB, host="app1:80", address="10.0.0.9"))
    added = RealAdded(service=WEB, real=RealId("10.0.0.9:80"), entry=entry, healthy=False, basis="initial")
    fleet.builder.record(added, cause=resolved)
    found = why(fleet, wanted)
    assert (found.real, found.host) == ("10.0.0.9:80", "app1:80")
    assert (resolved, "NameResolved") in chain(found)


@pytest.mark.parametrize("wanted", ["app1:80", "app1"])
def test_a_name_that_has_no_address_is_said_to_have_none(tmp_path: Path, wanted: str) -> None:
    fleet = Fleet(JournalBuilder(tmp_path), replace(balancer(WEB, 0), reals=(replace(real(0), host="app1:80"),)))
    failed = fleet.builder.record(ResolutionFailed(service=WEB, host="app1:80", error="NXDOMAIN"))
    with pytest.raises(UnknownSubjectError, match=r"^app1:80 of web has no address: NXDOMAIN$"):
        why(fleet, wanted)
    with pytest.raises(UnknownRealError, match=r"^app1:80 of web has no address: NXDOMAIN$"):
        find_reals(state_at(Source(tmp_path), failed).state.fleet, wanted)


def test_a_real_of_another_balancer_is_said_to_be_one(tmp_path: Path) -> None:
    fleet = two_services(tmp_path, reals=3)
    with pytest.raises(UnknownSubjectError, match=f"{C} is no real of tls: it is one of web"):
        why(fleet, C, balancer="tls")


def test_a_real_of_two_services_needs_its_balancer(tmp_path: Path) -> None:
    fleet = two_services(tmp_path)
    with pytest.raises(AmbiguousSubjectError, match="is 2 reals") as raised:
        why(fleet)
    assert [found.balancer for found in raised.value.candidates] == ["web", "tls"]
    assert why(fleet, balancer="tls").service == TLS


def test_balancers_of_one_name_are_told_apart_by_their_service(tmp_path: Path) -> None:
    fleet = two_services(tmp_path, name="web")
    with pytest.raises(AmbiguousSubjectError) as raised:
        why(fleet, balancer="web")
    label = raised.value.candidates[1].balancer
    assert label == f"web@{TLS}"
    assert why(fleet, balancer=label).service == TLS


def test_a_real_that_is_not_there_is_unknown(fleet: Fleet) -> None:
    with pytest.raises(UnknownSubjectError, match=r"did you mean 10\.0\.0\.1"):
        why(fleet, "10.0.0.11:80")
    with pytest.raises(UnknownSubjectError, match="3 reals are known"):
        why(fleet, "nothing-like-it")
    with pytest.raises(UnknownSubjectError, match="there is web"):
        why(fleet, balancer="wbe")


def test_a_real_that_was_removed_is_explained_only_before(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.builder.record(RealRemoved(service=WEB, real=A, host=str(A)))
    with pytest.raises(UnknownSubjectError):
        why(fleet)
    assert why(fleet, seq=before).weight == 1000


def test_the_other_family_of_names_does_not_confuse(fleet: Fleet) -> None:
    fleet.builder.record(applied(fleet.config, balancer(DNS, 0, name="dns", address=None)))
    assert why(fleet, balancer="web").balancer == "web"


def test_an_operators_drain_is_a_root_with_who_and_why(fleet: Fleet) -> None:
    drained = RealDrained(service=WEB, real=A, who="alice", note="kernel upgrade")
    order = fleet.builder.record(drained)
    decision = fleet.decide("available", {A: 0}, order)
    done = fleet.apply()
    found = why(fleet)
    assert (found.weight, found.reason) == (0, "alice drained it: kernel upgrade")
    assert [link.seq for link in found.chain][:3] == [done, decision, order]
    assert [link.because for link in found.chain][:3] == [(order,), (order,), ()]
    assert "kernel upgrade" in found.chain[2].text


def test_after_the_drain_what_ended_it_is_the_cause(fleet: Fleet) -> None:
    order = fleet.builder.record(RealDrained(service=WEB, real=A, who="alice"))
    fleet.decide("available", {A: 0}, order)
    restored = fleet.builder.record(RealRestored(service=WEB, real=A, reason="deadline"))
    decision = fleet.decide("available", {A: 1000}, restored)
    fleet.apply()
    found = why(fleet)
    assert found.weight == 1000
    assert next(link.because for link in found.chain if link.seq == decision) == (restored,)
    assert restored in [link.seq for link in found.chain]
