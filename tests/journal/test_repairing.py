"""Salvage in place: the journal reads again, what is intact is untouched, and what is lost is said exactly."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from zlib import crc32

import pytest

from journal import JournalReader, Locked, NoJournal, RecordsLost, Repaired, open_journal, repair
from journal.format import encode_body
from journal.sealing import seal
from tests.journal.journals import Event, Noted, decode, read, salvage, segments, texts, write

ALL = list("abcdefghi")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Records 1 to 12 in segments from 1, 5 and 9, three notes each, to be damaged."""
    write(tmp_path, ALL[:3], ALL[3:6], ALL[6:])
    return tmp_path


def change(path: Path, old: bytes, new: bytes) -> None:
    whole = path.read_bytes()
    assert whole.count(old) == 1
    path.write_bytes(whole.replace(old, new))


def lost(directory: Path) -> set[int]:
    """The numbers in whose place a notice stands."""
    return {record.seq for record in read(directory) if isinstance(record.event, RecordsLost)}


def test_a_journal_that_is_intact_is_not_touched(damaged: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in segments(damaged)}
    assert repair(damaged) == Repaired([], {})
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in segments(damaged)} == before


def test_a_changed_record_is_lost_alone_and_all_others_stay_byte_for_byte(damaged: Path) -> None:
    path = segments(damaged)[1]
    whole = path.read_bytes()
    change(path, b'"e"', b'"E"')
    broken = path.read_bytes()
    done = repair(damaged)
    (loss,) = done.losses
    assert (loss.file, loss.first_seq, loss.last_seq, loss.kept_as) == (path, 7, 7, done.kept[path])
    assert "the checksum does not match" in loss.reason
    assert done.kept[path].read_bytes() == broken
    assert texts(damaged) == [text for text in ALL if text != "e"]
    before, after = whole.splitlines(), path.read_bytes().splitlines()
    assert [line for line in after if line in before] == [*before[:2], *before[3:]]
    notice = read(damaged, 7, 1)[0].event
    assert isinstance(notice, RecordsLost)
    assert (notice.first_seq, notice.last_seq, notice.kept_as) == (7, 7, loss.kept_as.name)
    assert notice.reason == loss.reason


def test_a_missing_segment_is_declared_record_by_record(damaged: Path) -> None:
    first, second, _ = segments(damaged)
    second.unlink()
    (loss,) = repair(damaged).losses
    assert (loss.file, loss.first_seq, loss.last_seq) == (first, 5, 8)
    assert lost(damaged) == {5, 6, 7, 8}
    assert texts(damaged) == ALL[:3] + ALL[6:]


def test_a_segment_whose_first_line_is_damaged_becomes_part_of_the_one_before(damaged: Path) -> None:
    first, second, third = segments(damaged)
    change(second, b'"lb1"', b'"lb2"')
    done = repair(damaged)
    assert [(loss.file, loss.first_seq, loss.last_seq) for loss in done.losses] == [(second, 5, 5)]
    assert segments(damaged) == [first, third]
    assert texts(damaged) == ALL
    assert done.kept.keys() == {first, second}


def test_without_the_first_checkpoint_what_follows_it_cannot_be_used(damaged: Path) -> None:
    first, second, third = segments(damaged)
    change(first, b'"lb1"', b'"lb2"')
    (loss,) = repair(damaged).losses
    assert (loss.file, loss.first_seq, loss.last_seq) == (first, 2, 4)
    assert segments(damaged) == [second, third]
    assert texts(damaged) == ALL[3:]


def test_a_damaged_end_is_cut_and_nobody_knows_how_much_it_was(damaged: Path) -> None:
    path = segments(damaged)[2]
    change(path, b'"i"', b'"I"')
    (loss,) = repair(damaged).losses
    assert (loss.file, loss.first_seq, loss.last_seq) == (path, 12, None)
    assert texts(damaged) == ALL[:-1]
    write(damaged, ["after"])
    assert texts(damaged) == [*ALL[:-1], "after"]


def test_half_a_line_at_the_end_is_left_to_the_next_start(damaged: Path) -> None:
    path = segments(damaged)[2]
    path.write_bytes(path.read_bytes() + b'{"seq":13')
    assert repair(damaged) == Repaired([], {})
    change(segments(damaged)[0], b'"b"', b'"B"')
    assert [loss.first_seq for loss in repair(damaged).losses] == [3]
    assert path.read_bytes().endswith(b'{"seq":13')


def test_lines_that_are_repeated_are_dropped_and_nothing_is_lost(damaged: Path) -> None:
    path = segments(damaged)[1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[1:]))
    done = repair(damaged)
    assert (done.losses, list(done.kept)) == ([], [path])
    assert path.read_bytes() == b"".join(lines)


def test_a_segment_of_another_journal_costs_what_cannot_be_joined(damaged: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, ["x", "y", "z"], ["u", "v", "w"])
    segments(damaged)[1].write_bytes(segments(other)[1].read_bytes())
    repair(damaged)
    assert texts(damaged) == [*ALL[:3], "u", "v", "w", *ALL[6:]] or lost(damaged)
    assert salvage(damaged)[1] == []


def flip(whole: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]


def cut(whole: bytes, chance: random.Random) -> bytes:
    return whole[: chance.randrange(len(whole))]


def zero(whole: bytes, chance: random.Random) -> bytes:
    at = 512 * chance.randrange(1 + len(whole) // 512)
    return whole[:at] + b"\0" * len(whole[at : at + 512]) + whole[at + 512 :]


def repeat(whole: bytes, chance: random.Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join(lines[: at + 1] + lines[chance.randrange(at + 1) :])


def shuffle(whole: bytes, chance: random.Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def drop(whole: bytes, chance: random.Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    begin = chance.randrange(len(lines))
    return b"".join(lines[:begin] + lines[begin + 1 + chance.randrange(3) :])


@pytest.mark.parametrize("harm", [flip, cut, zero, repeat, shuffle, drop])
def test_whatever_is_done_to_a_journal_the_rest_reads_again(
    tmp_path: Path, harm: Callable[[bytes, random.Random], bytes]
) -> None:
    original = tmp_path / "original"
    original.mkdir()
    write(original, ALL[:3], ALL[3:6], ALL[6:])
    written = {record.seq: record for record in read(original)}
    chance = random.Random(harm.__name__)
    for round in range(60):
        directory = tmp_path / str(round)
        directory.mkdir()
        for path in segments(original):
            (directory / path.name).write_bytes(path.read_bytes())
        for _ in range(1 + round % 3):
            path = chance.choice(segments(directory))
            if whole := path.read_bytes():
                path.write_bytes(harm(whole, chance))
        repaired_well(directory, written)


def repaired_well(directory: Path, written: Mapping[int, object]) -> None:
    readable = {record.seq for record in salvage(directory)[0]}
    done = repair(directory)
    records = read(directory)  # raises if anything is damaged
    noticed = {record.seq for record in records if isinstance(record.event, RecordsLost)}
    assert all(record == written[record.seq] for record in records if record.seq not in noticed)
    assert repair(directory) == Repaired([], {})
    missing = readable - {record.seq for record in records if record.seq not in noticed}
    ranges = [range(loss.first_seq, loss.last_seq + 1 if loss.last_seq else 99) for loss in done.losses]
    assert all(any(seq in span for span in ranges) for seq in missing | noticed)
    if records:
        write(directory, ["after"])
        assert texts(directory)[-1] == "after"


def test_a_journal_that_is_being_written_is_refused(damaged: Path) -> None:
    holder = open_journal(damaged)
    with pytest.raises(Locked):
        repair(damaged)
    holder.close()


def test_one_file_is_no_journal_to_repair(damaged: Path) -> None:
    with pytest.raises(NoJournal):
        repair(segments(damaged)[0])


def test_any_checksum_can_be_sealed() -> None:
    chance = random.Random(1)
    for _ in range(20):
        chain, wanted = chance.getrandbits(32), chance.getrandbits(32)
        body = seal(lambda digits: encode_body(7, b"now", 1.5, None, b'{"seal":"%b"}' % digits.encode()), chain, wanted)
        assert crc32(body, chain) == wanted


def test_a_journal_is_the_same_to_its_readers_wherever_they_begin(damaged: Path) -> None:
    change(segments(damaged)[1], b'"e"', b'"E"')
    repair(damaged)
    reader: JournalReader[Event] = JournalReader(damaged, decode)
    assert [record.seq for record in reader.records(7)] == list(range(7, 13))
    assert reader.seq_of_last(6) == 7
    assert read(damaged, 8, 1)[0].event == Noted(text="f")
