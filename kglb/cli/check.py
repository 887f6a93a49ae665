"""``kglb-actors check``: is this config right? Its summary and warnings, or every mistake."""

import argparse
import sys

from kglb.cli.output import EXIT_OK, EXIT_USAGE, put, warn
from kglb.config import ConfigError, describe, load


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "check",
        description="Check a config and do nothing: 0 and a summary if it is right, else 2 and every mistake.",
    )
    parser.add_argument("config", metavar="CONFIG", help="the configuration: TOML, or KgLb's JSON")


def run(args: argparse.Namespace) -> int:
    """Print the summary, or the mistakes: 0 or 2."""
    try:
        loaded = load(args.config)
    except ConfigError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        return EXIT_USAGE
    warn(loaded.warnings)
    for line in describe(loaded.config):
        put(line)
    return EXIT_OK
