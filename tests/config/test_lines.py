import tomllib
from typing import Any

from kglb.config.lines import key_lines

DOCUMENT = '''# a comment with [brackets] and "quotes"
title = "one # not a comment" # a comment
"quoted key".plain = 1.5

[table]
list = [
  "a", # comment, with ] in it
  { x = 1, "y z" = [ 2,
    3 ] },
]
text = """
[not.a.table]
"quoted\\""""
raw = \'\'\'
[[no]]\'\'\'
date = 1979-05-27 07:32:00

[[item]]
name = 'first'
[item.sub]
deep.er = +1
[[item]]
name = "second"
[[item.part]]
a = true
[[item.part]]
b = []
'''


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths(child, (*path, key)) for key, child in children))


def test_every_key_and_element_has_its_line() -> None:
    assert set(key_lines(DOCUMENT)) == paths(tomllib.loads(DOCUMENT)) - {()}


def test_lines_are_those_of_the_text() -> None:
    lines = key_lines(DOCUMENT)
    assert lines["title",] == 2
    assert lines["quoted key", "plain"] == 3
    assert lines["table", "list", 0] == 7
    assert lines["table", "list", 1, "y z", 1] == 9
    assert lines["table", "raw"] == 14
    assert lines["item", 0, "sub", "deep", "er"] == 21
    assert lines["item", 1, "name"] == 23
    assert lines["item", 1, "part", 1, "b"] == 27


def test_windows_line_ends_count_once() -> None:
    assert key_lines("a = 1\r\nb = 2\r\n") == {("a",): 1, ("b",): 2}
