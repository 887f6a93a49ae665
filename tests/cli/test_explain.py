"""An answer first, then the chain."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.events import OperationFailed, RealRemoved
from kglb.model import ChangeDestination, Destination
from tests.cli.conftest import Command
from tests.projections.builders import WEB, balancer, real, real_id
from tests.replay.journals import Fleet, JournalBuilder


@pytest.fixture
def explain(kglb: Command, fleet: Fleet) -> Command:
    fleet.goes(real_id(0), up=False)

    def run(*arguments: object) -> object:
        return kglb("explain", "--utc", "--journal", fleet.builder.directory, *arguments)

    return run  # type: ignore[return-value]


def without_date(text: str) -> str:
    return text.replace("2026-11-22 ", "")


def test_the_answer_comes_first_then_its_causes(explain: Command) -> None:
    ran = explain("10.0.0.1:80")
    assert ran.code == 0
    assert without_date(ran.out) == (
        "10.0.0.1:80 in web has weight 0 since 14:30:04.022 because 2 checks in a row failed, "
        "the last: connection refused\n"
        "\n"
        "  14:30:04.023      23  kernel   the kernel has done (0.2 ms): 10.0.0.1:80 by masquerade, weight 0  <- 21\n"
        "  14:30:04.022      22  weights  available, 2 of 3 up: weight of 10.0.0.1:80 to 0  <- 21\n"
        "  14:30:04.021      21  health   10.0.0.1:80 is down: 2 failures in a row, connection refused "
        "(run since 20)  <- 20\n"
        "  14:30:03.020      20  probe    10.0.0.1:80 fails its checks now: connection refused\n"
    )


def test_a_refusal_that_comes_again_and_again_is_said_once_with_how_often_and_since_when(
    explain: Command, fleet: Fleet
) -> None:
    change = ChangeDestination(WEB, Destination(real=real_id(0), weight=0))
    for _ in range(3):
        fleet.builder.record(OperationFailed(operation=change, errno=105, error="no buffers"), cause=22)
        fleet.builder.passes(seconds=30)
    (line,) = [line for line in without_date(explain("10.0.0.1:80").out).splitlines() if "refused:" in line]
    assert line == (
        "  14:31:04.026      26  kernel   the kernel refused: 10.0.0.1:80 by masquerade, weight 0: "
        "no buffers (ENOBUFS), 3 times since 14:30:04.024  <- 22"
    )


def test_an_earlier_moment_is_said_to_be_one(explain: Command) -> None:
    by_seq, by_time = explain("10.0.0.1", "--seq", 19).out, explain("10.0.0.1", "--at", "2026-11-22 14:30:03.019").out
    assert by_seq == by_time
    assert without_date(by_seq).startswith("after record 19, 14:30:03.019:\n10.0.0.1:80 in web has weight 1000 since")


def test_json_has_the_answer_and_the_chain(explain: Command) -> None:
    found = json.loads(explain("10.0.0.1", "-o", "json").out)
    assert found["answer"].startswith("10.0.0.1:80 in web has weight 0 since 2026-11-22T14:30:04.022000Z because 2")
    assert (found["service"], found["weight"], found["kernel_weight"]) == (WEB, 0, 0)
    assert [link["seq"] for link in found["chain"]] == [23, 22, 21, 20]
    assert found["chain"][0]["because"] == [21]


def test_an_unknown_real_is_1(explain: Command) -> None:
    ran = explain("10.0.0.99:80")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no real, service, address or route 10.0.0.99:80: " in ran.err
    ran = explain("10.0.0.99:80", "-o", "json")
    assert ran.code == 1
    assert json.loads(ran.out)["candidates"] == []


def test_an_ambiguous_real_is_2_and_lists_what_it_may_be(kglb: Command, tmp_path: Path) -> None:
    both = tuple(replace(real(0), host=f"10.0.0.1:{port}") for port in (80, 81))
    fleet = Fleet(JournalBuilder(tmp_path), replace(balancer(), reals=both))
    fleet.add()
    ran = kglb("explain", "10.0.0.1", "--journal", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "10.0.0.1 is 2 reals" in ran.err
    assert f"real  10.0.0.1:81  web  {WEB}" in ran.err
    ran = kglb("explain", "10.0.0.1", "--journal", tmp_path, "-o", "json")
    assert ran.code == 2
    assert [found["name"] for found in json.loads(ran.out)["candidates"]] == ["10.0.0.1:80", "10.0.0.1:81"]


def test_a_real_that_was_removed_is_explained_where_it_still_was(kglb: Command, fleet: Fleet) -> None:
    real = real_id(1)
    removed = fleet.builder.record(RealRemoved(service=WEB, real=real, host=real))
    ran = kglb("explain", real, "--journal", fleet.builder.directory)
    assert ran.code == 1
    assert f"there is no real {real} any more: record {removed} removed it" in ran.err
    assert kglb("explain", real, "--seq", str(removed - 1), "--journal", fleet.builder.directory).code == 0
