"""A real is asked once an interval; sooner while it is in doubt or new."""

import pytest

from kglb.decisions import contradicts, pace_of
from kglb.model import TcpCheck


@pytest.mark.parametrize(
    ("interval", "fast", "in_doubt", "new", "pace"),
    [
        (5.0, 0.0, False, False, 5.0),
        (5.0, 0.0, True, False, 5.0),
        (5.0, 0.5, False, False, 5.0),
        (5.0, 0.5, True, False, 0.5),
        (5.0, 0.0, False, True, 1.0),
        (5.0, 0.0, True, True, 1.0),
        (30.0, 3.0, True, True, 1.0),
        (5.0, 0.5, True, True, 0.5),
        (0.2, 0.0, True, True, 0.2),
    ],
)
def test_the_shortest_wait_that_applies(interval: float, fast: float, in_doubt: bool, new: bool, pace: float) -> None:
    assert pace_of(TcpCheck(interval=interval, fast_interval=fast), in_doubt=in_doubt, new=new) == pace


def test_results_against_what_is_believed_contradict_it() -> None:
    assert contradicts(healthy=True, streak=-1)
    assert contradicts(healthy=False, streak=1)
    assert not contradicts(healthy=True, streak=3)
    assert not contradicts(healthy=False, streak=-3)
    assert not contradicts(healthy=False, streak=0)
