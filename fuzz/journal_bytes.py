"""A journal's bytes: every verb reads them, or says in words why not; after a repair they are intact.

An input is one segment, or several with a line of ``%%`` between them.
"""

import shutil

from fuzz.scratch import scratch_directory
from fuzz.verbs import READERS, run

SEPARATOR = b"%%\n"

_DIRECTORY = scratch_directory("journal_bytes")


def one_input(data: bytes) -> None:
    """Read them, repair them, read them again."""
    shutil.rmtree(_DIRECTORY)
    _DIRECTORY.mkdir()
    for number, segment in enumerate(data.split(SEPARATOR)[:4]):
        (_DIRECTORY / f"{_first_seq(segment, number):020}.jsonl").write_bytes(segment)
    journal = str(_DIRECTORY)
    for verb in READERS:
        run(*verb, journal)
    run("tail", "--salvage", "--journal", journal)
    run("journal", "repair", journal)
    repaired = run("journal", "fsck", journal)
    assert "checksum" not in repaired.output, repaired.output


def _first_seq(segment: bytes, number: int) -> int:
    """What a segment's name says: its first record's number where that can be read."""
    digits = segment[len(b'{"seq":') : 40].partition(b",")[0]
    return int(digits) if digits.isdigit() and len(digits) <= 19 else 1 + 1000 * number
