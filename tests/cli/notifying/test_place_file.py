"""How far the journal was told, on the disk."""

import os
from pathlib import Path

import pytest

from kglb.cli.notifying.place_file import held, read_place, write_place
from kglb.cli.output import EXIT_ENVIRONMENT, Failed
from kglb.replay.place import Place

PLACE = Place(1042, "2026-11-22T14:30:04.021000Z", "9ae0f1c2")


def test_what_is_written_is_read_again_and_is_the_only_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    assert read_place(path) is None
    write_place(path, Place(1, PLACE.at, PLACE.crc))
    write_place(path, PLACE)
    assert read_place(path) == PLACE
    assert [found.name for found in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("content", ["", "{}", '{"seq":"1"}', '{"seq":1,"at":"noon","crc":"00000000"}', "\xff"])
def test_a_file_that_is_something_else_is_said_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(Failed, match="as notify writes it") as failed:
        read_place(path)
    assert failed.value.code == EXIT_ENVIRONMENT
    assert path.read_text(encoding="latin-1") == content


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=f"{tmp_path}: Is a directory"):
        read_place(tmp_path)


def test_a_state_is_one_process_s_until_that_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with held(path):
        write_place(path, PLACE)  # which is another file than before
        with pytest.raises(Failed, match=f"{path}: process {os.getpid()} keeps its place there") as failed, held(path):
            pass
        with held(tmp_path / "another"):
            pass
    assert failed.value.code == EXIT_ENVIRONMENT
    with held(path):
        assert read_place(path) == PLACE


def test_who_keeps_no_state_keeps_nobody_out() -> None:
    with held(None), held(None):
        pass


def test_a_place_where_no_lock_can_be_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(Failed, match=f"{tmp_path}/nowhere/state: No such file or directory"),
        held(tmp_path / "nowhere" / "state"),
    ):
        pass
