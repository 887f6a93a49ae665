"""How far the journal has been told, in a file that is always whole: one line of JSON."""

from pathlib import Path

import msgspec

from kglb.cli.output import EXIT_ENVIRONMENT, Failed
from kglb.cli.replacing import replace_file
from kglb.replay.place import Place


def read_place(path: Path) -> Place | None:
    """The place in a file; None if there is no file. Raises Failed."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(
            EXIT_ENVIRONMENT, f"{path}: {error.strerror or error}", "--state names a file of this user"
        ) from None
    except msgspec.MsgspecError as error:
        raise Failed(
            EXIT_ENVIRONMENT,
            f'{path}: expected {{"seq":...,"at":...,"crc":...}} as notify writes it: {error}',
            "remove it to begin at the end of the journal, or name another file",
        ) from None


def write_place(path: Path, place: Place) -> None:
    """Replace the file; returns once it is on the platter. Raises OSError."""
    replace_file(path, msgspec.json.encode(place).decode() + "\n", durable=True)
