"""No known secret is recorded, in whichever way a detail shows it."""

import pytest

from kglb.actors.scrubbing import scrubber
from kglb.checks.match import shown

TOKEN = "Bearer 5f1d7c02a9e84b36"


def test_secrets_are_replaced_wherever_they_stand() -> None:
    scrub = scrubber([TOKEN, "hunter2", ""])
    assert scrub(f"401 {TOKEN}, {TOKEN} of hunter2") == "401 [secret], [secret] of [secret]"


def test_a_secret_within_another_leaves_nothing_of_that() -> None:
    assert scrubber(["hunter2", "hunter2 and more"])("is hunter2 and more") == "is [secret]"


@pytest.mark.parametrize("length", range(8, len(TOKEN)))
def test_a_detail_that_ends_within_a_secret_has_no_part_of_it(length: int) -> None:
    assert scrubber([TOKEN])(f"401 {TOKEN[:length]}") == "401 [secret]"
    assert scrubber([TOKEN])(shown(b"x" * (80 - length) + TOKEN.encode())) == f"'{'x' * (80 - length)}[secret]'..."


def test_a_secret_is_known_where_its_backslashes_are_escaped() -> None:
    assert scrubber(["back\\slash"])(shown(b"no back\\slash!")) == "'no [secret]!'"


def test_what_only_resembles_a_secret_stays() -> None:
    assert scrubber([TOKEN, "hunter2"])("Bearer expected, hunter found") == "Bearer expected, hunter found"
