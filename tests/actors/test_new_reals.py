"""A real that is down only for want of answers is asked each second: a start does not take ``rise`` intervals."""

import asyncio
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from kglb.actors.turns import GAP
from kglb.events import HealthChanged
from kglb.model import Check, HttpCheck, RealId, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, World, events_of, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B, C = (real_id(number) for number in range(3))
BY_DEFAULT = TcpCheck()
"""Every 5 s, rise 3, fall 2."""

UNKNOWN = ("unknown", "no descriptor left")


def asked(w: World, real: RealId) -> list[float]:
    """When it was probed, in seconds from the first time."""
    dues = [due for due, who in w.prober.asked if who == real]
    return [round(due - dues[0], 6) for due in dues]


def healthy(w: World, real: RealId) -> bool:
    return w.real(WEB, real).healthy


def test_by_default_a_real_that_passes_is_up_two_seconds_after_it_was_first_asked(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=BY_DEFAULT))) as w:
            await asyncio.sleep(1.9)
            assert not healthy(w, A)
            await asyncio.sleep(0.2)
            assert set(w.weights(WEB).values()) == {1000}
            assert asked(w, A) == [0.0, 1.0, 2.0]

    run(main())
    assert {event.streak for event in events_of(tmp_path, HealthChanged)} == {3}, "rise is not weaker for it"


def test_once_it_is_up_its_own_times_are_those_that_it_would_have_had(tmp_path: Path) -> None:
    async def main(directory: Path, check: Check) -> list[float]:
        async with world(directory, config(balancer(reals=1, check=check))) as w:
            await asyncio.sleep(60)
            return asked(w, A)

    new, usual = (run(main(tmp_path / str(rise), TcpCheck(rise=rise))) for rise in (3, 1))
    assert new == sorted({*usual, 1.0, 2.0})


@pytest.mark.parametrize(("interval", "fast", "gap"), [(0.5, 0.0, 0.5), (30.0, 3.0, 1.0), (30.0, 0.25, 0.25)])
def test_a_shorter_interval_counts_and_a_longer_one_does_not(
    tmp_path: Path, interval: float, fast: float, gap: float
) -> None:
    async def main() -> None:
        check = TcpCheck(interval=interval, timeout=0.2, fast_interval=fast, rise=4)
        async with world(tmp_path, config(balancer(reals=1, check=check))) as w:
            await asyncio.sleep(4)
            gaps = [later - earlier for earlier, later in pairwise(asked(w, A)[:4])]
            assert gaps == pytest.approx([gap] * 3, rel=0.11), "up to a tenth longer, at its own times"

    run(main())


def test_a_real_that_has_failed_is_known_to_be_down_and_nothing_hurries_its_return(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=BY_DEFAULT))) as w:
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(3)
            assert asked(w, A) == [0.0]
            w.prober.answers[A] = OK
            await asyncio.sleep(27)
            assert healthy(w, A)
            assert all(later - earlier >= 5.0 for earlier, later in pairwise(asked(w, A)))

    run(main())


def test_a_failure_among_the_first_passes_ends_the_hurry(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=BY_DEFAULT))) as w:
            await asyncio.sleep(1.5)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.0)
            w.prober.answers[A] = OK
            await asyncio.sleep(10.0)
            assert asked(w, A)[:3] == [0.0, 1.0, 2.0]
            assert all(later - earlier > 3.0 for earlier, later in pairwise(asked(w, A)[2:]))

    run(main())


def test_what_could_not_be_asked_is_asked_again_as_soon(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=BY_DEFAULT))) as w:
            w.prober.answers[A] = UNKNOWN
            await asyncio.sleep(1.5)
            w.prober.answers[A] = OK
            await asyncio.sleep(3.0)
            assert asked(w, A)[:5] == [0.0, 1.0, 2.0, 3.0, 4.0]
            assert healthy(w, A)

    run(main())


def test_what_comes_by_a_reload_is_new_and_disturbs_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=BY_DEFAULT))) as w:
            await asyncio.sleep(70)
            before = len(asked(w, A))
            await w.reload(config(balancer(reals=3, check=BY_DEFAULT)))
            await asyncio.sleep(2.1)
            assert healthy(w, C)
            assert asked(w, C) == [0.0, 1.0, 2.0]
            assert len(asked(w, A)) - before <= 1

    run(main())


def test_another_question_is_new_to_a_real_that_failed_the_one_before(tmp_path: Path) -> None:
    async def main() -> None:
        wrong, right = HttpCheck(path="/wrong"), HttpCheck(path="/right")
        async with world(tmp_path, config(balancer(reals=2, check=wrong))) as w:
            w.prober.default = REFUSED
            await asyncio.sleep(12)
            w.prober.default = OK
            await w.reload(config(balancer(reals=2, check=right)))
            await asyncio.sleep(2.1)
            assert healthy(w, A)
            assert healthy(w, B)

    run(main())


def test_after_a_restart_a_real_that_the_journal_knows_to_be_down_is_not_new(tmp_path: Path) -> None:
    one = config(balancer(reals=2, check=BY_DEFAULT))

    async def main() -> None:
        async with world(tmp_path, one) as w:
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(12)
            await w.kill()
        async with world(tmp_path, one, machine=w.machine) as w:
            await asyncio.sleep(4)
            assert not healthy(w, A)
            assert healthy(w, B)
            await asyncio.sleep(26)
            assert healthy(w, A)
            assert all(later - earlier >= 5.0 for earlier, later in pairwise(asked(w, A)))

    run(main())


def test_five_thousand_new_reals_are_asked_in_turns_and_all_soon(tmp_path: Path) -> None:
    count, second = 5_000, round(1 / GAP)

    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=count, check=BY_DEFAULT))) as w:
            began = w.loop.time()
            await asyncio.sleep(1.0 + 2 * count * GAP + 0.1)
            assert set(w.weights(WEB).values()) == {1000}, "two more probes each, by their turns"
            times: defaultdict[RealId, list[float]] = defaultdict(list)
            for due, real in w.prober.asked:
                times[real].append(due - began)
            again = Counter(int(due * 10) for dues in times.values() for due in dues[1:3])
            assert max(again.values()) <= second / 10 + 1
            gaps = [later - earlier for dues in times.values() for earlier, later in pairwise(dues[:3])]
            assert min(gaps) >= 0.999999
            assert max(gaps) <= 5.0

    run(main())
