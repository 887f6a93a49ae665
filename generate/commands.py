"""The command line as data: every verb's options and arguments, read from the parsers themselves.

argparse has no public way to look into a parser; ``_actions`` has been its name for as long as there is argparse.
"""

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path

from kglb.cli.main import VERBS, parser_for


@dataclass(frozen=True)
class Argument:
    """An option (which has flags) or a positional argument. ``value`` is its name where it takes one."""

    flags: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    is_optional: bool = False


@dataclass(frozen=True)
class Command:
    """The program, a verb, or a verb's own verb."""

    path: tuple[str, ...]
    summary: str
    description: str
    epilog: str
    arguments: tuple[Argument, ...]
    commands: tuple["Command", ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        """What begins with a dash."""
        return tuple(argument for argument in self.arguments if argument.flags)

    @property
    def positionals(self) -> tuple[Argument, ...]:
        """What does not."""
        return tuple(argument for argument in self.arguments if not argument.flags)


def program() -> Command:
    """The whole command line."""
    root, _ = parser_for([])
    parser = argparse.ArgumentParser(prog="kglb-actors")
    subparsers = parser.add_subparsers()
    for verb in VERBS.values():
        importlib.import_module(verb.module).add_parser(subparsers)
    verbs = tuple(_command((name,), subparsers.choices[name], verb.summary) for name, verb in VERBS.items())
    own = tuple(_argument(action) for action in root._actions if action.option_strings)
    return Command((), "", root.description or "", root.epilog or "", own, verbs)


def _command(path: tuple[str, ...], parser: argparse.ArgumentParser, summary: str) -> Command:
    arguments, commands = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            commands += [_command((*path, name), sub, summaries.get(name, "")) for name, sub in action.choices.items()]
        elif action.help != argparse.SUPPRESS:
            arguments.append(_argument(action))
    return Command(path, summary, parser.description or summary, parser.epilog or "", tuple(arguments), tuple(commands))


def _argument(action: argparse.Action) -> Argument:
    takes_value = action.nargs != 0
    named = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    expanded = dict(vars(action), prog="kglb-actors")
    if isinstance(expanded.get("default"), Path):
        expanded["default"] = str(expanded["default"])
    choices = tuple(map(str, action.choices or ()))
    return Argument(
        flags=tuple(action.option_strings),
        value=named if takes_value else "",
        help=(action.help or "") % expanded,
        choices=choices,
        is_path=action.type is Path or named in ("FILE", "DIRECTORY", "CONFIG", "JOURNAL", "PROGRAM", "SOCKET"),
        is_optional=action.nargs in ("?", "*"),
    )
