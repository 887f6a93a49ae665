import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kglb.config.foreign.json_lines import json_lines

TEXT = """{
  "a": [
    {}, [],
    {"b": "}, {\\"x\\": [1\\\\",
     "c": {"d": null}}
  ], "e": 5,

  "": -1.5e3
}"""


def test_every_key_and_element_has_its_line() -> None:
    assert json_lines(TEXT) == {
        ("a",): 2,
        ("a", 0): 3,
        ("a", 1): 3,
        ("a", 2): 4,
        ("a", 2, "b"): 4,
        ("a", 2, "c"): 5,
        ("a", 2, "c", "d"): 5,
        ("e",): 6,
        ("",): 8,
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


def paths(value: Any) -> set[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for step, inner in items for path in ((step,), *((step, *rest) for rest in paths(inner)))}


@given(VALUES)
def test_any_value_has_a_line_for_each_path_and_no_other(value: object) -> None:
    assert set(json_lines(json.dumps(value, indent=1))) == paths(value)
