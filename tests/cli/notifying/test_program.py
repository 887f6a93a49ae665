"""A program that is told."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from kglb.cli.notifying.payload import documents, one_document
from kglb.cli.notifying.program import Program
from kglb.cli.notifying.target import TAKEN, Reply
from kglb.replay.notices import Notice
from tests.cli.notifying.receivers import notice, until


def tell(script: str, *notices: Notice, timeout: float = 60.0) -> Reply:
    """Have a shell run a script."""
    encode = documents if len(notices) > 1 else one_document
    program = Program(["sh", "-c", script], encode, timeout=timeout)
    return asyncio.run(program.tell(notices or (notice(),)))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_finds_the_notice_on_its_input_and_in_short_in_variables(tmp_path: Path) -> None:
    script = (
        f'cat > {tmp_path}/input; echo "$KGLB_HOST $KGLB_SEQ $KGLB_TYPE $KGLB_BALANCER $KGLB_REAL" > {tmp_path}/env'
    )
    assert tell(script) == TAKEN
    assert json.loads((tmp_path / "input").read_text())["seq"] == 7
    assert (tmp_path / "env").read_text() == "lb1 7 HealthChanged web 10.0.0.1:80\n"


def test_of_a_batch_the_variables_say_the_newest_and_how_many(tmp_path: Path) -> None:
    assert tell(f'cat > {tmp_path}/input; echo "$KGLB_SEQ $KGLB_COUNT" > {tmp_path}/env', notice(7), notice(8)) == TAKEN
    assert [one["seq"] for one in json.loads((tmp_path / "input").read_text())] == [7, 8]
    assert (tmp_path / "env").read_text() == "8 2\n"


def test_what_it_prints_goes_to_our_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    tell("echo out; echo err >&2")
    assert capfd.readouterr() == ("", "out\nerr\n")


def test_a_program_that_does_not_read_its_input_is_fine() -> None:
    assert tell("exit 0", notice(text="x" * 1_000_000)) == TAKEN


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("exit 1", Reply("later", "exit status 1")),
        ("exit 75", Reply("later", "exit status 75")),
        ("exit 65", Reply("refused", "exit status 65")),
        ("kill -9 $$", Reply("later", "it was killed by signal 9")),
    ],
)
def test_how_it_ends_says_what_is_to_be_done(script: str, reply: Reply) -> None:
    assert tell(script) == reply


def test_a_program_that_is_not_there_any_more_is_tried_again() -> None:
    reply = asyncio.run(Program(["/nowhere/alert"], one_document, timeout=1.0).tell([notice()]))
    assert reply == Reply("later", "it cannot be run: No such file or directory")


def test_a_program_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    reply = tell(f"sleep 600 & echo $$ $! > {pids}; wait", timeout=1.0)
    assert reply == Reply("later", "it did not end within 1 s and was killed")
    until(lambda: not any(is_alive(int(pid)) for pid in pids.read_text().split()))


def test_who_stops_waiting_kills_it_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def main() -> None:
        program = Program(["sh", "-c", f"sleep 600 & echo $$ $! > {pids}; wait"], one_document, timeout=600.0)
        task = asyncio.create_task(program.tell([notice()]))
        while not (pids.exists() and pids.read_text()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    until(lambda: not any(is_alive(int(pid)) for pid in pids.read_text().split()))
