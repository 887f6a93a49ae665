"""Does each slow start begin, go on and end as it should? That a step had its time is taken as it is recorded."""

from kglb.decisions import slow_starts
from kglb.events import Record, WarmthChanged
from kglb.model import RealId
from kglb.projections import BalancerState
from kglb.replay.audit.diverged import Diverged, wrong_cause
from kglb.replay.words import listed


def check_warmth(record: Record[WarmthChanged], balancer: BalancerState, touched: dict[RealId, int]) -> None:
    """Whose slow start begins or ends is what the decision code says, and the others take one step. Raises Diverged."""
    event, about = record.event, f"{balancer.config.name} ({record.event.service})"
    decided = slow_starts(balancer, touched)
    steps = {}
    for real in event.tenths.keys() - decided.keys():
        if (known := balancer.reals.get(real)) is not None and known.warming is not None:
            steps[real] = known.warming
    expected = decided | {real: warming.tenths + 1 for real, warming in steps.items()}
    if event.tenths != expected:
        raise Diverged(about, recorded=_shares(event.tenths), decided=_shares(expected))
    for real, warming in steps.items():
        if event.causes.get(real) != warming.cause:
            raise wrong_cause(f"{real} in {about}", event.causes.get(real), f"{warming.cause}, which began it")
    for real in decided:
        known_causes = {touched.get(real), record.cause, balancer.reals[real].health_seq}
        if (named := event.causes.get(real)) not in known_causes:
            raise wrong_cause(f"{real} in {about}", named, f"a record about {real}, as {touched.get(real)}")


def check_none_missing(about: str, balancer: BalancerState, touched: dict[RealId, int]) -> None:
    """No slow start should have begun or ended before a decision that none was recorded with. Raises Diverged."""
    if missing := slow_starts(balancer, touched):
        raise Diverged(about, recorded="no slow start that begins or ends", decided=_shares(missing))


def _shares(tenths: dict[RealId, int]) -> str:
    return listed(f"{share} tenths for {real}" for real, share in sorted(tenths.items())) or "no slow start"
