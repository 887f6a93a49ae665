"""The man page kglb-actors(1): hand-written roff in ``man.roff``, with the verbs from the parsers in their place."""

import re
from collections.abc import Iterator
from pathlib import Path

from generate.commands import Argument, Command, program
from kglb import __version__

TEMPLATE = Path(__file__).with_name("man.roff")


def man_page() -> str:
    """The page's text."""
    verbs = "\n".join(line for verb in program().commands for line in _verb(verb))
    return TEMPLATE.read_text().replace("@VERSION@", __version__).replace("@VERBS@", verbs)


def _verb(command: Command) -> Iterator[str]:
    words = [
        f"[{one}]" if argument.is_optional else one for argument in command.positionals for one in [_value(argument)]
    ]
    yield f".SS {' '.join([*map(_text, command.path), *words])}"
    yield _text(command.description)
    for argument in command.arguments:
        if argument.flags == ("-h", "--help"):
            continue
        yield ".TP"
        yield _name(argument)
        yield _text(argument.help) or "."
    if command.epilog:
        yield ".PP"
        yield _text(command.epilog)
    for each in command.commands:
        yield from _verb(each)


def _name(argument: Argument) -> str:
    if not argument.flags:
        return _value(argument)
    value = f" {_value(argument)}" if argument.value else ""
    return ", ".join(f"\\fB{_text(flag)}\\fR" for flag in argument.flags) + value


def _value(argument: Argument) -> str:
    if argument.choices:
        return "|".join(map(_text, argument.choices))
    return f"\\fI{_text(argument.value)}\\fR"


def _text(text: str) -> str:
    """Text for roff: a dash that is to be copied, a backslash, and no control line by accident."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped)
