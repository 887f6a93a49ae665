"""Whatever is changed in a journal is found in its place: file, line and record."""

from collections.abc import Callable
from pathlib import Path

import pytest

from journal import Damaged, JournalReader, OsFiles, segment_reader
from journal.format import encode_body, encode_line, read_crc
from tests.journal.journals import decode, note, read, salvage, segments, write


@pytest.fixture
def two_segments(tmp_path: Path) -> Path:
    """Records 1 to 6: segments from 1 and 4, two notes each."""
    write(tmp_path, ["a", "b"], ["c", "d"])
    return tmp_path


def damage(path: Path, files: OsFiles | None = None) -> Damaged:
    with pytest.raises(Damaged) as caught:
        list(JournalReader(path, decode, files=files).records())
    return caught.value


class OneBitFlipped(OsFiles):
    """Reads as if one bit of one file had been changed on the disk."""

    def __init__(self, path: Path, offset: int, bit: int) -> None:
        self._path, self._offset, self._mask = path, offset, 1 << bit
        self._fds: set[int] = set()

    def open_read(self, path: Path) -> int:
        fd = super().open_read(path)
        if path == self._path:
            self._fds.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self._fds.discard(fd)
        super().close(fd)

    def read(self, fd: int, count: int, offset: int) -> bytes:
        chunk = bytearray(super().read(fd, count, offset))
        if fd in self._fds and offset <= self._offset < offset + len(chunk):
            chunk[self._offset - offset] ^= self._mask
        return bytes(chunk)


def test_every_flipped_bit_is_found_in_its_file_line_and_record(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"])
    for path in segments(tmp_path):
        whole = path.read_bytes()
        for offset in range(len(whole)):
            line = 1 + whole[:offset].count(b"\n")
            for bit in range(8):
                found = damage(tmp_path, OneBitFlipped(path, offset, bit))
                assert (found.file, found.line, found.seq) == (path, line, int(path.stem) + line - 1)


def test_every_flipped_bit_is_found_in_a_segment_alone(two_segments: Path) -> None:
    path = segments(two_segments)[1]
    whole = path.read_bytes()
    for offset in range(len(b'{"seq":4,"at":"2026-11-22T14:30:01.123456Z"'), len(whole)):
        line = 1 + whole[:offset].count(b"\n")
        found = damage(path, OneBitFlipped(path, offset, offset % 8))
        assert (found.line, found.seq) == (line, 3 + line)


@pytest.mark.parametrize("text", [b'"b","x":' + b"[" * 5000 + b"]" * 5000, b'"\xff"'], ids=["nested", "not UTF-8"])
def test_an_event_that_no_json_parser_takes_is_damage_whatever_its_checksum(tmp_path: Path, text: bytes) -> None:
    write(tmp_path, ["a"])
    [path] = segments(tmp_path)
    chain = read_crc(path.read_bytes().splitlines()[-1])
    assert chain is not None
    body = encode_body(3, b"2026-11-22T14:30:01.123456Z", 1.0, None, b'{"type":"Noted","text":' + text + b"}")
    with path.open("ab") as file:
        file.write(encode_line(body, chain)[0])
    assert "not understood" in damage(tmp_path).reason


def rewrite(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))


@pytest.fixture
def one_segment(tmp_path: Path) -> tuple[Path, list[bytes]]:
    """Records 1 to 7 in one segment, and its lines."""
    write(tmp_path, list("abcdef"))
    path = segments(tmp_path)[0]
    return path, path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("index", range(6))
def test_a_line_that_is_missing_is_found(one_segment: tuple[Path, list[bytes]], index: int) -> None:
    path, lines = one_segment
    rewrite(path, lines[:index] + lines[index + 1 :])
    found = damage(path.parent)
    assert found.seq == index + 1


@pytest.mark.parametrize("index", range(7))
def test_a_line_that_is_repeated_is_found(one_segment: tuple[Path, list[bytes]], index: int) -> None:
    path, lines = one_segment
    rewrite(path, lines[: index + 1] + lines[index:])
    found = damage(path.parent)
    assert (found.line, found.seq) == (index + 2, index + 2)
    assert f"found record {index + 1}" in found.reason


@pytest.mark.parametrize("index", range(6))
def test_lines_that_are_exchanged_are_found(one_segment: tuple[Path, list[bytes]], index: int) -> None:
    path, lines = one_segment
    rewrite(path, [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]])
    assert damage(path.parent).seq == index + 1


def test_a_sector_of_zeros_is_found(one_segment: tuple[Path, list[bytes]]) -> None:
    path, lines = one_segment
    whole = b"".join(lines)
    path.write_bytes(whole[:512] + b"\0" * 512 + whole[1024:])
    assert damage(path.parent).seq == 1 + whole[:512].count(b"\n")


@pytest.mark.parametrize("zeros", [5_000, 3_000_000])
def test_what_has_no_newline_for_too_long_is_no_line_and_a_hole_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zeros: int
) -> None:
    monkeypatch.setattr(segment_reader, "LONGEST_LINE", 4096)
    write(tmp_path, ["a"])
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    with path.open("ab") as segment:
        segment.truncate(len(whole) + zeros)
    found = damage(tmp_path)
    assert (found.seq, found.reason) == (3, f"expected a record, found {zeros} bytes without a newline")

    write(tmp_path, ["b"])
    assert [record.seq for record in read(tmp_path)] == [1, 2, 3, 4]
    (broken,) = tmp_path.glob("*.broken")
    assert broken.stat().st_size == zeros
    assert broken.stat().st_blocks * 512 < 1_100_000


def test_a_segment_that_is_missing_is_found(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"], ["c"])
    first, second, _ = segments(tmp_path)
    second.unlink()
    found = damage(tmp_path)
    assert (found.file, found.line, found.seq) == (first, 3, 3)
    assert "begins with record 5" in found.reason


@pytest.mark.parametrize("content", [b"\n", b"vm\n", b"{}\n{}\n"])
def test_lines_shorter_than_any_record_are_found(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, ["a"])
    segments(tmp_path)[0].write_bytes(content)
    assert (damage(tmp_path).line, damage(tmp_path).seq) == (1, 1)
    assert JournalReader(tmp_path, decode, on_damage=lambda _: None).seq_of_last(5) == 1


def test_a_sealed_segment_cut_short_is_found(two_segments: Path) -> None:
    first, _ = segments(two_segments)
    whole = first.read_bytes()
    for size in range(1, len(whole)):
        first.write_bytes(whole[:size])
        found = damage(two_segments)
        assert found.file == first
        assert found.seq == 1 + whole[:size].count(b"\n")


@pytest.mark.parametrize("size", [0, 1, 40])
def test_a_sealed_segment_without_a_whole_line_is_found(tmp_path: Path, size: int) -> None:
    write(tmp_path, ["a"], ["b"], ["c"])
    second = segments(tmp_path)[1]
    second.write_bytes(second.read_bytes()[:size])
    found = damage(tmp_path)
    assert (found.file, found.line, found.seq) == (second, 1, 3)
    assert [record.seq for record in salvage(tmp_path)[0]] == [1, 2, 5, 6]


def test_what_was_added_to_a_sealed_segment_is_found(two_segments: Path) -> None:
    first = segments(two_segments)[0]
    first.write_bytes(first.read_bytes() + b"x")
    assert (damage(two_segments).file, damage(two_segments).line) == (first, 4)


def test_a_segment_of_another_journal_is_found(two_segments: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, ["x", "y"], ["z"])
    second = segments(two_segments)[1]
    second.write_bytes(segments(other)[1].read_bytes())
    found = damage(two_segments)
    assert (found.file, found.line, found.seq) == (second, 1, 4)
    assert "does not continue the segment before" in found.reason


def test_a_seek_behind_damage_reads_what_is_intact_there(one_segment: tuple[Path, list[bytes]]) -> None:
    path, lines = one_segment
    rewrite(path, [lines[0], lines[1].replace(b'"a"', b'"A"'), *lines[2:]])
    assert [record.seq for record in read(path.parent, 5)] == [5, 6, 7]


def test_a_seek_to_damage_finds_it(one_segment: tuple[Path, list[bytes]]) -> None:
    path, lines = one_segment
    rewrite(path, [*lines[:3], lines[3].replace(b'"seq":4', b'"seq":9'), *lines[4:]])
    with pytest.raises(Damaged, match="line 4, seq 4: found record 9"):
        read(path.parent, 4)


def test_salvage_loses_only_the_line_that_was_changed(one_segment: tuple[Path, list[bytes]]) -> None:
    path, lines = one_segment
    for index in range(1, 7):
        changed = lines[index].replace(b'"Noted"', b'"noted"')
        rewrite(path, [*lines[:index], changed, *lines[index + 1 :]])
        records, damages = salvage(path.parent)
        assert [record.seq for record in records] == [seq for seq in range(1, 8) if seq != index + 1]
        assert [found.seq for found in damages] == [index + 1]


def test_salvage_goes_on_after_a_first_line_that_was_changed(two_segments: Path) -> None:
    path = segments(two_segments)[0]
    path.write_bytes(path.read_bytes().replace(b'"lb1"', b'"lb2"', 1))
    records, damages = salvage(two_segments)
    assert [record.seq for record in records] == [2, 3, 4, 5, 6]
    assert [found.seq for found in damages] == [1]


def test_salvage_yields_nothing_twice_and_only_what_was_written(
    one_segment: tuple[Path, list[bytes]],
) -> None:
    path, lines = one_segment
    rewrite(path, lines[:5] + lines[1:])
    records, damages = salvage(path.parent)
    assert [record.seq for record in records] == [1, 2, 3, 4, 5, 6, 7]
    assert [found.seq for found in damages] == [6]


def test_salvage_of_any_flipped_byte_yields_only_what_was_written(two_segments: Path) -> None:
    written = read(two_segments)
    for path in segments(two_segments):
        whole = path.read_bytes()
        for offset in range(0, len(whole), 3):
            path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0x10]) + whole[offset + 1 :])
            records, damages = salvage(two_segments)
            assert damages
            assert [record.crc for record in records] == [
                record.crc for record in written if record.seq in {kept.seq for kept in records}
            ]
            assert len(records) >= len(written) - 3
        path.write_bytes(whole)


def test_salvage_finds_an_older_checkpoint(two_segments: Path) -> None:
    path = segments(two_segments)[1]
    path.write_bytes(path.read_bytes().replace(b'"lb1"', b'"lb2"', 1))
    with pytest.raises(Damaged):
        JournalReader(two_segments, decode).checkpoint()
    found: list[Damaged] = []
    older = JournalReader(two_segments, decode, on_damage=found.append).checkpoint()
    assert older is not None
    assert (older.seq, len(found)) == (1, 1)


@pytest.fixture
def append_line(one_segment: tuple[Path, list[bytes]]) -> Callable[[int, bytes], Path]:
    """Add a line to the seven as a writer with a bug (or of another version) would: its checksum is right."""
    path, lines = one_segment

    def append(seq: int, event: bytes) -> Path:
        body = encode_body(seq, b"2026-11-22T14:30:01.123456Z", 0.0, None, event)
        line, _ = encode_line(body, int(lines[-1][-11:-3], 16))
        rewrite(path, [*lines, line])
        return path.parent

    return append


def test_an_event_that_is_not_understood_is_named_as_such(append_line: Callable[[int, bytes], Path]) -> None:
    found = damage(append_line(8, b'{"type":"FromTheFuture"}'))
    assert found.seq == 8
    assert "as they were written, but not understood" in found.reason


def test_a_number_that_is_not_the_next_is_found(append_line: Callable[[int, bytes], Path]) -> None:
    assert "found record 9" in damage(append_line(9, note("far"))).reason
