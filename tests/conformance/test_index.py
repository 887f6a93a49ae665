"""Every case of KgLb's is held by a test, or says why it is not."""

import pytest

from tests.conformance.cases import every_test, named_cases
from tests.conformance.sections import SECTIONS

NAMED = {case for _, test in every_test() for case in named_cases(test)}
PLACES = {f"{path}::{test.name}" for path, test in every_test()}


@pytest.mark.parametrize("letter", SECTIONS)
def test_each_case_has_a_test_or_a_reason(letter: str) -> None:
    section = SECTIONS[letter]
    known = NAMED | set(section.elsewhere) | set(section.not_applicable)
    assert [f"{letter}{number}" for number in section.numbers if f"{letter}{number}" not in known] == []


@pytest.mark.parametrize("letter", SECTIONS)
def test_the_tests_that_are_referred_to_exist(letter: str) -> None:
    assert set(SECTIONS[letter].elsewhere.values()) - PLACES == set()


@pytest.mark.parametrize("letter", SECTIONS)
def test_no_case_stands_in_the_list_twice_or_without_being_one(letter: str) -> None:
    section = SECTIONS[letter]
    listed = [*section.elsewhere, *section.not_applicable]
    assert sorted(set(listed)) == sorted(listed)
    assert set(listed) <= {f"{letter}{number}" for number in section.numbers}


@pytest.mark.parametrize("letter", SECTIONS)
def test_what_is_not_applicable_has_no_test(letter: str) -> None:
    assert set(SECTIONS[letter].not_applicable) & NAMED == set()
