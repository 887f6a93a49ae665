"""What must come back from a real: some bytes, or a pattern. Judges bytes; hears nothing itself."""

import re
from typing import Final

HEARD_LIMIT: Final = 64 * 1024
"""Bytes that a check reads at most."""

_SHOWN: Final = 80


class Expectation:
    """That a part occurs, or that a regular expression is found, in what was heard; both empty expect nothing.

    A regular expression sees text: UTF-8, with U+FFFD for what is none.
    """

    __slots__ = ("_part", "_pattern")

    def __init__(self, part: bytes, pattern: str) -> None:
        """Raises ValueError for a pattern that is none."""
        self._part = part
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None

    def __bool__(self) -> bool:
        return bool(self._part or self._pattern)

    def met_by(self, heard: bytes) -> bool:
        """Whether what is expected occurs."""
        if self._pattern is None:
            return self._part in heard
        return self._pattern.search(heard.decode("utf-8", "replace")) is not None


def shown(heard: bytes | bytearray) -> str:
    """The beginning of what was heard, as a detail shows it."""
    return repr(bytes(heard[:_SHOWN]))[1:] + ("..." if len(heard) > _SHOWN else "")
