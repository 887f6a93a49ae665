"""Which reals ``top`` shows in which order, and what it tells of one."""

import msgspec

from kglb.cli.top_fleet import Fleet
from kglb.projections.view import EventView
from tests.cli.live import live, one_down_one_drained
from tests.projections.builders import WEB, real_id


def fact(seq: int, *, real: int = 1, cause: int | None = None, because: tuple[int, ...] = ()) -> bytes:
    return msgspec.json.encode(
        EventView(
            seq=seq, at=float(seq), type="T", kind="k", tone="plain", text=f"event {seq}", service=WEB, balancer="web",
            reals=(real_id(real),), cause=cause, because=because,
        )
    )  # fmt: skip


def shown(fleet: Fleet, order: str = "trouble", words: str = "", *, trouble: bool = False) -> list[str]:
    return [row.real.real for row in fleet.rows(order, words, trouble=trouble)]


def test_the_worst_come_first_and_equal_ones_stay_in_order() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    assert shown(fleet) == [real_id(1), real_id(2), real_id(0), real_id(3)]
    assert shown(fleet, "weight") == [real_id(0), real_id(3), real_id(1), real_id(2)]


def test_words_and_trouble_narrow() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    assert shown(fleet, words="WEB drained") == [real_id(2)]
    assert shown(fleet, words="refused") == [real_id(1)]
    assert real_id(2) not in shown(fleet, trouble=True)
    assert shown(fleet, words="nothing of the kind") == []


def test_only_what_changes_the_state_makes_it_stale() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    assert [fleet.take(event, fact(1)) for event in ("fact", "beat", "changed", "reload")] == [False, False, True, True]


def test_an_event_that_comes_again_is_kept_once() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    for seq in (5, 6, 5, 6, 7):
        fleet.take("fact", fact(seq))
    assert [event.seq for event in fleet.events] == [5, 6, 7]
    assert fleet.newest == 7


def test_what_led_to_an_event_of_a_real_stands_below_it_once() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    for message in (fact(1), fact(2, cause=1), fact(3, real=0), fact(4, cause=2, because=(2, 1, 3, 99)), fact(5)):
        fleet.take("fact", message)
    assert [(told.event.seq, told.depth) for told in fleet.about((WEB, real_id(1)), 10)] == [
        (5, 0),
        (4, 0),
        (2, 1),
        (1, 2),
    ]
    assert len(fleet.about((WEB, real_id(1)), 1)) == 1


def test_a_real_that_is_gone_is_none() -> None:
    fleet = Fleet(live(one_down_one_drained()))
    assert fleet.row((WEB, real_id(9))) is None
    found = fleet.row((WEB, real_id(1)))
    assert found is not None
    assert found.key == (WEB, real_id(1))
