"""Reading a small text file whole, with a plain reason when that is not possible. Writes nothing."""

import os
import stat


class UnreadableError(ValueError):
    """A file cannot be used: why."""


def read_text(path: str, *, limit: int, regular: bool = False) -> str:
    """The text of a UTF-8 file of at most ``limit`` bytes; raises UnreadableError.

    ``regular`` refuses pipes and devices, which may never end or never begin.
    """
    try:
        special = regular and not stat.S_ISREG(os.stat(path).st_mode)
        content = b"" if special else _read(path, limit + 1)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise UnreadableError("cannot be read: not a file name") from None
    if special:
        raise UnreadableError("cannot be read: not a regular file")
    if len(content) > limit:
        raise UnreadableError(f"is larger than {limit} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8: byte {error.start} cannot be read") from None


def _read(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


def readable_by_others(path: str) -> bool:
    """Whether a file's permissions let everybody read it."""
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        return False
