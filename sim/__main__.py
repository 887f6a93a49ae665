"""``python -m sim``: simulations from seeds. Exit status 0: everything as it should be; 1: not; 2: usage."""

import argparse
import sys
from pathlib import Path

from sim.configs import Size
from sim.faults import FAULTS, POOL_FAULTS
from sim.mutations import FOUND_WITHIN, MUTATIONS, hunt_all
from sim.report import details, line, run, run_all
from sim.simulation import Plan


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for."""
    parser = _parser()
    given = parser.parse_args(arguments)
    known = [*FAULTS, *(POOL_FAULTS if given.pools else ())]
    unknown = sorted(set(given.fault) - set(known))
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}; there are: {', '.join(known)}")
    if given.mutations is not None:
        return _hunt(given)
    size = Size(balancers=given.balancers, reals=given.reals, interval=given.interval, pools=given.pools)
    minutes = given.hours * 60 if given.hours else given.minutes
    rate = given.rate if given.rate is not None else min(4.0, 240.0 / minutes)
    plans = [
        Plan(seed, minutes=minutes, size=size, kinds=tuple(given.fault), faults_per_minute=rate)
        for seed in range(given.seed, given.seed + given.seeds)
    ]
    if len(plans) == 1:
        result = run(plans[0], given.journal)
        print(line(result))
        if result.wrong:
            print(details(result))
        return 1 if result.wrong else 0
    return _many(plans, given.jobs)


def _many(plans: list[Plan], jobs: int) -> int:
    wrong = 0
    virtual = 0.0
    for count, result in enumerate(run_all(plans, jobs), 1):
        virtual += result.virtual_seconds
        if result.wrong:
            wrong += 1
            print(line(result))
            print(details(result))
        if count % 500 == 0:
            print(f"{count} of {len(plans)} seeds, {wrong} wrong", flush=True)
    print(f"{len(plans)} seeds from {plans[0].seed} on, {virtual / 86400:.1f} virtual days, {wrong} wrong")
    return 1 if wrong else 0


def _hunt(given: argparse.Namespace) -> int:
    missed = 0
    names = [name for name in MUTATIONS if given.mutations in name]
    seeds = range(given.seed, given.seed + max(given.seeds, FOUND_WITHIN))
    for name, found in hunt_all(names, seeds, given.jobs):
        missed += found is None
        print(
            f"{name}: {'not found' if found is None else f'seed {found.seed}: {found.wrong.splitlines()[0][:160]}'}",
            flush=True,
        )
    print(f"{len(names)} bugs, {len(names) - missed} found")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the seed, or the first of them (1)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="how many, one after the other (1)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to run them on (1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="virtual minutes in which things go wrong (5)")
    parser.add_argument("--hours", type=float, default=0.0, help="the same in hours")
    parser.add_argument("--balancers", type=int, default=3, metavar="B", help="virtual services at the start (3)")
    parser.add_argument("--reals", type=int, default=12, metavar="R", help="real servers in all (12)")
    parser.add_argument("--interval", type=float, default=0.0, help="seconds between checks (as the seed says)")
    parser.add_argument("--pools", action="store_true", help="some balancers have reals that are discovered")
    parser.add_argument("--rate", type=float, metavar="N", help="faults a minute (4, and at most 240 in all)")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND", help="only this kind; may be repeated")
    parser.add_argument("--journal", type=Path, metavar="DIRECTORY", help="of one seed: keep the journal there")
    parser.add_argument(
        "--mutations",
        nargs="?",
        const="",
        metavar="TEXT",
        help="put bugs in on purpose, those with TEXT in their names: which seed finds each?",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
