"""Arguments that are a length of time, as the config writes them."""

import argparse
from collections.abc import Callable

from kglb.config.problems import RefusedError
from kglb.config.values import duration


def duration_argument(least: str, most: str) -> Callable[[str], float]:
    """Reads ``30s``, ``2h`` between two such bounds as seconds. What it returns raises argparse's own error."""
    parse = duration(least, most)

    def read(text: str) -> float:
        try:
            return parse(text)
        except RefusedError as refusal:
            raise argparse.ArgumentTypeError(str(refusal)) from None

    return read
