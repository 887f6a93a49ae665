"""Bugs on purpose: a simulator that finds nothing may be one that cannot. Each bug must be found from its seed.

A bug is a small change of one decision, fold, actor or part of the journal, in force while a simulation runs.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from sim.configs import Size
from sim.mutations import pure, shell
from sim.mutations.bugs import Bug
from sim.report import Result, run
from sim.simulation import Plan

FOUND_WITHIN = 200
"""Seeds within which each bug is to be found."""

MUTATIONS: dict[str, Bug] = {**pure.BUGS, **shell.BUGS}


SEEDS: dict[str, int] = {
    "a real is down one failure too early": 1,
    "a real is up after its first success": 1,
    "a new real is asked at its interval": 1,
    "a result of the other sign does not begin a new streak": 1,
    "unknown outcomes count as failures": 168,
    "leaving failsafe changes only the real that came back": 6,
    "fail_closed is fail_open": 12,
    "all get traffic while most are up": 2,
    "a start does not wait for the first verdicts": 17,
    "a primary that is back leaves the backups in": 7,
    "a service that was never up is fail_open, too": 6,
    "every new real is presumed healthy": 1,
    "a weight that no record accounts for is taken": 22,
    "a route is announced whatever its share of living reals": 40,
    "a route comes back with the share with which it would have stayed": 40,
    "a route goes below the share with which it comes back": 7,
    "a change of health is folded twice": 3,
    "a backup counts as a primary": 1,
    "a removed real stays wanted in the kernel": 10,
    "drift is recorded and not repaired": 3,
    "health outlives a reboot": 2,
    "marks are never given back": 3,
    "a checkpoint has no names": 1,
    "an answer may take every member away that it does not name": 12,
    "nobody waits for the weight that is to take over": 1,
    "weights of 0 come first": 39,
    "a service whose scheduler changes is deleted and added again": 30,
    "effects do not wait for the write of what caused them": 1,
    "a real stays at the first step of its slow start": 1,
    "a stopped balancer is still told facts": 2,
    "the run of a checker that is gone stays open": 3,
    "what the kernel refused is not tried again": 45,
    "what the kernel refused is recorded as done": 7,
    "the kernel is never compared": 3,
    "one dump is believed": 67,
    "a start adopts everything that is in the kernel": 1,
    "no address is known by its mark": 106,
    "a crashed checker is not started again": 3,
    "a crashed balancer is not started again": 4,
    "a real whose name cannot be asked for is removed": 17,
    "a reload does not tell the balancers": 3,
    "the timers of an actor outlive it": 1,
    "who stops an actor waits for its end": 1,
    "the router decides only once": 3,
    "lines that are committed together are written in another order": 1,
    "a torn line stays, and the next is written behind it": 16,
    "what the disk refused is not declared missing": 8,
    "a record counts as written before it is": 8,
    "a record counts as synced when it is written": 10,
    "a checkpoint is taken after the segment has begun": 10,
}
"""A seed known to find each: to be looked for anew when the simulated world changes."""


KILLED_ON_A_DISK_THAT_HANGS = ("the disk hangs", "killed", "the machine reboots")

FAULTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("nobody waits for the weight that is to take over", "weights of 0 come first"),
        ("every real fails", "a rack fails", "the kernel refuses", "the kernel fails"),
    ),
    "no address is known by its mark": KILLED_ON_A_DISK_THAT_HANGS,
    "a weight that no record accounts for is taken": (*KILLED_ON_A_DISK_THAT_HANGS, "a real dies", "every real fails"),
}
"""The only kinds of faults in the worlds of bugs that show only where these come together."""


POOLED = {"an answer may take every member away that it does not name"}
"""The bugs of worlds that have pools."""


def hunt(name: str, seeds: range) -> Result | None:
    """The first simulation that finds the bug; None if none of the seeds does."""
    with MUTATIONS[name]():
        for seed in seeds:
            result = run(Plan(seed, size=Size(pools=name in POOLED), kinds=FAULTS.get(name, ())))
            if result.wrong:
                return result
    return None


def hunt_all(names: Sequence[str], seeds: range, jobs: int) -> Iterator[tuple[str, Result | None]]:
    """Hunt for each of these bugs, on so many processes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(names, pool.map(partial(hunt, seeds=seeds), names), strict=True)
