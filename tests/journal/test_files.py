"""What the journal's files are, whoever makes them: a journal's owner is not trusted by the root that cares for it."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from journal import OsFiles, repair
from tests.journal.journals import segments, write

FILES = OsFiles()
WAYS = (FILES.create, FILES.open_append, FILES.lock)


@pytest.mark.parametrize("way", WAYS, ids=["create", "append", "lock"])
def test_nothing_is_written_through_a_link(tmp_path: Path, way: Callable[[Path], int]) -> None:
    precious = tmp_path / "precious"
    precious.write_text("ours")
    link = tmp_path / "link"
    link.symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link") as refusal:
        way(link)
    assert refusal.value.errno == errno.ELOOP
    assert precious.read_text() == "ours"


def test_nothing_is_made_where_a_link_leads_that_leads_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic link"):
        FILES.create(link)
    assert not (tmp_path / "target").exists()


def test_not_everybody_may_read_a_segment(tmp_path: Path) -> None:
    write(tmp_path, ["a"])
    (segment,) = segments(tmp_path)
    assert stat.S_IMODE(segment.stat().st_mode) & stat.S_IRWXO == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_repairs_stays_its_owners(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"])
    (segment,) = segments(tmp_path)
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, 12345, 12346)
    segment.write_bytes(segment.read_bytes().replace(b'"a"', b'"A"'))
    (tmp_path / "writer.lock").unlink()  # as in a journal that came from elsewhere
    assert repair(tmp_path).losses
    assert {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()} == {(12345, 12346)}
