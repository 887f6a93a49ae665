"""What must come back from a real: some bytes, or a pattern. Judges bytes; hears nothing itself."""

from typing import Final

from kglb.model.pattern import Pattern

HEARD_LIMIT: Final = 64 * 1024
"""Bytes that a check reads at most."""

_SHOWN: Final = 80


class Expectation:
    """That a part occurs, or that a pattern is found, in what was heard; both empty expect nothing."""

    __slots__ = ("_part", "_pattern")

    def __init__(self, part: bytes, pattern: str) -> None:
        """Raises ValueError for a pattern that is none."""
        self._part = part
        self._pattern = Pattern(pattern) if pattern else None

    def __bool__(self) -> bool:
        return bool(self._part or self._pattern)

    def met_by(self, heard: bytes) -> bool:
        """Whether what is expected occurs."""
        if self._pattern is None:
            return self._part in heard
        return self._pattern.found_in(heard)


def shown(heard: bytes | bytearray) -> str:
    """The beginning of what was heard, as a detail shows it."""
    return repr(bytes(heard[:_SHOWN]))[1:] + ("..." if len(heard) > _SHOWN else "")
