"""``kglb-actors check``: is this config right? Its summary and warnings, or every mistake; or what configs are like."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from importlib import resources

import msgspec

from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, put, put_json, warn
from kglb.config.load import load
from kglb.config.problems import ConfigError, Problem
from kglb.config.summary import describe
from kglb.config.targets import read_targets
from kglb.model import Config

SCHEMA = "kglb-actors.schema.json"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake or a warning: the file, the key (empty for the whole file), the line if it is known, what is wrong and
    what was expected, and what to do, empty where nothing is known.
    """

    file: str
    path: str
    line: int | None
    message: str
    remedy: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the config is right, and what was found. A config with mistakes has no warnings and no numbers."""

    config: str
    ok: bool
    mistakes: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    balancers: int = 0
    reals: int = 0
    pools: int = 0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "check",
        description="Check a config, and do nothing else. Exit code 0: it is valid, and a summary is printed; 2: "
        "every mistake is printed.",
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="the configuration: TOML, or KgLb's JSON")
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")
    parser.add_argument("--schema", action="store_true", help="instead, print the JSON Schema of configs, for editors")


def run(args: argparse.Namespace) -> int:
    """Print the summary, or the mistakes, or the schema: 0 or 2."""
    if args.schema:
        sys.stdout.buffer.write(resources.files("kglb.config").joinpath(SCHEMA).read_bytes())
        return EXIT_OK
    if args.config is None:
        raise Failed(EXIT_USAGE, "no config to check", "name one, or print the schema with --schema")
    if args.output == "json":
        return _answer_in_json(args.config)
    try:
        loaded = load(args.config)
    except ConfigError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        return EXIT_USAGE
    warn([*loaded.warnings, *(caution.render(loaded.source) for caution in _sources(loaded.config))])
    for line in describe(loaded.config):
        put(line)
    return EXIT_OK


def _answer_in_json(path: str) -> int:
    try:
        loaded = load(path)
    except ConfigError as error:
        put_json(
            msgspec.json.encode(Answer(config=error.source, ok=False, mistakes=_findings(error.problems, error.source)))
        )
        return EXIT_USAGE
    balancers = loaded.config.balancers
    answer = Answer(
        config=loaded.source,
        ok=True,
        warnings=_findings((*loaded.cautions, *_sources(loaded.config)), loaded.source),
        balancers=len(balancers),
        reals=sum(len(balancer.reals) for balancer in balancers),
        pools=sum(len(balancer.pools) for balancer in balancers),
    )
    put_json(msgspec.json.encode(answer))
    return EXIT_OK


def _sources(config: Config) -> Iterator[Problem]:
    """Files of targets that say nothing now: not a mistake of the config, since whoever writes them may come later."""
    for path in dict.fromkeys(pool.place for one in config.balancers for pool in one.pools if pool.kind == "file"):
        try:
            read = read_targets(path, None)
        except OSError as error:
            yield Problem("", None, f"the file {path} says nothing now: {error}")
        else:
            if read is not None and read.problem:
                yield Problem("", None, f"the file {path} says nothing now: {read.problem}")


def _findings(problems: Iterable[Problem], source: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(file=one.file or source, path=one.path, line=one.line, message=one.message, remedy=one.hint)
        for one in problems
    )
