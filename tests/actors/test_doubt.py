"""When the doubt about a real whose idle connection was lost ends."""

import pytest

from kglb.actors.doubt import Doubt


@pytest.mark.parametrize(
    ("rise", "found", "ended"),
    [
        (1, [True], [True]),
        (3, [True, True, True], [False, False, True]),
        (3, [True, False], [False, True]),
        (3, [False], [True]),
    ],
)
def test_it_ends_with_as_many_passes_as_bring_a_real_in_or_with_one_failure(
    rise: int, found: list[bool], ended: list[bool]
) -> None:
    doubt = Doubt("reset", 60.0, rise)
    assert [doubt.ends(passed=passed) for passed in found] == ended
