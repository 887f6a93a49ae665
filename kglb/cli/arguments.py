"""Values of the command line that are written as in the config: what is wrong with one is said as argparse says it."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from kglb.config.problems import RefusedError
from kglb.config.values import Parser

T = TypeVar("T")


def as_argument(parse: Parser[T]) -> Callable[[str], T]:
    """The ``type`` of an argument that the config's parser reads."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except RefusedError as refusal:
            raise argparse.ArgumentTypeError(str(refusal)) from None

    return read
