"""When a crashed actor starts again, and that nobody remembers for ever that it crashed."""

from kglb.actors.backoff import CALM, FIRST, LONGEST, Backoff


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_keeps_crashing_waits_longer_and_longer() -> None:
    backoff = Backoff(Clock())
    assert [backoff.delay("one") for _ in range(10)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, LONGEST]
    assert backoff.delay("another") == FIRST


def test_who_was_calm_since_begins_anew() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    assert (backoff.delay("one"), backoff.delay("one")) == (FIRST, 2 * FIRST)
    clock.now += 2 * FIRST + CALM
    assert backoff.delay("one") == 4 * FIRST
    clock.now += 4 * FIRST + CALM + 0.1
    assert backoff.delay("one") == FIRST


def test_who_never_crashes_again_is_forgotten() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    for number in range(1000):
        backoff.delay(number)
        clock.now += 10.0
        assert len(backoff.failed) <= 8
    assert 999 in backoff.failed
