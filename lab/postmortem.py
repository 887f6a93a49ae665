"""``python -m lab.postmortem DRILL [OTHER]``: is what a drill's journal says what really happened?

Needs no lab: the journal has travelled. Every decision is decided again; ``explain`` must name, of each transition of
a real, what the drill had really done to it; and with OTHER, the same drill under ``fall`` of its own, ``whatif`` must
foretell its transitions to within one check interval. Exit status 0: all that holds; 1: not so.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lab.drill import ACCOUNT, NOTE, Account, Fault
from lab.drill import JOURNAL as PLACE
from lab.incident import JOURNAL, ask, placed
from lab.narration import Narrator

Line = dict[str, Any]
"""A record as its line in the journal has it."""


class Transition(NamedTuple):
    """A real became healthy or not, so many seconds after the first of the probes that said so."""

    healthy: bool
    after: float


class Drilled:
    """A drill's account, and the lines of its journal, read as any program can read them."""

    def __init__(self, directory: Path) -> None:
        self.journal = directory / PLACE
        self.account = msgspec.json.decode((directory / ACCOUNT).read_bytes(), type=Account)
        segments = sorted(self.journal.glob("*.jsonl"))
        self.lines: list[Line] = [json.loads(line) for path in segments for line in path.read_text().splitlines()]

    def of(self, *kinds: str, since: float = 0.0) -> Iterator[Line]:
        """The lines of events of these kinds, from a moment (Unix time) on."""
        return (line for line in self.lines if line["event"]["type"] in kinds and seconds(line["at"]) >= since)

    def ask(self, *question: str) -> str:
        """What a verb says of the journal."""
        return ask(question, self.journal)

    def fault(self, real: str, at: float) -> Fault | None:
        """What was being done to a real; what has just ended still counts for the probes under way."""
        grace = 2 * self.account.interval
        return next(
            (one for one in self.account.faults if one.real == real and one.begun <= at <= one.ended + grace), None
        )

    def transitions(self, changes: Iterable[tuple[str, str, bool]]) -> dict[str, list[Transition]]:
        """Of each real, from (time, real, healthy), until the daemon was killed: after that the disk is full."""
        flips = [
            (seconds(line["at"]), line["event"]["real"], line["event"]["outcome"] == "success")
            for line in self.of("ProbeFlipped")
        ]
        found: dict[str, list[Transition]] = {}
        for time, real, healthy in changes:
            at = seconds(time)
            if at < self.account.killed:
                begun = max(flip for flip, who, passed in flips if (who, passed) == (real, healthy) and flip <= at)
                found.setdefault(real, []).append(Transition(healthy, at - begun))
        return found

    def explains(self, line: Line) -> bool:
        """Whether ``explain`` has this change in its chain, and of a real that is down what was done to it."""
        real, healthy = line["event"]["real"], line["event"]["healthy"]
        said = self.ask("explain", real, "--seq", str(self.decision_after(line)), "--journal", JOURNAL)
        if re.search(rf" {line['seq']} +health ", said) is None:
            return False
        fault = self.fault(real, seconds(line["at"]))
        return healthy or (fault is not None and re.search(fault.reason, said.partition("\n\n")[0]) is not None)

    def decision_after(self, line: Line) -> int:
        """The first decision after a record, or the record itself."""
        seq: int = line["seq"]
        return next((one["seq"] for one in self.of("BalancerDecided") if one["seq"] > seq), seq)


def seconds(at: str) -> float:
    """A record's time as Unix time."""
    return datetime.fromisoformat(at).timestamp()


def decide_again(drilled: Drilled, narrator: Narrator) -> None:
    """``verify``: the same decisions, from the recorded inputs."""
    narrator.heading("Every decision again")
    question = ("verify", JOURNAL)
    narrator.command("kglb-actors", *placed(question, drilled.journal))
    said = drilled.ask(*question)
    narrator.quote(said.splitlines())
    narrator.claim("today's code decides what was decided", holds=said.startswith("identical:"))


def explain_everything(drilled: Drilled, narrator: Narrator) -> None:
    """``explain``: of each transition what was really done; of an order, who and why; of a repair, the foreign hand."""
    narrator.heading("Why?")
    changes = list(drilled.of("HealthChanged"))
    with ThreadPoolExecutor() as pool:
        named = sum(pool.map(drilled.explains, changes))
    narrator.claim(
        f"explain names the true cause of {named} of {len(changes)} transitions", holds=named == len(changes) > 0
    )
    account = drilled.account
    drained = next(drilled.of("RealDrained", since=account.drained))
    _shown(drilled, narrator, drained, rf"drained it: {NOTE}", "the operator and the note")
    drift = next(drilled.of("DriftFound", since=account.meddled))
    _shown(drilled, narrator, drift, "somebody else changed the kernel: .* weight 7", "the foreign hand")
    restart = next(drilled.of("DaemonStarted", since=account.killed))
    fault = next(drilled.of("ProbeFlipped", since=account.full))
    touched = [line for line in drilled.of("OperationsApplied") if restart["seq"] < line["seq"] < fault["seq"]]
    narrator.claim(f"after kill -9 the kernel was changed by {len(touched)} operations", holds=not touched)
    numbers = [line["seq"] for line in drilled.lines]
    narrator.claim(
        f"the disk was full for a while, and none of the {len(numbers)} records is missing",
        holds=numbers == list(range(1, len(numbers) + 1)) and not any(drilled.of("JournalGap")),
    )


def _shown(drilled: Drilled, narrator: Narrator, line: Line, pattern: str, what: str) -> None:
    event = line["event"]
    real = event["real"] if "real" in event else event["changes"][0]["destination"]["real"]
    seq = line["seq"] if line["event"]["type"] == "DriftFound" else drilled.decision_after(line)
    question = ("explain", real, "--seq", str(seq), "--journal", JOURNAL)
    narrator.command("kglb-actors", *placed(question, drilled.journal))
    said = drilled.ask(*question)
    narrator.quote(said.splitlines())
    narrator.claim(f"it names {what}", holds=re.search(pattern, said) is not None)


def foretell(drilled: Drilled, other: Drilled, narrator: Narrator, slack: float) -> None:
    """``whatif``: the transitions that the other drill really had, to within an interval."""
    narrator.heading(f"What if fall had been {other.account.fall}?")
    until = max(line["seq"] for line in drilled.lines if seconds(line["at"]) < drilled.account.killed)
    ends = datetime.fromtimestamp(drilled.account.killed).astimezone().isoformat()
    question = ("whatif", JOURNAL, "--set", f"balancer.web.check.fall={other.account.fall}", "--until", ends)
    narrator.command("kglb-actors", *placed(question, drilled.journal))
    narrator.quote(drilled.ask(*question).splitlines())
    said = json.loads(drilled.ask(*question, "-o", "json"))
    assert said["last"] <= until
    foretold = drilled.transitions(
        (one["at"], one["real"], one["healthy"]) for one in said["transitions"] if one["supposed"]
    )
    happened = other.transitions(
        (line["at"], line["event"]["real"], line["event"]["healthy"]) for line in other.of("HealthChanged")
    )
    same = {real: [one.healthy for one in each] for real, each in foretold.items()} == {
        real: [one.healthy for one in each] for real, each in happened.items()
    }
    count = sum(len(each) for each in happened.values())
    narrator.claim(f"the drill with fall = {other.account.fall} had the same {count} transitions", holds=same)
    if same:
        apart = [
            abs(a.after - b.after) for real in happened for a, b in zip(foretold[real], happened[real], strict=True)
        ]
        narrator.claim(
            f"each came within {max(apart):.2f} s of its time, counted from the probe that began it; "
            f"the interval is {drilled.account.interval:g} s",
            holds=max(apart) <= drilled.account.interval + slack,
        )


def main(directory: Path, other: Path | None = None, *, slack: float = 0.0) -> int:
    """Ask everything; returns the exit status. ``slack`` is in seconds, for a machine that has other things to do."""
    narrator, drilled = Narrator(), Drilled(directory)
    decide_again(drilled, narrator)
    explain_everything(drilled, narrator)
    if other is not None:
        foretell(drilled, Drilled(other), narrator, slack)
    return 1 if narrator.broken else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
