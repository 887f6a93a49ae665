"""What false alarms teach about watching a real."""

from kglb.checks.eagerness import LONGEST_PAUSE, TERM, Eagerness


def alarms_of_a_server_that_closes_after(idle: float, seconds: float, interval: float = 1.0) -> list[float]:
    """When the connection is lost, if every probe passes and the next is made at once after a loss."""
    eagerness, lost = Eagerness(), list[float]()
    now, opened = 0.0, None
    while now < seconds:
        if opened is None:
            opened = now if eagerness.may_open(now) else None
        elif eagerness.should_renew(now - opened):
            opened = now
        if opened is not None and now + interval > opened + idle:
            now = opened + idle
            eagerness.lost(idle)
            lost.append(now)
            opened = None
        else:
            now += interval
    return lost


def test_a_real_is_watched_from_its_first_passing_probe() -> None:
    assert Eagerness().may_open(0.0)


def test_the_first_loss_costs_one_reconnect_at_once() -> None:
    eagerness = Eagerness()
    eagerness.lost(60.0)
    assert eagerness.may_open(100.0)


def test_each_further_false_alarm_doubles_the_pause() -> None:
    eagerness = Eagerness()
    pauses = []
    for _ in range(20):
        eagerness.lost(0.1)
        pause = 0
        while not eagerness.may_open(100.0 + pause):
            pause += 1
        pauses.append(pause)
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, *[LONGEST_PAUSE] * 7]


def test_a_pause_begins_with_the_probe_that_passed() -> None:
    eagerness = Eagerness()
    eagerness.lost(0.1)
    assert eagerness.may_open(0.0)
    eagerness.lost(0.1)
    assert not eagerness.may_open(50.0)
    assert not eagerness.may_open(50.9)
    assert eagerness.may_open(51.0)


def test_a_server_that_closes_at_once_is_no_storm() -> None:
    alarms = alarms_of_a_server_that_closes_after(0.0, 86400.0)
    assert len([at for at in alarms if at < 3600]) == 13
    assert len(alarms) <= 13 + 24


def test_a_server_with_an_idle_timeout_ends_one_connection_only() -> None:
    assert alarms_of_a_server_that_closes_after(60.0, 86400.0) == [60.0]


def test_a_connection_is_not_renewed_before_a_loss_has_taught_it() -> None:
    assert not Eagerness().should_renew(1e9)


def test_no_connection_is_renewed_sooner_than_watching_is_worth() -> None:
    eagerness = Eagerness()
    eagerness.lost(2.0)
    eagerness.may_open(0.0)
    assert not eagerness.should_renew(TERM - 0.1)
    assert eagerness.should_renew(TERM)


def test_a_connection_renewed_in_peace_ends_the_row_of_false_alarms() -> None:
    eagerness = Eagerness()
    for _ in range(5):
        eagerness.lost(60.0)
        eagerness.may_open(0.0)
    assert eagerness.should_renew(30.0)
    eagerness.lost(20.0)
    assert eagerness.may_open(100.0)
