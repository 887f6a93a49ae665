"""Decisions: pure functions of recorded facts. No clock, no randomness, no I/O, no logging.

The daemon, the replay and the tests call the same functions. Whoever changes what one of them answers to the same
question raises ``VERSION``: it is recorded in ``DaemonStarted``, so that a replay knows which answers to expect.
"""

from kglb.decisions.accounting import unaccounted
from kglb.decisions.balancing import (
    Balancing,
    Counts,
    Decision,
    Duty,
    Policy,
    Standing,
    decide,
    decide_for,
    duty_of,
    is_news,
    mode_of,
    verdicts_of,
    weight_of,
)
from kglb.decisions.contest import Contest, drifted
from kglb.decisions.contest import is_over as contest_is_over
from kglb.decisions.fwmarks import Changes, Marked, MarkPool, checked_at, choose_mark, mark_changes
from kglb.decisions.health import judge, observe, presumed_healthy
from kglb.decisions.members import claims, is_name, member, members, nobody_leaves
from kglb.decisions.pace import contradicts, pace_of
from kglb.decisions.pools import Taken, families, take_in
from kglb.decisions.routing import (
    Candidate,
    candidate_of,
    candidates_of,
    decide_routes,
    may_announce,
    route_changes,
    routes,
)
from kglb.decisions.slow_start import between_steps, slow_starts

VERSION = 2

__all__ = [
    "VERSION",
    "Balancing",
    "Candidate",
    "Changes",
    "Contest",
    "Counts",
    "Decision",
    "Duty",
    "MarkPool",
    "Marked",
    "Policy",
    "Standing",
    "Taken",
    "between_steps",
    "candidate_of",
    "candidates_of",
    "checked_at",
    "choose_mark",
    "claims",
    "contest_is_over",
    "contradicts",
    "decide",
    "decide_for",
    "decide_routes",
    "drifted",
    "duty_of",
    "families",
    "is_name",
    "is_news",
    "judge",
    "mark_changes",
    "may_announce",
    "member",
    "members",
    "mode_of",
    "nobody_leaves",
    "observe",
    "pace_of",
    "presumed_healthy",
    "route_changes",
    "routes",
    "slow_starts",
    "take_in",
    "unaccounted",
    "verdicts_of",
    "weight_of",
]
