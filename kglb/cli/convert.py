"""``kglb-actors convert kglb FILE``: KgLb's JSON as our TOML on stdout. Writes no file and starts nothing."""

import argparse
import sys

from kglb.cli.output import EXIT_OK, warn
from kglb.config.load import convert_kglb


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "convert",
        description="Print another program's config as ours. An option without a counterpart is an error, "
        "never left out; docs/kglb.md has them all.",
    )
    parser.add_argument("format", choices=("kglb",), metavar="FORMAT", help="whose config it is: kglb (its JSON)")
    parser.add_argument("config", metavar="FILE", help="the config to convert")


def run(args: argparse.Namespace) -> int:
    """Print the TOML, and warnings on stderr: 0, or 2 if the config is refused."""
    text, loaded = convert_kglb(args.config)
    warn(loaded.warnings)
    sys.stdout.buffer.write(text.encode())  # TOML is UTF-8 whatever the locale
    return EXIT_OK
