"""Decisions: pure functions of recorded facts. No clock, no randomness, no I/O, no logging.

The daemon, the replay and the tests call the same functions. Whoever changes what one of them answers to the same
question raises ``VERSION``: it is recorded in ``DaemonStarted``, so that a replay knows which answers to expect.
"""

from kglb.decisions.balancing import Decision, Standing, decide, mode_of, weight_of
from kglb.decisions.contest import Contest, drifted
from kglb.decisions.contest import is_over as contest_is_over
from kglb.decisions.fwmarks import Changes, Marked, Pool, checked_at, choose_mark, mark_changes
from kglb.decisions.health import judge, observe, presumed_healthy
from kglb.decisions.routing import Candidate, candidate_of, decide_routes, may_announce, routes

VERSION = 1

__all__ = [
    "VERSION",
    "Candidate",
    "Changes",
    "Contest",
    "Decision",
    "Marked",
    "Pool",
    "Standing",
    "candidate_of",
    "checked_at",
    "choose_mark",
    "contest_is_over",
    "decide",
    "decide_routes",
    "drifted",
    "judge",
    "mark_changes",
    "may_announce",
    "mode_of",
    "observe",
    "presumed_healthy",
    "routes",
    "weight_of",
]
