"""Writes records as one segment by itself, which verifies and replays alone. Their numbers and times stay theirs."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from journal.files import OsFiles
from journal.format import Record, SegmentOpened, encode_body, encode_line, encode_opening

_BUFFER = 1 << 20


def write_segment(
    path: Path, opened: Record[SegmentOpened], records: Iterable[Record[msgspec.Raw]], files: OsFiles | None = None
) -> int:
    """Write a segment that begins with ``opened`` and goes on with ``records``; returns how many lines it has.

    Checksums are made anew, from that which ``opened`` says it continues. The file appears whole or not at all.
    Raises ``OSError``.
    """
    files = files or OsFiles()
    draft = path.with_name(f".{path.name}.part")
    fd = files.create(draft)
    try:
        lines = _write(lambda chunk: files.write(fd, chunk), opened, records)
        files.sync(fd)
        files.rename(draft, path)
    except BaseException:
        files.remove(draft)
        raise
    finally:
        files.close(fd)
    return lines


def _write(
    write: Callable[[memoryview], int], opened: Record[SegmentOpened], records: Iterable[Record[msgspec.Raw]]
) -> int:
    event = encode_opening(opened.event) + bytes(opened.event.checkpoint) + b"}"
    line, chain = encode_line(_body(opened, event), int(opened.event.chain, 16))
    buffer, lines = bytearray(line), 1
    for record in records:
        line, chain = encode_line(_body(record, bytes(record.event)), chain)
        buffer += line
        lines += 1
        if len(buffer) >= _BUFFER:
            _write_all(write, buffer)
            buffer = bytearray()
    _write_all(write, buffer)
    return lines


def _body(record: Record[msgspec.Raw] | Record[SegmentOpened], event: bytes) -> bytes:
    return encode_body(record.seq, record.at.encode(), record.mono, record.cause, event)


def _write_all(write: Callable[[memoryview], int], chunk: bytearray) -> None:
    view = memoryview(chunk)
    while view:
        view = view[write(view) :]
