"""Slow start: a real that comes back gets its weight step by step, so that a server with empty caches is not flooded.

HAProxy's ``slowstart``. A real that had weight 0 and is to serve begins with a tenth of its weight, and gets the other
nine at even distances, so that it has all of it ``slow_start`` seconds later. That a step is due is a fact
(``WarmthChanged``); here is decided only whose slow start begins and whose ends before its time:

- One begins only while another primary serves with its whole weight, which is not 0: somebody has to carry what the
  real does not get. Of reals that come together with nobody else up, and of one that comes alone, each has its whole
  weight at once.
- When the last of those others is gone, every slow start ends. So does each in failsafe, while backups serve, and when
  the config has no ``slow_start`` any more.
- A backup has none: it is needed at once.
- A real that is ``presumed_warm`` has none: nobody knew its health yet, or the kernel sent it traffic already.

When a real goes down or out of rotation, its slow start ends (the fold does that), and a new one begins when it is
back.
"""

from collections.abc import Iterable

from kglb.decisions.balancing import Balancing, Standing, duty_for
from kglb.events import WHOLE
from kglb.model import RealId


def between_steps(slow_start: float) -> float:
    """Seconds from one step to the next, of a slow start of so many seconds."""
    return slow_start / (WHOLE - 1)


def slow_starts(balancer: Balancing, touched: Iterable[RealId]) -> dict[RealId, int]:
    """Whose slow start begins or ends after something happened to the ``touched`` reals: the tenths that each has now.

    Looks at all reals only when what began is to end; else the work is that of ``touched``.
    """
    if not balancer.config.slow_start and not balancer.warming:
        return {}
    coming = [real for real in touched if (known := balancer.reals.get(real)) is not None and _comes(known)]
    if balancer.config.slow_start and _others_carry(balancer, len(coming)):
        return dict.fromkeys(coming, 1)
    if not balancer.warming:
        return {}
    return {real: WHOLE for real, known in balancer.reals.items() if known.tenths < WHOLE}


def _others_carry(balancer: Balancing, coming: int) -> bool:
    """Whether a primary serves with its whole weight beside those that have less, or will have."""
    duty = duty_for(balancer)
    carrying = balancer.alive - balancer.warming - balancer.weightless - coming
    return not (duty.backups or duty.even_down) and carrying > 0


def _comes(real: Standing) -> bool:
    """Whether a primary had no weight and is to have some."""
    serves = real.up and real.in_rotation and not real.backup and real.configured > 0
    return serves and real.weight == 0 and real.tenths == WHOLE and not real.presumed_warm
