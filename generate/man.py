"""The man page kglb-actors(1): hand-written roff in ``man.roff``, with the verbs from the parsers in their place."""

from collections.abc import Iterator
from pathlib import Path

from generate.commands import Argument, Command, program
from generate.roff import bold, italic, text
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
    yield f".SS {' '.join([*map(text, command.path), *words])}"
    yield text(command.description)
    for argument in command.arguments:
        if argument.flags == ("-h", "--help"):
            continue
        yield ".TP"
        yield _name(argument)
        yield text(argument.help) or "."
    if command.epilog:
        yield ".PP"
        yield text(command.epilog)
    for each in command.commands:
        yield from _verb(each)


def _name(argument: Argument) -> str:
    if not argument.flags:
        return _value(argument)
    value = f" {_value(argument)}" if argument.value else ""
    return ", ".join(bold(flag) for flag in argument.flags) + value


def _value(argument: Argument) -> str:
    if argument.choices:
        return "|".join(map(text, argument.choices))
    return italic(argument.value)
