"""Files written whole, or not at all: whoever reads one sees what it was or what it is."""

import os
from pathlib import Path

from journal.files import OsFiles


def replace_file(path: Path, text: str, *, durable: bool = False, mode: int | None = None) -> None:
    """Put a text in a file's place; ``durable``: return once it is on the platter. Its permissions are ``mode``, else
    what the umask leaves. Raises OSError, which names ``path``.

    The directory may be shared: nobody can guess the draft's name.
    """
    try:
        _replace(path, text, durable=durable, mode=mode)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error


def _replace(path: Path, text: str, *, durable: bool, mode: int | None) -> None:
    fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    with fresh.open("x", encoding="utf-8") as draft:
        try:
            draft.write(text)
            draft.flush()
            if mode is not None:
                os.fchmod(draft.fileno(), mode)
            if durable:
                os.fsync(draft.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    if durable:
        OsFiles().sync_directory(path.parent)
