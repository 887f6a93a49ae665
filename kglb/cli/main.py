"""``kglb-actors``: finds the verb, loads its module and no other, and turns what it raises into an exit code.

A verb is a module with ``add_parser(subparsers)`` and ``run(args) -> int``. Only the chosen one is imported, so
that ``--help`` is quick.
"""

import argparse
import gc
import importlib
import re
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from kglb import __version__
from kglb.cli.output import EXIT_INTERRUPTED, EXIT_OK, Failed, abandon_stdout, complain


class Verb(NamedTuple):
    """Where a verb is found, and what it does."""

    module: str
    summary: str


VERBS = {
    "run": Verb("kglb.cli.run", "run the daemon"),
    "check": Verb("kglb.cli.check", "check a config, and report every mistake"),
    "plan": Verb("kglb.cli.plan", "show what a config would change, and change nothing"),
    "doctor": Verb("kglb.cli.doctor", "find what will cause trouble on this machine, and its fix"),
    "convert": Verb("kglb.cli.convert", "convert the config of KgLb or keepalived"),
    "exabgp-helper": Verb("kglb.cli.exabgp_helper", "announce routes: ExaBGP runs this"),
    "reload": Verb("kglb.cli.reload", "make the running daemon read its config again"),
    "status": Verb("kglb.cli.status", "show services and reals with their health and weights"),
    "top": Verb("kglb.cli.top", "show the same live, in the terminal"),
    "drain": Verb("kglb.cli.drain", "take a real or a host out of rotation"),
    "restore": Verb("kglb.cli.restore", "end a drain or a weight set by hand"),
    "weight": Verb("kglb.cli.weight", "give a real another weight"),
    "stop": Verb("kglb.cli.stop", "stop the running daemon"),
    "tail": Verb("kglb.cli.tail", "show what happened, in plain sentences"),
    "notify": Verb("kglb.cli.notify", "tell a URL or a program what happens"),
    "explain": Verb("kglb.cli.explain", "say why a real, service, address or route is as it is"),
    "replay": Verb("kglb.cli.replay", "show the state of the data plane at any moment"),
    "verify": Verb("kglb.cli.verify", "decide everything in a journal again, and compare"),
    "whatif": Verb("kglb.cli.whatif", "show what other settings would have changed"),
    "report": Verb("kglb.cli.report", "write what happened as one HTML page"),
    "journal": Verb("kglb.cli.journal", "journal files: stat, fsck, repair, export, metrics, prune"),
}


class _VerbModule(Protocol):
    def add_parser(self, subparsers: "argparse._SubParsersAction[Any]") -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


class _Parser(argparse.ArgumentParser):
    """Asks how wide the terminal is when there is something to print, and not for each argument that is added: argparse
    asks ``shutil``, which brings every compressor along.

    The outermost is the one that complains of what a verb's parser leaves over: it then shows how ``chosen`` is used.
    """

    chosen: argparse.ArgumentParser | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=partial(argparse.HelpFormatter, width=80), **options)

    def format_usage(self) -> str:
        if self.chosen is not None:
            return self.chosen.format_usage()
        self.formatter_class = argparse.HelpFormatter
        return super().format_usage()

    def format_help(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_help()


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    argv = _joined(sys.argv[1:] if arguments is None else arguments)
    parser, verb = parser_for(argv)
    args = parser.parse_args(argv)
    assert verb is not None  # else parse_args has left
    try:
        code = verb.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        if not abandon_stdout():
            raise
        return EXIT_OK
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Failed as failed:
        complain(failed)
        return failed.code
    except Exception as error:
        from kglb.cli.failures import failure_of  # noqa: PLC0415 - it imports every floor

        known = failure_of(error)
        if known is None:
            raise
        complain(known)
        return known.code
    return code


def _joined(arguments: Iterable[str]) -> list[str]:
    """``--since -5m`` as ``--since=-5m``: argparse takes whatever begins with a dash for an option.

    What follows ``--exec`` is another program's.
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and "--exec" not in joined and re.match(r"-\d", argument) and re.fullmatch(r"--[a-z-]+", joined[-1]):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def parser_for(argv: Sequence[str]) -> tuple[argparse.ArgumentParser, _VerbModule | None]:
    """The parser for a command line, and its verb's module: only that verb is described in full."""
    parser = _Parser(
        prog="kglb-actors",
        description="Keep Linux IPVS in step with the health of its real servers, and say why everything is as it is.",
        epilog="Exit codes: 0 success, 1 the answer is no, 2 wrong usage or config, 3 this machine lacks something.",
    )
    parser.add_argument("--version", action="version", version=f"kglb-actors {__version__}")
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    if argv and argv[0] in VERBS:
        gc.disable()  # what is imported stays: looking for cycles in it takes a tenth of the time
        verb: _VerbModule = importlib.import_module(VERBS[argv[0]].module)
        gc.enable()
        verb.add_parser(subparsers)
        parser.chosen = subparsers.choices[argv[0]]
        return parser, verb
    for name, (_, summary) in VERBS.items():
        subparsers.add_parser(name, help=summary)
    return parser, None


if __name__ == "__main__":
    sys.exit(main())
