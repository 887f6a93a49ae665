"""The contest's part in the lab: prints each result as a line of JSON as soon as it is there."""

import argparse
import sys

import msgspec

from bench.contest.behaviour import Behaviour, behaviours
from bench.contest.race import Effort, Race, race
from bench.contestants import CONTESTANTS, LDIRECTORD, Contestant


class Lost(msgspec.Struct, frozen=True):
    """A race that a program did not finish, and why."""

    program: str
    reals: int
    why: str


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of three."""

    race: Race | None = None
    lost: Lost | None = None
    behaviour: Behaviour | None = None


def main() -> None:
    """Races by size, then behaviour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    parser.add_argument("--effort", type=msgspec.json.decode, default="{}")
    parser.add_argument("--no-behaviour", action="store_true")
    args = parser.parse_args()
    effort = msgspec.convert(args.effort, Effort)
    for reals in args.sizes:
        for contestant in (*CONTESTANTS, LDIRECTORD):
            if reals <= contestant.most_reals:
                _tell(_run(contestant, reals, effort))
    if not args.no_behaviour:
        for contestant in CONTESTANTS:
            for behaviour in behaviours(contestant):
                _tell(Found(behaviour=behaviour))


def _run(contestant: Contestant, reals: int, effort: Effort) -> Found:
    try:
        return Found(race=race(contestant, reals, effort))
    except TimeoutError as error:
        return Found(lost=Lost(contestant.name, reals, str(error)))


def _tell(found: Found) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
