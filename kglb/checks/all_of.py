"""The check that is several: one after the other, over connections of their own, and all must pass.

One probe, so one outcome: health, journal and replay know nothing of its parts. What fails says which part it was.
"""

from collections.abc import Callable, Sequence
from typing import Final

from kglb.checks.dial import OUT_OF_DESCRIPTORS, verdict_of
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import REDIAL, Probe

_NO_TIME: Final = "those before it took all of the timeout"


class AllProbe(Probe):
    """Passes when each of its parts does. The first that does not says why; one timeout bounds them all.

    No part passes at once. Where a part has a gate, that is the gate of the whole.
    """

    __slots__ = ("_has_passed", "_names", "_parts", "_turn", "_weight")

    def __init__(
        self, parts: Sequence[tuple[str, Probe]], *, timeout: float, answered: Callable[[Outcome], None]
    ) -> None:
        """Parts with the names of their kinds, in their order."""
        super().__init__(timeout=timeout, answered=answered)
        self._parts = tuple(part for _, part in parts)
        self._names = tuple(f"{name} ({number} of {len(parts)})" for number, (name, _) in enumerate(parts, 1))
        self.gate = next((part.gate for part in self._parts if part.gate is not None), None)
        self._turn = 0
        self._has_passed = False
        self._weight: int | None = None

    def begin(self) -> Verdict | None:
        """Begin with the first part."""
        self._turn = 0
        self._weight = None
        return self._begin_part()

    def step(self, events: int) -> Verdict | None:
        """Go on with the part whose turn it is; once it has passed, ask for the next one's connection."""
        try:
            verdict = self._part.step(events)
        except BlockingIOError:
            raise
        except OSError as error:
            verdict = verdict_of(error.errno)
        self._mirror()
        return None if verdict is None else self._judge(verdict)

    def redial(self) -> Verdict | None:
        """Begin the next part, or the next connection of this one."""
        if self._has_passed:
            self._part.end()
            self._turn += 1
            return self._begin_part()
        try:
            verdict = self._part.redial()
        except OSError as error:
            verdict = verdict_of(error.errno, at_once=True)
        self._mirror()
        return None if verdict is None else self._judge(verdict)

    def overdue(self) -> Verdict:
        """What it says of the part whose turn it is, or of the next one if this has just passed."""
        verdict = self._judge(self._part.overdue())
        if verdict is REDIAL:
            return Verdict("failure", f"{self._names[self._turn + 1]}: no time left", _NO_TIME)
        return verdict

    def end(self) -> None:
        """Close the connection of the part."""
        self._part.end()
        self.sock = None

    @property
    def _part(self) -> Probe:
        return self._parts[self._turn]

    def _begin_part(self) -> Verdict | None:
        self._has_passed = False
        try:
            verdict = self._part.begin()
        except OSError as error:
            if not self._turn and error.errno in OUT_OF_DESCRIPTORS:
                raise  # the whole waits for one
            verdict = verdict_of(error.errno, at_once=True)
        self._mirror()
        return None if verdict is None else self._judge(verdict)

    def _judge(self, verdict: Verdict) -> Verdict:
        """What a part's verdict says of the whole; REDIAL where there is more to ask."""
        if verdict is REDIAL:
            return verdict
        if verdict.status != "success":
            return self._named(verdict)
        if verdict.weight is not None:
            self._weight = verdict.weight
        self._has_passed = True
        if self._turn + 1 < len(self._parts):
            return REDIAL
        return OK if self._weight is None else OK._replace(weight=self._weight)

    def _named(self, verdict: Verdict) -> Verdict:
        """A fault of this machine has its own reason, whichever part meets it: such faults are counted by reason."""
        name = self._names[self._turn]
        if verdict.status == "unknown":
            return verdict._replace(detail=f"{name}: {verdict.detail}" if verdict.detail else name)
        return verdict._replace(reason=f"{name}: {verdict.reason}")

    def _mirror(self) -> None:
        """Show the prober the part's connection as this probe's own."""
        self.sock, self.interest, self.phase = self._part.sock, self._part.interest, self._part.phase
