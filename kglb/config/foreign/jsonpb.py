"""Protocol buffers written as JSON, read as Go's ``jsonpb`` reads them, by tables of fields.

A field may be written in camelCase or as the proto file has it; ``null`` is an absent field; a scalar that is
absent and one that has its type's zero are the same (proto3); an enum is its name or its number; at most one
field of a oneof is set. Stricter than jsonpb, which takes the last: a field that is there twice is refused.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from kglb.config.foreign.json_lines import json_lines
from kglb.config.problems import Path, RefusedError, show
from kglb.config.reader import Node, Reading, attempt, read_list
from kglb.config.values import Parser, did_you_mean, one_of, text

_CAPITAL = re.compile(r"[A-Z]")


class Wire(NamedTuple):
    """A type of proto3: how its JSON form is read, and its zero, which is what an absent field has."""

    read: Callable[[Node], Any]
    zero: object
    says_zero: bool = False


class Said(NamedTuple):
    """A value of our config, and where in the foreign file it was said."""

    value: Any
    path: Path


Settings = dict[str, Said]
"""What a message says, by our keys, dotted: ``check.interval``."""


def _unchanged(value: Any) -> Any:
    return value


def _as_said(_: Node, settings: Settings) -> Settings:
    return settings


class Option(NamedTuple):
    """A scalar, list or map: its jsonpb name, its type, our key, and what its value is there."""

    name: str
    wire: Wire
    key: str
    to: Callable[[Any], Any] = _unchanged
    required: bool = False


class Message(NamedTuple):
    """A message within a message. ``make`` says what its settings are here, once all of them are fine."""

    name: str
    fields: "Sequence[Field]"
    make: Callable[[Node, Settings], Settings] = _as_said
    required: bool = False


class OneOf(NamedTuple):
    """Fields of which one is set."""

    choices: Sequence[Option | Message]
    required: bool = True


Field = Option | Message | OneOf


def _leaf(parse: Parser[Any]) -> Callable[[Node], Any]:
    return lambda node: parse(node.value)


def _uint32(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**32:
        raise RefusedError(f"expected a whole number from 0 to {2**32 - 1}, found {show(value)}")
    return value


def _float(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise RefusedError(f"expected a number, found {show(value)}")
    return float(value)


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise RefusedError(f"expected true or false, found {show(value)}")
    return value


def _list_of(parse: Parser[Any]) -> Callable[[Node], list[Any]]:
    return lambda node: [value for _, value in read_list(node, _leaf(parse))]


def _strings(node: Node) -> dict[str, str]:
    if not isinstance(node.value, dict):
        raise RefusedError(f"expected an object, found {show(node.value)}")
    for name, value in node.value.items():
        if not isinstance(value, str):
            node.fail("expected a string", at=(name,))
    return node.value


def _enum_name(names: Sequence[str]) -> Parser[str]:
    def parse(value: object) -> str:
        if type(value) is int and 0 <= value < len(names):
            return names[value]
        if isinstance(value, str) and value in names:
            return value
        raise RefusedError(f"expected {one_of(names)}, found {show(value)}")

    return parse


STRING = Wire(_leaf(text), "")
BOOL = Wire(_leaf(_bool), False)
UINT32 = Wire(_leaf(_uint32), 0)
FLOAT = Wire(_leaf(_float), 0.0)
STRINGS = Wire(_list_of(text), [])
UINT32S = Wire(_list_of(_uint32), [])
STRING_MAP = Wire(_strings, {})


def enum(*names: str) -> Wire:
    """An enum whose numbers are 0, 1 ...; the first name is what an absent field means."""
    return Wire(_leaf(_enum_name(names)), names[0], says_zero=True)


def enums(*names: str) -> Wire:
    """A list of an enum's values."""
    return Wire(_list_of(_enum_name(names)), [])


class JsonReading(Reading):
    """A reading of a JSON text."""

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return json_lines(self.document)


def parse_json(document: str) -> object:
    """The value of a JSON text. Raises RefusedError, JSONDecodeError, RecursionError or ValueError."""
    return json.loads(document, object_pairs_hook=_unique, parse_constant=_no_constant)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise RefusedError(f"the key {show(twice)} is in one object twice")
    return found


def _no_constant(name: str) -> object:
    raise RefusedError(f"{name} is not JSON")


def read_fields(node: Node, fields: Sequence[Field]) -> Settings:
    """What a message says. Every mistake is reported; a message with a mistake inside says nothing of that part."""
    found = _by_name(node, (choice for field in fields for choice in _choices(field)))
    settings: Settings = {}
    for field in fields:
        chosen = _choose(node, field, found) if isinstance(field, OneOf) else field
        match chosen:
            case Option():
                settings |= _read_option(node, chosen, found.get(chosen.name))
            case Message():
                settings |= _read_message(node, chosen, found.get(chosen.name))
    return settings


def _choices(field: Field) -> Sequence[Option | Message]:
    return field.choices if isinstance(field, OneOf) else (field,)


def _by_name(node: Node, fields: Iterable[Option | Message]) -> Mapping[str, Node]:
    if not isinstance(node.value, dict):
        raise RefusedError(f"expected an object, found {show(node.value)}")
    names = dict.fromkeys(field.name for field in fields)
    accepted = {spelling: name for name in names for spelling in (name, _snake_case(name))}
    found: dict[str, Node] = {}
    for written, value in node.value.items():
        name = accepted.get(written)
        if name is None:
            hint = did_you_mean(written, names) or f"known here: {', '.join(names)}"
            node.fail("no such field", hint, at=(written,))
        elif name in found:
            node.fail(f"{name} is here twice, in both spellings", at=(written,))
        elif value is not None:
            found[name] = Node(value, (*node.path, written), node.reading)
    return found


def _snake_case(name: str) -> str:
    return _CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)


def _choose(node: Node, group: OneOf, found: Mapping[str, Node]) -> Option | Message | None:
    chosen = [choice for choice in group.choices if choice.name in found]
    if len(chosen) > 1:
        node.fail(f"{' and '.join(choice.name for choice in chosen)} exclude each other")
    elif not chosen and group.required:
        node.fail(f"expected {one_of(choice.name for choice in group.choices)}, found none")
    return chosen[0] if len(chosen) == 1 else None


def _read_option(outer: Node, option: Option, node: Node | None) -> Settings:
    value = option.wire.zero if node is None else attempt(node, option.wire.read)
    if value is None:
        return {}
    if value == option.wire.zero and not option.wire.says_zero:
        if option.required:
            (node or outer).fail(f"{option.name} is missing, empty or 0")
        return {}
    place = node or Node(value, outer.path, outer.reading)
    ours = attempt(place, lambda _: option.to(value))
    return {} if ours is None else {option.key: Said(ours, place.path)}


def _read_message(outer: Node, message: Message, node: Node | None) -> Settings:
    if node is None:
        if message.required:
            outer.fail(f'missing "{message.name}"')
        return {}
    before = len(outer.reading.problems)
    settings = attempt(node, lambda place: read_fields(place, message.fields))
    if settings is None or len(outer.reading.problems) > before:
        return {}
    return attempt(node, lambda place: message.make(place, settings)) or {}
