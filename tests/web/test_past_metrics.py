"""What is put down of each series, beside what the daemon's own code says of the state at that moment."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.events import (
    ActorCrashed,
    Adopted,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    Entry,
    Event,
    HealthChanged,
    OpenRun,
    ProbeFlipped,
    RealDrained,
    RealLeaving,
    RealRemoved,
    RealRestored,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    RunsClosed,
)
from kglb.model import (
    AddDestination,
    AddService,
    Announce,
    AnnounceRoute,
    DeleteDestination,
    DeleteService,
    Route,
    Service,
    WithdrawRoute,
)
from kglb.projections import State
from kglb.replay.about import pairs
from kglb.web.exposition import Family
from kglb.web.fleet_metrics import fleet_families
from kglb.web.past_metrics import PastMetrics, TooManySamplesError
from kglb.web.recorded_metrics import recorded_families
from kglb.web.tally import Tally
from tests.projections.builders import DNS, WEB, added, applied, balancer, real_id, started
from tests.web.builders import Fleet, destination, web_fleet

STEP = 10_000
BEGIN = 1_763_821_800_000
MANY = 10_000_000
ROUTE = Route(prefix="192.0.2.1/32")

Timed = tuple[int, Event]
Found = dict[str, dict[int, float]]
"""Of each series its values, by time."""


def looked_at(timed: Iterable[Timed], *, until: int = 0, most: int = MANY) -> Found:
    """What there is of a journal of these events that begins with nothing."""
    state = State()
    past = PastMetrics(pairs, step=STEP, most=most)
    past.begin(BEGIN, state, "0", BEGIN)
    for seq, (at, event) in enumerate(timed, 1):
        past.reach(at, event)
        state.fold(seq, event)
        past.note(event, state)
    past.finish(max(until, past.now))
    return {
        family.name + labels: {at: value for value, times in series.samples(STEP, past.now) for at in times}
        for family in past.families()
        for labels, series in family.series.items()
    }


def at_times(*events: Event, apart: int = 1_000, begin: int = BEGIN) -> list[Timed]:
    return [(begin + apart * number, event) for number, event in enumerate(events)]


def values(families: Iterable[Family]) -> dict[str, float]:
    return {family.name + labels: value for family in families for labels, value in family.samples}


def real_series(name: str, number: int) -> str:
    return f'{name}{{balancer="web",service="{WEB}",real="{real_id(number)}"}}'


def healthy(number: int, *, up: bool) -> HealthChanged:
    return HealthChanged(service=WEB, real=real_id(number), healthy=up, streak=2 if up else -2, run=0)


def test_a_state_that_holds_has_a_sample_each_step_and_a_change_has_its_own() -> None:
    timed = [*at_times(*web_fleet(1).events, apart=0), (BEGIN + 25_123, healthy(0, up=False))]
    found = looked_at(timed, until=BEGIN + 47_000)[real_series("kglb_real_healthy", 0)]
    offsets = {at - BEGIN: value for at, value in found.items()}
    assert offsets == {0: 1, 10_000: 1, 20_000: 1, 25_123: 0, 30_000: 0, 40_000: 0, 47_000: 0}


def test_what_happens_within_a_millisecond_is_one_change() -> None:
    timed = at_times(*web_fleet(1).events, healthy(0, up=False), healthy(0, up=True), apart=0)
    found = looked_at(timed, until=BEGIN + 1_000)
    assert found[real_series("kglb_real_healthy", 0)] == {BEGIN: 1, BEGIN + 1_000: 1}


def test_the_series_of_a_removed_real_end_with_it() -> None:
    timed = [
        *at_times(*web_fleet(2).events, apart=0),
        (BEGIN + 15_000, RealRemoved(service=WEB, real=real_id(0), host=real_id(0))),
    ]
    found = looked_at(timed, until=BEGIN + 60_000)
    for name in ("kglb_real_healthy", "kglb_real_weight", "kglb_real_in_rotation", "kglb_real_applied_weight"):
        assert set(found[real_series(name, 0)]) == {BEGIN, BEGIN + 10_000}
        assert max(found[real_series(name, 1)]) == BEGIN + 60_000


def test_counters_are_looked_at_each_step_and_begin_anew_with_a_daemon() -> None:
    crash = ActorCrashed(actor="applier", error="boom", traceback="", retry_in=0.1)
    timed: list[Timed] = [
        (BEGIN, started()),
        (BEGIN + 1_000, crash),
        (BEGIN + 12_000, crash),
        (BEGIN + 24_000, started()),
    ]
    found = looked_at(timed, until=BEGIN + 30_000)
    restarts = found['kglb_actor_restarts_total{kind="applier"}']
    assert restarts == {BEGIN + 10_000: 1, BEGIN + 20_000: 2}
    events = found['kglb_events_total{type="DaemonStarted"}']
    assert events == dict.fromkeys(range(BEGIN, BEGIN + 30_001, STEP), 1)


def test_between_a_stop_and_the_next_start_there_is_nothing() -> None:
    stop = DaemonStopping(reason="SIGTERM", on_stop="leave")
    timed = [
        *at_times(*web_fleet(1).events, apart=0),
        (BEGIN + 12_000, stop),
        (BEGIN + 45_000, started()),
    ]
    times = set(looked_at(timed, until=BEGIN + 50_000)[real_series("kglb_real_healthy", 0)])
    assert times == {BEGIN, BEGIN + 10_000, BEGIN + 45_000, BEGIN + 50_000}


def test_a_daemon_that_stopped_for_good_has_no_sample_later_than_its_last_fact() -> None:
    timed = [
        *at_times(*web_fleet(1).events, apart=0),
        (BEGIN + 12_000, DaemonStopping(reason="SIGTERM", on_stop="leave")),
    ]
    found = looked_at(timed, until=BEGIN + 3_600_000)
    assert max(at for times in found.values() for at in times) == BEGIN + 12_000


def test_time_never_goes_back_and_what_comes_earlier_counts_as_coming_now() -> None:
    timed = [
        *at_times(*web_fleet(1).events, apart=0),
        (BEGIN + 20_500, healthy(0, up=False)),
        (BEGIN + 1_000, healthy(0, up=True)),
        (BEGIN + 31_000, healthy(0, up=False)),
    ]
    found = looked_at(timed)[real_series("kglb_real_healthy", 0)]
    assert list(found) == sorted(found)
    assert found[BEGIN + 20_000] == found[BEGIN + 30_000] == 1
    assert found[BEGIN + 31_000] == 0


def test_more_samples_than_allowed_are_refused_while_they_are_counted() -> None:
    timed = [*at_times(*web_fleet(1).events, apart=0), (BEGIN + 86_400_000, healthy(0, up=False))]
    with pytest.raises(TooManySamplesError) as refused:
        looked_at(timed, most=100_000)
    assert refused.value.samples > 8_640 * 50
    assert refused.value.at == BEGIN + 86_400_000


def test_the_count_is_that_of_the_samples() -> None:
    timed = [*at_times(*web_fleet(2).events, apart=700), (BEGIN + 86_400_000, healthy(0, up=False))]
    found = looked_at(timed)
    count = sum(map(len, found.values()))
    with pytest.raises(TooManySamplesError) as refused:
        looked_at(timed, most=1_000)
    assert abs(refused.value.samples - count) < count / 100


# --- any history ------------------------------------------------------------------------------------------------------


class Played(Fleet):
    """A fleet of two balancers to which anything happens."""

    def __init__(self) -> None:
        super().__init__()
        self.record(started())
        self.configs = (balancer(WEB, 3, announce=Announce()), balancer(DNS, 2, name="dns"))
        self.record(applied(*self.configs))

    def happens(self, what: int, number: int) -> None:
        real, even = real_id(number), number % 2 == 0
        known = self.state.fleet.balancers.get(WEB)
        possible: list[Event] = [
            added(WEB, number, healthy=even),
            added(DNS, number),
            healthy(number, up=even),
            ProbeFlipped(
                service=WEB, real=real, outcome="failure", reason="refused", latency=0.001, previous_count=number
            ),
            RunsClosed(runs=(OpenRun(WEB, real, 7),)),
            RealRemoved(service=WEB, real=real, host=real),
            RealDrained(service=WEB, real=real, who="kim"),
            RealRestored(service=WEB, real=real, who="kim"),
            RealLeaving(service=WEB, real=real, host=real, until=2e9),
            DaemonStopping(reason="SIGTERM", on_stop="leave" if even else "cleanup"),
            started("boot" if even else "another"),
            applied(self.configs[number % 2]),
            applied(*self.configs, balancer(WEB, 1, name="renamed")) if even else applied(*self.configs),
            RoutesDecided(announce=(ROUTE,)) if even else RoutesDecided(withdraw=(ROUTE.prefix,)),
            RouteAnnounced(route=ROUTE) if even else RouteWithdrawn(route=ROUTE),
            DriftFound(changes=(DeleteDestination(WEB, real), AnnounceRoute(ROUTE) if even else WithdrawRoute(ROUTE))),
            DriftFound(changes=(DeleteService(WEB),)),
            Adopted(
                entries=(Entry(Service(id=WEB, scheduler="wrr"), (destination(number, 7),)),), addresses=(), foreign=0
            ),
        ]
        if what < len(possible):
            self.record(possible[what])
        elif what == len(possible):
            self.apply(AddService(Service(id=WEB, scheduler="wrr")))
        elif what == len(possible) + 1:
            self.apply(AddDestination(WEB, destination(number, 100 * number)))
        elif known is not None:
            weights = dict.fromkeys(list(known.reals)[:2], 10 * number)
            self.decide(WEB, "available" if even else "failsafe", weights)


SPANS = st.sampled_from([0, 0, 1, 400, 9_600, 10_000, 33_000])
HISTORIES = st.lists(st.tuples(SPANS, st.integers(0, 20), st.integers(0, 3)), max_size=40)


@given(HISTORIES)
def test_a_sample_is_what_the_daemon_would_have_said_then(history: list[tuple[int, int, int]]) -> None:
    played, times = Played(), [BEGIN, BEGIN]
    for span, what, number in history:
        played.happens(what, number)
        times += [times[-1] + span] * (len(played.events) - len(times))
    timed = list(zip(times, played.events, strict=True))
    found = looked_at(timed, until=times[-1] + 25_000)
    by_time: dict[int, dict[str, float]] = {}
    for name, samples in found.items():
        for at, value in samples.items():
            by_time.setdefault(at, {})[name] = value
    for at in sorted({*times, *by_time, *range(BEGIN, times[-1] + 25_000, STEP)}):
        fleet, daemon = said_at(timed, at)
        seen = by_time.get(at, {})
        before, _ = said_at(timed, at - 1)
        changed = {name: value for name, value in fleet.items() if before.get(name) != value}
        assert changed.items() <= seen.items() <= {**fleet, **daemon}.items()
        if at % STEP == 0:
            assert seen == {**fleet, **daemon}


def said_at(timed: list[Timed], at: int) -> tuple[dict[str, float], dict[str, float]]:
    """What /metrics would say of the fleet, and of the daemon, after all events up to then; nothing in an absence."""
    state, tally = State(), Tally()
    past = [(when, event) for when, event in timed if when <= at]
    coming = timed[len(past)][1] if len(past) < len(timed) else None
    for seq, (_, event) in enumerate(past, 1):
        state.fold(seq, event)
        if isinstance(event, DaemonStarted):
            tally = Tally()
        tally.count(event)
    if state.fleet.stopped and past[-1][0] < at and (coming is None or isinstance(coming, DaemonStarted)):
        return {}, {}
    return values(fleet_families(state)), values(recorded_families("0", state.data_plane, tally))
