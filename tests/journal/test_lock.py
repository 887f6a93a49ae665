import asyncio
import os
from pathlib import Path

from journal import open_journal, writer_of
from tests.journal.journals import ORIGIN, state, write, writing


def test_who_writes_is_known_while_it_writes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with writing(tmp_path / "journal"):
            assert writer_of(tmp_path / "journal") == os.getpid()

    asyncio.run(scenario())
    assert writer_of(tmp_path / "journal") is None


def test_the_name_that_a_dead_writer_left_is_nobody(tmp_path: Path) -> None:
    write(tmp_path, ["one"])
    (tmp_path / "writer.lock").write_text(f"{os.getpid()}\n")
    assert writer_of(tmp_path) is None


def test_looking_for_the_writer_keeps_nobody_from_writing(tmp_path: Path) -> None:
    write(tmp_path, ["one"])
    assert writer_of(tmp_path) is None
    write(tmp_path, ["two"])


def test_where_there_is_no_journal_nobody_writes_it(tmp_path: Path) -> None:
    assert writer_of(tmp_path / "nothing") is None
    (tmp_path / "file").touch()
    assert writer_of(tmp_path / "file") is None


def test_who_did_not_finish_leaves_its_boot_to_whoever_comes_next(tmp_path: Path) -> None:
    async def killed() -> None:
        opened = open_journal(tmp_path)
        assert opened.left_open_in == ""
        opened.appender(ORIGIN, state)
        opened.close()  # without the appender, as the end of the process would

    asyncio.run(killed())
    for _ in range(2):  # who only looks finishes nothing
        opened = open_journal(tmp_path)
        assert opened.left_open_in == ORIGIN.boot_id
        opened.close()
    write(tmp_path, ["one"])
    opened = open_journal(tmp_path)
    assert opened.left_open_in == ""
    opened.close()
