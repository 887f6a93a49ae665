"""A file that is rewritten while the process runs, or no file. Only the first write must succeed."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from kglb.cli.output import EXIT_ENVIRONMENT, Failed

T = TypeVar("T")


class Rewritten(Generic[T]):
    """The file that ``option`` names; ``write`` replaces it, and may raise OSError.

    A disk that fails later ends nothing: ``say`` is told once, and ``otherwise`` says what it leads to.
    """

    def __init__(
        self,
        path: Path | None,
        write: Callable[[Path, T], None],
        *,
        option: str,
        say: Callable[[str], None],
        otherwise: str,
    ) -> None:
        self.path = path
        self._write = write
        self._option = option
        self._say = say
        self._otherwise = otherwise
        self._said = ""

    def begin(self, content: T) -> None:
        """Write it for the first time. Raises Failed."""
        if self.path is None:
            return
        try:
            self._write(self.path, content)
        except OSError as error:
            raise unwritable(self.path, error, self._option) from None

    def write(self, content: T) -> None:
        """Write it once more, if that is possible."""
        if self.path is None:
            return
        try:
            self._write(self.path, content)
            self._said = ""
        except OSError as error:
            if self._said != (said := error.strerror or str(error)):
                self._said = said
                self._say(f"{self.path}: {said}: {self._otherwise}")


def unwritable(path: Path, error: OSError, option: str) -> Failed:
    """What to tell an operator whose file cannot be written."""
    remedy = f"{option} names a file in a directory that this user may write to"
    return Failed(EXIT_ENVIRONMENT, f"{path}: {error.strerror or error}", remedy)
