"""A bug put in on purpose is found: each by a seed known to find it. ``python -m sim --mutations`` looks anew."""

import pytest

from sim.mutations import MUTATIONS, SEEDS, hunt


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_bug_is_found(name: str) -> None:
    seed = SEEDS[name]
    assert hunt(name, range(seed, seed + 1)) is not None
