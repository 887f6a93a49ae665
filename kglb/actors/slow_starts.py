"""The slow starts of one balancer: has each step taken when its time has come, and records what changes.

It records and keeps time; ``kglb.decisions.slow_start`` decides whose slow start begins or ends. The projection has the
step that each has reached, so a restart goes on from there; only the wait for the next step begins anew.
"""

from collections.abc import Callable
from typing import NamedTuple

from kglb.actors.recorder import Recorder
from kglb.decisions import between_steps, slow_starts
from kglb.events import WHOLE, WarmthChanged
from kglb.model import RealId
from kglb.projections import BalancerState


class StepDue(NamedTuple):
    """Command: a real has had for long enough what record ``seq`` gave it."""

    real: RealId
    seq: int


class SlowStarts:
    """``after`` has the balancer told a message in so many seconds."""

    def __init__(self, recorder: Recorder, after: Callable[[float, object], object]) -> None:
        self._recorder = recorder
        self._after = after
        self._due: dict[RealId, int] = {}

    @property
    def are_due(self) -> bool:
        """Whether there is a step to take."""
        return bool(self._due)

    def note(self, due: StepDue) -> None:
        """A step is to be taken with the next decision, if nothing has changed since."""
        self._due[due.real] = due.seq

    def resume(self, balancer: BalancerState) -> None:
        """Wait for the next step of each that goes on, at the pace that the config has now."""
        if balancer.warming:
            for name, real in balancer.reals.items():
                if real.warming is not None:
                    self._wait(balancer, name, real.warming.seq)

    def step(self, balancer: BalancerState, touched: dict[RealId, int]) -> None:
        """Before the balancer decides: record what begins, goes on and ends, as what ``touched`` those reals last."""
        due, self._due = self._due, {}
        tenths, causes = {}, {}
        for real, seq in due.items():
            known = balancer.reals.get(real)
            if known is not None and known.warming is not None and known.warming.seq == seq:
                tenths[real], causes[real] = known.warming.tenths + 1, known.warming.cause
        trigger = max(touched.values(), default=self._recorder.last_seq)
        for real, share in slow_starts(balancer, touched).items():
            tenths[real], causes[real] = share, touched.get(real, trigger)
        if not tenths:
            return
        changed = WarmthChanged(service=balancer.config.id, tenths=tenths, causes=causes)
        seq = self._recorder.record(changed, cause=max(causes.values()))
        for real, share in tenths.items():
            if share > 1:  # of one that begins, the cause is what brought it back
                touched[real] = seq
            if share < WHOLE:
                self._wait(balancer, real, seq)

    def _wait(self, balancer: BalancerState, real: RealId, seq: int) -> None:
        if balancer.config.slow_start:  # else it is about to end
            self._after(between_steps(balancer.config.slow_start), StepDue(real, seq))
