"""What is wrong with a config, as values, and how a person reads it. Finds nothing wrong itself."""

import datetime
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

Path = tuple[str | int, ...]
"""Where a value stands in the document: ``("balancer", 1, "check", "interval")``."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = 60
_ALIKE = 3
_INT64 = 2**63
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "a table"),
    ((datetime.date, datetime.time), "a date or time"),
    (type(None), "null"),
)


class RefusedError(ValueError):
    """A value was not accepted: what was expected and found, and what to do if that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Problem(msgspec.Struct, frozen=True):
    """One mistake (or one warning) and its place. ``path`` is empty when it concerns the whole file; ``file`` is set in
    an included one.
    """

    path: str
    line: int | None
    message: str
    hint: str = ""
    file: str = ""

    def render(self, source: str) -> str:
        """One line for a person: ``config.toml:12: balancer[1].check.interval: expected ...; write "5s"``."""
        source = self.file or source
        place = source if self.line is None else f"{source}:{self.line}"
        parts = (place, self.path, f"{self.message}; {self.hint}" if self.hint else self.message)
        return ": ".join(part for part in parts if part)


class ConfigError(Exception):
    """A config was refused. ``problems`` holds every mistake found, in the order of the file."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    @property
    def lines(self) -> tuple[str, ...]:
        """Every problem as one line for a person."""
        return tuple(problem.render(self.source) for problem in self.problems)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def summarised(problems: Sequence[Problem], source: str) -> Iterator[str]:
    """Each as one line for a person; of those that say the same of many places, the first three and how many follow."""
    alike = Counter((problem.message, problem.hint) for problem in problems)
    told: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        said = problem.message, problem.hint
        told[said] += 1
        if told[said] <= _ALIKE or alike[said] == _ALIKE + 1:
            yield problem.render(source)
        elif told[said] == _ALIKE + 1:
            yield f"{source}: and {alike[said] - _ALIKE} more: {problem.message}"


def path_text(path: Path) -> str:
    """A path as a person writes it.

    >>> path_text(("balancer", 1, "check", "headers", "X y"))
    'balancer[1].check.headers."X y"'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE_KEY.fullmatch(step) else show(step))
    return text


def show(value: object) -> str:
    """A value of the document as a message shows it: short, on one line, without control characters."""
    if isinstance(value, str):
        shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return json.dumps(shown, ensure_ascii=not shown.isprintable())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < _INT64 else "a number of more than 64 bits"
    return str(value) if isinstance(value, float) else kind(value)


def kind(value: object) -> str:
    """What sort of value the document holds, without showing it."""
    return next(name for types, name in _KINDS if isinstance(value, types))
