"""``kglb-actors journal repair``: saves what is around damage, and says what is lost."""

import argparse
import sys

from journal import Loss, Repaired, repair
from kglb.cli.journal_fsck import show
from kglb.cli.output import EXIT_NO, EXIT_OK, paint_for, put
from kglb.cli.reading import add_journal_argument, journal_of
from kglb.replay.fsck import fsck


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "repair",
        help="make a damaged journal readable",
        description="Make a damaged journal readable again. Intact records stay byte for byte. A RecordsLost record "
        "takes the place of each lost one. A copy of every file that changes is kept beside it (*.damaged). The "
        "daemon must not be running. Exit code 1: the journal is still damaged.",
    )
    add_journal_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Repair, say what was done, and verify the result."""
    journal = journal_of(args)
    done = repair(journal)
    for line in _told(done):
        put(line)
    checked = fsck(journal)
    show(checked)
    return EXIT_NO if checked.faults else EXIT_OK


def _told(done: Repaired) -> list[str]:
    lost = paint_for(sys.stdout)("lost:", "bad")
    lines = [f"{lost} {_numbers(loss)} of {loss.file}: {loss.reason}" for loss in done.losses]
    lines += [f"kept: {path} as it was, in {kept_as.name}" for path, kept_as in done.kept.items()]
    if done.kept and not done.losses:
        lines.append("no record is lost: what was dropped repeated others")
    return lines


def _numbers(loss: Loss) -> str:
    if loss.last_seq is None:
        return f"record {loss.first_seq} and what came after"
    if loss.first_seq == loss.last_seq:
        return f"record {loss.first_seq}"
    return f"records {loss.first_seq} to {loss.last_seq}"
