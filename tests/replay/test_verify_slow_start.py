"""What a daemon recorded of slow starts verifies; whatever is changed in it afterwards is found."""

import asyncio
from pathlib import Path

import pytest

from kglb.events import BalancerDecided, Event, OutcomesUnknown, Record, WarmthChanged
from kglb.model import TcpCheck
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.virtual import run
from tests.actors.world import OK, world
from tests.projections.builders import WEB, balancer, config, real_id
from tests.replay.tampering import Change, changing, rewrite

A, B = real_id(0), real_id(1)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A daemon's: a real comes back and warms up; the other fails while it does."""
    directory = tmp_path_factory.mktemp("verify") / "journal"
    slow = balancer(WEB, 2, check=TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1), slow_start=18.0)

    async def main() -> None:
        async with world(directory, config(slow)) as w:
            await asyncio.sleep(3)
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            w.prober.answers[A] = OK
            await asyncio.sleep(8)
            w.real_fails_now(B)
            await asyncio.sleep(1)

    run(main())
    return directory


def _never_began(record: Record[Event]) -> Event:
    return OutcomesUnknown(counts={}) if isinstance(record.event, WarmthChanged) else record.event


def _whole_at_once(record: Record[Event]) -> Event:
    event = record.event
    if isinstance(event, BalancerDecided) and event.weights == {A: 100}:
        return changing(BalancerDecided, weights={A: 1000})(record)
    return event


def test_what_the_daemon_recorded_verifies(journal: Path) -> None:
    assert verify(Source(journal)).difference is None


@pytest.mark.parametrize(
    ("change", "recorded", "decided"),
    [
        (_never_began, "no slow start that begins or ends", f"1 tenths for {A}"),
        (changing(WarmthChanged, tenths={A: 3}), f"3 tenths for {A}", f"1 tenths for {A}"),
        (changing(WarmthChanged, tenths={B: 1}), f"1 tenths for {B}", f"1 tenths for {A}"),
        (changing(WarmthChanged, causes={A: 3}), "cause 3", "as cause a record about"),
        (_whole_at_once, f"weight 1000 for {A}", f"weight 100 for {A}"),
    ],
    ids=lambda value: None,
)
def test_a_slow_start_that_is_another_is_found(
    journal: Path, tmp_path: Path, change: Change, recorded: str, decided: str
) -> None:
    rewrite(journal, tmp_path / "changed", change)
    found = verify(Source(tmp_path / "changed")).difference
    assert found is not None
    assert found.recorded.startswith(recorded)
    assert found.decided.startswith(decided)
