"""Walking a parsed TOML document by tables of keys: collects every problem, keeps going, raises at nothing.

A *reader* takes a ``Node`` and gives a value of the model. It refuses a value by raising ``RefusedError`` (or
any ValueError), which ``attempt`` turns into a problem at the node's place; a reader that has reported what
is wrong inside raises ``ReportedError``. Defaults are the model's: an absent key gives no value.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from kglb.config.problems import Path, Problem, RefusedError, path_text, show
from kglb.config.secrets import Secrets
from kglb.config.values import Parser, Shape, did_you_mean, shape_of, shaped, spelled, spelled_by

T = TypeVar("T")


class ReportedError(ValueError):
    """What is wrong inside a value has been reported; there is nothing to build."""


class Place(NamedTuple):
    """Where something was written: the path in its file, the line of that or of the nearest thing around it, and the
    file, if that is not the config itself.
    """

    path: Path
    line: int | None
    file: str = ""


class Reading(msgspec.Struct, dict=True):
    """One pass over one document: what is wrong, what deserves a warning, which secrets were resolved."""

    document: str
    secrets: Secrets
    problems: list[Problem] = msgspec.field(default_factory=list)
    warnings: list[Problem] = msgspec.field(default_factory=list)

    @cached_property
    def _lines(self) -> dict[Path, int]:
        from kglb.config.lines import key_lines  # noqa: PLC0415 - for mistakes alone

        return key_lines(self.document)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the document is made of, besides the first."""
        return ()

    def place(self, path: Path) -> Place:
        """Where a path of the document was written: another path only if it was translated or composed."""
        around = path
        while around and around not in self._lines:
            around = around[:-1]
        return Place(path, self._lines.get(around))

    def problem(self, path: Path, message: str, hint: str = "", *, within: bool = False) -> Problem:
        """A mistake at a path, or with a key ``within`` the table of which that is the last step."""
        written, line, file = self.place(path)
        return Problem(path_text(written[:-1] if within else written), line, message, hint, file)


class Node(msgspec.Struct, frozen=True):
    """A value of the document, its place, and its reading. ``outer``: the keys of the table around it, or its list."""

    value: object
    path: Path
    reading: Reading
    outer: frozenset[str] = frozenset()

    def fail(self, message: str, hint: str = "", *, at: Path = ()) -> None:
        """Report a mistake here, or at a path below."""
        self.reading.problems.append(self.reading.problem((*self.path, *at), message, hint))

    def warn(self, message: str, *, at: Path = ()) -> None:
        """Report what is allowed but deserves a second look."""
        self.reading.warnings.append(self.reading.problem((*self.path, *at), message))


Read = Callable[[Node], T]


class Key(NamedTuple):
    """One row of a table: the key, its reader, and the model's field if that has another name."""

    name: str
    read: Read[Any]
    required: bool = False
    field: str = ""


class Section(NamedTuple):
    """What a table gave: the good values by field, and the names of keys that were refused or missing."""

    values: dict[str, Any]
    failed: frozenset[str]


def leaf(parse: Parser[T]) -> Read[T]:
    """A reader of a single value."""

    @shaped(**shape_of(parse))
    @spelled_by(partial(spelled, parse))
    def read(node: Node) -> T:
        return parse(node.value)

    return read


def table_shape(keys: Sequence[Key]) -> Shape:
    """The shape of a table that has these keys and no other."""
    shape: dict[str, object] = {
        "type": "object",
        "properties": {key.name: dict(shape_of(key.read)) for key in keys},
        "additionalProperties": False,
    }
    if required := [key.name for key in keys if key.required]:
        shape["required"] = required
    return shape


def list_shape(parse: Callable[..., object]) -> Shape:
    """The shape of a list of what a parser or a reader takes."""
    return {"type": "array", "items": dict(shape_of(parse))}


def attempt(node: Node, read: Read[T]) -> T | None:
    """What the reader gives, None when it refused; the refusal is reported. Readers never give None."""
    try:
        return read(node)
    except ReportedError:
        return None
    except RefusedError as refusal:
        node.fail(str(refusal), refusal.hint)
    except ValueError as error:
        node.fail(str(error))
    return None


def read_table(node: Node, keys: Sequence[Key]) -> Section:
    """Read a table by its keys; unknown, missing and refused ones are reported. No table: RefusedError."""
    if not isinstance(node.value, dict):
        raise RefusedError(f"expected a table, found {show(node.value)}")
    names = frozenset(key.name for key in keys)
    for name in node.value:
        if name not in names:
            _unknown_key(node, name, (key.name for key in keys))
    values: dict[str, Any] = {}
    failed = set()
    for key in keys:
        if key.name not in node.value:
            if key.required:
                node.fail(f'missing "{key.name}"')
                failed.add(key.name)
            continue
        child = Node(node.value[key.name], (*node.path, key.name), node.reading, names)
        value = attempt(child, key.read)
        if value is None:
            failed.add(key.name)
        else:
            values[key.field or key.name] = value
    return Section(values, frozenset(failed))


def _unknown_key(node: Node, name: str, known: Iterable[str]) -> None:
    if name in node.outer:
        is_listed = bool(node.path) and isinstance(node.path[-1], int)
        place = path_text(node.path[: -2 if is_listed else -1]) or "the top of the file"
        hint = f"it is a key of {place}: move it above this table"
    else:
        known = list(known)
        hint = did_you_mean(name, known) or f"known here: {', '.join(known)}"
    problem = node.reading.problem((*node.path, name), f"unknown key {show(name)}", hint, within=True)
    node.reading.problems.append(problem)


def read_list(node: Node, read: Read[T]) -> tuple[tuple[Node, T], ...]:
    """Read the elements of a list, each with its node; the refused ones are reported and left out."""
    if not isinstance(node.value, list):
        raise RefusedError(f"expected a list, found {show(node.value)}")
    children = (Node(value, (*node.path, index), node.reading, node.outer) for index, value in enumerate(node.value))
    return tuple((child, value) for child in children if (value := attempt(child, read)) is not None)
