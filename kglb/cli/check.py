"""``kglb-actors check``: is this config right? Its summary and warnings, or every mistake; or what configs are like."""

import argparse
import sys
from importlib import resources

from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, put, warn
from kglb.config.load import load
from kglb.config.problems import ConfigError
from kglb.config.summary import describe

SCHEMA = "kglb-actors.schema.json"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "check",
        description="Check a config and do nothing: 0 and a summary if it is right, else 2 and every mistake.",
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="the configuration: TOML, or KgLb's JSON")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of configs, for editors, instead")


def run(args: argparse.Namespace) -> int:
    """Print the summary, or the mistakes, or the schema: 0 or 2."""
    if args.schema:
        sys.stdout.buffer.write(resources.files("kglb.config").joinpath(SCHEMA).read_bytes())
        return EXIT_OK
    if args.config is None:
        raise Failed(EXIT_USAGE, "no config to check", "name one, or print with --schema what configs are like")
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
