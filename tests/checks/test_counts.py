from kglb.checks.counts import CheckCounts
from kglb.checks.outcome import Status


def test_a_streak_counts_equal_answers_in_a_row_and_unknown_ones_neither_way() -> None:
    counts = CheckCounts(0.0)
    seen: list[int] = []
    answers: tuple[Status, ...] = ("success", "success", "unknown", "success", "failure", "failure", "success")
    for answer in answers:
        counts.add(answer, 1.0, 0.1)
        seen.append(counts.streak)
    assert seen == [1, 2, 2, 3, -1, -2, 1]
