"""Bugs on purpose: a simulator that finds nothing may be one that cannot. Each bug must be found from its seed.

A bug is a small change of one decision, fold, actor or part of the journal, in force while a simulation runs.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from sim.mutations import pure, shell
from sim.mutations.bugs import Bug
from sim.report import Result, run
from sim.world import Plan

FOUND_WITHIN = 200
"""Seeds within which each bug is to be found."""

MUTATIONS: dict[str, Bug] = {**pure.BUGS, **shell.BUGS}


SEEDS: dict[str, int] = {
    "a real is down one failure too early": 1,
    "a real is up after its first success": 1,
    "a result of the other sign does not begin a new streak": 1,
    "unknown outcomes count as failures": 53,
    "leaving failsafe changes only the real that came back": 1,
    "fail_closed is fail_open": 1,
    "a service that was never up is fail_open, too": 124,
    "every new real is presumed healthy": 1,
    "a route is announced whatever its share of living reals": 40,
    "a change of health is folded twice": 1,
    "a removed real stays wanted in the kernel": 2,
    "drift is recorded and not repaired": 5,
    "health outlives a reboot": 3,
    "marks are never given back": 2,
    "a checkpoint has no names": 1,
    "a service whose scheduler changes is deleted and added again": 32,
    "effects do not wait for the write of what caused them": 1,
    "a stopped balancer is still told facts": 2,
    "the run of a checker that is gone stays open": 2,
    "what the kernel refused is not tried again": 28,
    "what the kernel refused is recorded as done": 10,
    "the kernel is never compared": 12,
    "one dump is believed": 67,
    "a start adopts everything that is in the kernel": 1,
    "a crashed checker is not started again": 2,
    "a crashed balancer is not started again": 5,
    "a real whose name cannot be asked for is removed": 3,
    "a reload does not tell the balancers": 2,
    "the timers of an actor outlive it": 1,
    "the router decides only once": 2,
    "lines that are committed together are written in another order": 1,
    "a torn line stays, and the next is written behind it": 16,
    "what the disk refused is not declared missing": 8,
    "a record counts as written before it is": 19,
    "a record counts as synced when it is written": 8,
    "a checkpoint is taken after the segment has begun": 8,
}
"""A seed known to find each: to be looked for anew when the simulated world changes."""


def hunt(name: str, seeds: range) -> Result | None:
    """The first simulation that finds the bug; None if none of the seeds does."""
    with MUTATIONS[name]():
        for seed in seeds:
            result = run(Plan(seed))
            if result.wrong:
                return result
    return None


def hunt_all(names: Sequence[str], seeds: range, jobs: int) -> Iterator[tuple[str, Result | None]]:
    """Hunt for each of these bugs, on so many processes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(names, pool.map(partial(hunt, seeds=seeds), names), strict=True)
