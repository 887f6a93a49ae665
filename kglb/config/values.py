"""Parsers of single values: what TOML gave in, what the model wants out, ``RefusedError`` for the rest.

None of them knows where the value stands, and none of them does I/O. Each can say, for editors, what it takes: its
shape in the terms of JSON Schema; and, where the model has a value otherwise, how the config spells it.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from kglb.config.problems import RefusedError, show

T = TypeVar("T")
Parser = Callable[[object], T]

Shape = Mapping[str, object]
"""What a parser takes, as JSON Schema has it. It may allow more than the parser does, never less."""

_Shaped = TypeVar("_Shaped", bound=Callable[..., object])

OFF = "off"
"""What turns an option off where there is no other word for it."""

LONGEST_TEXT = 8192
"""In characters: what a message may have to show."""

LONGEST_SOCKET_PATH = 107
"""In bytes: ``sun_path`` of unix(7), without the zero that ends it."""

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|s|m|h|d)")
_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB|TiB)")
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_BARE_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def shaped(**shape: object) -> Callable[[_Shaped], _Shaped]:
    """Give a parser, or a reader, its shape."""

    def give(parse: _Shaped) -> _Shaped:
        parse.__dict__["shape"] = shape
        return parse

    return give


def shape_of(parse: Callable[..., object]) -> Shape:
    """The shape of a parser or a reader; empty, which takes everything, if it has none."""
    shape: Shape = getattr(parse, "shape", {})
    return shape


def spelled_by(spell: Callable[[Any], object]) -> Callable[[_Shaped], _Shaped]:
    """Give a parser, or a reader, the way back from the model's value to the config's."""

    def give(parse: _Shaped) -> _Shaped:
        parse.__dict__["spell"] = spell
        return parse

    return give


def spelled(parse: Callable[..., object], value: object) -> object:
    """A value of the model as the config spells it: itself, where its parser or reader knows no other way."""
    spell: Callable[[object], object] | None = getattr(parse, "spell", None)
    if spell is not None:
        return spell(value)
    return list(value) if isinstance(value, tuple) else value


def did_you_mean(found: str, names: Iterable[str]) -> str:
    """The hint that names the closest known name, empty when none is close."""
    import difflib  # noqa: PLC0415 - for mistakes alone

    close = difflib.get_close_matches(found.lower(), list(names), n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def one_of(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return "one of " + ", ".join(f'"{name}"' for name in names)


@shaped(type="string")
def text(value: object, most: int = LONGEST_TEXT) -> str:
    """A string of printable characters, at most ``most`` of them."""
    if not isinstance(value, str):
        raise RefusedError(f"expected a string, found {show(value)}")
    if len(value) > most:
        raise RefusedError(f"expected at most {most} characters, found {len(value)}")
    if not value.isprintable():
        raise RefusedError(f"expected a string without control characters, found {show(value)}")
    return value


@shaped(type="string", minLength=1)
def nonempty(value: object) -> str:
    """A string with something in it."""
    if not (found := text(value)):
        raise RefusedError("cannot be empty")
    return found


@shaped(type="string", pattern="^/")
def absolute_path(value: object) -> str:
    """The path of a file, from the root: the daemon may run in any directory."""
    found = nonempty(value)
    if not found.startswith("/"):
        raise RefusedError(f"expected a path that starts with /, found {show(found)}")
    return found


@shaped(type="string", pattern="^/", maxLength=LONGEST_SOCKET_PATH)
def socket_path(value: object) -> str:
    """The path of a Unix socket: from the root, and as long as the kernel takes one (unix(7), sun_path)."""
    found = nonempty(value)
    if not found.startswith("/"):
        raise RefusedError(f"expected a path that starts with /, found {show(found)}")
    if (length := len(os.fsencode(found))) > LONGEST_SOCKET_PATH:
        raise RefusedError(f"expected a path of at most {LONGEST_SOCKET_PATH} bytes for a socket, found {length}")
    return found


def choice(names: Iterable[str], aliases: Mapping[str, str] | None = None) -> Parser[str]:
    """One of ``names``, or an alias of one; gives the name."""
    meaning = {name: name for name in names} | dict(aliases or {})
    canonical = tuple(dict.fromkeys(meaning.values()))

    @shaped(enum=list(meaning))
    def parse(value: object) -> str:
        found = text(value)
        if found not in meaning:
            raise RefusedError(f"expected {one_of(canonical)}, found {show(found)}", did_you_mean(found, meaning))
        return meaning[found]

    return parse


def integer(least: int, most: int) -> Parser[int]:
    """A whole number from ``least`` to ``most``."""

    @shaped(type="integer", minimum=least, maximum=most)
    def parse(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise RefusedError(f"expected a whole number from {least} to {most}, found {show(value)}")
        return value

    return parse


@shaped(type="boolean")
def boolean(value: object) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise RefusedError(f"expected true or false, found {show(value)}")
    return value


@shaped(type="number", minimum=0, maximum=1)
def ratio(value: object) -> float:
    """A share from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise RefusedError(f"expected a number from 0 to 1, found {show(value)}")
    return float(value)


def duration(least: str, most: str = "365d") -> Parser[float]:
    """A length of time with its unit (ms, s, m, h, d) from ``least`` to ``most``; gives seconds."""
    shortest, longest = _seconds(least), _seconds(most)
    assert shortest is not None
    assert longest is not None
    expected = f'expected a duration like "500ms", "5s", "2m" of at least {least}'

    @shaped(type="string", pattern=f"^{_DURATION.pattern}$")
    @spelled_by(duration_text)
    def parse(value: object) -> float:
        seconds = _seconds(value)
        if seconds is None:
            raise RefusedError(f"{expected}, found {show(value)}", _with_unit(value, "s"))
        if seconds < shortest:
            raise RefusedError(f"{expected}, found {show(value)}")
        if seconds > longest:
            raise RefusedError(f"expected a duration of at most {most}, found {show(value)}")
        return seconds

    return parse


def _seconds(value: object) -> float | None:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(Decimal(found[1]) * _SECONDS[found[2]]) if found else None


def _with_unit(value: object, unit: str) -> str:
    number = show(value).strip('"')
    return f'write "{number}{unit}"' if _BARE_NUMBER.fullmatch(number) else ""


def size(least: str) -> Parser[int]:
    """An amount of storage with its unit (B, KiB, MiB, GiB, TiB) of at least ``least``; gives bytes."""
    smallest = _bytes(least)
    assert smallest is not None

    @shaped(type="string", pattern=f"^{_SIZE.pattern}$")
    @spelled_by(_size_text)
    def parse(value: object) -> int:
        found = _bytes(value)
        if found is None or found < smallest:
            hint = _with_unit(value, "MiB") if found is None else ""
            raise RefusedError(f'expected a size like "512MiB", "1GiB" of at least {least}, found {show(value)}', hint)
        return found

    return parse


def _bytes(value: object) -> int | None:
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _BYTES[found[2]] if found else None


def _size_text(size: int) -> str:
    unit = next(unit for unit in reversed(_BYTES) if size % _BYTES[unit] == 0)
    return f"{size // _BYTES[unit]}{unit}"


def or_off(parse: Parser[T], off: T) -> Parser[T]:
    """What ``parse`` accepts, or "off", which gives ``off``."""

    @shaped(anyOf=[shape_of(parse), {"const": OFF}])
    @spelled_by(lambda value: OFF if value == off else spelled(parse, value))
    def parse_or_off(value: object) -> T:
        return off if value == OFF else parse(value)

    return parse_or_off


def duration_text(seconds: float) -> str:
    """Seconds as the config writes them.

    >>> duration_text(0.25), duration_text(5.0), duration_text(120.0)
    ('250ms', '5s', '2m')
    """
    if seconds < 1:
        return f"{seconds * 1000:.15g}ms"
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.15g}{unit}"
    return f"{seconds:.15g}s"
