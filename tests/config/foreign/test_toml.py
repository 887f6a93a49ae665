import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.config.foreign.toml import to_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TABLES = st.recursive(
    st.dictionaries(TEXT, SCALARS | st.lists(SCALARS), max_size=4),
    lambda inner: st.dictionaries(TEXT, SCALARS | inner | st.lists(inner, min_size=1, max_size=3), max_size=4),
    max_leaves=8,
)


@given(TABLES)
def test_what_is_written_reads_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_a_long_list_has_a_line_for_each_element() -> None:
    reals = [f"192.168.100.{number}:80" for number in range(8)]
    assert to_toml({"reals": reals}).splitlines()[:2] == ["reals = [", '  "192.168.100.0:80",']


def test_what_toml_does_not_have_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError):
        to_toml({"none": None})
