from kglb.events import (
    Adopted,
    DaemonStarted,
    DaemonStopping,
    Event,
    HealthChanged,
    ProbeFlipped,
    RealRemoved,
    Unaccounted,
)
from kglb.model import RealId
from kglb.projections import State
from kglb.projections.history import History
from kglb.projections.view import condition
from tests.projections.builders import WEB, added, applied, balancer, real_id, started

REAL = real_id(0)


def flipped(outcome: str, real: RealId = REAL) -> ProbeFlipped:
    return ProbeFlipped(
        service=WEB,
        real=real,
        outcome=outcome,  # type: ignore[arg-type]
        reason="",
        latency=0.0,
        previous_count=1,
    )


def judged(healthy: bool) -> HealthChanged:
    return HealthChanged(service=WEB, real=REAL, healthy=healthy, streak=1 if healthy else -1, run=1)


def changes(history: History) -> list[tuple[float, str | None]]:
    return list(history.timelines[WEB, REAL].changes)


def test_a_condition_says_what_is_believed_and_whether_the_last_probe_agrees() -> None:
    assert condition(healthy=True, outcome="success") == "up"
    assert condition(healthy=True, outcome="failure") == "failing"
    assert condition(healthy=False, outcome="failure") == "down"
    assert condition(healthy=False, outcome="success") == "recovering"
    assert condition(healthy=False, outcome="") == "waiting"
    assert condition(healthy=True, outcome="") == "up"


def test_a_fall_and_a_rise_leave_each_condition_with_its_time() -> None:
    history = History()
    events: list[Event] = [
        added(WEB, 0, healthy=True),
        flipped("success"),
        flipped("failure"),
        judged(False),
        flipped("success"),
        judged(True),
    ]
    for at, event in enumerate(events):
        history.note(float(at), event)
    assert changes(history) == [(0, "up"), (2, "failing"), (3, "down"), (4, "recovering"), (5, "up")]
    assert history.timelines[WEB, REAL].since == 5


def test_a_real_that_no_record_accounts_for_is_up_from_the_start_on() -> None:
    state, history = State(), History()
    adopted = Adopted(entries=(), addresses=(), foreign=0, unaccounted=(Unaccounted(WEB, REAL),))
    events: list[Event] = [started(), applied(balancer()), added(WEB, 0), flipped("failure"), started(), adopted]
    for seq, event in enumerate(events, 1):
        state.fold(seq, event)
    history.recall([(5.0, event) for event in events[4:]], state.fleet)
    assert changes(history) == [(5, "down"), (5, "up")]
    assert history.timelines[WEB, REAL].since == 5


def test_only_the_newest_changes_are_kept() -> None:
    history = History(limit=3)
    history.note(0.0, added(WEB, 0, healthy=True))
    for at in range(1, 100):
        history.note(float(at), flipped("failure" if at % 2 else "success"))
    assert changes(history) == [(97, "failing"), (98, "up"), (99, "failing")]


def test_a_removed_real_is_forgotten_or_marked_as_gone() -> None:
    removed = RealRemoved(service=WEB, real=REAL, host=REAL)
    for keep in (False, True):
        history = History(keep_removed=keep)
        history.note(0.0, added(WEB, 0, healthy=True))
        history.note(1.0, removed)
        assert ((WEB, REAL) in history.timelines) is keep
    assert changes(history) == [(0, "up"), (1, None)]


def test_the_time_from_a_stop_to_the_next_start_is_an_absence() -> None:
    history = History()
    history.note(1.0, DaemonStopping(reason="SIGTERM", on_stop="leave"))
    history.note(5.0, DaemonStarted(software="0", decisions=1, host="director", boot_id="boot", pid=2))
    history.note(9.0, started())
    assert list(history.absences) == [(1.0, 5.0)]


def test_what_was_before_the_recalled_events_follows_from_them() -> None:
    state = State()
    past: list[Event] = [flipped("failure"), judged(False)]
    events: list[Event] = [applied(balancer(WEB, 2)), added(WEB, 0, healthy=True), added(WEB, 1, healthy=True), *past]
    for seq, event in enumerate(events, start=1):
        state.fold(seq, event)
    history = History()
    history.recall([(10.0 + at, event) for at, event in enumerate(past)], state.fleet)
    assert changes(history) == [(10.0, "up"), (10.0, "failing"), (11.0, "down")]
    assert list(history.timelines[WEB, real_id(1)].changes) == [(10.0, "up")]
    assert history.timelines[WEB, real_id(1)].since is None


def test_nothing_recalled_says_nothing() -> None:
    history = History()
    history.recall([], State().fleet)
    assert history.timelines == {}
