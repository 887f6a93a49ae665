"""How far the journal has been told: one line of JSON in a file that is always whole and belongs to one process.

The lock is a file of its own, because each write replaces the file with the place.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from journal import FileLock, Locked, OsFiles
from kglb.cli.notifying.rewritten import unwritable
from kglb.cli.output import EXIT_ENVIRONMENT, Failed
from kglb.cli.replacing import replace_file
from kglb.model.endpoint import MalformedError
from kglb.replay.place import Place
from kglb.replay.times import read_record_time

_LOCK: Final = ".lock"


@contextmanager
def held(path: Path | None) -> Iterator[None]:
    """Nobody else has this file for a state meanwhile. Raises Failed if somebody has it already."""
    if path is None:
        yield
        return
    try:
        lock = FileLock(OsFiles(), path.with_name(path.name + _LOCK), path)
    except Locked as error:
        problem = f"{path}: {error.holder} keeps its place there, and two would tell everything twice"
        raise Failed(EXIT_ENVIRONMENT, problem, "stop that one, or give this one a --state of its own") from None
    except OSError as error:
        raise unwritable(path, error, "--state") from None
    try:
        yield
    finally:
        lock.release()


def read_place(path: Path) -> Place | None:
    """The place in a file; None if there is no file. Raises Failed."""
    try:
        place = msgspec.json.decode(path.read_bytes(), type=Place)
        read_record_time(place.at)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(
            EXIT_ENVIRONMENT, f"{path}: {error.strerror or error}", "--state names a file of this user"
        ) from None
    except (msgspec.MsgspecError, MalformedError) as error:
        raise Failed(
            EXIT_ENVIRONMENT,
            f'{path}: expected {{"seq":...,"at":...,"crc":...}} as notify writes it: {error}',
            "remove it to begin at the end of the journal, or name another file",
        ) from None
    return place


def write_place(path: Path, place: Place) -> None:
    """Replace the file; returns once it is on the platter. Raises OSError."""
    replace_file(path, msgspec.json.encode(place).decode() + "\n", durable=True)
