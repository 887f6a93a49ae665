"""The end of the sentence "it has weight 0 because ...", from what the state believes and what made it so."""

from collections.abc import Mapping
from typing import NamedTuple

from kglb.decisions import between_steps, duty_of, weight_of
from kglb.events import (
    WHOLE,
    Adopted,
    BalancerDecided,
    DaemonStopping,
    Event,
    HealthChanged,
    RealAdded,
    RealRestored,
    WarmthChanged,
)
from kglb.projections import BalancerState, RealState, Warming
from kglb.replay.sentences import Runs
from kglb.replay.shortage import policy, shortage, standby
from kglb.replay.source import Found
from kglb.replay.steering_sentences import order_over, out_of_rotation, slow_start, weight_by_other_hand
from kglb.replay.times import read_record_time
from kglb.replay.words import printable, spoken, utc, verdicts


class Reason(NamedTuple):
    """Why a weight is what it is, to be read after "because".

    ``began`` is the record since which it is so: that may be later than the weight (a real that was down already is
    drained), or earlier. It is 0 where the weight came with it.
    """

    text: str
    began: int = 0


class Reasons:
    """Why one real has its weight.

    ``records`` holds at least those that the state names for it; ``config_seq`` is that of the config in force.
    """

    def __init__(
        self, balancer: BalancerState, real: RealState, records: Mapping[int, Found | None], runs: Runs, config_seq: int
    ) -> None:
        self._balancer = balancer
        self._real = real
        self._records = records
        self._runs = runs
        self._config_seq = config_seq

    def why(self) -> Reason:
        """The reason, and since when it holds."""
        reason = self._why()
        return reason._replace(text=printable(reason.text))

    def _why(self) -> Reason:
        balancer, real = self._balancer, self._real
        if real.weight is None:
            return Reason("its balancer has not decided yet")
        if balancer.mode == "shutdown":
            return Reason(self._shutdown())
        if not real.in_rotation:
            return self._out_of_rotation()
        duty = duty_of(balancer.mode, balancer.decided_total)
        if real.weight != weight_of(real, duty):
            return Reason(f"its balancer has not decided since this: {self._health()}")
        on_duty = real.backup == duty.backups
        if duty.even_down and on_duty and not real.up:
            return Reason(self._failsafe())
        if not real.up:
            return Reason(self._standing(), real.health_seq)
        if real.warming is not None:
            return Reason(f"{self._warming(real.warming)}; {self._weighed().text}")
        if not real.backup:
            return self._weighed()
        if on_duty:
            return Reason(f"it is a backup, and {shortage(balancer)}; {self._weighed().text}")
        return Reason(standby(balancer))

    def _out_of_rotation(self) -> Reason:
        real = self._real
        reason = out_of_rotation(real)
        if real.weight != 0:
            return Reason(f"its balancer has not decided since this: {reason}")
        return Reason(reason, real.drained if real.leaving is None else real.leaving.seq)

    def _weighed(self) -> Reason:
        """Why a real that is up has the weight that it is to have."""
        real = self._real
        if said := weight_by_other_hand(real):
            began = real.reported_seq if real.orders.override is None else real.orders.override.seq
            return Reason(f"{said}; {self._standing()}" if real.configured else said, began)
        if over := self._order_over():
            return Reason(f"{over}; {self._standing()}")
        if not real.configured:
            return Reason("that is its weight in the config")
        return Reason(self._standing(), real.health_seq)

    def _order_over(self) -> str:
        """Which order ended, if its weight was decided because of that; else empty."""
        decided = self._event(self._real.weight_seq)
        cause = decided.causes.get(self._real.real) if isinstance(decided, BalancerDecided) else None
        ended = None if cause is None else self._event(cause)
        if isinstance(ended, WarmthChanged) and self._real.real in ended.causes:
            ended = self._event(ended.causes[self._real.real])
        return order_over(ended) if isinstance(ended, RealRestored) else ""

    def _warming(self, warming: Warming) -> str:
        """How far its slow start has come, since when, and until when at the latest, at the pace of the config."""
        record, seconds = self._records.get(warming.seq), self._balancer.config.slow_start
        paced = self._records.get(max(warming.seq, self._config_seq))
        if record is None or paced is None or not seconds:
            return f"it is in its {slow_start(self._real)}"
        since = read_record_time(record.at).timestamp()
        until = read_record_time(paced.at).timestamp() + (WHOLE - warming.tenths) * between_steps(seconds)
        return f"it is in its {slow_start(self._real)} since {utc(since)}, all of it by {utc(until)}"

    def _standing(self) -> str:
        if self._balancer.mode == "unavailable":
            return f"{self._health()}; {policy(self._balancer)}"
        return self._health()

    def _shutdown(self) -> str:
        stopping = self._event(self._balancer.decided_seq)
        reason = f" ({stopping.reason})" if isinstance(stopping, DaemonStopping) else ""
        return f"the daemon stopped and removed what it owned{reason}"

    def _failsafe(self) -> str:
        return f"{policy(self._balancer)}: failsafe gives each its weight. Of this one, {self._health()}"

    def _health(self) -> str:
        match self._event(self._real.health_seq):
            case HealthChanged() as changed:
                return self._verdicts(changed)
            case RealAdded() as added:
                return self._never_judged(added)
            case Adopted():
                began = "the kernel sent it traffic when the daemon started, though the journal does not say why"
                return f"{began}, and {self._unseen()}"
            case _:
                return f"it is believed {'up' if self._real.healthy else 'down'}"

    def _event(self, seq: int) -> Event | None:
        record = self._records.get(seq)
        return None if record is None else record.event

    def _verdicts(self, changed: HealthChanged) -> str:
        alone = abs(changed.streak) == 1
        count = "1 check" if alone else f"{abs(changed.streak)} checks in a row"
        if changed.healthy:
            return f"{count} passed"
        flip = self._runs.run(changed.service, changed.real, changed.run)
        if flip is None:
            return f"{count} failed"
        return f"{count} failed{'' if alone else ', the last'}: {spoken(flip.reason, flip.detail)}"

    def _unseen(self) -> str:
        fall = self._balancer.config.check.fall
        return f"{'no failure has' if fall == 1 else f'no {fall} failures in a row have'} been seen since"

    def _never_judged(self, added: RealAdded) -> str:
        check = self._balancer.config.check
        if added.healthy:
            return f"the kernel sent it traffic already when it was added, and {self._unseen()}"
        if problem := self._balancer.unchecked.get(self._real.real):
            return f"it was added, and this machine cannot check it: {problem}"
        if not self._real.outcome:
            return "it was added, and none of its checks has an answer yet"
        so_far = f"{verdicts(self._real.streak)} so far"
        if self._real.outcome == "failure":
            so_far += f", {spoken(self._real.reason, self._real.detail)}"
        return f"it has not been up since it was added: it needs {verdicts(check.rise)}, and has {so_far}"
