"""``kglb-actors convert FORMAT FILE``: another program's config as our TOML, on stdout. Writes nothing else."""

import argparse
import sys

from kglb.cli.output import EXIT_OK, EXIT_USAGE, Failed, warn
from kglb.config.load import convert_keepalived, convert_kglb, parse


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "convert",
        description="Convert the config of another program to TOML: KgLb's JSON, or the virtual servers of "
        "keepalived. An option without a counterpart is an error; docs/kglb.md and docs/keepalived.md list every "
        "option.",
    )
    parser.add_argument("format", choices=("kglb", "keepalived"), metavar="FORMAT", help="kglb or keepalived")
    parser.add_argument("config", metavar="FILE", help="the config to convert")
    parser.add_argument(
        "--leave-out",
        action="store_true",
        help="keepalived only: leave out options without a counterpart, with a warning",
    )


def run(args: argparse.Namespace) -> int:
    """Print the TOML, and warnings on stderr: 0, or 2 if the config, or what it is here, is refused."""
    if args.format == "keepalived":
        text, told = convert_keepalived(args.config, leave_out=args.leave_out)
        _print(text)
        warn(told)
        warn(parse(text, source="the TOML").warnings)
        return EXIT_OK
    if args.leave_out:
        raise Failed(EXIT_USAGE, "--leave-out is for keepalived's config", "of KgLb's nothing is left out")
    text, loaded = convert_kglb(args.config)
    warn(loaded.warnings)
    _print(text)
    return EXIT_OK


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode())  # TOML is UTF-8 whatever the locale
    sys.stdout.buffer.flush()
