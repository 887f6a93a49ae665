"""What is known of each case: the tests of other packages that hold it, and why some say nothing about this program.

A test names its cases in its own name (``test_b2_...``) or at the start of a parameter's id (``"C9 step 6"``).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1]

_IN_A_NAME = re.compile(r"_([a-h][0-9]{1,2})(?=_|$)")
_AT_THE_START = re.compile(r"^([A-H][0-9]{1,2})(?![0-9A-Za-z])")


class Section(NamedTuple):
    """A section of KgLb's cases: their numbers, and where each is that no test names."""

    title: str
    numbers: tuple[int, ...]
    elsewhere: dict[str, str]
    not_applicable: dict[str, str]


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of ``"1-5 7"``."""
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def every_test() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every test of the repository by the path of its file."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.relative_to(TESTS).as_posix(), node


def named_cases(test: ast.FunctionDef) -> set[str]:
    """The cases that a test names."""
    cases = {case.upper() for case in _IN_A_NAME.findall(test.name)}
    for decorator in test.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                cases.update(_AT_THE_START.findall(node.value))
    return cases
