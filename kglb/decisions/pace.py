"""How soon is a real asked again? After its interval; sooner while it is in doubt, or new.

A real is *new* while it is down only for want of answers: none that it has given to this check was a failure. Asking it
slowly protects nobody, as it has to pass ``rise`` times in a row all the same. After one failure it is known to be
down, and comes back at its usual pace. (HAProxy hurries by ``fastinter``; Envoy and keepalived believe a first answer.)
"""

from typing import Final

from kglb.model import Check

NEW_INTERVAL: Final = 1.0
"""Seconds from one probe of a new real to the next, where its interval is longer."""


def contradicts(healthy: bool, streak: int) -> bool:
    """Whether the last results are other than what is believed.

    >>> contradicts(healthy=False, streak=2)
    True
    """
    return streak < 0 if healthy else streak > 0


def pace_of(check: Check, *, in_doubt: bool, new: bool) -> float:
    """Seconds from one probe to the next."""
    usual = check.fast_interval if in_doubt and check.fast_interval else check.interval
    return min(usual, NEW_INTERVAL) if new else usual
