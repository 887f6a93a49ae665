"""How far a journal has been read, and where to continue if the journal has changed meanwhile.

A record's checksum continues that of the record before it, so number and checksum together name all that was recorded
up to there: another journal, or one that was cut back and went on otherwise, is told from the one that was read.
"""

from typing import NamedTuple

import msgspec

from kglb.replay.source import Found, Source


class Place(msgspec.Struct, frozen=True):
    """The last record that was read: its number, its time, its checksum."""

    seq: int
    at: str
    crc: str


class Resumed(NamedTuple):
    """The record to go on with, and what is lost on the way, in words; empty if nothing is."""

    first: int
    lost: str = ""


def place_of(record: Found) -> Place:
    """Behind a record."""
    return Place(record.seq, record.at, record.crc)


def resume(source: Source, place: Place) -> Resumed:
    """Where to go on behind a place. Raises NothingRecordedError.

    In a journal that is not the one that was read it is the first record since the time of the last one read.
    """
    bounds = source.bounds()
    following = place.seq + 1
    if place.seq in bounds:
        record = source.record(place.seq)
        if record is None or record.crc == place.crc:  # one that is damaged by now is reported by who reads on
            return Resumed(following)
    elif bounds[0] > following:
        return Resumed(bounds[0], pruned(following, bounds[0] - 1))
    elif bounds[0] == following and _continues(source, place):
        return Resumed(following)
    first = source.reader.seq_at(place.at)
    return Resumed(
        first,
        f"the journal does not have record {place.seq} of {place.at} as it was read: it was cut back, or is another; "
        f"going on with record {first}, the first since then",
    )


def pruned(first: int, last: int) -> str:
    """What to say of records that were removed before they were read."""
    which = f"record {first}" if first == last else f"records {first} to {last}"
    return f"{which} went from the journal before anybody was told of them"


def _continues(source: Source, place: Place) -> bool:
    """Whether the journal's first record follows the place."""
    opened = source.reader.checkpoint(place.seq + 1)
    return opened is not None and opened.event.chain == place.crc
