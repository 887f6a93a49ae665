"""``kglb-actors journal``: what a journal is made of, whether it is intact, keeping it so, and taking it elsewhere. One
module per verb.
"""

import argparse

from kglb.cli import journal_export, journal_fsck, journal_metrics, journal_prune, journal_repair, journal_stat

_VERBS = (journal_stat, journal_fsck, journal_repair, journal_export, journal_metrics, journal_prune)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser("journal", description="Look after a journal's files.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in _VERBS:
        verb.add_parser(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what the second verb says."""
    code: int = args.run(args)
    return code
