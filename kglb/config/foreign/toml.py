"""A document as TOML text, for a person to keep: strings, numbers, booleans, lists and tables. Reads nothing."""

import json
import re
from collections.abc import Iterator, Mapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 100


def to_toml(document: Mapping[str, object]) -> str:
    """The text that ``tomllib`` reads as ``document``. A list of tables is written as ``[[name]]``.

    >>> print(to_toml({"balancer": [{"name": "web", "check": {"type": "tcp"}}]}), end="")
    [[balancer]]
    name = "web"
    <BLANKLINE>
    [balancer.check]
    type = "tcp"
    """
    return "\n".join(_table("", document)).strip("\n") + "\n"


def _table(path: str, table: Mapping[str, object]) -> Iterator[str]:
    """A table's own keys first: what follows the header of an inner table is the inner table's."""
    inner = {name: tables for name, value in table.items() if (tables := _tables(value))}
    for name, value in table.items():
        if name not in inner:
            yield f"{_key(name)} = {_value(value)}"
    for name, tables in inner.items():
        full = f"{path}.{_key(name)}" if path else _key(name)
        header = f"[[{full}]]" if isinstance(table[name], list) else f"[{full}]"
        for element in tables:
            yield from ("", header)
            yield from _table(full, element)


def _tables(value: object) -> list[Mapping[str, object]]:
    """The tables that a value is or holds."""
    elements = value if isinstance(value, list) else [value]
    return [element for element in elements if isinstance(element, Mapping)]


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def _value(value: object) -> str:
    match value:
        case str():
            return _string(value)
        case bool():
            return "true" if value else "false"
        case list():
            elements = [_value(element) for element in value]
            line = f"[{', '.join(elements)}]"
            return line if len(line) <= _WIDTH else "[\n" + "".join(f"  {element},\n" for element in elements) + "]"
        case int() | float():
            return repr(value)
    raise TypeError(f"not written as TOML: {value!r}")


def _string(value: str) -> str:
    """JSON's escapes are TOML's, except that TOML also wants DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
