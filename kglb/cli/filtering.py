"""Which records are meant, as options and words of the command line: of the verbs that show or tell records."""

import argparse
from collections.abc import Iterator

from kglb.replay.selection import FIELDS, FilterError

FILTERS = (
    "Filters: type=HealthChanged, balancer=web, real=10.0.0.7:80 (or real=10.0.0.7, or its name in the config), "
    "service=tcp://...; if a field is given twice, either value matches."
)


def add_filter_options(parser: argparse.ArgumentParser) -> None:
    """Filters as words, and as options that mean the same; ``--grep``."""
    parser.add_argument("filters", nargs="*", metavar="FIELD=VALUE", help="only records that match (see below)")
    parser.add_argument(
        "--grep", metavar="REGEX", help="only records whose sentence matches; case is ignored if all is lower case"
    )
    for field in FIELDS:
        parser.add_argument(
            f"--{field}", action="append", default=[], metavar="VALUE", help=f"the same as {field}=VALUE"
        )


def filter_terms(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The fields and values that were given. Raises FilterError."""
    for text in args.filters:
        field, told, value = text.partition("=")
        if not told:
            raise FilterError(f"{text}: expected FIELD=VALUE, as real=10.0.0.7; --journal names the journal")
        yield field, value
    for field in FIELDS:
        for value in getattr(args, field):
            yield field, value
