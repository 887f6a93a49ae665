"""Why does a backup serve, or not? And why do all, while some are up? From the journal of the daemon's own actors."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.events import RealDrained
from kglb.model import Balancer
from kglb.replay.explain import explain
from kglb.replay.explanation import Explanation
from kglb.replay.source import Source
from tests.actors.backups import CHECK, SORRY, A, B, guarded, primaries_fail
from tests.actors.virtual import run
from tests.actors.world import World, world
from tests.projections.builders import WEB, balancer, config

Ask = Callable[[str], Explanation]


def told(directory: Path, of: Balancer, story: Callable[[World], Awaitable[None]]) -> Ask:
    """Play a story; what ``explain`` has to say afterwards."""
    last = 0

    async def main() -> None:
        nonlocal last
        async with world(directory, config(of)) as w:
            await story(w)
            last = w.recorder.last_seq

    run(main())
    return lambda wanted: explain(Source(directory), wanted, seq=last)


def journal(directory: Path, of: Balancer, story: Callable[[World], Awaitable[None]]) -> Callable[[str], str]:
    """Play a story; what ``explain`` answers afterwards, in a sentence."""
    ask = told(directory, of, story)
    return lambda wanted: f"{ask(wanted).standing} because {ask(wanted).reason}"


async def all_are_up(w: World) -> None:
    await asyncio.sleep(1.5)


async def no_primary_is_up(w: World) -> None:
    await asyncio.sleep(1.5)
    await primaries_fail(w)


async def nobody_is_up(w: World) -> None:
    await no_primary_is_up(w)
    w.real_fails_now(SORRY)
    await asyncio.sleep(0.01)


def test_a_backup_that_stands_by(tmp_path: Path) -> None:
    answer = journal(tmp_path, guarded(), all_are_up)
    assert answer(SORRY) == "has weight 0 because it is a backup, and 2 of 2 primary reals are up"
    assert answer("web") == "is in mode available because 2 of 2 primary reals are up"


def test_a_backup_that_serves(tmp_path: Path) -> None:
    answer = journal(tmp_path, guarded(), no_primary_is_up)
    assert answer(SORRY) == "has weight 7 because it is a backup, and all 2 primary reals are down; 1 check passed"
    assert answer(A) == "has weight 0 because 1 check failed: connection refused"
    assert answer("web") == (
        "is in mode backup because all 2 primary reals are down, and the only backup is up: backups serve"
    )


def test_a_backup_that_serves_names_the_primary_that_failed_last(tmp_path: Path) -> None:
    ask = told(tmp_path, guarded(), no_primary_is_up)
    assert any(f"{B} is down" in link.text for link in ask(SORRY).chain)


@pytest.mark.parametrize(
    ("policy", "real", "mode"),
    [
        (
            "fail_open",
            "has weight 1000 because all 2 primary reals are down, no backup is up, and when_all_down is fail_open: "
            "failsafe gives each its weight. Of this one, 1 check failed: connection refused",
            "is in mode failsafe because all 2 primary reals are down, no backup is up, and when_all_down is "
            "fail_open: each gets its weight all the same",
        ),
        (
            "fail_closed",
            "has weight 0 because 1 check failed: connection refused; all 2 primary reals are down, no backup is up, "
            "and when_all_down is fail_closed",
            "is in mode unavailable because all 2 primary reals are down, no backup is up, and when_all_down is "
            "fail_closed: none gets traffic",
        ),
    ],
)
def test_nobody_is_left(tmp_path: Path, policy: str, real: str, mode: str) -> None:
    answer = journal(tmp_path, guarded(when_all_down=policy), nobody_is_up)
    assert (answer(A), answer("web")) == (real, mode)
    assert answer(SORRY).startswith("has weight 0 because 1 check failed")


def test_a_start_that_waits_for_its_primaries(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(0.1)
        for _ in range(3):
            w.prober.ask_now(SORRY)
            await asyncio.sleep(0.01)

    answer = journal(tmp_path, guarded(check=replace(CHECK, rise=3)), story)
    assert answer(SORRY) == "has weight 0 because it is a backup, and 2 primary reals had no verdict yet"
    assert answer("web") == (
        "is in mode initial because none of its 2 primary reals has been up yet, and backups wait for the first "
        "verdict of 2"
    )


def test_a_maintenance_page(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        for name in (A, B):
            w.recorder.record(RealDrained(service=WEB, real=name, who="kim"))
        await asyncio.sleep(0.01)

    answer = journal(tmp_path, guarded(), story)
    assert answer(SORRY) == (
        "has weight 7 because it is a backup, and every primary real is drained or leaves; 1 check passed"
    )
    assert answer("web").endswith(
        "because every primary real is drained or leaves, and the only backup is up: backups serve"
    )


def test_too_few(tmp_path: Path) -> None:
    async def story(w: World) -> None:
        await asyncio.sleep(1.5)
        await primaries_fail(w)

    answer = journal(tmp_path, balancer(reals=3, check=CHECK, fail_open_below=0.5), story)
    assert answer("web") == (
        "is in mode failsafe because 1 of 3 reals is up, less than fail_open_below (0.5): "
        "each gets its weight all the same"
    )
    assert answer(A) == (
        "has kept weight 1000 because 1 of 3 reals is up, less than fail_open_below (0.5): "
        "failsafe gives each its weight. Of this one, 1 check failed: connection refused"
    )
