"""Three hundred short simulations, and a hundred with pools. One that fails prints its seed; ``python -m sim --seed N``
shows it again, with ``--pools`` one of those.
"""

import pytest

from sim.configs import Size
from sim.report import details, run
from sim.simulation import Plan

CHUNK = 10


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_whatever_goes_wrong_everything_is_as_it_should_be_afterwards(first: int) -> None:
    for seed in range(first, first + CHUNK):
        result = run(Plan(seed))
        assert not result.wrong, details(result)


@pytest.mark.parametrize("first", range(0, 100, CHUNK))
def test_the_same_where_reals_are_discovered(first: int) -> None:
    for seed in range(first, first + CHUNK):
        result = run(Plan(seed, size=Size(pools=True)))
        assert not result.wrong, details(result)
