import pytest

from kglb.model.histogram import Histogram


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.1, 0), (0.11, 1), (1.0, 1), (7.0, 2)])
def test_a_duration_counts_in_the_first_bucket_whose_bound_is_not_below_it(seconds: float, bucket: int) -> None:
    durations = Histogram((0.1, 1.0))
    durations.observe(seconds)
    assert durations.counts.index(1) == bucket
    assert durations.sum == seconds
