"""Lines that hold some bytes, from the end backwards."""

from pathlib import Path

import pytest

from kglb.replay.scan import lines_back


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 1 << 20])
def test_every_line_with_the_bytes_is_found_once_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("kglb.replay.scan._BLOCK", block)
    path = tmp_path / "lines"
    path.write_bytes(b"xa\nb\nax and a longer line\n\nx\nc\nxx")
    assert list(lines_back(path, b"x")) == [b"xx", b"x", b"ax and a longer line", b"xa"]


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "lines").touch()
    assert list(lines_back(tmp_path / "lines", b"x")) == []
