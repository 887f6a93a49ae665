"""What a journal is made of."""

from pathlib import Path

from journal import OsFiles, expired, remove, survey
from journal.retention import Retention
from tests.journal.journals import segments, write


def test_segments_events_and_leftovers_are_counted(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"], ["c"])
    (tmp_path / "00000000000000000001.jsonl.broken.2").write_bytes(b"x" * 7)
    (tmp_path / "anothers.jsonl.broken").write_bytes(b"x" * 8)
    found = survey(tmp_path)
    assert [(one.first_seq, one.last_seq, one.records) for one in found.segments] == [(1, 3, 3), (4, 5, 2)]
    assert found.size == sum(path.stat().st_size for path in segments(tmp_path))
    assert [one.checkpoint for one in found.segments] == [
        path.read_bytes().index(b"\n") + 1 for path in segments(tmp_path)
    ]
    assert {name: (kind.count, kind.last_seq) for name, kind in found.kinds.items()} == {
        "Noted": (3, 5),
        "SegmentOpened": (2, 4),
    }
    assert found.leftovers == {"00000000000000000001.jsonl.broken.2": 7}
    assert (found.records, found.damages) == (5, ())


def test_damage_is_counted_and_passed(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"], ["c"])
    path = segments(tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"A"'))
    found = survey(tmp_path)
    assert (found.records, len(found.damages)) == (4, 1)


def test_an_empty_journal_has_nothing(tmp_path: Path) -> None:
    found = survey(tmp_path)
    assert (found.segments, found.kinds, found.size, found.records) == ((), {}, 0, 0)


def test_what_somebody_else_removes_meanwhile_is_no_trouble(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"], ["c"])
    first, *_ = segments(tmp_path)

    class Racing(OsFiles):
        def size_of(self, path: Path) -> int:
            first.unlink(missing_ok=True)
            return super().size_of(path)

    old = expired(Racing(), tmp_path, Retention(max_size=1))
    assert [one.segment.path for one in old] == segments(tmp_path)[:-1] or old[0].segment.path == first
    remove(OsFiles(), old)
    assert len(segments(tmp_path)) == 1
