"""Patterns to look for in what a real answers. RE2 does: the real chooses the text, so no text may be slow.

Python's ``re`` tries again from every character: the harmless ``.*OK`` takes seconds for 64 KiB of ``a``. RE2 looks at
each byte once, and a bound on the size of its program bounds the rest. It is imported with the first pattern: most
configs have none.
"""

import re
from typing import Any, Final

MOST_STEPS: Final = 250
"""Instructions of a pattern's program. Each may cost every byte of the text a few nanoseconds, at worst."""

_MEMORY: Final = 2**20  # bytes that RE2 keeps for a pattern, of which there may be thousands
_SHOWN: Final = 60

_FROM_NONE: Final = re.compile(r"(?<!\\)(?:\\\\)*\{,(\d+)\}")
_SYNTAX: Final = "its syntax is at https://github.com/google/re2/wiki/Syntax"
_HINTS: Final = (
    (re.compile(r"invalid perl operator: \(\?<?[=!]"), "RE2 cannot look ahead or behind: write what must be there"),
    (re.compile(r"invalid perl operator: \(\?P$"), "RE2 has no references to groups: write out what is repeated"),
    (re.compile(r"invalid escape sequence: \\[1-9]"), "RE2 has no references to groups: write out what is repeated"),
    (re.compile(r"invalid escape sequence: \\Z"), r"write \z for the end"),
    (re.compile(r"invalid escape sequence: \\[uUN]"), r"write the character itself, or \x{e9} with its number"),
    (re.compile(r"invalid repetition size"), "repeat at most 1000 times, or without bound by *, + and {10,}"),
    (re.compile(r"pattern too large"), "write .* for .{0,100}, or look for less"),
)


class PatternError(ValueError):
    """Text is no pattern; ``hint`` says what to write instead, or where to read it."""

    def __init__(self, message: str, hint: str = _SYNTAX) -> None:
        super().__init__(message)
        self.hint = hint


class Pattern:
    """A regular expression in RE2's syntax, searched in bytes as UTF-8, with U+FFFD for what is none.

    ``$`` matches at the end and before a newline at the end, as in Python, for lines are what servers send.
    """

    __slots__ = ("_at_line_end", "_compiled")

    def __init__(self, text: str) -> None:
        """Raises PatternError."""
        found = _FROM_NONE.search(text)
        if found is not None:  # in RE2 these are the characters themselves, which nobody means
            raise PatternError(f"{{,{found[1]}}} repeats nothing in RE2", f"write {{0,{found[1]}}}")
        self._compiled = _compiled(text)
        self._at_line_end = "$" in text

    def found_in(self, heard: bytes) -> bool:
        """Whether it matches anywhere; the time is in proportion to the length, whatever is in it."""
        text = heard.decode("utf-8", "replace").encode()
        if self._compiled.search(text) is not None:
            return True
        return self._at_line_end and text.endswith(b"\n") and self._compiled.search(text[:-1]) is not None


def _compiled(text: str) -> Any:
    import re2  # noqa: PLC0415 - see the module's docstring

    options = re2.Options()
    options.never_capture = True  # groups only group: where they matched would cost a second, slower search
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(text, options)
    except UnicodeEncodeError:
        raise PatternError("half of a surrogate pair is no character") from None
    except re2.error as error:
        raise _explained(error.args[0].decode("utf-8", "replace")) from None
    if compiled.programsize > MOST_STEPS:
        raise _explained(f"pattern too large: {compiled.programsize} steps, and {MOST_STEPS} are the most")
    return compiled


def _explained(error: str) -> PatternError:
    shown = error if error.isprintable() else ascii(error)[1:-1]
    hint = next((hint for known, hint in _HINTS if known.match(error)), _SYNTAX)
    return PatternError(shown[:_SHOWN] + ("..." if len(shown) > _SHOWN else ""), hint)
