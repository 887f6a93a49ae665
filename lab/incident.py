"""An incident's round trip: a journal that was copied elsewhere gives the same answers there.

``keep`` copies a journal and notes what the verbs say of the original. ``python -m lab.incident DIRECTORY``
asks the copy the same questions, in another kernel or on another machine, and compares. Exit status 0: all
the same; 1: not so. Neither needs the daemon, nor the network it ran in.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from lab.narration import Narrator

JOURNAL = "JOURNAL"
"""Stands for the journal's place in a question."""

COPY = "journal"
ANSWERS = "answers.json"
VERBS = (sys.executable, "-m", "kglb.cli.main")
"""``kglb-actors`` of this tree, whichever is installed."""

TIMEOUT = 120.0

Question = tuple[str, ...]
"""The arguments of ``kglb-actors``, with JOURNAL where the journal goes."""


class Kept(msgspec.Struct, frozen=True):
    """A question and what the original journal answered."""

    question: Question
    answer: Any


def ask(question: Question, journal: Path) -> str:
    """What the verb prints; raises RuntimeError with what it complains of."""
    done = subprocess.run(
        [*VERBS, *placed(question, journal)], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"kglb-actors {' '.join(question)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def placed(question: Question, journal: Path) -> list[str]:
    """The question's arguments, about the journal at this place."""
    return [str(journal) if word == JOURNAL else word for word in question]


def keep(journal: Path, directory: Path, questions: Sequence[Question]) -> Path:
    """Copy the journal into ``directory``, beside what it answers to each question; returns the copy's place."""
    answers = [Kept(question, _answer(question, journal)) for question in questions]
    copy = directory / COPY
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(journal, copy, ignore=shutil.ignore_patterns("*.lock"))
    (directory / ANSWERS).write_bytes(msgspec.json.format(msgspec.json.encode(answers)) + b"\n")
    return copy


def _answer(question: Question, journal: Path) -> Any:
    return json.loads(ask((*question, "-o", "json"), journal))


def main(directory: Path) -> int:
    """Ask the copy again; returns the exit status."""
    narrator = Narrator()
    journal = directory / COPY
    answers = msgspec.json.decode((directory / ANSWERS).read_bytes(), type=list[Kept])
    narrator.heading("8. The incident travels")
    narrator.say(
        f"The lab has gone; {journal} is a copy of what its daemon recorded. This is the host, where there has "
        "never been a VIP, a real server or a daemon. The same questions, asked here:"
    )
    narrator.gap()
    for kept in answers:
        narrator.command("kglb-actors", *placed(kept.question, journal))
    narrator.quote(ask(answers[0].question, journal).splitlines())
    same = sum(_answer(kept.question, journal) == kept.answer for kept in answers)
    narrator.claim(
        f"{same} of {len(answers)} answers are, field by field, those that the original gave in the lab",
        holds=same == len(answers) > 0,
    )
    narrator.gap()
    narrator.say(f"Everything is in {journal}, as JSON lines. All that happened, in plain sentences:")
    narrator.gap()
    narrator.command(".venv/bin/kglb-actors", "tail", "-n", "100", "--journal", str(journal))
    return 1 if narrator.broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
